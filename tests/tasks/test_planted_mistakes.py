"""Mistakes that people make in tasks and configs: each is named, none is invented."""

import copy

import pytest

from lamina.errors import ConfigError
from lamina.tasks.check import check_config

# What is changed (ids from the config's root, a value or a deletion), and what must be said.
GONE = object()
MISTAKES = {
    "a key misspelt": ("task#epoch", 3, "task's key 'epoch' (did you mean 'epochs'?)"),
    "a key left out": ("task#loss", GONE, "the task lacks 'loss'"),
    "an argument misspelt": (
        "task#network_def#chanels",
        [1],
        "UNet takes no 'chanels' (did you mean 'channels'?)",
    ),
    "a component misspelt": ("task#loss#_target_", "DiceCELos", "there is no 'DiceCELos'"),
    "too few output channels": (
        "task#network_def#out_channels",
        3,
        "3 output channels, but task#labels has 9 classes",
    ),
    "an input channel too many": ("task#network_def#in_channels", 2, "does not fit the network"),
    "a patch that the strides can't divide": (
        "patch_size",
        [100, 250],
        "patch_size: 100 × 250 does not fit the network",
    ),
    "a window that the strides can't divide": (
        "window_size",
        [120, 256],
        "128 × 256 would do",
    ),
    "a patch of one number": ("patch_size", [64], "patch_size: [64], expected 2 sizes"),
    "a patch of three numbers": (
        "patch_size",
        [64, 64, 64],
        "expected 2 sizes of at least 1 in 2D",
    ),
    "a patch of nothing": ("patch_size", [0, 64], "expected 2 sizes of at least 1"),
    "strides that do not fit the channels": (
        "task#network_def#strides",
        [2],
        "network_def: can't be made",
    ),
    "a metric misspelt": (
        "task#measure#metrics",
        ["dice", "hausdorf_distance_95"],
        "nothing computes 'hausdorf_distance_95'; did you mean 'hausdorff_distance_95'?",
    ),
    "a layer metric without a depth": (
        "task#measure",
        {"_target_": "lamina.metrics.MeasureSettings", "metrics": ["boundary_error"]},
        "'boundary_error' needs a depth axis",
    ),
    "no epochs": ("epochs", 0, "epochs: 0, expected a whole number from 1"),
    "half an epoch": ("epochs", 1.5, "epochs: 1.5, expected a whole number from 1"),
    "an empty batch": ("batch_size", 0, "batch_size: 0, expected a whole number from 1"),
    "a negative rate": ("lr", -1.0, "lr: -1.0, expected a number above 0"),
    "negative workers": ("num_workers", -1, "num_workers: -1, expected a whole number from 0"),
    "a patience of nothing": ("patience", 0, "patience: 0, expected a whole number from 1"),
    "too much smoothing": ("smoothing", 1.0, "smoothing: 1.0, expected a number from 0"),
    "shares beyond one": ("fractions", [0.8, 0.2, 0.2], "fractions: [0.8, 0.2, 0.2]"),
    "two shares": ("fractions", [0.8, 0.2], "fractions in training, validation and test"),
    "a fourth dimension": ("spatial_dims", 4, "spatial_dims: 4, expected 2 or 3"),
    "a folder that is not there": ("dataset_dir", "/not/here", "dataset_dir: /not/here"),
    "a label without a name": ("task#labels#1#name", GONE, "lacks 'name', expected an object as"),
    "a label with an empty name": (
        "task#labels#1#name",
        " ",
        "task#labels#1#name: ' ', expected a text that is not empty",
    ),
    "a label without a colour": (
        "task#labels#1#color",
        GONE,
        "lacks 'color', expected an object as",
    ),
    "a colour beyond 255": (
        "task#labels#1#color",
        [0, 300, 0],
        "task#labels#1#color (NFL): [0, 300, 0], expected three whole numbers from 0 to 255",
    ),
    "a colour of two numbers": (
        "task#labels#1#color",
        [0, 30],
        "task#labels#1#color (NFL): [0, 30], expected three whole numbers from 0 to 255",
    ),
    "a name twice": ("task#labels#2#name", "NFL", "['NFL'] stands twice"),
    "a gap in the values": ("task#labels#8#value", 9, "number the labels without gaps"),
    "codes for a class that is not there": (
        "task#label_values",
        {"0": 0, "255": 12},
        "expected classes from 0 to 8",
    ),
    "a key of a label misspelt": (
        "task#labels#1#colour",
        [0, 0, 1],
        "nothing knows task#labels#1's key 'colour' (did you mean 'color'?)",
    ),
    "labels that are no list": ("task#labels", {}, "task#labels: {}, expected a list as [{"),
    "a code that lacks its scheme": (
        "task#labels#1#code",
        {"value": "5665001", "meaning": "Retina"},
        'lacks \'scheme\', expected an object as {"value": "39607008"',
    ),
    "codes that are no numbers": (
        "task#label_values",
        {"0": "background"},
        "task#label_values: {'0': 'background'}, expected null, or each value of a label file",
    ),
    "no epochs in the task": ("task#epochs", {"2": 0}, "task#epochs: {'2': 0}, expected a whole"),
    "a rate in words": ("task#lr", "high", "task#lr: 'high', expected a number above 0"),
    "a step without its name": (
        "task#preprocessing",
        [{"keys": "image"}],
        "task#preprocessing: [{'keys': 'image'}], expected a list of components",
    ),
    "two channels of a file": ("task#image_channels", 2, "image_channels: 2, expected 1 or 3"),
    "a rule misspelt": (
        "task#series_rules",
        {"missing_slice": "refuse"},
        "nothing knows task#series_rules's key 'missing_slice' (did you mean 'missing_slices'?)",
    ),
    "a rule that nothing follows": (
        "series_rules#tilt",
        "ignore",
        "series_rules#tilt: 'ignore', expected accept or refuse",
    ),
    "readers of an earlier version": (
        "task#preprocessing",
        [
            {
                "_target_": "LoadImaged",
                "keys": "image",
                "reader": {"_target_": "lamina.cases.CaseReader", "channels": 3, "tilt": "refuse"},
            },
            {"_target_": "LoadImaged", "keys": ["label"]},
        ],
        (
            "task#preprocessing: steps 0 and 1 (LoadImaged): the workflow reads image and label now, "
            'before the task\'s own steps: take them out; write "image_channels": 3 and '
            '"series_rules": {"tilt": "refuse"} into the task instead'
        ),
    ),
    "a name of an earlier version": (
        "task#preprocessing",
        [
            {
                "_target_": "LoadImaged",
                "keys": "x",
                "reader": {"_target_": "lamina.cases.LabelReader"},
            }
        ],
        (
            "task#preprocessing#0#reader#_target_: 'lamina.cases.LabelReader' is called "
            "'lamina.readers.LabelReader' now"
        ),
    ),
    "a name of an earlier version in an expression": (
        "train#handlers#7#draw",
        "$lamina.output.panel_drawer(@task#labels)",
        "'lamina.output.panel_drawer' is called 'lamina.pictures.panel_drawer' now",
    ),
    "a dimension left out": (
        "task#patch_size",
        {"3": [64, 64, 16]},
        "task#patch_size has no entry for spatial_dims 2",
    ),
}


