import json
import os
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamina.phantoms.oct as dataset_module
from lamina.errors import ConfigError, DataError
from lamina.phantoms.anatomy import EIGHT_LAYERS, LAYERS
from lamina.phantoms.oct import (
    SHAPE,
    SPACING,
    case_name,
    make_oct_volume,
    oct_affine,
    write_oct_dataset,
)
from lamina.phantoms.oct_scan import CIRRUS

SMALL = {"shape": (24, 160, 5), "spacing": (100.0, 6.2, 300.0)}
FINE = {layer.name: [layer.name] for layer in LAYERS}


def label_by_column(boundaries, rows):
    """Label each voxel by counting, column by column, the boundaries at or above its centre."""
    count, columns, scans = boundaries.shape
    label = np.zeros((columns, rows, scans), int)
    for x in range(columns):
        for z in range(scans):
            passed = np.searchsorted(boundaries[:, x, z], np.arange(rows), side="right")
            label[x, :, z] = np.where(passed < count, passed, 0)
    return label


def test_arrays_are_channel_first_and_of_the_asked_size():
    volume = make_oct_volume(0, **SMALL)
    assert volume.image.shape == volume.label.shape == (1, 24, 160, 5)
    assert volume.boundaries.shape == (9, 24, 5)
    assert volume.image.dtype == volume.label.dtype == np.uint8
    assert volume.boundaries.dtype == np.float32


def test_same_seed_same_volume_other_seed_other_volume():
    first, again, other = (make_oct_volume(seed, **SMALL) for seed in ((3, 1), (3, 1), (3, 2)))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert (first.image != other.image).any()
    assert (first.boundaries != other.boundaries).any()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_label_and_boundaries_agree(seed):
    volume = make_oct_volume(seed, **SMALL)
    assert (np.diff(volume.boundaries, axis=0) > 0).all()
    np.testing.assert_array_equal(volume.label[0], label_by_column(volume.boundaries, 160))


def test_boundary_between_voxels_is_where_the_brightness_jumps():
    """The vitreous is dark and the nerve fibre layer bright: averaged, the step is where it is said
    to be, to a fraction of a voxel."""
    volume = make_oct_volume(5, shape=(128, 256, 7))
    rows = np.arange(256)[None, :, None] - volume.boundaries[0][:, None]

    def mean(low, high):
        return volume.image[0][(rows >= low) & (rows < high)].mean()

    dark, bright = mean(-6, -3), mean(0.5, 1.5)
    assert bright > 2.5 * dark
    assert mean(-1.5, -0.6) == pytest.approx(dark, abs=2)
    assert mean(0.55, 1.0) > 0.95 * bright


def test_grouping_changes_labels_and_nothing_else():
    eight, fine = make_oct_volume(1, **SMALL), make_oct_volume(1, **SMALL, layers=FINE)
    np.testing.assert_array_equal(eight.image, fine.image)
    np.testing.assert_array_equal(eight.boundaries, fine.boundaries[[0, 1, 3, 4, 5, 6, 11, 13, 15]])
    group_of = [0, 1, 2, 2, 3, 4, 5, 6, 6, 6, 6, 6, 7, 7, 8, 8]
    np.testing.assert_array_equal(eight.label, np.array(group_of)[fine.label])


def test_one_layer_alone_leaves_the_rest_background():
    rpe = make_oct_volume(1, **SMALL, layers={"RPE": ["RPE", "BM"]})
    eight = make_oct_volume(1, **SMALL)
    assert list(EIGHT_LAYERS)[6] == "RPE"
    np.testing.assert_array_equal(rpe.label == 1, eight.label == 7)
    assert rpe.boundaries.shape[0] == 2


