"""A label map as a DICOM Segmentation (PS3.3, A.51), which refers to the images it was made from.

BINARY, since 3D Slicer does not read LABELMAP yet. A frame of the segmentation has the size,
place and orientation of the source's frame, taken from its header as it stands there, so that a
tilted gantry or a missing slice makes no difference.
"""

import hashlib
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

import lamina
from lamina.cases.grid import format_size
from lamina.errors import GeometryError
from lamina.files import written_whole
from lamina.output.dicom_seg_segments import describe_segments
from lamina.output.dicom_seg_source import read_sources
from lamina.output.predicted_case import PredictedCase

_SERIES_AFTER = 1000


def write_dicom_seg(case: PredictedCase, folder: Path) -> list[Path]:
    """Write ``NAME.seg.dcm``: segments 1, 2 … are the task's classes 1, 2 ….

    Every class is described; frames are stored for those that are there. Where nothing was found
    at all, one empty frame for each source frame and class says so. The UIDs are made from the
    source's and from what the segmentation says: the same result of the same images is the same
    object, so that sending it twice makes no second one.

    Raises
    ------
    DataError
        If the source is not DICOM, or its images have no UIDs to refer to.
    GeometryError
        If the label map has another size than the source.
    """
    sources, places = read_sources(case.address)
    frames = _frames(case.label, sources[0], places, case.address)
    path = Path(folder, f"{case.name}.seg.dcm")
    segmentation = _segmentation(case, sources, frames)
    with written_whole(path) as part:
        segmentation.save_as(part)
    return [path]


def _frames(label: np.ndarray, first: Dataset, places: Sequence[int], address: str) -> np.ndarray:
    """Return the label map as (frames, rows, columns), in the order of the sources."""
    volume = label.reshape(*label.shape[:2], -1)
    expected = (int(first.Columns), int(first.Rows), max(places) + 1)
    if volume.shape != expected:
        raise GeometryError(
            f"{address}: a label map of {format_size(volume.shape)} voxels for images of "
            f"{format_size(expected)}",
            "DICOM SEG needs the label map on the source's own grid",
        )
    return np.ascontiguousarray(volume.T[np.asarray(places)])


def _segmentation(
    case: PredictedCase, sources: Sequence[Dataset], frames: np.ndarray
) -> hd.seg.Segmentation:
    task = case.task or "segmentation"
    uid, series_uid = _uids(case, sources)
    with warnings.catch_warnings():
        # It would print the patient's name.
        warnings.filterwarnings("ignore", "The string .* person name", UserWarning)
        segmentation = hd.seg.Segmentation(
            source_images=sources,
            pixel_array=frames,
            segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=describe_segments(case.labels, case.task),
            series_instance_uid=series_uid,
            series_number=int(sources[0].get("SeriesNumber") or 0) + _SERIES_AFTER,
            sop_instance_uid=uid,
            instance_number=1,
            manufacturer="Lamina",
            manufacturer_model_name="Lamina",
            software_versions=lamina.__version__,
            device_serial_number="0",
            omit_empty_frames=bool(frames.any()),
            content_label=_content_label(task),
            content_description=f"Lamina {lamina.__version__}: {task}"[:64],
            series_description=f"Lamina {task}"[:64],
        )
    # Type 2: it must be there, though no person made this.
    segmentation.ContentCreatorName = ""
    if "ImagePositionPatient" not in sources[0]:
        # An X-ray: highdicom leaves out what dciodvfy asks for, and what may be empty.
        segmentation.PatientOrientation = sources[0].get("PatientOrientation") or ""
    return segmentation


def _content_label(task: str) -> str:
    """Return a name as a code string (VR CS): 16 characters of A-Z, 0-9, space and underscore.

    >>> _content_label("hippocampus-mr, fine")
    'HIPPOCAMPUS_MR_F'
    """
    return re.sub(r"[^A-Z0-9]+", "_", task.upper())[:16]


def _uids(case: PredictedCase, sources: Sequence[Dataset]) -> tuple[str, str]:
    """Return the UIDs of the object and of its series."""
    entropy = [
        lamina.__version__,
        str(case.task),
        repr(case.labels),
        *(str(source.SOPInstanceUID) for source in sources),
        hashlib.sha256(case.label.tobytes()).hexdigest(),
    ]
    return generate_uid(entropy_srcs=entropy), generate_uid(entropy_srcs=[*entropy, "series"])
