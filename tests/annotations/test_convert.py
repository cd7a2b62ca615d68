import numpy as np
import pytest
from PIL import Image

from lamina.annotations.convert import Converted, Drawing, MaskFolder, convert
from lamina.annotations.find_picture import Pictures
from lamina.annotations.shapes import AnnotatedImage, Bitmap, Shape, line, rectangle

CLASSES = {"background": 0, "NFL": 1, "INL": 2}


@pytest.fixture
def made(tmp_path, picture):
    """Convert shapes of one picture of 40 columns and 30 rows."""
    picture("a.png")

    def run(*shapes, name="a.png", notes=(), size=None, embedded=None, **how):
        image = AnnotatedImage(name, shapes, notes, size, embedded)
        return convert(image, Pictures(tmp_path / "images"), Drawing(CLASSES, **how))

    return run


def box(label, *place, group=None):
    return Shape(label, rectangle(*place), group)


def test_mask_counts_and_picture(made, tmp_path):
    result = made(box("NFL", 2, 3, 10, 5), box("INL", 5, 5, 2, 2), box("INL", 30, 20, 2, 2))
    assert result.problem is None
    assert result.warnings == []
    assert result.mask.shape == (40, 30)
    assert (result.mask[2, 3], result.mask[5, 5], result.mask[30, 21]) == (1, 2, 2)
    assert result.pixels == {"background": 1200 - 54, "NFL": 46, "INL": 8}
    assert result.shapes == {"NFL": 1, "INL": 2}
    assert result.picture == tmp_path / "images" / "a.png"
    result.forget_pixels()
    assert result.mask is None


def test_a_stated_order_of_classes(made):
    shapes = box("INL", 0, 0, 10, 10), box("NFL", 0, 0, 10, 10)
    assert made(*shapes).mask[5, 5] == 1
    assert made(*shapes, order=("NFL", "INL")).mask[5, 5] == 2
    assert made(*shapes, order=("INL",)).mask[5, 5] == 2


def test_labels_of_other_case_are_taken_and_unknown_ones_are_not(made):
    assert made(box("nfl", 0, 0, 4, 4)).mask[1, 1] == 1
    result = made(box("NFL", 0, 0, 4, 4), box("INLL", 0, 0, 2, 2), box("", 0, 0, 2, 2))
    assert result.mask is None
    assert (
        "1 shape(s) with the label 'INLL', which the task does not have (did you mean 'INL'?)"
        in (result.problem)
    )
    assert "1 shape(s) with the label ''" in result.problem
    ignoring = made(box("NFL", 0, 0, 4, 4), box("INLL", 0, 0, 2, 2), ignore=frozenset({"INLL"}))
    assert ignoring.pixels["NFL"] == 16


def test_no_shapes_are_no_mask_unless_they_are_meant(made):
    assert made().problem.startswith("no shapes, so it may not be annotated yet")
    assert "nothing that can be drawn" in made(notes=("a point has no area",)).problem
    kept = made(keep_empty=True)
    assert kept.mask.max() == 0
    assert kept.problem is None


def test_notes_are_warnings(made):
    result = made(box("NFL", 0, 0, 4, 4), notes=("a point has no area",))
    assert result.warnings == ["a point has no area"]
    assert result.mask is not None


def test_shapes_that_leave_the_picture(made):
    assert made(box("NFL", -0.8, 0, 5, 5)).warnings == []
    cut = made(box("NFL", 30, 5, 16, 5))
    assert cut.warnings == [
        "a shape of NFL reaches 6 pixels beyond the picture; that part is cut off"
    ]
    assert cut.pixels["NFL"] == 50


@pytest.mark.parametrize(
    "shape",
    [
        box("NFL", 50, 5, 5, 5),
        box("NFL", -9, 5, 5, 5),
        box("NFL", 5, 5, 500, 5),
        box("NFL", 0, 0, 1e12, 1e12),
        Shape("NFL", line([(41.6, 2), (60, 2)])),
        Shape("NFL", Bitmap(41, 2, np.ones((2, 2), dtype=bool))),
    ],
)
def test_shapes_that_belong_elsewhere(made, shape):
    result = made(shape)
    assert result.mask is None
    assert "lies outside the picture of 40×30 pixels" in result.problem