@pytest.mark.parametrize("seed", range(3))
def test_fluid_is_dark_and_inside_the_retina(seed):
    volume = make_oct_volume(seed, **SMALL, fluid=6.0)
    fluid = volume.label == 9
    assert fluid.sum() > 10
    assert volume.image[fluid].mean() < 0.7 * volume.image[volume.label == 5].mean()
    without = label_by_column(volume.boundaries, 160)
    assert set(np.unique(without[fluid[0]])) <= {3, 5, 6}  # INL, ONL, photoreceptors
    np.testing.assert_array_equal(volume.label[0][~fluid[0]], without[~fluid[0]])


def test_without_fluid_no_voxel_has_its_label():
    assert make_oct_volume(0, **SMALL).label.max() == 8


def test_axes_point_left_back_and_up():
    affine = make_oct_volume(0, **SMALL).affine
    assert nib.aff2axcodes(affine) == ("L", "P", "S")
    np.testing.assert_allclose(nib.affines.voxel_sizes(affine), [0.1, 0.0062, 0.3])
    assert np.linalg.det(affine[:3, :3]) > 0  # a rotation, no mirror


def test_the_centre_is_the_origin():
    affine = oct_affine(SHAPE, SPACING)
    np.testing.assert_allclose(affine @ [63.5, 127.5, 6.5, 1], [0, 0, 0, 1], atol=1e-12)


def test_depth_grows_with_y():
    volume = make_oct_volume(2, **SMALL)
    means = [np.argwhere(volume.label[0] == value)[:, 1].mean() for value in range(1, 9)]
    assert means == sorted(means)


@pytest.mark.parametrize("shape", [(1, 160, 5), (24, 160, 1), (1, 160, 1)])
def test_a_single_column_or_b_scan_works(shape):
    assert make_oct_volume(0, shape=shape, spacing=SMALL["spacing"]).image.shape == (1, *shape)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shape": (24, 160)}, r"shape: \[24, 160\], expected three sizes"),
        ({"shape": (24, 0, 5)}, r"shape: \[24, 0, 5\], expected three sizes of at least 1"),
        ({"spacing": (1.0, -2.0, 3.0)}, r"spacing: \[1.0, -2.0, 3.0\], expected three positive"),
        ({"spacing": (1.0, float("nan"), 3.0)}, "spacing: .*expected three positive"),
        ({"spacing": (0.1, 0.0062, 0.3)}, "the volume is 1 µm deep.*\n.*spacing is in µm"),
        ({"fluid": -1.0}, "fluid: -1.0, expected a mean number"),
        ({"layers": {"NFL": ["RNFL"], "IPL": ["IPL"]}}, "not an unbroken run"),
    ],
)
def test_wrong_numbers_are_refused(wrong, message):
    with pytest.raises(ConfigError, match=message):
        make_oct_volume(0, **{**SMALL, **wrong})


@pytest.fixture(scope="module")
def labels():
    """Return the default data set's labels."""
    return np.stack([make_oct_volume((0, case)).label[0] for case in range(24)])


def test_position_alone_does_not_solve_it(labels):
    """The prediction for 6 volumes is the most frequent label of 18 others, voxel by voxel."""
    train, test = labels[:18], labels[18:]
    prediction = np.stack([(train == value).mean(0) for value in range(9)]).argmax(0)
    scores = [
        2
        * ((prediction == value) & (truth == value)).sum()
        / ((prediction == value).sum() + (truth == value).sum())
        for truth in test
        for value in range(1, 9)
    ]
    assert np.mean(scores) < 0.3


def test_layers_are_thick_enough_to_be_learned(labels):
    for value in range(1, 9):
        assert (labels == value).sum(2).mean() >= 4.9  # voxels


def test_default_volumes_hold_all_layers_to_their_lower_end(labels):
    assert (labels[:, :, -1] == 0).all()
    assert (labels[:, :, 0] == 0).all()


