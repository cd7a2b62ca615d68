import itertools

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from lamina.errors import GeometryError, ReadError
from lamina.readers.image_reader import LabelReader
from lamina.readers.images import read_image, read_label
from lamina.readers.source import Source

SHAPE = (5, 7, 4)
IDENTITY = {
    "StudyInstanceUID": "1.2.3.9",
    "FrameOfReferenceUID": "1.2.3.8",
    "Modality": "CT",
    "PositionReferenceIndicator": "",
} | dict.fromkeys(
    [
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "AccessionNumber",
        "ReferringPhysicianName",
        "StudyDate",
        "StudyTime",
        "StudyID",
    ],
    "",
)


def label_map(seed=0):
    return np.random.default_rng(seed).choice([0, 0, 1, 2], SHAPE).astype(np.uint8)


def write_seg(path, folder, pixels, kind="BINARY", names=("liver", "tumour")):
    """Write a segmentation by highdicom; pixels are (slices, rows, columns[, segments])."""
    sources = [pydicom.dcmread(file) for file in sorted(folder.glob("*.dcm"))]
    algorithm = hd.AlgorithmIdentificationSequence(
        name="test", family=codes.DCM.ArtificialIntelligence, version="1"
    )
    segments = [
        hd.seg.SegmentDescription(
            number,
            name,
            codes.SCT.AnatomicalStructure,
            codes.SCT.Liver,
            "AUTOMATIC",
            algorithm,
        )
        for number, name in enumerate(names, 1)
    ]
    ids = (hd.UID(), 9, hd.UID(), 1, "test", "test", "1", "1")
    seg = hd.seg.Segmentation(sources, pixels, kind, segments, *ids)
    path.parent.mkdir(exist_ok=True)
    seg.save_as(path)
    return path


@pytest.fixture
def series(write_series, oblique, tmp_path):
    # The fixture is flipped in x; slices along their normal need a right-handed grid.
    affine = oblique @ np.diag([1, -1, 1, 1])
    voxels = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    return write_series(tmp_path / "ct", voxels, affine, **IDENTITY)


def test_what_was_written_is_read_on_the_grid_of_the_image(series, tmp_path):
    label = label_map()
    label[:, :, [0, 2]] = 0  # planes that are not stored
    path = write_seg(tmp_path / "mask.dcm", series, label.T.copy())
    found, grid = read_label(path)
    np.testing.assert_array_equal(found, label)
    np.testing.assert_allclose(grid.affine, read_image(str(series))[1].affine)
    assert found.dtype == np.int32


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_frames_may_lie_in_any_plane(series, oblique, tmp_path, axes):
    """A program may store the segmentation sagittal though its source is axial."""
    label = label_map()
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ oblique @ np.diag([1, -1, 1, 1])
    volume = hd.Volume(label, lps, "PATIENT", frame_of_reference_uid="1.2.3.8")
    for flips in [(), (0,), (1,), (0, 2), (0, 1, 2)]:
        turned = volume.permute_spatial_axes(axes)
        turned = turned.flip_spatial(flips) if flips else turned
        path = write_seg(tmp_path / "mask.dcm", series, turned)
        np.testing.assert_array_equal(read_label(path)[0], label)


def test_classes_by_label_and_by_number(series, tmp_path):
    label = label_map()
    path = write_seg(tmp_path / "mask.dcm", series, label.T.copy())
    found, _ = LabelReader(values={"0": 0, "tumour": 1, "1": 7}).get_data([str(path)])
    np.testing.assert_array_equal(found, np.array([0, 7, 1])[label])


def test_a_segment_that_no_class_stands_for_is_named(series, tmp_path):
    path = write_seg(tmp_path / "mask.dcm", series, label_map().T.copy())
    with pytest.raises(ReadError, match="segments tumour are not among liver"):
        read_label(path, {"liver": 1})


def test_two_classes_in_one_voxel_are_refused(series, tmp_path):
    both = np.ones((*SHAPE[::-1], 2), np.uint8)
    path = write_seg(tmp_path / "mask.dcm", series, both)
    with pytest.raises(ReadError, match="segment 2 overlaps another class"):
        read_label(path)
    assert (read_label(path, {"1": 1, "2": 1})[0] == 1).all()


