"""What a packed bundle says about itself, after MONAI's bundle specification."""

from collections.abc import Mapping, Sequence
from typing import Any

from lamina.tasks import Label, for_dims


def packed_metadata(
    base: Mapping[str, Any], task: Mapping[str, Any], labels: Sequence[Label]
) -> dict[str, Any]:
    """Return the metadata of a task's bundle.

    Parameters
    ----------
    base
        Those of Lamina: versions, authors, schema.
    task
        What the task file says.
    labels
        Its classes.
    """
    dims = task["spatial_dims"]
    shape = list(for_dims(task["window_size"], dims, "window_size"))
    about = {
        "name": task["name"],
        "task": task["title"],
        "description": f"{task['title']}: a U-Net in {dims}D, packed by Lamina",
        "data_source": task.get("citation") or "not stated",
        "data_type": "nifti, dicom, png",
        "image_classes": f"{task['in_channels']} channel(s), normalised as train.json says",
        "label_classes": ", ".join(f"{label.value} {label.name}" for label in labels),
        "pred_classes": f"{len(labels)} channels, one a class",
    }
    image = {
        "type": "image",
        "format": "magnitude",
        "num_channels": task["in_channels"],
        "spatial_shape": shape,
        "dtype": "float32",
        "value_range": [-10, 10],
        "is_patch_data": True,
        "channel_def": {str(index): "image" for index in range(task["in_channels"])},
    }
    segmentation = {
        "format": "segmentation",
        "num_channels": len(labels),
        "value_range": [],
        "channel_def": {str(label.value): label.name for label in labels},
    }
    return {
        **base,
        **about,
        "network_data_format": {
            "inputs": {"image": image},
            "outputs": {"pred": {**image, **segmentation}},
        },
    }
