import json
from types import SimpleNamespace

import numpy as np
import pytest
from monai.bundle import ConfigParser
from PIL import Image

from lamina.errors import DataError
from lamina.planning.budget import Budget
from lamina.planning.choices import plan_task, sided
from lamina.planning.geometry import choose_sizes
from lamina.planning.names import class_names
from lamina.planning.survey import Survey
from lamina.tasks.catalogue import CHECKOUT
from lamina.tasks.check import check_config
from lamina.tasks.labels import read_labels

from .conftest import volume, write_case


def plan(root, survey_of, background=0, **more):
    survey = survey_of(root, background)
    names = class_names(root, survey.values)
    return plan_task(survey, "mine", names, background=background, patch_seconds=0.125, **more)


def require_right(task):
    for name in ("train", "inference", "evaluate"):
        content = json.loads((CHECKOUT / "configs" / f"{name}.json").read_text())
        parser = ConfigParser(content | {"task": json.loads(json.dumps(task))})
        parser.resolve_macro_and_relative_ids()
        check_config(parser.get())


def test_volumes(volumes, survey_of):
    task = plan(volumes, survey_of)
    require_right(task)
    assert task["spatial_dims"] == 3
    assert [label["name"] for label in task["labels"]] == ["background", "Body", "Tail"]
    assert task["label_values"] is None
    assert task["spacing"] == pytest.approx([1.501, 1.005, 3.0])
    # Of 26 × 22 × 12 voxels the last axis is coarser, and halved later.
    strides = task["network_def"]["strides"]
    assert strides[1] == [2, 2, 1]
    assert all(a % b == 0 for a, b in zip(task["patch_size"]["3"], [4, 4, 2], strict=True))


def test_volumes_slice_by_slice(volumes, survey_of):
    task = plan(volumes, survey_of, dims=2)
    require_right(task)
    assert task["spacing"][2] == -1.0
    assert len(task["patch_size"]["2"]) == 2
    assert task["patches_per_case"] == {"2": 8}


def test_pictures(pictures, survey_of):
    task = plan(pictures, survey_of)
    require_right(task)
    assert task["spatial_dims"] == 2
    assert task["label_values"] == {"0": 0, "255": 1}
    assert "spacing" not in task
    targets = [step["_target_"] for step in task["preprocessing"]]
    assert "Resized" in targets  # heights differ by half
    assert task["window_size"] == task["patch_size"]


def test_thick_slices_are_seen_one_by_one_with_their_neighbours(tmp_path, survey_of):
    for seed in range(6):
        write_case(tmp_path, f"c{seed}", *volume(seed), np.diag([0.7, 0.6, 4.0, 1]))
    task = plan(tmp_path, survey_of)
    require_right(task)
    assert (task["spatial_dims"], task["in_channels"]) == (2, 3)
    assert "5.7 times as far apart" in task["_desc_spatial_dims"]
    assert task["preprocessing"][-1]["_target_"].endswith("NeighbourSlicesd")
    asked = plan(tmp_path, survey_of, dims=3)
    require_right(asked)
    assert (asked["spatial_dims"], asked["in_channels"]) == (3, 1)


def colour_pictures(root, count=6):
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for seed in range(count):
        rng = np.random.default_rng(seed)
        mask = np.zeros((50, 70), np.uint8)
        mask[10:30, 20 + seed : 50] = 1
        picture = rng.integers(0, 60, (50, 70, 3), np.uint8)
        picture[mask == 1, 0] += 150
        Image.fromarray(picture).save(root / "images" / f"p{seed}.png")
        Image.fromarray(mask).save(root / "masks" / f"p{seed}.png")


def test_colours_are_three_channels(tmp_path, survey_of):
    colour_pictures(tmp_path)
    task = plan(tmp_path, survey_of)
    require_right(task)
    assert task["in_channels"] == 3
    assert task["image_channels"] == 3


def test_pictures_of_one_size_stay_as_they_are_up_to_640(tmp_path):
    def of(side):
        case = SimpleNamespace(shape=(side, side), spacing=(1.0, 1.0), unit="px")
        return choose_sizes(SimpleNamespace(cases=[case] * 5, dims=2), 2, Budget())

    assert (of(640).patch, of(640).resized) == ([640, 640], False)
    assert (of(1500).patch, of(1500).resized) == ([512, 512], True)


