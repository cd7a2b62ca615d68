import json
import os
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

import lamina.phantoms.dataset as dataset_module
from lamina.errors import ConfigError, DataError
from lamina.phantoms import CIRRUS, make_oct_volume, write_oct_dataset
from lamina.phantoms.dataset import case_name

SMALL = {"shape": (16, 150, 3), "spacing": (100.0, 6.6, 300.0)}


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_layout_is_that_of_the_decathlon(tmp_path):
    folder = write_oct_dataset(tmp_path / "deep" / "oct", cases=2, seed=5, **SMALL)
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
    folder = write_oct_dataset(tmp_path / "oct", cases=2, seed=5, **SMALL)
    volume = make_oct_volume((5, 1), **SMALL)
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

    folder = write_oct_dataset(tmp_path / "oct", cases=1, **SMALL)
    load = LoadImage(ensure_channel_first=True)
    image, label = (load(folder / part / "oct_000.nii.gz") for part in ("imagesTr", "labelsTr"))
    assert image.shape == label.shape == (1, 16, 150, 3)
    np.testing.assert_allclose(image.affine, label.affine)
    np.testing.assert_allclose(image.pixdim, [0.1, 0.0066, 0.3], rtol=1e-5)


def test_more_cases_leave_the_first_ones_as_they_are(tmp_path):
    few = contents(write_oct_dataset(tmp_path / "few", cases=2, seed=1, **SMALL))
    many = contents(write_oct_dataset(tmp_path / "many", cases=4, seed=1, **SMALL))
    cases = [name for name in few if "/" in name]
    assert len(cases) == 6
    assert all(few[name] == many[name] for name in cases)


def test_seeds_and_cases_differ(tmp_path):
    first = contents(write_oct_dataset(tmp_path / "a", cases=2, seed=0, **SMALL))
    second = contents(write_oct_dataset(tmp_path / "b", cases=2, seed=1, **SMALL))
    images = [
        files[f"imagesTr/{case_name(case)}.nii.gz"] for files in (first, second) for case in (0, 1)
    ]
    assert len(set(images)) == 4


def test_second_call_does_nothing(tmp_path, monkeypatch):
    folder = write_oct_dataset(tmp_path / "oct", cases=1, layers={"NFL": ["RNFL"]}, **SMALL)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    monkeypatch.setattr(dataset_module, "_write_case", None)
    again = write_oct_dataset(str(folder), cases=1, layers={"NFL": ("RNFL",)}, **SMALL)
    assert again == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "oct").mkdir()
    assert (write_oct_dataset(tmp_path / "oct", cases=1, **SMALL) / "dataset.json").is_file()


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
    folder = write_oct_dataset(tmp_path / "oct", cases=1, **SMALL)
    before = contents(folder)
    with pytest.raises(
        DataError, match=f"oct: holds phantoms made with other parameters: .*{told}"
    ):
        write_oct_dataset(folder, **{"cases": 1, **SMALL, **changed})
    assert contents(folder) == before


def test_a_changed_recipe_is_noticed(tmp_path, monkeypatch):
    folder = write_oct_dataset(tmp_path / "oct", cases=1, **SMALL)
    monkeypatch.setattr(dataset_module, "RECIPE", 2)
    with pytest.raises(DataError, match="recipe 1, not 2"):
        write_oct_dataset(folder, cases=1, **SMALL)


def test_a_foreign_folder_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="expected a new or empty folder, found other files"):
        write_oct_dataset(tmp_path, cases=1, **SMALL)
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "oct").write_text("a file")
    with pytest.raises(DataError, match="expected a new or empty folder"):
        write_oct_dataset(tmp_path / "oct", cases=1, **SMALL)


@pytest.mark.parametrize("content", ["{", "[1, 2]"])
def test_a_spoilt_list_of_parameters_is_refused(tmp_path, content):
    folder = write_oct_dataset(tmp_path / "oct", cases=1, **SMALL)
    (folder / "phantoms.json").write_text(content)
    with pytest.raises(DataError, match=r"phantoms.json: not JSON|other parameters"):
        write_oct_dataset(folder, cases=1, **SMALL)


def test_a_lost_file_is_named(tmp_path):
    folder = write_oct_dataset(tmp_path / "oct", cases=1, **SMALL)
    (folder / "labelsTr/oct_000.nii.gz").unlink()
    with pytest.raises(DataError, match=r"1 files? .*missing, labelsTr/oct_000.nii.gz"):
        write_oct_dataset(folder, cases=1, **SMALL)


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        write_oct_dataset(tmp_path / "oct", cases=1, **SMALL)
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
    folder = write_oct_dataset(tmp_path / "oct", cases=1, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["oct"]
    assert "half" not in {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("wrong", [{"cases": 0}, {"seed": -1}])
def test_wrong_numbers_are_refused_before_anything_is_written(tmp_path, wrong):
    with pytest.raises(ConfigError, match="expected cases from 1, seed from 0"):
        write_oct_dataset(tmp_path / "oct", **{"cases": 1, **SMALL, **wrong})
    assert list(tmp_path.iterdir()) == []


def test_fluid_has_a_label_even_where_no_case_has_any(tmp_path):
    folder = write_oct_dataset(tmp_path / "oct", cases=1, fluid=1e-9, **SMALL)
    assert json.loads((folder / "dataset.json").read_text())["labels"]["9"] == "fluid"
