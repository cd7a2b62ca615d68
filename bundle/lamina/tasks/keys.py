"""The keys of a task file, and what each says."""

TASK_KEYS = {
    "name": "the task's name, as its file is called",
    "title": "one line for people",
    "spatial_dims": "2 or 3, where nothing else is asked for",
    "in_channels": "channels of an image",
    "labels": "value, name and colour of each class",
    "label_values": "what stands for a class in the label files; null where they hold the class",
    "phantoms": "what makes the task's own data; null where it has none",
    "fractions": "shares of training, validation and test",
    "spacing": "voxel size in mm that images are resampled to",
    "preprocessing": "from a file to the network's input",
    "patch_size": "voxels of a training patch",
    "window_size": "voxels of a window at inference",
    "patches_per_case": "patches of each case in an epoch",
    "augmentation": "what a batch goes through in training",
    "network_def": "the network",
    "strides": "of the network, where they differ between 2D and 3D",
    "loss": "the loss",
    "epochs": "length of the training",
    "lr": "largest learning rate",
    "batch_size": "patches of a step",
    "val_interval": "epochs from one validation to the next",
    "postprocessing": "what is done to a label map behind the network",
    "formats": "what a prediction is written as, where not the source decides",
    "measure": "what an evaluation measures",
    "citation": "where the data come from",
    "licence": "of the data",
}

OPTIONAL_TASK_KEYS = {"spacing", "strides", "postprocessing", "formats", "citation", "licence"}
