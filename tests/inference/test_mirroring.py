import logging

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.errors import ConfigError
from lamina.files import read_json
from lamina.inference import mirror_axes
from lamina.inference.grid_inferer import GridInferer
from lamina.inference.mirroring import mirrored
from lamina.tasks.catalogue import CHECKOUT
from lamina.tasks.labels import read_labels

LUNG = read_labels(
    [
        {"value": 0, "name": "background", "color": [0, 0, 0]},
        {"value": 1, "name": "lung", "color": [0, 120, 255]},
    ]
)
SIDES = read_labels(
    [
        {"value": 0, "name": "background", "color": [0, 0, 0]},
        {"value": 1, "name": "left_lung", "color": [0, 120, 255]},
    ]
)


def flips(axes):
    return {"transforms": [{"_target_": "A", "prob": 1.0}, {"_target_": "B", "flip_axes": axes}]}


def test_nothing_is_mirrored_unasked():
    assert mirror_axes(None, flips([0]), LUNG, 3) == []


@pytest.mark.parametrize(
    ("axes", "dims", "expected"),
    [
        ([0], 3, [0]),
        ([2, 0], 3, [0, 2]),
        ([0, 1, 2], 2, [0, 1]),
        ("$list(range(@spatial_dims))", 3, [0, 1, 2]),
        ("$list(range(@spatial_dims))", 2, [0, 1]),
    ],
)
def test_axes_are_those_of_the_training(axes, dims, expected):
    assert mirror_axes("mirror", flips(axes), LUNG, dims) == expected


def test_never_x_where_sides_are_classes(caplog):
    caplog.set_level(logging.INFO, "lamina")
    assert mirror_axes("mirror", flips([0, 1]), SIDES, 3) == [1]
    assert "not mirrored along x, since 'left_lung' names a side" in caplog.text
    assert "2 mirror images (y)" in caplog.text
    with pytest.raises(ConfigError, match=r"no axis: left and right are classes \(left_lung\)"):
        mirror_axes("mirror", flips([0]), SIDES, 3)


@pytest.mark.parametrize("augmentation", [None, flips([]), {"transforms": []}])
def test_a_task_that_is_not_mirrored_in_training_is_refused(augmentation):
    with pytest.raises(ConfigError, match="trained without flip_axes"):
        mirror_axes("mirror", augmentation, LUNG, 3)


def test_other_words_are_refused():
    with pytest.raises(ConfigError, match="tta: 'rotate'"):
        mirror_axes("rotate", flips([0]), LUNG, 3)


@pytest.mark.parametrize(
    ("name", "expected"), [("hippocampus_mr", [0]), ("cochlea_electrodes", [0, 1, 2])]
)
def test_tasks_of_the_checkout(name, expected):
    task = read_json(CHECKOUT / "configs" / "tasks" / f"{name}.json")
    labels = read_labels(task["labels"])
    assert mirror_axes("mirror", task["augmentation"], labels, 3) == expected


def network_of(dims):
    torch.manual_seed(2)
    return {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[dims](1, 3, 3, padding=1).requires_grad_(False)


@settings(deadline=None)
@given(axes=st.sets(st.sampled_from([0, 1, 2])))
def test_the_mean_turns_with_the_image(axes):
    run = mirrored(network_of(3), sorted(axes))
    x = torch.rand(1, 1, 4, 5, 6)
    for axis in axes:
        torch.testing.assert_close(run(x.flip(axis + 2)), run(x).flip(axis + 2))


def test_without_axes_it_is_the_network_itself():
    network = network_of(2)
    assert mirrored(network, []) is network


def test_each_mirroring_counts_once():
    seen = []
    mirrored(lambda x: seen.append(x.flatten().tolist()) or x, [0, 1])(
        torch.arange(4.0).reshape(1, 1, 2, 2)
    )
    assert sorted(seen) == [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]]


@pytest.mark.parametrize("axes", [[3], [-1], [0, 0]])
def test_other_axes_are_refused(axes):
    with pytest.raises(ConfigError, match="mirror_axes"):
        mirrored(network_of(3), axes)


def test_labels_of_a_mirrored_image_are_mirrored():
    x = torch.rand(1, 1, 20, 12, 9)
    inferer = GridInferer((20, 12, 9), mirror_axes=[0])
    network = network_of(3)
    assert (inferer(x.flip(2), network) == inferer(x, network).flip(2)).float().mean() > 0.999
