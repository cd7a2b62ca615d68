import csv
import json

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import median_filter
from skimage.exposure import match_histograms

from lamina.cases.find import find_cases
from lamina.cases.splits import split_cases
from lamina.errors import DataError
from lamina.phantoms.retouch import write_retouch_volumes
from lamina.prepare.retouch import histogram, match_histogram, prepare_retouch, regions, smooth
from lamina.readers.images import read_image

SMALL = {"cases": 3, "columns": 32, "slices": 3, "fluid": 5.0}


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return write_retouch_volumes(tmp_path_factory.mktemp("retouch") / "r", **SMALL).parent / "raw"


@pytest.fixture(scope="module")
def prepared(raw, tmp_path_factory):
    target = tmp_path_factory.mktemp("prepared") / "new"
    done = list(prepare_retouch(raw, target))
    assert len(done) == 9
    return target


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def voxels(path):
    return np.asarray(nib.load(path).dataobj)


def test_volumes_keep_their_grid(raw, prepared):
    for case in find_cases(prepared).cases:
        vendor, name = case.name.removeprefix("images_").split("_", 1)
        _, grid = read_image(str(raw / vendor / name / "oct.mhd"))
        image = nib.load(case.image)
        assert image.shape == grid.shape
        np.testing.assert_allclose(image.affine, grid.affine, atol=1e-6)
        assert image.get_data_dtype() == np.uint8


def test_the_truth_is_as_it_was(raw, prepared):
    for path in sorted((prepared / "labels").iterdir()):
        vendor, name = path.name.removesuffix(".nii.gz").split("_", 1)
        values, _ = read_image(str(raw / vendor / name / "reference.mhd"))
        np.testing.assert_array_equal(voxels(path), values)


def test_images_are_matched_and_smoothed(raw, prepared):
    reference, _ = read_image(str(raw / "Spectralis" / "SPECTRALIS000" / "oct.mhd"))
    counts = histogram((reference / 257).round().astype(np.uint8))
    values, _ = read_image(str(raw / "Topcon" / "TOPCON001" / "oct.mhd"))
    expected = match_histogram(values.astype(np.uint8), counts)
    expected = median_filter(expected, (1, 1, 3), mode="nearest")
    expected = median_filter(expected, (3, 3, 1), mode="nearest")
    np.testing.assert_array_equal(voxels(prepared / "images/Topcon_TOPCON001.nii.gz"), expected)
    own = (reference / 257).round().astype(np.uint8)
    np.testing.assert_array_equal(
        voxels(prepared / "images/Spectralis_SPECTRALIS000.nii.gz"), smooth(own)
    )


def test_a_region_holds_all_fluid_and_less_than_all(prepared):
    shares = []
    for path in sorted((prepared / "regions").iterdir()):
        region, truth = voxels(path), voxels(prepared / "labels" / path.name)
        assert region[truth > 0].all()
        shares.append(region.mean())
    assert min(shares) < 0.8


def test_the_table_of_slices_says_what_each_holds(prepared):
    table = rows(prepared / "slice_gt.csv")
    assert list(table[0]) == ["image", "vendor", "root", "slice", "is_IRF", "is_SRF", "is_PED"]
    assert len(table) == 9 * 3
    for row in table:
        truth = voxels(prepared / row["image"].replace("images", "labels"))[..., int(row["slice"])]
        for value, fluid in enumerate(("IRF", "SRF", "PED"), 1):
            assert int(row[f"is_{fluid}"]) == (truth == value).any()


def test_the_division_is_by_case_a_quarter_of_each_vendor(prepared):
    parts = {name: rows(prepared / f"slice_gt_{name}.csv") for name in ("train", "test")}
    images = {name: {row["image"] for row in part} for name, part in parts.items()}
    assert not images["train"] & images["test"]
    assert len(parts["train"]) + len(parts["test"]) == 27
    vendors = [image.split("/")[1].split("_")[0] for image in images["test"]]
    assert sorted(vendors) == ["Cirrus", "Spectralis", "Topcon"]
    splits = split_cases(find_cases(prepared).cases, fractions=(0.8, 0.2, 0.0))
    assert {f"images/{case.image.split('/')[-1]}" for case in splits["test"]} == images["test"]


def test_new_volumes_are_matched_to_the_reference_that_was_trained_on(raw, prepared, tmp_path):
    # Without a truth, and without a Spectralis volume of their own.
    case = raw / "Cirrus" / "CIRRUS001"
    (tmp_path / "new" / "Cirrus" / "X").mkdir(parents=True)
    for name in ("oct.mhd", "oct.raw"):
        (tmp_path / "new" / "Cirrus" / "X" / name).write_bytes((case / name).read_bytes())
    with pytest.raises(DataError, match="give --reference"):
        list(prepare_retouch(tmp_path / "new", tmp_path / "none"))
    given = prepared / "reference.json"
    list(prepare_retouch(tmp_path / "new", tmp_path / "out", reference=given))
    np.testing.assert_array_equal(
        voxels(tmp_path / "out/images/Cirrus_X.nii.gz"),
        voxels(prepared / "images/Cirrus_CIRRUS001.nii.gz"),
    )
    assert not (tmp_path / "out" / "labels").exists()


def test_a_reference_that_is_none_is_told(raw, tmp_path):
    wrong = tmp_path / "reference.json"
    wrong.write_text(json.dumps({"histogram": [1, 2, 3]}))
    with pytest.raises(DataError, match="expected 256 counts"):
        list(prepare_retouch(raw, tmp_path / "out", reference=wrong))


def test_filters_go_slice_by_slice():
    values = np.random.default_rng(0).integers(0, 255, (12, 17, 5)).astype(np.uint8)
    along = median_filter(values, (1, 1, 3), mode="nearest")
    np.testing.assert_array_equal(smooth(values), median_filter(along, (3, 3, 1), mode="nearest"))
    truth = np.zeros_like(values)
    truth[3, 4, 2] = 1
    found = regions(np.zeros_like(values), truth).any(axis=(0, 1))
    assert found.tolist() == [False, False, True, False, False]


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_scikit_image_does(seed):
    rng = np.random.default_rng(seed)
    values = rng.gamma(2, 20, (30, 40, 3)).clip(0, 255).astype(np.uint8)
    reference = rng.normal(120, 30, (50, 20)).clip(0, 255).astype(np.uint8)
    ours = match_histogram(values, histogram(reference)).astype(float)
    theirs = match_histograms(values.ravel(), reference.ravel()).reshape(values.shape)
    assert abs(ours - theirs).max() <= 1


@given(st.integers(0, 2**32 - 1))
def test_order_is_kept(seed):
    rng = np.random.default_rng(seed)
    values = np.arange(256, dtype=np.uint8)
    matched = match_histogram(values, rng.integers(0, 9, 256) + (np.arange(256) == 7))
    assert (np.diff(matched.astype(int)) >= 0).all()


def test_what_is_like_the_reference_stays_as_it_is():
    values = np.random.default_rng(0).integers(0, 256, (40, 50)).astype(np.uint8)
    np.testing.assert_array_equal(match_histogram(values, histogram(values)), values)


def test_a_brighter_scanner_becomes_as_dark_as_the_reference():
    rng = np.random.default_rng(1)
    dark = rng.integers(0, 100, 50000).astype(np.uint8)
    bright = (rng.integers(0, 100, 50000) + 120).astype(np.uint8)
    assert match_histogram(bright, histogram(dark)).mean() == pytest.approx(dark.mean(), abs=1)
