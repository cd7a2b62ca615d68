import csv

import numpy as np
import pytest
from PIL import Image

from lamina.cases import find_cases, read_image, read_label
from lamina.errors import ConfigError, DataError
from lamina.phantoms import make_head_volume, write_cochlea_patients
from lamina.phantoms.dicom_series import in_plane

SMALL = {"patients": 2, "shape": (52, 56, 60), "spacing": 0.6}


@pytest.fixture(scope="module")
def slices(tmp_path_factory):
    return write_cochlea_patients(tmp_path_factory.mktemp("ci") / "ci", **SMALL)


def test_raw_holds_what_a_scanner_writes(slices):
    files = sorted((slices.parent / "raw" / "P02").iterdir())
    assert len(files) == 52 + 56 + 60
    assert not any(file.suffix for file in files)


def test_slices_are_a_data_set_divided_by_patient(slices):
    found = find_cases(slices)
    assert not found.problems
    assert {case.patient for case in found.cases} == {"P01", "P02"}
    assert all(case.name.startswith(case.patient) for case in found.cases)


def test_a_slice_and_its_mask_are_those_of_the_volume(slices):
    head = make_head_volume((0, 0), shape=SMALL["shape"], spacing=SMALL["spacing"])
    truth = np.asarray(in_plane(head.label[0], head.affine, "coronal").dataobj)
    values = np.asarray(in_plane(head.image[0], head.affine, "coronal").dataobj)
    paths = sorted((slices / "masks").glob("P01_*"))
    area = truth.sum(axis=(0, 1))
    numbers = [int(path.stem[-3:]) for path in paths]
    assert numbers == np.flatnonzero(area >= 0.5 * area.max()).tolist()
    for path, number in zip(paths, numbers, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(path)).T, 255 * truth[..., number])
        picture = np.asarray(Image.open(slices / "images" / path.name)).T
        expected = (values[..., number].astype(float).clip(-1000, 3000) + 1000) / 4000 * 255
        assert abs(picture - expected).max() <= 0.51


def test_volumes_are_a_list_of_series_with_labels_on_their_grid(slices):
    folder = write_cochlea_patients(slices.parent, part="volumes", **SMALL)
    found = find_cases(folder)
    assert [case.patient for case in found.cases] == ["P01", "P02"]
    assert not found.problems
    for case in found.cases:
        values, grid = read_image(case.image)
        label, label_grid = read_label(folder / "labels" / f"{case.patient}.nii.gz")
        assert label.shape == values.shape == (52, 60, 56)
        np.testing.assert_allclose(grid.affine, label_grid.affine, atol=1e-3)
        assert values[label == 1].mean() > values[label == 0].mean() + 1500


def test_the_list_of_patients_names_every_slice(slices):
    with (slices / "patients.csv").open() as file:
        rows = {row["case"]: row["patient"] for row in csv.DictReader(file)}
    assert set(rows) == {path.stem for path in (slices / "images").iterdir()}


def test_other_parameters_are_refused(slices, tmp_path):
    with pytest.raises(DataError, match="other parameters: seed 0, not 1"):
        write_cochlea_patients(slices.parent, seed=1, **SMALL)
    with pytest.raises(ConfigError, match="part 'raw'"):
        write_cochlea_patients(tmp_path / "a", part="raw", **SMALL)
    with pytest.raises(ConfigError, match="expected patients from 1"):
        write_cochlea_patients(tmp_path / "a", **SMALL | {"patients": 0})
