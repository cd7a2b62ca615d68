import csv
import json

import numpy as np
import pytest

from lamina.prediction.lesion_burden import lesion_burden, write_lesion_burden
from lamina.readers.grid import Grid, pixel_grid
from lamina.tasks.labels import Label

LUNGS = [
    Label(0, "background", (0, 0, 0)),
    Label(1, "left", (0, 0, 9)),
    Label(2, "right", (9, 0, 0)),
]
SPOTS = [Label(0, "background", (0, 0, 0)), Label(1, "nodule", (0, 9, 0))]


@pytest.fixture
def lungs():
    label = np.zeros((30, 20), int)
    label[18:28, 3:13], label[2:10, 3:13] = 1, 2
    return label


def test_each_lung_has_its_area_and_the_share_that_is_affected(lungs):
    spots = np.zeros_like(lungs)
    spots[20:22, 5:10] = spots[12:16, 5:9] = 1
    left, right = lesion_burden("a", lungs, spots, pixel_grid((30, 20)), (LUNGS, SPOTS))
    assert (left["structure"], left["area_px2"], left["affected_area_px2"]) == ("left", 100, 10)
    assert left["fraction"] == pytest.approx(0.1)
    assert (right["structure"], right["area_px2"], right["fraction"]) == ("right", 80, 0)
    assert left["center"] == [22.5, 7.5]


def test_lungs_of_one_class_are_two_parts_from_left_to_right(lungs):
    spots = np.zeros_like(lungs)
    spots[3, 4] = 1
    lungs[0, 0] = lungs[29, 19] = 1  # crumbs
    rows = lesion_burden(
        "a", (lungs > 0).astype(int), spots, pixel_grid((30, 20)), (LUNGS[:2], SPOTS)
    )
    assert [(row["part"], row["area_px2"], row["affected_area_px2"]) for row in rows] == [
        (1, 80, 1),
        (2, 100, 0),
    ]


def test_what_the_first_task_missed_within_a_lung_counts(lungs):
    spots = np.zeros_like(lungs)
    spots[20:22, 5:10] = 1
    lungs[spots > 0] = 0
    left, _ = lesion_burden("a", lungs, spots, pixel_grid((30, 20)), (LUNGS, SPOTS))
    assert (left["area_px2"], left["affected_area_px2"]) == (100, 10)


def test_volumes_are_in_mm3():
    label = np.zeros((5, 6, 7), int)
    label[1:3, 1:3, 1:3] = 1
    grid = Grid(label.shape, np.diag([2.0, 3.0, 0.5, 1.0]))
    (row,) = lesion_burden("v", label, label, grid, (LUNGS[:2], SPOTS))
    assert row["volume_mm3"] == pytest.approx(24)
    assert row["affected_volume_mm3"] == pytest.approx(24)
    assert row["fraction"] == 1


def test_a_structure_that_was_not_found_has_no_row(lungs):
    empty = np.zeros_like(lungs)
    assert lesion_burden("a", empty, empty, pixel_grid((30, 20)), (LUNGS, SPOTS)) == []


def test_tables(lungs, tmp_path):
    rows = lesion_burden("a", lungs, lungs, pixel_grid((30, 20)), (LUNGS, SPOTS))
    write_lesion_burden(rows, tmp_path)
    assert json.loads((tmp_path / "affected.json").read_text()) == rows
    with (tmp_path / "affected.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["structure"] for row in table] == ["left", "right"]
    assert table[0]["center"] == "22.5 7.5"


def test_parts_are_counted_from_the_pictures_left_wherever_they_lie_in_height():
    lungs, spots = np.zeros((9, 12), int), np.zeros((9, 12), int)
    lungs[0:4, 6:12] = lungs[5:9, 0:6] = 1
    names = [
        [Label(0, "background", (0, 0, 0)), Label(1, name, (9, 9, 9))] for name in ("lungs", "spot")
    ]
    grid = Grid((9, 12), np.eye(4), "px")
    rows = lesion_burden("a", lungs, spots, grid, (names[0], names[1]))
    assert [(row["part"], row["center"]) for row in rows] == [(1, [1.5, 8.5]), (2, [6.5, 2.5])]
