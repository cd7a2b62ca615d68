"""Volumes as DICOM series of a plane, as a scanner's reformatting writes them."""

from collections.abc import Iterator
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

PLANES = {"axial": "LPS", "coronal": "LIP", "sagittal": "PIR"}
"""Where the columns, the rows and the slices of a series run, as radiologists read it."""

_INTERCEPT = -1024


@dataclass(frozen=True)
class Study:
    """A patient's study: UIDs are made from ``name``, so that the same phantom has the same."""

    name: str
    patient: str

    def uid(self, *parts: object) -> UID:
        """Return the UID of a part of the study, the same for the same parts."""
        return generate_uid(entropy_srcs=[self.name, self.patient, *map(str, parts)])


def in_plane(
    voxels: NDArray[np.generic], affine: NDArray[np.float64], plane: str
) -> nib.Nifti1Image:
    """Return a volume (x, y, z) turned to (columns, rows, slices) of a plane, with its affine.

    Examples
    --------
    >>> volume = np.zeros((2, 3, 4), dtype=np.int16)
    >>> in_plane(volume, np.eye(4), "coronal").shape
    (2, 4, 3)
    """
    image = nib.Nifti1Image(voxels, affine)
    now = nib.orientations.io_orientation(affine)
    wanted = nib.orientations.axcodes2ornt(PLANES[plane])
    turned: nib.Nifti1Image = image.as_reoriented(nib.orientations.ornt_transform(now, wanted))
    turned.header.set_xyzt_units("mm")
    return turned


def series_slices(image: nib.Nifti1Image, study: Study, plane: str) -> Iterator[FileDataset]:
    """Yield a slice of a series in HU, ready to be saved.

    Parameters
    ----------
    image
        As `in_plane` returns it.
    study, plane
        What it is a series of.
    """
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    right, down = lps[:3, 0] / spacing[0], lps[:3, 1] / spacing[1]
    voxels = np.asarray(image.dataobj)
    for number in range(voxels.shape[2]):
        one = _headed(study, plane, number)
        one.ImagePositionPatient = (lps @ [0, 0, number, 1])[:3].round(4).tolist()
        one.ImageOrientationPatient = np.concatenate([right, down]).round(6).tolist()
        one.PixelSpacing = [round(float(spacing[1]), 6), round(float(spacing[0]), 6)]
        one.SliceThickness = round(float(spacing[2]), 6)
        _set_pixels(one, voxels[:, :, number].T)
        yield one


def _headed(study: Study, plane: str, number: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = study.uid(plane, number)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    one.SOPClassUID = CTImageStorage
    one.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    one.StudyInstanceUID = study.uid()
    one.SeriesInstanceUID = study.uid(plane)
    one.FrameOfReferenceUID = study.uid("frame")
    one.PositionReferenceIndicator = ""
    one.PatientID, one.PatientName = study.patient, f"Phantom^{study.patient}"
    one.Modality, one.Manufacturer = "CT", "Lamina phantoms"
    one.ImageType = ["DERIVED", "SECONDARY", plane.upper()]
    one.SeriesDescription = f"Temporal bone {plane}"
    one.SeriesNumber, one.InstanceNumber = list(PLANES).index(plane) + 1, number + 1
    one.StudyID, one.AccessionNumber, one.ReferringPhysicianName = "1", "", ""
    one.StudyDate, one.StudyTime, one.PatientBirthDate, one.PatientSex = "", "", "", ""
    return one


def _set_pixels(one: Dataset, values: NDArray[np.int16]) -> None:
    """Store values in HU (rows, columns) in 12 bits."""
    stored = (values.astype(np.int32) - _INTERCEPT).clip(0, 4095).astype(np.uint16)
    one.Rows, one.Columns = stored.shape
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.RescaleIntercept, one.RescaleSlope, one.RescaleType = _INTERCEPT, 1, "HU"
    one.PixelData = stored.tobytes()