@pytest.mark.parametrize("shift", [0.4, 100.0])
def test_voxels_between_or_outside_those_of_the_image_are_refused(series, tmp_path, shift):
    path = write_seg(tmp_path / "mask.dcm", series, label_map().T.copy())
    seg = pydicom.dcmread(path)
    for frame in seg.PerFrameFunctionalGroupsSequence:
        place = frame.PlanePositionSequence[0].ImagePositionPatient
        frame.PlanePositionSequence[0].ImagePositionPatient = [round(x + shift, 8) for x in place]
    seg.save_as(path)
    with pytest.raises(GeometryError, match="its voxels do not fall on those of the series"):
        read_label(path)


@pytest.mark.parametrize("place", ["ct/mask.dcm", "mask.dcm", "labels/mask.dcm"])
def test_where_the_source_is_looked_for(series, tmp_path, place):
    label = label_map()
    path = write_seg(tmp_path / place, series, label.T.copy())
    np.testing.assert_array_equal(read_label(path)[0], label)


def test_a_series_below_the_folder_beside(write_series, oblique, tmp_path):
    voxels = np.zeros(SHAPE, np.int16)
    folder = tmp_path / "images" / "case 1"
    write_series(folder, voxels, oblique @ np.diag([1, -1, 1, 1]), **IDENTITY)
    path = write_seg(tmp_path / "labels" / "case 1.dcm", folder, label_map().T.copy())
    assert read_label(path)[0].shape == SHAPE


def test_of_several_series_of_one_uid_the_one_that_fits_is_taken(
    series, write_series, oblique, tmp_path
):
    """As where one series holds several stacks of slices."""
    voxels = np.zeros(SHAPE, np.int16)
    write_series(tmp_path / "a", voxels, oblique @ np.diag([1, -1, 3, 1]), **IDENTITY)
    label = label_map()
    path = write_seg(tmp_path / "mask.dcm", series, label.T.copy())
    found, grid = read_label(path)
    np.testing.assert_array_equal(found, label)
    np.testing.assert_allclose(grid.affine, read_image(str(series))[1].affine)


def test_the_image_of_its_case_is_its_source_wherever_it_lies(series, tmp_path):
    label = label_map()
    (tmp_path / "far" / "away").mkdir(parents=True)
    path = write_seg(tmp_path / "far" / "away" / "mask.dcm", series, label.T.copy())
    with pytest.raises(ReadError, match="not near it"):
        read_label(path)
    found, grid = read_label(Source(path, image=Source(series)))
    np.testing.assert_array_equal(found, label)
    np.testing.assert_allclose(grid.affine, Source(series).plan.grid.affine)


def test_a_source_that_is_not_there(series, tmp_path):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    path = write_seg(deep / "mask.dcm", series, label_map().T.copy())
    with pytest.raises(ReadError, match="the series that it refers to is not near it"):
        read_label(path)


def test_only_binary_segmentations(series, tmp_path):
    path = write_seg(tmp_path / "mask.dcm", series, label_map().T.copy(), kind="LABELMAP")
    with pytest.raises(ReadError, match="as a mask, .* LABELMAP; expected a binary"):
        read_label(path)
    with pytest.raises(ReadError, match="as a mask, CT Image Storage; expected a binary"):
        read_label(next(series.iterdir()))


def test_a_cut_file(series, tmp_path):
    path = write_seg(tmp_path / "mask.dcm", series, label_map().T.copy())
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(ReadError, match="a DICOM SEG that can't be read"):
        read_label(path)


def test_one_by_another_program(data):
    """By dcmqi; 107,098 voxels of liver in three slices, as dcmqi itself reads it."""
    found, grid = read_label(data / "dicom" / "ct_liver_seg.dcm", {"Liver": 1})
    values, image_grid = read_image(str(data / "dicom" / "ct_liver"))
    assert found.sum() == 107098
    np.testing.assert_array_equal(grid.affine, image_grid.affine)
    assert 20 < values[found == 1].mean() < 80  # Hounsfield units of a liver
