import numpy as np
import pytest

from lamina.readers.grid import Grid
from lamina.readers.images import read_label
from lamina.writers.nrrd import write_nrrd
from lamina.writers.segmented_case import SegmentedCase

sitk = pytest.importorskip("SimpleITK", reason="SimpleITK reads the files again")


@pytest.fixture
def case(write_series, predict, oblique, tmp_path):
    return predict(write_series(tmp_path / "ct", (5, 7, 4), oblique))


def test_another_reader_finds_values_and_places(case, tmp_path):
    (path,) = write_nrrd(case, tmp_path)
    image = sitk.ReadImage(str(path))
    assert path.name == "case.seg.nrrd"
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).T, case.label)
    for index in [(0, 0, 0), (4, 2, 3)]:
        place = (case.affine @ [*index, 1])[:3] * [-1, -1, 1]
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(index), place, atol=1e-6)


def test_lamina_reads_it_as_a_label(case, tmp_path):
    (path,) = write_nrrd(case, tmp_path)
    values, grid = read_label(path)
    np.testing.assert_array_equal(values, case.label)
    np.testing.assert_allclose(grid.affine, case.affine, atol=1e-6)


def test_segments_have_names_values_and_colours(case, tmp_path):
    (path,) = write_nrrd(case, tmp_path)
    image = sitk.ReadImage(str(path))
    keys = image.GetMetaDataKeys()
    for index, label in enumerate(case.labels[1:]):
        assert image.GetMetaData(f"Segment{index}_Name") == label.name
        assert image.GetMetaData(f"Segment{index}_LabelValue") == str(label.value)
        colour = np.array(image.GetMetaData(f"Segment{index}_Color").split(), float)
        np.testing.assert_allclose(colour * 255, label.color, atol=0.01)
    assert "Segment3_Name" not in keys
    assert image.GetMetaData("Segment0_Extent") == "0 4 0 6 0 3"


def test_a_picture(case, tmp_path):
    label = np.eye(6, 4).astype(np.uint8)
    picture = SegmentedCase(
        **vars(case) | {"label": label, "grid": Grid((6, 4), np.diag([0.5, 2, 1, 1]))}
    )
    (path,) = write_nrrd(picture, tmp_path)
    image = sitk.ReadImage(str(path))
    assert image.GetSize() == (6, 4)
    assert image.GetSpacing() == (0.5, 2)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).T, label)