SMALL_DATASET = {"shape": (16, 150, 3), "spacing": (100.0, 6.6, 300.0)}


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_layout_is_that_of_the_decathlon(tmp_path):
    folder = write_oct_dataset(tmp_path / "deep" / "oct", cases=2, seed=5, **SMALL_DATASET)
    assert folder == tmp_path / "deep" / "oct"
    assert set(contents(folder)) == {
        "dataset.json",
        "phantoms.json",
        *(f"{part}/oct_00{n}.nii.gz" for part in ("imagesTr", "labelsTr") for n in (0, 1)),
        *(f"boundaries/oct_00{n}.npy" for n in (0, 1)),
    }
    described = json.loads((folder / "dataset.json").read_text())
    assert described["numTraining"] == 2
    assert described["training"][1] == {
        "image": "./imagesTr/oct_001.nii.gz",
        "label": "./labelsTr/oct_001.nii.gz",
    }
    assert list(described["labels"].values())[:3] == ["background", "NFL", "GCL+IPL"]
    assert list(described["labels"]) == [str(value) for value in range(9)]
    assert described["modality"] == {"0": "OCT"}


def test_files_hold_what_was_made(tmp_path):
    folder = write_oct_dataset(tmp_path / "oct", cases=2, seed=5, **SMALL_DATASET)
    volume = make_oct_volume((5, 1), **SMALL_DATASET)
    image = nib.load(folder / "imagesTr/oct_001.nii.gz")
    label = nib.load(folder / "labelsTr/oct_001.nii.gz")
    np.testing.assert_array_equal(np.asarray(image.dataobj), volume.image[0])
    np.testing.assert_array_equal(np.asarray(label.dataobj), volume.label[0])
    assert image.get_data_dtype() == label.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(
        np.load(folder / "boundaries/oct_001.npy", allow_pickle=False), volume.boundaries
    )
    for file in (image, label):
        np.testing.assert_allclose(file.affine, volume.affine, atol=1e-6)
        assert file.header.get_xyzt_units()[0] == "mm"


def test_images_and_labels_read_alike_with_monai(tmp_path):
    from monai.transforms import LoadImage

    folder = write_oct_dataset(tmp_path / "oct", cases=1, **SMALL_DATASET)
    load = LoadImage(ensure_channel_first=True)
    image, label = (load(folder / part / "oct_000.nii.gz") for part in ("imagesTr", "labelsTr"))
    assert image.shape == label.shape == (1, 16, 150, 3)
    np.testing.assert_allclose(image.affine, label.affine)
    np.testing.assert_allclose(image.pixdim, [0.1, 0.0066, 0.3], rtol=1e-5)


def test_more_cases_leave_the_first_ones_as_they_are(tmp_path):
    few = contents(write_oct_dataset(tmp_path / "few", cases=2, seed=1, **SMALL_DATASET))
    many = contents(write_oct_dataset(tmp_path / "many", cases=4, seed=1, **SMALL_DATASET))
    cases = [name for name in few if "/" in name]
    assert len(cases) == 6
    assert all(few[name] == many[name] for name in cases)


def test_seeds_and_cases_differ(tmp_path):
    first = contents(write_oct_dataset(tmp_path / "a", cases=2, seed=0, **SMALL_DATASET))
    second = contents(write_oct_dataset(tmp_path / "b", cases=2, seed=1, **SMALL_DATASET))
    images = [
        files[f"imagesTr/{case_name(case)}.nii.gz"] for files in (first, second) for case in (0, 1)
    ]
    assert len(set(images)) == 4


