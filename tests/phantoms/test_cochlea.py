import csv

import numpy as np
import pytest
from PIL import Image

from lamina.cases.find import find_cases
from lamina.cases.scan import plane_of
from lamina.errors import ConfigError, DataError
from lamina.phantoms.cbct import make_head_volume
from lamina.phantoms.cochlea import PLANES, Study, in_plane, series_slices, write_cochlea_patients
from lamina.readers.images import read_image, read_label

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


AFFINE = np.array([[-0.5, 0, 0, 4.0], [0, 0.75, 0, -9.0], [0, 0, 2.0, 1.0], [0, 0, 0, 1]])


@pytest.fixture
def volume():
    return np.arange(-60, 5 * 7 * 9 - 60, dtype=np.int16).reshape(5, 7, 9)


def write(folder, volume, plane, study):
    folder.mkdir(parents=True, exist_ok=True)
    image = in_plane(volume, AFFINE, plane)
    for number, one in enumerate(series_slices(image, study, plane)):
        one.save_as(folder / f"{plane}{number:03d}", enforce_file_format=True)
    return image


@pytest.mark.parametrize("plane", PLANES)
def test_a_voxel_is_found_again_where_it_lay(tmp_path, volume, plane):
    turned = write(tmp_path / "s", volume, plane, Study("test", "P1"))
    values, grid = read_image(str(tmp_path / "s"))
    np.testing.assert_array_equal(values, np.asarray(turned.dataobj))
    np.testing.assert_allclose(grid.affine, turned.affine, atol=1e-4)
    for index in ((0, 0, 0), (4, 2, 8), (1, 6, 3)):
        world = AFFINE @ [*index, 1]
        there = np.linalg.solve(grid.affine, world)[:3].round().astype(int)
        assert values[tuple(there)] == volume[index]


@pytest.mark.parametrize("plane", PLANES)
def test_the_plane_is_what_it_is_called(tmp_path, volume, plane):
    write(tmp_path / "s", volume, plane, Study("test", "P1"))
    assert plane_of(read_image(str(tmp_path / "s"))[1].affine) == plane


def test_three_planes_in_one_folder_are_three_series(tmp_path, volume):
    study = Study("test", "P1")
    for plane in PLANES:
        write(tmp_path / "s", volume, plane, study)
    sizes = {p: read_image(f"{tmp_path / 's'}#{study.uid(p)}")[1].shape for p in PLANES}
    assert sizes == {"axial": (5, 7, 9), "coronal": (5, 9, 7), "sagittal": (7, 9, 5)}


def test_uids_depend_on_study_patient_and_part():
    one = Study("a", "P1")
    assert one.uid("axial") == Study("a", "P1").uid("axial")
    assert len({one.uid(), one.uid("axial"), Study("b", "P1").uid(), Study("a", "P2").uid()}) == 4
