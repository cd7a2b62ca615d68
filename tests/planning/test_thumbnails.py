import io

import numpy as np
from PIL import Image

from lamina.planning.thumbnails import SIDE, make_thumbnail, thumbnail_jpeg
from lamina.readers.grid import Grid, pixel_grid
from lamina.tasks.labels import Label

LABELS = [
    Label(0, "background", (0, 0, 0)),
    Label(1, "a", (255, 0, 0)),
    Label(2, "b", (0, 0, 255)),
]


def test_the_slice_with_most_structure_across_the_coarsest_axis():
    label = np.zeros((10, 20, 30), np.int32)
    label[3, 5:15, 5:25] = 7
    grid = Grid(label.shape, np.diag([4.0, 1, 1, 1]))
    thumbnail = make_thumbnail(label.astype(np.float32), label, grid)
    assert thumbnail.mask.shape == (SIDE, round(SIDE * 20 / 30))  # y and z of the slice x = 3
    share = (thumbnail.mask == 7).mean()
    assert abs(share - 10 * 20 / (20 * 30)) < 0.03


def test_a_picture_is_shown_as_it_lies_and_true_to_scale():
    label = np.zeros((60, 30), np.int32)
    label[:20, :10] = 3
    thumbnail = make_thumbnail(label.astype(np.float32), label, pixel_grid(label.shape))
    assert thumbnail.mask.shape == (SIDE // 2, SIDE)  # rows, columns
    assert thumbnail.mask[0, 0] == 3
    assert thumbnail.mask[-1, -1] == 0


def test_the_most_frequent_value_is_no_structure():
    """Of a mask whose background is 9, the slice with most of the others is shown."""
    label = np.full((8, 9, 10), 9, np.int32)
    label[2:6, 2:6, 4] = 1
    thumbnail = make_thumbnail(label.astype(np.float32), label, Grid(label.shape, np.eye(4)))
    assert (thumbnail.mask == 1).any()


def test_values_get_the_colours_of_their_classes():
    label = np.zeros((40, 40), np.int32)
    label[:, :20], label[:, 20:] = 30, 120
    thumbnail = make_thumbnail(np.zeros(label.shape, np.float32), label, pixel_grid(label.shape))
    picture = Image.open(io.BytesIO(thumbnail_jpeg(thumbnail, LABELS, {30: 1, 120: 2})))
    top, bottom = picture.getpixel((80, 20)), picture.getpixel((80, 150))
    assert picture.format == "JPEG"
    assert top[0] > 90 > top[2]
    assert bottom[2] > 90 > bottom[0]


def test_a_hundred_thousand_of_a_value_is_no_limit():
    label = np.full((9, 9), 100_000, np.int32)
    label[4, 4] = 0
    thumbnail = make_thumbnail(label.astype(np.float32), label, pixel_grid(label.shape))
    assert set(np.unique(thumbnail.mask)) == {0, 100_000}
