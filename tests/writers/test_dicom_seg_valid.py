"""Segmentations of real series, as a validator and another program see them.

dciodvfy (Debian: dicom3tools) knows the standard; dcmqi reads DICOM SEG independently of us.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest

from lamina.cases.find import find_images
from lamina.cases.inputs import find_inputs
from lamina.errors import DataError, GeometryError, ReadError
from lamina.readers.images import read_label
from lamina.readers.source import Source
from lamina.writers.dicom_seg import write_dicom_seg
from lamina.writers.label_files import write_nifti
from lamina.writers.segmented_case import PredictedCase

sitk = pytest.importorskip("SimpleITK", reason="SimpleITK reads what dcmqi writes")
# How many series each folder has at least.
FOLDERS = {
    "dicom/ct_tiny": 1,
    "dicom/ct_liver": 1,
    "dicom/prostate_mr": 4,
    "hippocampus_dicom": 3,
}


@pytest.fixture(scope="module")
def dciodvfy():
    command = shutil.which("dciodvfy")
    if command is None:
        pytest.skip("no dciodvfy (Debian: dicom3tools)")

    def errors(path):
        done = subprocess.run(
            [command, "-new", str(path)], check=False, capture_output=True, text=True
        )
        lines = (done.stdout + done.stderr).splitlines()
        assert "Segmentation" in lines, lines
        return [line for line in lines if line.startswith("Error")]

    return errors


@pytest.fixture(scope="module")
def dcmqi():
    """Reader of a DICOM SEG by dcmqi: {segment number: world positions (LPS) of its voxels}."""
    command = shutil.which("segimage2itkimage", path=Path(sys.executable).parent)
    if command is None:
        pytest.skip("no dcmqi (pip install dcmqi)")

    def read(path, folder):
        folder.mkdir()
        options = ["-t", "nrrd", "--outputDirectory", str(folder), "--inputDICOM", str(path)]
        done = subprocess.run([command, *options], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        images = {int(file.stem): sitk.ReadImage(str(file)) for file in folder.glob("*.nrrd")}
        return {number: places_in(image) for number, image in images.items()}

    return read


def places_in(image, value=None):
    voxels = sitk.GetArrayFromImage(image).T
    indices = np.argwhere(voxels > 0 if value is None else voxels == value).astype(float)
    direction = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    return indices @ direction.T + image.GetOrigin()


def assert_same_places(found, expected):
    assert found.shape == expected.shape
    order = [np.lexsort(np.round(places, 2).T) for places in (found, expected)]
    np.testing.assert_allclose(found[order[0]], expected[order[1]], atol=2e-3)


@pytest.mark.parametrize("folder", FOLDERS)
def test_real_series(real_data, folder, predict, dciodvfy, dcmqi, tmp_path):
    """Valid, and the same voxels on the same places as in the NIfTI and for dcmqi."""
    done = 0
    for number, source in enumerate(find_inputs(real_data / folder).cases):
        try:
            case = predict(source.image, name=f"{number}")
        except (GeometryError, ReadError):
            continue
        (path,), (nifti,) = write_dicom_seg(case, tmp_path), write_nifti(case, tmp_path)
        assert dciodvfy(path) == [], source.image
        found = dcmqi(path, tmp_path / f"dcmqi{number}")
        volume = sitk.ReadImage(str(nifti))
        assert {value for value, places in found.items() if len(places)} == {1, 3}
        for value in (1, 3):
            assert_same_places(found[value], places_in(volume, value))
        done += 1
    assert done >= FOLDERS[folder]


@pytest.mark.parametrize(
    "name",
    [
        "01_enhanced_4d",
        "02_pixel_measures_per_frame",
        "03_orientation_last_digit",
        "04a_time_with_colons",
        "04b_date_stars",
        "07_enhanced_one_frame_a_file",
        "08_series_over_two_folders",
        "09_orientation_at_rounding_edge",
        "10_with_an_unplaced_image",
        "14_empty_slice_thickness",
    ],
)
def test_sources_that_highdicom_did_not_take(real_data, name, predict, dcmqi, tmp_path):
    """Each gets a segmentation whose voxels lie, for dcmqi and for us, where the label has them."""
    folder = real_data / "faults" / "scans" / name
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    for number, source in enumerate(find_images(folder).sources):
        case = predict(source, name=f"{number}")
        (path,) = write_dicom_seg(case, tmp_path)
        if case.label.ndim == 3:  # an X-ray has no place in space
            np.testing.assert_array_equal(read_label(Source(path, image=source))[0], case.label)
            (nifti,) = write_nifti(case, tmp_path)
            volume = sitk.ReadImage(str(nifti))
            for value, places in dcmqi(path, tmp_path / f"dcmqi{number}").items():
                assert_same_places(places, places_in(volume, value))


def test_frames_of_a_part_have_their_numbers_in_the_file(real_data, predict, tmp_path):
    folder = real_data / "faults" / "scans" / "01_enhanced_4d"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    sources = [Source.of(source) for source in find_images(folder).sources]
    uids, referred = set(), []
    for number, source in enumerate(sources):
        (path,) = write_dicom_seg(predict(source, name=f"{number}"), tmp_path)
        seg = pydicom.dcmread(path)
        uids.add(seg.SOPInstanceUID)
        numbers = {
            int(group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber)
            for group in seg.PerFrameFunctionalGroupsSequence
        }
        assert numbers <= {one.frame + 1 for one in source.slices}
        referred.append(numbers)
    assert len(uids) == len(sources)
    assert not set.intersection(*referred)


def test_a_missing_slice(real_data, labels, dciodvfy, dcmqi, tmp_path):
    """Every frame lies where its own image lies, on both sides of the gap."""
    folder = real_data / "dicom" / "prostate_mr_missing_slice"
    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    slices = [sitk.ReadImage(file) for file in files]
    # The reader fills the gap, so that the volume has one slice more than there are images.
    label = np.zeros((*slices[0].GetSize()[:2], len(slices) + 1), np.uint8)
    label[3, 8, :] = 1
    case = PredictedCase("gap", str(folder), label[None], label, np.eye(4), True, labels)
    (path,) = write_dicom_seg(case, tmp_path)
    assert dciodvfy(path) == []
    places = np.array([one.TransformIndexToPhysicalPoint((3, 8, 0)) for one in slices])
    assert_same_places(dcmqi(path, tmp_path / "dcmqi")[1], places)


def test_the_series_without_uids_is_refused(real_data, predict, tmp_path):
    case = predict(real_data / "dicom" / "ct_jpeg2000")
    (nifti,) = write_nifti(case, tmp_path)
    with pytest.raises(DataError, match="no SOPInstanceUID and no SeriesInstanceUID and no Study"):
        write_dicom_seg(case, tmp_path)
    assert list(tmp_path.iterdir()) == [nifti]


@pytest.mark.parametrize("tilt", [0.0, 0.3])
def test_made_series(write_series, predict, labels, oblique, dciodvfy, tmp_path, tilt):
    """Oblique, and with a tilted gantry, whose slices are shifted along their columns."""
    shape = (5, 7, 4)
    moved = {z: tilt * z * oblique[:3, 1] * [-1, -1, 1] for z in range(shape[2])}
    source = write_series(tmp_path / "ct", shape, oblique, moved=moved)
    label = np.zeros(shape, np.uint8)
    label[1, 2, :] = 1
    case = PredictedCase("a", str(source), label[None], label, oblique, True, labels)
    (path,) = write_dicom_seg(case, tmp_path)
    assert dciodvfy(path) == []


@pytest.mark.parametrize("orientation", [None, "", ["L", "F"]])
def test_an_x_ray(write_ct, predict, dciodvfy, tmp_path, orientation):
    source = write_ct(
        tmp_path / "xray.dcm",
        Modality="CR",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.1",
        FrameOfReferenceUID=None,
        PatientOrientation=orientation,
    )
    (path,) = write_dicom_seg(predict(source, radius=2), tmp_path)
    assert dciodvfy(path) == []
