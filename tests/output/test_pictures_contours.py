import numpy as np
import pytest

from lamina.errors import GeometryError
from lamina.output.pictures import PictureSettings
from lamina.output.pictures_contours import contour_panels
from lamina.tasks import Label

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


def drawn(**more):
    image = np.random.default_rng(0).random((40, 30))
    settings = PictureSettings(size=350)
    return {
        title: np.asarray(panel.convert("RGB"))
        for title, panel in contour_panels(
            image,
            masks(),
            LABELS,
            spacing=(1.0, 1.0),
            focus=np.zeros((40, 30)),
            settings=settings,
            **more,
        ).items()
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
    panels = contour_panels(image, {"A": mask}, LABELS, spacing=(1, 1, 1), focus=focus)
    assert np.asarray(panels["image"]).std() > 10


def test_maps_of_another_shape_are_refused():
    wrong = {"A": np.zeros((3, 3), np.uint8)}
    with pytest.raises(GeometryError):
        contour_panels(np.zeros((4, 4)), wrong, LABELS, spacing=(1, 1), focus=np.zeros((4, 4)))
