"""The README of a packed bundle."""

from collections.abc import Mapping, Sequence
from typing import Any

from lamina.tasks import Label

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
