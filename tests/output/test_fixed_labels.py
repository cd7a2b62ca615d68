import os

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from lamina.cases import find_cases, read_grid, read_label
from lamina.errors import DataError
from lamina.output.fixed_labels import write_fixed
from lamina.planning import survey_cases

AFFINE = np.array([[0.1, -1.5, 0, 20], [-1.0, 0.05, 0, 30], [0, 0, -3.0, 40], [0, 0, 0, 1]])
SHAPE = (12, 16, 9)


def label_of(seed):
    label = np.zeros(SHAPE, np.uint8)
    label[2 + seed % 3 : 9, 3:11, 2:7] = 1 + seed % 2
    return label


def moved_by(mm):
    affine = AFFINE.copy()
    affine[0, 3] += mm
    return affine


@pytest.fixture
def data(tmp_path):
    """Right, re-stamped, resampled and hopeless labels, and an odd file."""
    root = tmp_path / "data"
    affines = {"right": AFFINE, "near": moved_by(1.0), "silent": np.eye(4), "far": moved_by(90.0)}
    for folder in ("images", "masks", "notes"):
        (root / folder).mkdir(parents=True)
    for seed, (name, affine) in enumerate(affines.items()):
        image = np.random.default_rng(seed).random(SHAPE, dtype=np.float32)
        nib.Nifti1Image(image, AFFINE).to_filename(root / "images" / f"{name}.nii.gz")
        nib.Nifti1Image(label_of(seed), affine).to_filename(root / "masks" / f"{name}.nii.gz")
    (root / "notes" / "read me.txt").write_text("about the scans")
    (root / "dataset.json").write_text('{"labels": {"0": "background", "1": "a", "2": "b"}}')
    return root


def contents(root):
    return {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_whole_data_set_that_fits_and_the_old_one_untouched(data, tmp_path):
    before = contents(data)
    outcomes = write_fixed(find_cases(data), tmp_path / "new", 2.0)
    assert contents(data) == before
    told = {os.path.basename(one.label): (one.mended, one.text) for one in outcomes}
    assert told.keys() == {"near.nii.gz", "silent.nii.gz", "far.nii.gz"}
    assert told["near.nii.gz"][1].startswith("re-stamped")
    assert told["silent.nii.gz"][0]
    assert told["far.nii.gz"] == (False, told["far.nii.gz"][1])
    assert "would lie outside" in told["far.nii.gz"][1]
    new = tmp_path / "new"
    assert {p.relative_to(new) for p in contents(new)} == {p.relative_to(data) for p in before}
    survey = survey_cases(find_cases(new).labelled)
    assert {one.case.name for one in survey.cases} == {"right", "near", "silent"}
    assert [one.case.name for one in survey.unusable] == ["far"]
    label, grid = read_label(new / "masks" / "near.nii.gz")
    np.testing.assert_array_equal(label, label_of(1))
    np.testing.assert_allclose(grid.affine, AFFINE, atol=1e-5)


@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha"])
def test_a_label_keeps_its_format(tmp_path, suffix):
    import SimpleITK as sitk

    root = tmp_path / "data"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for name, folder, spacing in (
        ("a", "images", (1.0, 1.5, 3.0)),
        ("a", "masks", (0.5, 1.5, 3.0)),
    ):
        shape = SHAPE if folder == "images" else (24, 16, 9)
        values = np.zeros(shape, np.uint8)
        values[4:8, 3:9, 2:7] = 3
        image = sitk.GetImageFromArray(np.ascontiguousarray(values.T))
        image.SetSpacing(spacing)
        image.SetOrigin((-3.0, 5.0, 7.0))
        sitk.WriteImage(image, str(root / folder / f"{name}{suffix}"))
    (one,) = write_fixed(find_cases(root), tmp_path / "new", 2.0)
    assert one.mended, one.text
    written = tmp_path / "new" / "masks" / f"a{suffix}"
    label, grid = read_label(written)
    image = read_grid(str(root / "images" / f"a{suffix}"))
    np.testing.assert_allclose(grid.affine, image.affine, atol=1e-5)
    assert label.shape == SHAPE
    assert (label == 3).sum() == 2 * 6 * 5


def test_pictures_and_what_a_jpeg_would_spoil(tmp_path):
    root = tmp_path / "data"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    mask = np.zeros((30, 20), np.uint8)
    mask[5:10, 5:10] = 255
    for name, suffix in (("a", "png"), ("b", "jpg")):
        Image.fromarray(np.zeros((60, 40), np.uint8)).save(root / "images" / f"{name}.png")
        Image.fromarray(mask).save(root / "masks" / f"{name}.{suffix}")
    outcomes = {one.label[-5:]: one for one in write_fixed(find_cases(root), tmp_path / "new", 2)}
    assert outcomes["a.png"].mended
    assert not outcomes["b.jpg"].mended
    with Image.open(tmp_path / "new" / "masks" / "a.png") as picture:
        assert picture.size == (40, 60)
        assert np.asarray(picture).sum() == 4 * 25 * 255


def test_a_broken_label_is_left_and_told(data, tmp_path):
    (data / "masks" / "right.nii.gz").write_bytes(b"no image at all")
    outcomes = write_fixed(find_cases(data), tmp_path / "new", 2.0)
    told = [one for one in outcomes if one.label.endswith("right.nii.gz")]
    assert [one.mended for one in told] == [False]
    assert (tmp_path / "new" / "masks" / "right.nii.gz").read_bytes() == b"no image at all"


def test_a_folder_that_is_in_use_is_refused(data, tmp_path):
    with pytest.raises(DataError, match="within the data set"):
        write_fixed(find_cases(data), data / "fixed", 2.0)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.txt").write_text("x")
    with pytest.raises(DataError, match="not empty"):
        write_fixed(find_cases(data), tmp_path / "new", 2.0)
