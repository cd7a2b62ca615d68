"""NRRD and MetaImage, read by ITK behind a check of their headers."""