def plant(config, path, value):
    *parents, last = path.split("#")
    node = config
    for parent in parents:
        node = node[int(parent) if parent.isdigit() else parent]
    if value is GONE:
        del node[last]
    else:
        node[last] = value


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    from lamina.commands.check import _resolved
    from lamina.tasks.catalogue import CHECKOUT

    with_data = {"dataset_dir": str(tmp_path_factory.mktemp("data"))}
    return _resolved(CHECKOUT / "configs" / "train.json") | with_data


def test_the_config_is_right_before_a_mistake_is_planted(right):
    check_config(right)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_named(right, mistake):
    path, value, wanted = MISTAKES[mistake]
    config = copy.deepcopy(right)
    plant(config, path, value)
    with pytest.raises(ConfigError) as error:
        check_config(config)
    text = str(error.value)
    assert wanted in text
    assert "→" in text
    lines = [line for line in text.split("\n") if not line.startswith("  →")]
    assert len(lines) <= 2, "one mistake is not told as many"


def test_several_mistakes_stand_in_one_list(right):
    config = copy.deepcopy(right)
    for mistake in ("no epochs", "a metric misspelt", "a key misspelt"):
        plant(config, *MISTAKES[mistake][:2])
    with pytest.raises(ConfigError) as error:
        check_config(config)
    for mistake in ("no epochs", "a metric misspelt", "a key misspelt"):
        assert MISTAKES[mistake][2] in str(error.value)
