"""From the raw material of a study to a data set."""
