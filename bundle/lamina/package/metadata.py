"""What a packed bundle says about itself: metadata and README."""

from collections.abc import Mapping, Sequence
from typing import Any

from lamina.tasks.config_text import escape_text
from lamina.tasks.dimensions import for_dims
from lamina.tasks.labels import Label


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
        "label_classes": escape_text(", ".join(f"{one.value} {one.name}" for one in labels)),
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
        "channel_def": {str(label.value): escape_text(label.name) for label in labels},
    }
    return {
        **base,
        **about,
        "network_data_format": {
            "inputs": {"image": image},
            "outputs": {"pred": {**image, **segmentation}},
        },
    }


_CARD = """\
# {title}

A MONAI bundle in {dims}D, packed by Lamina {version}. It carries the package `lamina`, so that it runs where Lamina is not installed; what else it needs stands in `configs/metadata.json` (`required_packages_version`).

| value | structure |
|---|---|
{rows}

Run from this folder:

    python -m monai.bundle run inference  --config_file configs/inference.json --input_dir IMAGES --output_dir MASKS
    python -m monai.bundle run evaluating --config_file configs/evaluate.json  --dataset_dir DATA
    python -m monai.bundle run training   --config_file configs/train.json     --dataset_dir DATA

From another folder, add `--bundle_root` with this folder's path. `DATA` holds `images/` and `labels/` with equal names, or `dataset.json` with `imagesTr/` and `labelsTr/`. Results and runs go to `runs/`; `models/model.pt` is never overwritten. `sha256sum -c SHA256SUMS` checks that nothing was changed.

Data: {citation}. Licence of the data: {licence}.

{model}
"""


def bundle_card(
    task: Mapping[str, Any], labels: Sequence[Label], version: str, model_card: str | None
) -> str:
    """Return the README's text; ``model_card`` is that of the weights, where there is one."""
    return _CARD.format(
        title=task["title"],
        dims=task["spatial_dims"],
        version=version,
        rows="\n".join(f"| {label.value} | {label.name} |" for label in labels),
        citation=str(task.get("citation") or "not stated").rstrip("."),
        licence=str(task.get("licence") or "not stated").rstrip("."),
        model=f"---\n\n{model_card.strip()}" if model_card else "There are no weights in it yet.",
    )