def test_second_call_does_nothing(tmp_path, monkeypatch):
    folder = write_oct_dataset(tmp_path / "oct", cases=1, layers={"NFL": ["RNFL"]}, **SMALL_DATASET)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    monkeypatch.setattr(dataset_module, "_write_case", None)
    again = write_oct_dataset(str(folder), cases=1, layers={"NFL": ("RNFL",)}, **SMALL_DATASET)
    assert again == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "oct").mkdir()
    assert (
        write_oct_dataset(tmp_path / "oct", cases=1, **SMALL_DATASET) / "dataset.json"
    ).is_file()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"cases": 2}, "cases 1, not 2"),
        ({"seed": 8}, "seed 0, not 8"),
        ({"fluid": 1.5}, "fluid 0.0, not 1.5"),
        ({"layers": {"inner": ["RNFL", "GCL"]}}, "layers {'NFL'"),
        ({"scan": replace(CIRRUS, noise=3.0)}, "'noise': 0.0"),
        ({"shape": (16, 150, 4)}, r"shape \[16, 150, 3\], not \[16, 150, 4\]"),
    ],
)
def test_other_parameters_are_refused(tmp_path, changed, told):
    folder = write_oct_dataset(tmp_path / "oct", cases=1, **SMALL_DATASET)
    before = contents(folder)
    with pytest.raises(
        DataError, match=f"oct: holds phantoms made with other parameters: .*{told}"
    ):
        write_oct_dataset(folder, **{"cases": 1, **SMALL_DATASET, **changed})
    assert contents(folder) == before


def test_a_changed_recipe_is_noticed(tmp_path, monkeypatch):
    folder = write_oct_dataset(tmp_path / "oct", cases=1, **SMALL_DATASET)
    monkeypatch.setattr(dataset_module, "RECIPE", 2)
    with pytest.raises(DataError, match="recipe 1, not 2"):
        write_oct_dataset(folder, cases=1, **SMALL_DATASET)


def test_a_foreign_folder_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="expected a new or empty folder, found other files"):
        write_oct_dataset(tmp_path, cases=1, **SMALL_DATASET)
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "oct").write_text("a file")
    with pytest.raises(DataError, match="expected a new or empty folder"):
        write_oct_dataset(tmp_path / "oct", cases=1, **SMALL_DATASET)


@pytest.mark.parametrize("content", ["{", "[1, 2]"])
def test_a_spoilt_list_of_parameters_is_refused(tmp_path, content):
    folder = write_oct_dataset(tmp_path / "oct", cases=1, **SMALL_DATASET)
    (folder / "phantoms.json").write_text(content)
    with pytest.raises(DataError, match=r"phantoms.json: not JSON|other parameters"):
        write_oct_dataset(folder, cases=1, **SMALL_DATASET)


def test_a_lost_file_is_named(tmp_path):
    folder = write_oct_dataset(tmp_path / "oct", cases=1, **SMALL_DATASET)
    (folder / "labelsTr/oct_000.nii.gz").unlink()
    with pytest.raises(DataError, match=r"1 files? .*missing, labelsTr/oct_000.nii.gz"):
        write_oct_dataset(folder, cases=1, **SMALL_DATASET)


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        write_oct_dataset(tmp_path / "oct", cases=1, **SMALL_DATASET)
    assert list(tmp_path.iterdir()) == []


def test_two_processes_at_once_agree(tmp_path, monkeypatch):
    """Another process finishes while this one writes: its data set stands, this one's goes."""
    rename = os.rename

    def late(source, target):
        rename(source, target)
        monkeypatch.setattr(os, "rename", rename)
        os.mkdir(source)
        (source / "half").touch()
        rename(source, target)

    monkeypatch.setattr(os, "rename", late)
    folder = write_oct_dataset(tmp_path / "oct", cases=1, **SMALL_DATASET)
    assert [path.name for path in tmp_path.iterdir()] == ["oct"]
    assert "half" not in {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("wrong", [{"cases": 0}, {"seed": -1}])
def test_wrong_numbers_are_refused_before_anything_is_written(tmp_path, wrong):
    with pytest.raises(ConfigError, match="expected cases from 1, seed from 0"):
        write_oct_dataset(tmp_path / "oct", **{"cases": 1, **SMALL_DATASET, **wrong})
    assert list(tmp_path.iterdir()) == []


def test_fluid_has_a_label_even_where_no_case_has_any(tmp_path):
    folder = write_oct_dataset(tmp_path / "oct", cases=1, fluid=1e-9, **SMALL_DATASET)
    assert json.loads((folder / "dataset.json").read_text())["labels"]["9"] == "fluid"
