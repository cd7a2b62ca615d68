import numpy as np
import pytest
from PIL import Image

from lamina.metrics.measure import MeasureSettings
from lamina.pictures.overlays import write_overlay
from lamina.readers.grid import Grid
from lamina.tasks.labels import Label
from lamina.writers.segmented_case import SegmentedCase

LABELS = (
    Label(0, "background", (0, 0, 0)),
    Label(1, "first", (255, 0, 0)),
    Label(2, "second", (0, 0, 255)),
)


def draw(label, folder, affine=None, **more):
    affine = np.eye(4) if affine is None else affine
    case = SegmentedCase(
        "case", "x", np.ones((1, *label.shape)), label, Grid(label.shape, affine), LABELS, **more
    )
    path = write_overlay(case, folder)
    assert path == folder / "case.png"
    return np.asarray(Image.open(path)).astype(int)


def columns(picture, colour):
    """Where a colour stands, in the upper part (the legend lies below)."""
    red, _, blue = np.moveaxis(picture, -1, 0)
    mask = (red - blue > 60) if colour == "red" else (blue - red > 60)
    return np.nonzero(mask[:-40])


def test_a_picture_is_shown_as_it_lies(tmp_path):
    label = np.zeros((40, 20), np.uint8)
    label[:10] = 1
    label[30:] = 2
    picture = draw(label, tmp_path)
    assert columns(picture, "red")[1].max() < columns(picture, "blue")[1].min()


@pytest.mark.parametrize("flip", [1, -1])
def test_the_patients_left_is_on_the_right_in_axial_and_coronal(tmp_path, flip):
    label = np.zeros((24, 20, 16), np.uint8)
    label[2:8, 5:15, 4:12] = 1
    label[16:22, 5:15, 4:12] = 2
    affine = np.diag([flip * 1.0, 1.0, 1.0, 1.0])
    picture = draw(label, tmp_path, affine)
    half = picture[:, : picture.shape[1] // 3]
    left = "red" if flip > 0 else "blue"  # x of RAS+ runs from the left to the right
    right = "blue" if left == "red" else "red"
    assert columns(half, right)[1].mean() < columns(half, left)[1].mean()


def test_three_planes_side_by_side_are_true_to_scale(tmp_path):
    label = np.zeros((20, 30, 6), np.uint8)
    label[8:12, 10:20, 2:4] = 1
    wide = draw(label, tmp_path, np.diag([1, 1, 5, 1.0]))
    flat = draw(label, tmp_path, np.diag([1, 1, 1, 1.0]))
    assert wide.shape != flat.shape


def test_layers_are_one_panel(tmp_path):
    label = np.zeros((40, 20, 3), np.uint8)
    label[:, 5:9, 1] = 1
    measure = MeasureSettings(metrics=["dice"], depth_axis=1)
    one = draw(label, tmp_path, measure=measure)
    three = draw(label, tmp_path)
    assert one.shape[1] < three.shape[1]


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (1, -1, -1)])
def test_the_depth_of_layers_runs_down_however_the_scan_lies_in_space(tmp_path, signs):
    label = np.zeros((40, 20, 3), np.uint8)
    label[:15, 3:6, 1], label[25:, 12:15, 1] = 1, 2
    measure = MeasureSettings(metrics=["dice"], depth_axis=1)
    picture = draw(label, tmp_path, np.diag([*signs, 1.0]), measure=measure)
    (upper, left), (lower, right) = columns(picture, "red"), columns(picture, "blue")
    assert upper.max() < lower.min()
    assert left.max() < right.min()


def test_an_empty_result_is_drawn_too(tmp_path):
    picture = draw(np.zeros((20, 30, 6), np.uint8), tmp_path)
    assert len(columns(picture, "red")[0]) == 0
    assert not list(tmp_path.glob(".part-*"))
