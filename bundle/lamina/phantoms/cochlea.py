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


RECIPE = 1
"""Raise it whenever the same parameters give other images than before."""

CLEAR = 0.5
"""A slice shows the array clearly that holds such a share of the largest section through it."""


def write_cochlea_patients(
    folder: str | Path,
    *,
    patients: int = 12,
    seed: int = 0,
    shape: tuple[int, int, int] = (112, 128, 96),
    spacing: float = 0.4,
    part: Literal["slices", "volumes"] = "slices",
) -> Path:
    """Write patients as a scanner does, and what annotators make of them; return one data set of it.

    ``raw/P01/`` holds the DICOM files of a patient, three planes in one folder. ``slices/`` are
    coronal slices in which the array is clear, as pictures with masks (0 and 255);
    ``volumes/`` is a list of the coronal series with label volumes. The folder is complete or
    absent; a second call does nothing. A patient depends on seed and number only.

    Parameters
    ----------
    folder
        Where it goes.
    patients
        How many.
    shape, spacing
        As `make_head_volume` takes them.
    part
        Which data set's path is returned.

    Raises
    ------
    ConfigError
        If there is not even one patient, or no such part.
    DataError
        If the folder holds anything else than this very data set.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as new:
    ...     small = {"shape": (52, 56, 60), "spacing": 0.6}
    ...     made = write_cochlea_patients(f"{new}/ci", patients=1, part="volumes", **small)
    ...     sorted(path.name for path in made.iterdir()), len(list(made.glob("../raw/P01/*")))
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
    for place in ("slices/images", "slices/masks", "volumes/labels", "raw"):
        (folder / place).mkdir(parents=True)
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
    """Write the three planes of a patient into one folder, as a scanner's export has them."""
    folder.mkdir()
    files = (
        one
        for plane in PLANES
        for one in series_slices(in_plane(head.image[0], head.affine, plane), study, plane)
    )
    for number, one in enumerate(files):
        one.save_as(folder / f"IM{number:04d}", enforce_file_format=True)


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
