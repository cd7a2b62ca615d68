import pytest
import torch
from monai.networks.nets import UNet

from lamina.tasks.check_network import nearest_size, network_problems, output_shape

LABELS = [{"value": v, "name": str(v), "color": [0, 0, 0]} for v in range(3)]
UNET = {
    "_target_": "UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 3,
    "channels": [4, 8, 16],
    "strides": [2, 2],
}


def config(**changes):
    sizes = {"patch_size": [8, 12, 20], "window_size": [16, 8, 4]}
    task = {"in_channels": 1, "labels": LABELS}
    return {"task": task, "spatial_dims": 3, "network_def": UNET} | sizes | changes


def test_nothing_is_wrong_with_sizes_that_fit():
    assert list(network_problems(config())) == []


def test_a_size_that_does_not_fit_is_told_with_one_that_does():
    (problem,) = network_problems(config(patch_size=[8, 13, 20]))
    assert problem.startswith("patch_size: 8 × 13 × 20 does not fit the network")
    assert problem.endswith("8 × 16 × 20 would do")


@pytest.mark.parametrize("outputs", [1, 4])
def test_channels_are_compared_with_classes(outputs):
    problems = list(network_problems(config(network_def=UNET | {"out_channels": outputs})))
    assert f"{outputs} output channels, but task#labels has 3 classes" in problems[0]


def test_a_network_that_can_not_be_made_says_why():
    (problem,) = network_problems(config(network_def=UNET | {"strides": []}))
    assert problem.startswith("network_def: can't be made")


def test_nothing_is_computed():
    with torch.device("meta"):
        network = UNet(3, 1, 2, [4, 8], [2])
    assert output_shape(network, 1, [4096, 4096, 4096]) == (1, 2, 4096, 4096, 4096)


def test_the_nearest_size_is_larger_and_fits():
    with torch.device("meta"):
        network = UNet(2, 1, 2, [4, 8, 16, 32], [2, 2, 2])
    assert nearest_size(network, 1, [30, 41]) == [32, 48]
    assert nearest_size(torch.nn.Conv2d(1, 1, 3), 1, [8, 8]) is None


def test_without_a_network_nothing_is_tried():
    assert list(network_problems({"epochs": 3})) == []
