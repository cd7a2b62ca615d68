import json

import pytest

from lamina.package.metadata import bundle_card, packed_metadata
from lamina.tasks.catalogue import CHECKOUT, task_files
from lamina.tasks.dimensions import for_dims
from lamina.tasks.labels import read_labels

BASE = json.loads((CHECKOUT / "configs" / "metadata.json").read_text())


@pytest.mark.parametrize("path", task_files(), ids=lambda path: path.stem)
def test_the_format_is_that_of_the_task(path):
    task = json.loads(path.read_text())
    labels = read_labels(task["labels"])
    metadata = packed_metadata(BASE, task, labels)
    inputs = metadata["network_data_format"]["inputs"]["image"]
    outputs = metadata["network_data_format"]["outputs"]["pred"]
    window = for_dims(task["window_size"], task["spatial_dims"])
    assert inputs["spatial_shape"] == outputs["spatial_shape"] == window
    assert inputs["num_channels"] == task["in_channels"] == len(inputs["channel_def"])
    assert outputs["num_channels"] == len(labels)
    assert list(outputs["channel_def"].values()) == [label.name for label in labels]
    assert metadata["name"] == task["name"]
    assert metadata["monai_version"] == BASE["monai_version"]


def test_the_card_names_structures_licence_and_model():
    task = {
        "title": "Lungs",
        "spatial_dims": 2,
        "citation": "made up.",
        "licence": "CC BY 4.0",
    }
    labels = read_labels(
        [
            {"value": 0, "name": "background", "color": [0, 0, 0]},
            {"value": 1, "name": "lung", "color": [0, 0, 9]},
        ]
    )
    card = bundle_card(task, labels, "1.2.3", "# the model\n")
    assert "| 1 | lung |" in card
    assert "Data: made up. Licence of the data: CC BY 4.0." in card
    assert card.endswith("# the model\n")
    assert "no weights in it yet" in bundle_card(task, labels, "1.2.3", None)
