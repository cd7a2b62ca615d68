import numpy as np
import pytest

from lamina.cases import read_image
from lamina.cases.scan import plane_of
from lamina.phantoms.dicom_series import PLANES, Study, in_plane, series_slices

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
