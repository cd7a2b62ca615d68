import io

import numpy as np
import pytest
from PIL import Image

from lamina.metrics.measure import MeasureSettings
from lamina.readers.grid import Grid
from lamina.tasks.labels import Label
from lamina.web.slice_views import SliceViews, grey_image
from lamina.writers.segmented_case import SegmentedCase

LABELS = (Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 0, 255)))
LAYERS = MeasureSettings(metrics=("boundary_error",), depth_axis=1)


def made(shape, affine=None, measure=None, at=None):
    label = np.zeros(shape, np.uint8)
    label[at if at is not None else tuple(length // 2 for length in shape)] = 1
    image = np.arange(label.size, dtype=float).reshape(1, *shape)
    affine = np.diag([-2.0, -3.0, 4.0, 1.0]) if affine is None else affine
    return SegmentedCase("a", "a", image, label, Grid(label.shape, affine), LABELS, measure)


def read(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def test_a_picture_is_one_plane_as_it_lies():
    case = made((5, 8))
    views = SliceViews(case)
    assert views.describe() == [
        {"name": "picture", "axis": 2, "slices": 1, "best": 0, "wide": 2.0, "high": 3.0}
    ]
    array = np.arange(40, dtype=np.uint8).reshape(5, 8)
    np.testing.assert_array_equal(read(views.show(array, "picture", 0)), array.T)


def test_a_volume_has_three_planes_with_their_best_slice():
    views = SliceViews(made((5, 8, 11), at=(1, 2, 3)))
    told = {one["name"]: (one["slices"], one["best"]) for one in views.describe()}
    assert told == {"axial": (11, 3), "coronal": (8, 2), "sagittal": (5, 1)}
    axial = views.planes["axial"]
    assert (axial["wide"], axial["high"]) == (2.0, 3.0)


def test_left_is_on_the_right_and_anterior_is_up():
    array = np.zeros((5, 8, 11), np.uint8)
    array[0, 0, 4] = 200  # x to the left, y to the back: the patient's right front
    shown = read(SliceViews(made((5, 8, 11))).show(array, "axial", 4))
    assert shown.shape == (8, 5)
    assert shown[0, 0] == 200
    flipped = SliceViews(made((5, 8, 11), np.diag([2.0, 3.0, 4.0, 1.0])))
    assert read(flipped.show(array, "axial", 4))[-1, -1] == 200


def test_layers_are_shown_as_they_were_scanned():
    case = made((5, 8, 11), measure=LAYERS)
    views = SliceViews(case)
    assert list(views.planes) == ["B-scan", "en face", "across B-scans"]
    array = np.random.default_rng(0).integers(0, 255, (5, 8, 11), dtype=np.uint8)
    np.testing.assert_array_equal(read(views.show(array, "B-scan", 6)), array[:, :, 6].T)
    np.testing.assert_array_equal(read(views.show(array, "across B-scans", 2)), array[2])
    np.testing.assert_array_equal(read(views.show(array, "en face", 3)), array[:, 3].T)
    across = views.planes["across B-scans"]
    assert (across["high"], across["wide"]) == (3.0, 4.0)


def test_axes_that_are_near_no_direction_are_called_by_letter():
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0.9, 0], [0, 0.1, 0], [0, 0, 1]])
    names = [one["name"] for one in SliceViews(made((5, 8, 11), affine)).describe()]
    assert names == ["along axis z", "along axis y", "along axis x"]


@pytest.mark.parametrize(("name", "index"), [("axial", 11), ("axial", -1), ("picture", 0)])
def test_what_is_not_there_is_an_error(name, index):
    with pytest.raises((KeyError, IndexError)):
        SliceViews(made((5, 8, 11))).show(np.zeros((5, 8, 11), np.uint8), name, index)


def test_grey_levels_have_one_window_for_all_slices():
    image = np.zeros((4, 5, 6))
    image[..., 3:] = 1000
    grey = grey_image(image)
    assert set(np.unique(grey)) == {0, 255}
    assert (grey[..., :3] == 0).all()
    assert grey_image(np.full((3, 4), 7.0)).max() == 0
