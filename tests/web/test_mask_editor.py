import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from lamina.cases.find import find_cases
from lamina.errors import DataError, LaminaError
from lamina.readers.images import read_label
from lamina.web.mask_editor import ChangedError, MaskEditor


@pytest.fixture
def task(tiny):
    return json.loads(tiny[0].read_text())


@pytest.fixture
def drawing(tmp_path, picture, task):
    (tmp_path / "images").mkdir()
    for name in ("a", "b"):
        (tmp_path / "images" / f"{name}.png").write_bytes(picture)
    return MaskEditor(tmp_path, task)


def keys(drawing):
    return {one.case.name: one.key for one in drawing.entries()}


def test_a_mask_is_saved_as_it_was_drawn_and_found_again(drawing):
    key = keys(drawing)["a"]
    empty, version = drawing.mask(key, 0, "classes")
    assert (empty.shape, int(empty.max()), version) == ((70, 96), 0, "none")
    drawn = np.random.default_rng(0).integers(0, 4, (70, 96)).astype(np.uint8)
    version = drawing.save(key, 0, drawn, "classes", version)
    back, found = drawing.mask(key, 0, "classes")
    np.testing.assert_array_equal(back, drawn)
    assert found == version
    case = find_cases(drawing.root).cases[0]
    np.testing.assert_array_equal(read_label(case.label)[0], drawn.T)


def test_a_mask_that_was_changed_meanwhile_is_not_written_over(drawing):
    key = keys(drawing)["a"]
    drawn = np.zeros((70, 96), np.uint8)
    drawing.save(key, 0, drawn, "classes", "none")
    with pytest.raises(ChangedError, match="a.png"):
        drawing.save(key, 0, drawn + 1, "classes", "none")
    assert drawing.mask(key, 0, "classes")[0].max() == 0


@pytest.mark.parametrize(
    ("drawn", "message"),
    [(np.zeros((96, 70), np.uint8), "a mask of"), (np.full((70, 96), 4, np.uint8), "class 4, but")],
)
def test_what_does_not_fit_is_refused(drawing, drawn, message):
    with pytest.raises(DataError, match=message):
        drawing.save(keys(drawing)["a"], 0, drawn, "classes", "none")
    assert not (drawing.root / "masks").exists()


def test_a_picture_is_seen_with_its_own_grey_values(drawing, picture):
    seen = drawing.image(keys(drawing)["a"], 0)
    stored = np.asarray(Image.open(drawing.root / "images" / "a.png"))
    np.testing.assert_array_equal(seen, stored)


def test_a_discarded_picture_is_out_of_the_set_with_its_mask_and_comes_back(drawing):
    key = keys(drawing)["a"]
    drawn = np.ones((70, 96), np.uint8)
    drawing.save(key, 0, drawn, "classes", "none")
    drawing.keep(key, wanted=False)
    assert [case.name for case in find_cases(drawing.root).cases] == ["b"]
    states = {one.case.name: one.is_discarded for one in drawing.entries()}
    assert states == {"a": True, "b": False}
    assert keys(drawing)["a"] == key
    np.testing.assert_array_equal(drawing.mask(key, 0, "classes")[0], drawn)
    drawing.keep(key, wanted=True)
    drawing.keep(key, wanted=True)
    assert len(find_cases(drawing.root).cases) == 2
    np.testing.assert_array_equal(drawing.mask(key, 0, "classes")[0], drawn)


def test_all_may_be_discarded(drawing):
    for key in keys(drawing).values():
        drawing.keep(key, wanted=False)
    assert len(drawing.entries()) == 2


def test_nothing_is_moved_over_something(drawing):
    key = keys(drawing)["a"]
    drawing.keep(key, wanted=False)
    shutil.copy(drawing.root / "images" / "b.png", drawing.root / "images" / "a.png")
    with pytest.raises(DataError, match="is there already"):
        drawing.keep(key, wanted=False)
    assert (drawing.root / "images" / "a.png").is_file()


def test_a_folder_without_images_is_told(tmp_path, task):
    with pytest.raises(DataError, match="no image"):
        MaskEditor(tmp_path, task).entries()


def test_the_slices_of_a_patient_are_seen_upright_and_saved_where_they_lie(tmp_path, task):
    task["measure"].pop("depth_axis")
    affine = np.diag([2.0, 3.0, 1.5, 1.0])
    values = np.random.default_rng(0).integers(0, 255, (6, 9, 4)).astype(np.uint8)
    (tmp_path / "imagesTr").mkdir()
    nib.save(nib.Nifti1Image(values, affine), tmp_path / "imagesTr" / "a.nii.gz")
    drawing = MaskEditor(tmp_path, task)
    key = keys(drawing)["a"]
    told = drawing.describe(key)
    assert (told["slices"], told["aspect"], told["mask"]) == (4, 1.5, "labelsTr/a.nii.gz")
    np.testing.assert_array_equal(drawing.image(key, 2), values[::-1, ::-1, 2].T)
    drawn = np.random.default_rng(1).integers(0, 4, (9, 6)).astype(np.uint8)
    drawing.save(key, 2, drawn, "classes", "none")
    stored = np.asarray(nib.load(tmp_path / "labelsTr" / "a.nii.gz").dataobj)
    np.testing.assert_array_equal(stored[:, :, 2], drawn.T[::-1, ::-1])
    assert stored[:, :, [0, 1, 3]].max() == 0
    np.testing.assert_array_equal(drawing.mask(key, 2, "classes")[0], drawn)


def test_the_slices_of_layers_are_seen_as_they_were_scanned(tmp_path, task, volume):
    shutil.copy(volume, tmp_path / "scan.nii.gz")
    drawing = MaskEditor(tmp_path, task)
    stored = np.asarray(nib.load(volume).dataobj)
    np.testing.assert_array_equal(drawing.image(keys(drawing)["scan"], 5), stored[:, :, 5].T)
    with pytest.raises(KeyError):
        drawing.image(keys(drawing)["scan"], 7)


def test_what_is_not_there_is_an_error(drawing):
    with pytest.raises(KeyError):
        drawing.describe("../a")


def test_a_mask_in_another_format_is_told_before_anything_is_drawn(drawing):
    (drawing.root / "masks").mkdir()
    Image.new("L", (96, 70)).save(drawing.root / "masks" / "a.bmp")
    told = drawing.describe(keys(drawing)["a"])
    assert told["mask"] is None
    assert "a.bmp: masks are written as .png" in told["problem"]
    with pytest.raises(LaminaError):
        drawing.mask(keys(drawing)["a"], 0, "classes")
