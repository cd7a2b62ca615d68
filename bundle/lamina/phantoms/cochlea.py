"""Patients with a cochlear implant, as DICOM files of three planes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from lamina.errors import ConfigError
from lamina.files import write_table
from lamina.phantoms.cbct import HeadVolume, make_head_volume
from lamina.phantoms.folder import make_once, require_numbers
from lamina.prepare.slices import WINDOW, windowed

PLANES = {"axial": "LPS", "coronal": "LIP", "sagittal": "PIR"}
"""Directions of a series' columns, rows and slices, in radiological convention."""

_INTERCEPT = -1024


@dataclass(frozen=True)
class Study:
    """A patient's study; its UIDs are derived from ``name``, the same for the same phantom."""

    name: str
    patient: str

    def uid(self, *names: object) -> UID:
        """Return the UID of a part of the study."""
        return generate_uid(entropy_srcs=[self.name, self.patient, *map(str, names)])


def in_plane(
    voxels: NDArray[np.generic], affine: NDArray[np.float64], plane: str
) -> nib.Nifti1Image:
    """Return a volume (x, y, z) turned to (columns, rows, slices) of a plane, with its affine.

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
        The study and plane of the series.
    """
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    right, down = lps[:3, 0] / spacing[0], lps[:3, 1] / spacing[1]
    voxels = np.asarray(image.dataobj)
    for number in range(voxels.shape[2]):
        file = _headed(study, plane, number)
        file.ImagePositionPatient = (lps @ [0, 0, number, 1])[:3].round(4).tolist()
        file.ImageOrientationPatient = np.concatenate([right, down]).round(6).tolist()
        file.PixelSpacing = [round(float(spacing[1]), 6), round(float(spacing[0]), 6)]
        file.SliceThickness = round(float(spacing[2]), 6)
        _set_pixels(file, voxels[:, :, number].T)
        yield file


def _headed(study: Study, plane: str, number: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = study.uid(plane, number)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID = CTImageStorage
    file.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    file.StudyInstanceUID = study.uid()
    file.SeriesInstanceUID = study.uid(plane)
    file.FrameOfReferenceUID = study.uid("frame")
    file.PositionReferenceIndicator = ""
    file.PatientID, file.PatientName = study.patient, f"Phantom^{study.patient}"
    file.Modality, file.Manufacturer = "CT", "Lamina phantoms"
    file.ImageType = ["DERIVED", "SECONDARY", plane.upper()]
    file.SeriesDescription = f"Temporal bone {plane}"
    file.SeriesNumber, file.InstanceNumber = list(PLANES).index(plane) + 1, number + 1
    file.StudyID, file.AccessionNumber, file.ReferringPhysicianName = "1", "", ""
    file.StudyDate, file.StudyTime, file.PatientBirthDate, file.PatientSex = "", "", "", ""
    return file


def _set_pixels(file: Dataset, values: NDArray[np.int16]) -> None:
    """Store values in HU (rows, columns) in 12 bits."""
    stored = (values.astype(np.int32) - _INTERCEPT).clip(0, 4095).astype(np.uint16)
    file.Rows, file.Columns = stored.shape
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 12, 11, 0
    file.RescaleIntercept, file.RescaleSlope, file.RescaleType = _INTERCEPT, 1, "HU"
    file.PixelData = stored.tobytes()


RECIPE = 1

CLEAR = 0.5
"""The array is clear in slices with this fraction of its largest cross-section."""


def write_cochlea_patients(
    folder: str | Path,
    *,
    patients: int = 12,
    seed: int = 0,
    shape: tuple[int, int, int] = (112, 128, 96),
    spacing: float = 0.4,
    part: Literal["slices", "volumes"] = "slices",
) -> Path:
    """Write DICOM files of patients, and two data sets made from them; return one of these.

    ``raw/P01/`` holds the DICOM files of a patient, three planes in one folder. ``slices/`` are
    coronal slices in which the array is clear, as pictures with masks (0 and 255);
    ``volumes/`` is a list of the coronal series with label volumes. The folder is made by
    `make_once`. A patient depends on seed and number only.

    Parameters
    ----------
    folder
        New folder.
    patients
        Number of patients.
    shape, spacing
        As in `make_head_volume`.
    part
        The data set whose path is returned.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as new:
    ...     small = {"shape": (52, 56, 60), "spacing": 0.6}
    ...     path = write_cochlea_patients(f"{new}/ci", patients=1, part="volumes", **small)
    ...     sorted(file.name for file in path.iterdir()), len(list(path.glob("../raw/P01/*")))
    (['cases.csv', 'labels'], 168)
    """
    require_numbers(patients=patients, seed=seed)
    if part not in ("slices", "volumes"):
        raise ConfigError(f"part {part!r}: expected slices or volumes")
    recipe: dict[str, object] = {"recipe": RECIPE, "patients": patients, "seed": seed}
    recipe |= {"shape": list(shape), "spacing": spacing}
    make = partial(make_head_volume, shape=shape, spacing=spacing)
    names = [f"P{number:02d}" for number in range(1, patients + 1)]
    files = ["slices/patients.csv", "volumes/cases.csv"]
    files += [f"volumes/labels/{name}.nii.gz" for name in names]
    files += [f"raw/{name}/IM{number:04d}" for name in names for number in range(sum(shape))]
    write = partial(_write, names=names, seed=seed, make=make)
    return make_once(folder, recipe, files, write) / part


def _write(folder: Path, names: list[str], seed: int, make: Callable[..., HeadVolume]) -> None:
    for name in ("slices/images", "slices/masks", "volumes/labels", "raw"):
        (folder / name).mkdir(parents=True)
    slices, volumes = [], []
    for number, name in enumerate(names):
        head, study = make((seed, number)), Study(f"cochlea/{seed}", name)
        _write_raw(folder / "raw" / name, head, study)
        slices += [{"case": case, "patient": name} for case in _write_slices(folder, head, name)]
        label = in_plane(head.label[0], head.affine, "coronal")
        nib.save(label, folder / "volumes" / "labels" / f"{name}.nii.gz")
        address = f"../raw/{name}#{study.uid('coronal')}"
        volumes.append({"image": address, "label": f"labels/{name}.nii.gz", "patient": name})
    write_table(folder / "slices/patients.csv", ("case", "patient"), slices)
    write_table(folder / "volumes/cases.csv", ("image", "label", "patient"), volumes)


def _write_raw(folder: Path, head: HeadVolume, study: Study) -> None:
    """Write the three planes of a patient into one folder, as scanners export them."""
    folder.mkdir()
    slices = (
        file
        for plane in PLANES
        for file in series_slices(in_plane(head.image[0], head.affine, plane), study, plane)
    )
    for number, file in enumerate(slices):
        file.save_as(folder / f"IM{number:04d}", enforce_file_format=True)


def _write_slices(folder: Path, head: HeadVolume, patient: str) -> Iterator[str]:
    """Write the slices in which the array is clear; yield their names."""
    image = np.asarray(in_plane(head.image[0], head.affine, "coronal").dataobj)
    label = np.asarray(in_plane(head.label[0], head.affine, "coronal").dataobj)
    area = label.sum(axis=(0, 1))
    for number in np.flatnonzero(area >= CLEAR * area.max()):
        name = f"{patient}_coronal_{number:03d}"
        picture = windowed(image[:, :, number].astype(np.float32), WINDOW)
        Image.fromarray(picture.T).save(folder / "slices/images" / f"{name}.png")
        mask = (255 * label[:, :, number]).astype(np.uint8)
        Image.fromarray(mask.T).save(folder / "slices/masks" / f"{name}.png")
        yield name