def test_a_shape_too_small_to_cover_a_pixel(made):
    result = made(box("NFL", 5.6, 5.6, 0.3, 0.3), box("INL", 0, 0, 4, 4))
    assert result.warnings == ["a shape of NFL covers no pixel"]


def test_another_size_than_annotated(made):
    assert made(box("NFL", 0, 0, 4, 4), size=(40, 30)).problem is None
    result = made(box("NFL", 0, 0, 4, 4), size=(80, 60))
    assert "annotated at 80×60 pixels, but the picture has 40×30" in result.problem


def test_a_missing_picture_and_one_of_other_case(made):
    assert "no such picture" in made(box("NFL", 0, 0, 4, 4), name="b.png").problem
    result = made(box("NFL", 0, 0, 4, 4), name="far/A.PNG")
    assert result.warnings == ["upper and lower case differ: the file is called a.png"]
    assert result.mask is not None


def test_an_embedded_picture_serves_where_there_is_no_file(made, tmp_path):
    data = (tmp_path / "images" / "a.png").read_bytes()
    result = made(box("NFL", 0, 0, 4, 4), name="new.png", embedded=data)
    assert result.picture.read_bytes() == data
    assert result.warnings == [f"the picture was taken out of the annotation: {result.picture}"]
    assert made(box("NFL", 0, 0, 4, 4), embedded=b"else").picture.name == "a.png"


def test_an_embedded_picture_replaces_none_of_several(made, picture):
    before = picture("deep/a.png").read_bytes()
    result = made(box("NFL", 0, 0, 4, 4), embedded=b"other")
    assert "several pictures of that name" in result.problem
    assert picture("deep/a.png").read_bytes() == before


def test_parts_of_one_group_are_one_object(made):
    parts = [box("NFL", 5 * i, 0, 2, 2, group=group) for i, group in enumerate(["1", "1", None])]
    result = made(*parts, box("INL", 0, 20, 2, 2, group="1"))
    assert result.objects == {"NFL": 2, "INL": 1}


def test_masks_lie_like_their_pictures(tmp_path, picture):
    path = picture("left/Eye.1.JPG")
    folder = MaskFolder(tmp_path / "masks", Pictures(tmp_path / "images"))
    mask = np.zeros((40, 30), dtype=np.uint8)
    mask[31, 2] = 5
    written = folder.write(Converted("x", picture=path, mask=mask))
    assert written == tmp_path / "masks" / "left" / "Eye.1.png"
    assert Image.open(written).getpixel((31, 2)) == 5
    assert Image.open(written).size == (40, 30)


def test_no_mask_takes_the_place_of_another_or_of_its_picture(tmp_path, picture):
    pictures = Pictures(tmp_path / "images")
    mask = np.zeros((40, 30), dtype=np.uint8)
    first, second = picture("a.png"), picture("a.jpg")
    folder = MaskFolder(tmp_path / "masks", pictures)
    assert folder.write(Converted("a.png", picture=first, mask=mask))
    again = Converted("a.jpg", picture=second, mask=mask)
    assert folder.write(again) is None
    assert "a second picture whose mask would be" in again.problem
    before = first.read_bytes()
    onto = Converted("a.png", picture=first, mask=mask)
    assert MaskFolder(tmp_path / "images", pictures).write(onto) is None
    assert "its mask would replace" in onto.problem
    assert first.read_bytes() == before


def test_nothing_is_written_where_nothing_was_drawn(tmp_path):
    folder = MaskFolder(tmp_path / "masks", Pictures(tmp_path / "images"))
    assert folder.write(Converted("a", problem="missing")) is None
    assert not (tmp_path / "masks").exists()
