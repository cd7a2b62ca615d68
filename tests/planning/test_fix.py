import os

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from SimpleITK import sitkNearestNeighbor

from lamina.cases.find import find_cases
from lamina.errors import DataError, GeometryError
from lamina.planning.fix import refit, write_fixed
from lamina.planning.survey_cases import survey_cases
from lamina.readers.grid import Grid, lps_to_ras, pixel_grid
from lamina.readers.images import read_grid, read_label

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
    told = {os.path.basename(one.label): (one.fixed, one.text) for one in outcomes}
    assert told.keys() == {"near.nii.gz", "silent.nii.gz", "far.nii.gz"}
    assert told["near.nii.gz"][1].startswith("given the affine")
    assert told["silent.nii.gz"][0]
    assert told["far.nii.gz"] == (False, told["far.nii.gz"][1])
    assert "would lie outside" in told["far.nii.gz"][1]
    new = tmp_path / "new"
    assert {p.relative_to(new) for p in contents(new)} == {p.relative_to(data) for p in before}
    survey = survey_cases(find_cases(new).labelled)
    assert {one.files.name for one in survey.cases} == {"right", "near", "silent"}
    assert [one.files.name for one in survey.unusable] == ["far"]
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
    assert one.fixed, one.text
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
    assert outcomes["a.png"].fixed
    assert not outcomes["b.jpg"].fixed
    with Image.open(tmp_path / "new" / "masks" / "a.png") as picture:
        assert picture.size == (40, 60)
        assert np.asarray(picture).sum() == 4 * 25 * 255


def test_a_broken_label_is_left_and_told(data, tmp_path):
    (data / "masks" / "right.nii.gz").write_bytes(b"no image at all")
    outcomes = write_fixed(find_cases(data), tmp_path / "new", 2.0)
    told = [one for one in outcomes if one.label.endswith("right.nii.gz")]
    assert [one.fixed for one in told] == [False]
    assert (tmp_path / "new" / "masks" / "right.nii.gz").read_bytes() == b"no image at all"


def test_a_folder_that_is_in_use_is_refused(data, tmp_path):
    with pytest.raises(DataError, match="within the data set"):
        write_fixed(find_cases(data), data / "fixed", 2.0)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.txt").write_text("x")
    with pytest.raises(DataError, match="not empty"):
        write_fixed(find_cases(data), tmp_path / "new", 2.0)


OBLIQUE = np.array(
    [[0.1, -1.5, 0, 20], [-1.0, 0.05, 0.1, 30], [0, 0, -3.0, 40], [0, 0, 0, 1]], float
)
IMAGE = Grid((14, 18, 10), OBLIQUE)


def label_on(shape):
    label = np.zeros(shape, np.int32)
    label[3:9, 4:11, 2:7], label[9:11, 4:8, 3:6] = 1, 300
    return label


def test_what_fits_is_left_alone():
    assert refit(label_on(IMAGE.shape), IMAGE, IMAGE, 2.0) is None


@given(shift=st.floats(0.6, 1.9))
@settings(max_examples=10)
def test_within_the_tolerance_it_is_re_stamped_voxels_unchanged(shift):
    moved = OBLIQUE.copy()
    moved[1, 3] += shift
    label = label_on(IMAGE.shape)
    found = refit(label, Grid(IMAGE.shape, moved), IMAGE, 2.0)
    np.testing.assert_array_equal(found.label, label)
    assert found.done.startswith("given the affine of its image (origin")


def test_a_header_that_says_nothing_is_re_stamped():
    label = label_on(IMAGE.shape)
    found = refit(label, Grid(IMAGE.shape, np.diag([-1.0, -1, 1, 1])), IMAGE, 2.0)
    np.testing.assert_array_equal(found.label, label)


def test_beyond_the_tolerance_it_is_resampled():
    """A label that is stored one slice further, and says so, comes back onto its voxels."""
    moved = OBLIQUE.copy()
    moved[:3, 3] += OBLIQUE[:3, 2]
    label = label_on(IMAGE.shape)
    found = refit(np.roll(label, -1, axis=2), Grid(IMAGE.shape, moved), IMAGE, 2.0)
    np.testing.assert_array_equal(found.label, label)
    assert found.done.startswith("resampled by nearest neighbour (origin 3 mm (1 voxels) away)")


@pytest.mark.parametrize("axis", range(3))
def test_an_axis_that_runs_the_other_way_is_turned_back_exactly(axis):
    mirrored = np.eye(4)
    mirrored[axis, axis], mirrored[axis, 3] = -1, IMAGE.shape[axis] - 1
    label = label_on(IMAGE.shape)
    found = refit(np.flip(label, axis), Grid(IMAGE.shape, OBLIQUE @ mirrored), IMAGE, 2.0)
    np.testing.assert_array_equal(found.label, label)


def test_resampling_is_simple_itk_s():
    import SimpleITK as sitk

    def image_of(values, grid):
        image = sitk.GetImageFromArray(np.ascontiguousarray(values.T))
        lps = lps_to_ras(grid.affine)
        image.SetSpacing(grid.spacing)
        image.SetOrigin(lps[:3, 3].tolist())
        image.SetDirection((lps[:3, :3] / np.array(grid.spacing)).ravel().tolist())
        return image

    # Directions of ITK are orthonormal.
    image = Grid((14, 18, 10), np.diag([-1.5, 1.0, 3.0, 1.0]))
    fine = Grid((30, 40, 30), np.diag([-0.71, 0.47, 1.03, 1.0]))
    label = np.zeros(fine.shape, np.int32)
    label[2:26, 4:34, 3:24] = np.random.default_rng(0).integers(0, 5, (24, 30, 21))
    found = refit(label, fine, image, 2.0).label
    expected = sitk.GetArrayFromImage(
        sitk.Resample(
            image_of(label, fine), image_of(found, image), sitk.Transform(), sitkNearestNeighbor
        )
    ).T
    inside = np.s_[:14, :18, :10]
    assert (found[inside] == expected[inside]).mean() > 0.999


def test_what_would_lie_outside_is_refused():
    moved = OBLIQUE.copy()
    moved[0, 3] += 12
    with pytest.raises(GeometryError, match=r"\d+% of its structures would lie outside"):
        refit(label_on(IMAGE.shape), Grid(IMAGE.shape, moved), IMAGE, 2.0)


def test_pictures_of_one_scene_are_resized_and_others_refused():
    label = np.zeros((40, 60), np.int32)
    label[10:20, 30:50] = 255
    found = refit(label, pixel_grid((40, 60)), pixel_grid((80, 120)), 2.0)
    np.testing.assert_array_equal(found.label, label.repeat(2, 0).repeat(2, 1))
    half = refit(label, pixel_grid((40, 60)), pixel_grid((20, 30)), 2.0).label
    assert half.shape == (20, 30)
    assert set(np.unique(half)) == {0, 255}
    with pytest.raises(GeometryError, match="of other proportions"):
        refit(label, pixel_grid((40, 60)), pixel_grid((60, 40)), 2.0)
    with pytest.raises(GeometryError, match="a picture and a volume"):
        refit(label, pixel_grid((40, 60)), IMAGE, 2.0)
