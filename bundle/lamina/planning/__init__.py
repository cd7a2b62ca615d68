"""From a folder of images and labels to a task: what the data are, their defects, what fits."""
