"""Small images for the tests of `lamina.cases`: another size on each axis, oblique, flipped."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real files, which are no part of the project."""
    folder = Path(os.environ.get("LAMINA_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: set LAMINA_DATA")
    return folder


@pytest.fixture(scope="session")
def oblique() -> NDArray[np.float64]:
    """An affine that is rotated about two axes, flipped in x, and of another spacing each way."""
    a, b = 0.3, -0.2
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ np.diag([-0.5, 0.75, 2.0])
    affine[:3, 3] = [12.5, -30.0, 7.0]
    return affine


@pytest.fixture(scope="session")
def volume() -> NDArray[np.int16]:
    """A volume of 5×7×9 voxels, no two of them alike."""
    return np.arange(5 * 7 * 9, dtype=np.int16).reshape(5, 7, 9)


@pytest.fixture
def write_nifti() -> Callable[..., Path]:
    def write(path: Path, voxels: NDArray[Any], affine: NDArray[Any] | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine)
        image.header.set_xyzt_units("mm")
        nibabel.save(image, path)
        return path

    return write


@pytest.fixture
def write_picture() -> Callable[..., Path]:
    def write(path: Path, rows: Any = None, mode: str | None = None, **options: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.zeros((3, 4), np.uint8) if rows is None else np.asarray(rows)
        picture = Image.fromarray(pixels)
        (picture.convert(mode) if mode else picture).save(path, **options)
        return path

    return write


def dicom_file(path: Path, pixels: NDArray[Any], **elements: Any) -> FileDataset:
    """Return a CT image (rows, columns) that can be saved; None takes an element away."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID = elements.pop("SOPClassUID", CTImageStorage)
    image.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    image.Rows, image.Columns = pixels.shape[:2]
    image.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    image.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    image.BitsAllocated = image.BitsStored = pixels.dtype.itemsize * 8
    image.HighBit = image.BitsStored - 1
    image.PixelRepresentation = int(pixels.dtype.kind == "i")
    if pixels.ndim == 3:
        image.PlanarConfiguration = 0
    image.PixelData = pixels.tobytes()
    for keyword, value in elements.items():
        if value is None:
            delattr(image, keyword)
        else:
            setattr(image, keyword, value)
    return image


@pytest.fixture
def write_dicom() -> Callable[..., Path]:
    def write(path: Path, pixels: NDArray[Any], **elements: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        dicom_file(path, pixels, **elements).save_as(path)
        return path

    return write


@pytest.fixture
def write_series(write_dicom: Callable[..., Path]) -> Callable[..., Path]:
    """Writer of a series whose voxel (x, y, z) lies where a RAS+ affine says."""

    def write(
        folder: Path,
        voxels: NDArray[Any],
        affine: NDArray[np.float64],
        names: list[str] | None = None,
        changes: Mapping[int, Mapping[str, Any]] | None = None,
        **elements: Any,
    ) -> Path:
        lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
        spacing = np.linalg.norm(lps[:3, :3], axis=0)
        right, down = lps[:3, 0] / spacing[0], lps[:3, 1] / spacing[1]
        for z in range(voxels.shape[2]):
            name = names[z] if names else f"{z:03}.dcm"
            placed = {
                "SeriesInstanceUID": "1.2.3",
                "InstanceNumber": 1000 - z,
                "ImagePositionPatient": (lps @ [0, 0, z, 1])[:3].round(6).tolist(),
                "ImageOrientationPatient": np.concatenate([right, down]).round(9).tolist(),
                "PixelSpacing": [float(spacing[1]), float(spacing[0])],
                "SliceThickness": float(spacing[2]),
            }
            changed = (changes or {}).get(z, {})
            write_dicom(folder / name, voxels[:, :, z].T.copy(), **placed | elements | changed)
        return folder

    return write


@pytest.fixture(autouse=True)
def _pydicom_as_usual() -> None:
    """Let pydicom write the invalid values that some tests need."""
    pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