@pytest.mark.parametrize("name", ["$print('RAN')", "@task", "%a.json#b", "C#", "left $x @#y"])
def test_names_of_a_data_set_are_no_programs(tmp_path, survey_of, name):
    colour_pictures(tmp_path)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {name: 1}}))
    task = plan(tmp_path, survey_of)
    require_right(task)
    texts = json.dumps({key: task[key] for key in ("labels", "title", "_desc_augmentation")})
    assert not set("$@%#") & set(texts)
    assert read_labels(task["labels"])[1].name == name


def test_another_background(pictures, survey_of):
    task = plan(pictures, survey_of, background=255)
    require_right(task)
    assert task["label_values"] == {"255": 0, "0": 1}


def test_hounsfield_units_are_clipped_as_in_the_structures(tmp_path, survey_of):
    for seed in range(6):
        write_case(tmp_path, f"ct_{seed}", *volume(seed, low=-1000, scale=1000))
    task = plan(tmp_path, survey_of)
    step = task["preprocessing"][-1]
    assert step["_target_"] == "ScaleIntensityRanged"
    assert -1000 < step["a_min"] < step["a_max"] < 200
    assert "Hounsfield" in task["_desc_preprocessing"]


@pytest.mark.parametrize(("minutes", "epochs"), [(1, 45), (2, 90), (0.01, 10), (999, 400)])
def test_epochs_are_what_the_time_allows(volumes, survey_of, minutes, epochs):
    task = plan(volumes, survey_of, budget=Budget(minutes=minutes))
    assert task["epochs"] == {"3": epochs}  # 8 cases, each an eighth of a second


def test_less_memory_makes_smaller_steps(volumes, survey_of):
    much, little = (plan(volumes, survey_of, budget=Budget(memory_gb=gb)) for gb in (8, 0.02))
    taken = [
        task["batch_size"]["3"] * task["patch_size"]["3"][0] * task["patch_size"]["3"][1]
        for task in (much, little)
    ]
    assert taken[1] < taken[0] / 2
    require_right(little)


def test_every_choice_has_its_reason(volumes, survey_of):
    task = plan(volumes, survey_of)
    for key in (
        "spatial_dims",
        "preprocessing",
        "spacing",
        "patch_size",
        "network_def",
        "epochs",
        "augmentation",
    ):
        assert len(task[f"_desc_{key}"]) > 15


def test_one_class_and_a_hundred(tmp_path, survey_of):
    for seed in range(5):
        image, label = volume(seed, (30, 40, 20))
        label[:] = 0
        label.reshape(-1)[: 116 * 50] = [value for value in range(1, 117) for _ in range(50)]
        write_case(tmp_path, f"c{seed}", image, label)
    task = plan(tmp_path, survey_of)
    require_right(task)
    assert len({tuple(label["color"]) for label in task["labels"]}) > 100


def test_what_can_not_be_planned_says_why(pictures, survey_of):
    with pytest.raises(DataError, match="the images are pictures"):
        plan(pictures, survey_of, dims=3)
    with pytest.raises(DataError, match="no label holds a structure"):
        plan_task(Survey(()), "mine", {}, patch_seconds=1)


def lungs(root, count=6, order=None):
    for seed in range(count):
        image, label = volume(seed, (40, 20, 12))
        label[:] = 0
        left, right = (1, 2) if order is None or order[seed] else (2, 1)
        label[5:13, 4:16, 2:10] = left
        label[25:34, 4:15, 2:10] = right
        write_case(root, f"c{seed}", image, label, np.diag([1.0, 1, 1, 1]))


def test_a_name_tells(volumes, survey_of):
    survey = survey_of(volumes)
    for name in ("Left lung", "lung_left", "lung (R)", "linke Lunge"):
        found = sided(survey, {1: name, 2: "other"})
        assert (found is not None) == (name != "linke Lunge")
    assert sided(survey, {1: "Cleft", 2: "Bright"}) is None


def test_geometry_tells(tmp_path, survey_of):
    lungs(tmp_path)
    found = sided(survey_of(tmp_path), {1: "a", 2: "b"})
    assert found == "'a' and 'b' lie beside each other like left and right"


def test_without_an_order_there_is_no_side(tmp_path, survey_of):
    lungs(tmp_path, order=[True, False] * 3)
    assert sided(survey_of(tmp_path), {1: "a", 2: "b"}) is None


@pytest.mark.parametrize("count", [1, 3])
def test_few_cases_tell_nothing(tmp_path, survey_of, count):
    lungs(tmp_path, count)
    assert sided(survey_of(tmp_path), {1: "a", 2: "b"}) is None


def test_parts_one_behind_the_other_have_no_side(volumes, survey_of):
    assert sided(survey_of(volumes), {1: "Body", 2: "Tail"}) is None
