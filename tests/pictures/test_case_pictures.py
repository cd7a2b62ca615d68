import numpy as np
import pytest

from lamina.errors import GeometryError
from lamina.pictures.case_pictures import comparison_picture, contour_panels
from lamina.pictures.panels import ERROR_COLOURS, PictureSettings, Scene
from lamina.tasks.labels import Label

SMALL = PictureSettings(size=120, longest=200)


def labels_of(count, name="structure {}"):
    structures = [
        Label(value, name.format(value), (8 * value, 250 - 8 * value, 77))
        for value in range(1, count + 1)
    ]
    return [Label(0, "background", (0, 0, 0)), *structures]


def draw(labels, shape=(30, 20), spacing=(1.0, 1.0), settings=SMALL):
    mask = np.zeros(shape, dtype=int)
    mask[5:15, 5:15] = 1
    return comparison_picture(Scene(mask, labels, spacing, settings=settings), mask, mask)


def has_colour(picture, colour):
    return (np.asarray(picture) == colour).all(axis=-1).any()


def test_four_panels_lie_side_by_side():
    picture = draw(labels_of(1))
    assert picture.width == 4 * (147 + 10) + 10
    assert picture.mode == "RGB"


@pytest.mark.parametrize("count", [1, 8, 14])
def test_the_legend_has_every_colour(count):
    labels = labels_of(count)
    picture = draw(labels)
    for colour in (*(label.color for label in labels[1:]), *ERROR_COLOURS.values()):
        assert has_colour(picture, colour)


def test_a_long_legend_takes_more_rows():
    heights = [draw(labels_of(count)).height for count in (1, 14, 28)]
    assert heights == sorted(set(heights))


def test_a_name_longer_than_the_picture_has_a_row_to_itself():
    short, long = (draw(labels_of(2, name)) for name in ("{}", "{}" + "very " * 40))
    assert long.height > short.height
    assert long.width == short.width


def test_any_letters_are_drawn():
    draw(labels_of(2, "Schläfe – ß 網膜 {} <b>"))


def test_a_narrow_and_a_wide_image_are_true_to_scale():
    narrow = draw(labels_of(1), spacing=(1.0, 9.0))
    wide = draw(labels_of(1), spacing=(9.0, 1.0))
    assert narrow.width < wide.width
    assert narrow.height > wide.height


def test_sizes_are_bounded():
    settings = PictureSettings(size=120, longest=150)
    picture = draw(labels_of(1), shape=(300, 20), settings=settings)
    assert picture.width <= 4 * (150 + 10) + 10


def test_another_shape_is_an_error():
    image, mask = np.zeros((30, 20)), np.zeros((20, 30), dtype=int)
    with pytest.raises(GeometryError, match=r"shapes \(30, 20\), \(20, 30\), \(20, 30\)"):
        comparison_picture(Scene(image, labels_of(1), (1.0, 1.0)), mask, mask)


LABELS = [
    Label(0, "background", (0, 0, 0)),
    Label(1, "lung", (255, 0, 0)),
    Label(2, "nodule", (0, 0, 255)),
]
RED, BLUE = (255, 0, 0), (0, 0, 255)


def masks():
    first = np.zeros((40, 30), np.uint8)
    first[5:25, 5:25] = 1
    second = first.copy()
    second[10:20, 10:20] = 2
    return {"A": first, "B": second}


def drawn():
    image = np.random.default_rng(0).random((40, 30))
    scene = Scene(image, LABELS, (1.0, 1.0), settings=PictureSettings(size=350))
    return {
        title: np.asarray(panel.convert("RGB"))
        for title, panel in contour_panels(scene, masks(), focus=np.zeros((40, 30))).items()
    }


def test_borders_are_drawn_and_insides_left_free():
    panels = drawn()
    red = (panels["A"] == RED).all(axis=-1)
    assert panels["A"].shape == panels["image"].shape[:2] + (3,)
    scale = panels["A"].shape[1] / 40
    inside = red[round(8 * scale) : round(22 * scale), round(8 * scale) : round(22 * scale)]
    assert not inside.any()
    rows, columns = np.nonzero(red)
    assert rows.min() == pytest.approx(5 * scale, abs=2)
    assert columns.max() == pytest.approx(25 * scale, abs=2)
    assert np.array_equal(panels["A"][~red], np.asarray(drawn()["image"])[~red])


def test_structures_that_touch_have_their_own_borders():
    panels = drawn()
    assert (panels["B"] == BLUE).all(axis=-1).any()
    assert not (panels["A"] == BLUE).all(axis=-1).any()


def test_the_slice_is_that_of_the_focus():
    image = np.zeros((6, 7, 5))
    image[..., 3] = np.arange(42).reshape(6, 7)
    focus = np.zeros(image.shape, bool)
    focus[2, 2, 3] = True
    mask = np.zeros(image.shape, np.uint8)
    panels = contour_panels(Scene(image, LABELS, (1, 1, 1)), {"A": mask}, focus=focus)
    assert np.asarray(panels["image"]).std() > 10


def test_maps_of_another_shape_are_refused():
    wrong = {"A": np.zeros((3, 3), np.uint8)}
    with pytest.raises(GeometryError):
        contour_panels(Scene(np.zeros((4, 4)), LABELS, (1, 1)), wrong, focus=np.zeros((4, 4)))
