"""Small CT series of another size on each axis, and label maps painted by world coordinates."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from lamina.readers.images import read_image
from lamina.readers.source import Source
from lamina.tasks.labels import Label
from lamina.writers.segmented_case import PredictedCase

HIPPOCAMPUS = {"value": "5366008", "scheme": "SCT", "meaning": "Hippocampus"}
ANTERIOR = {"value": "255549009", "scheme": "SCT", "meaning": "Anterior"}


@pytest.fixture(scope="session")
def labels():
    return (
        Label(0, "background", (0, 0, 0)),
        Label(1, "anterior", (230, 159, 0), HIPPOCAMPUS | {"modifier": ANTERIOR}),
        Label(2, "never there", (0, 255, 0), HIPPOCAMPUS),
        Label(3, "posterior", (86, 180, 233), HIPPOCAMPUS),
    )


def ct_header(path, size, **elements):
    """Return a CT image with all that its standard asks for; None takes an element away."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    columns, rows = size
    values = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "FrameOfReferenceUID": "1.2.3.5",
        "PositionReferenceIndicator": "",
        "Modality": "CT",
        "PatientName": "Doe^Jane",
        "PatientID": "7",
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyDate": "20200101",
        "StudyTime": "120000",
        "StudyID": "1",
        "SeriesNumber": 4,
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "Rows": rows,
        "Columns": columns,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        "PixelData": np.zeros((rows, columns), np.int16).tobytes(),
    }
    for keyword, value in (values | elements).items():
        if value is not None:
            setattr(image, keyword, value)
    return image


@pytest.fixture(scope="session")
def write_ct():
    """Writer of one CT image that may lack elements (None) or have others."""

    def write(path, size=(5, 7), **elements):
        path.parent.mkdir(parents=True, exist_ok=True)
        ct_header(path, size, **elements).save_as(path)
        return path

    return write


@pytest.fixture(scope="session")
def write_series(write_ct):
    """Writer of a series whose voxel (x, y, z) lies where a RAS+ affine says.

    ``order`` is which slice the first, second … file holds; ``moved`` adds millimetres (LPS) to
    the place of a slice.
    """

    def write(folder, shape, affine, order=None, moved=None, **elements):
        lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
        spacing = np.linalg.norm(lps[:3, :3], axis=0)
        right, down = lps[:3, 0] / spacing[0], lps[:3, 1] / spacing[1]
        for number, z in enumerate(order or range(shape[2])):
            place = (lps @ [0, 0, z, 1])[:3] + (moved or {}).get(z, 0)
            write_ct(
                folder / f"{number:03}",
                shape[:2],
                InstanceNumber=number + 1,
                ImagePositionPatient=place.round(8).tolist(),
                ImageOrientationPatient=np.concatenate([right, down]).round(10).tolist(),
                PixelSpacing=[float(spacing[1]), float(spacing[0])],
                SliceThickness=float(spacing[2]),
                **elements,
            )
        return folder

    return write


@pytest.fixture(scope="session")
def oblique():
    """A right-handed affine, rotated about two axes, of another spacing each way."""
    a, b = 0.3, -0.2
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ np.diag([-0.5, -0.75, 2.0])
    affine[:3, 3] = [12.5, -30.0, 7.0]
    return affine


@pytest.fixture(scope="session")
def paint():
    """Painter of class 1 left of a place in the world and class 3 right of it, in a ball."""

    def paint(world, centre, radius):
        offsets = world - centre
        inside = np.linalg.norm(offsets, axis=-1) <= radius
        return np.where(inside, np.where(offsets[..., 0] < 0, 1, 3), 0).astype(np.uint8)

    return paint


@pytest.fixture(scope="session")
def predict(labels, paint):
    """Maker of a case from a source, with two half balls in place of a network's result."""

    def predict(address, name="case", radius=None):
        source = Source(address) if isinstance(address, Path) else Source.of(address)
        values, grid = read_image(source)
        shape = (*grid.shape, 1)[:3]
        indices = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
        world = indices @ grid.affine[:3, :3].T + grid.affine[:3, 3]
        centre = world.reshape(-1, 3).mean(axis=0) + 0.01
        size = np.ptp(world.reshape(-1, 3), axis=0).max() / 3 if radius is None else radius
        return PredictedCase(
            name=name,
            address=source,
            image=values[None],
            label=paint(world, centre, size).reshape(grid.shape),
            affine=grid.affine,
            has_spacing=grid.unit == "mm",
            labels=labels,
            task="hippocampus_mr",
        )

    return predict
