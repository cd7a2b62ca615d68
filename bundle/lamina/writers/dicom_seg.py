"""A label map as a DICOM SEG that refers to its source, frame by frame."""

import hashlib
import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

import lamina
from lamina.errors import DataError, GeometryError
from lamina.files import written_whole
from lamina.readers.grid import format_size
from lamina.tasks.labels import Label
from lamina.writers.seg_sources import SegSources, is_placed, read_sources
from lamina.writers.segmented_case import SegmentedCase

_SERIES_AFTER = 1000


def write_dicom_seg(case: SegmentedCase, folder: Path) -> list[Path]:
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
    sources = read_sources(case.address)
    frames = _frames(case.label, sources, case.address)
    path = Path(folder, f"{case.name}.seg.dcm")
    try:
        segmentation = _segmentation(case, sources, frames)
    except Exception as error:
        # highdicom raises what it likes at headers that it does not take.
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise DataError(
            f"{case.address}: no DICOM SEG can refer to it ({reason})", "take another format"
        ) from error
    with written_whole(path) as part:
        segmentation.save_as(part)
    return [path]


def _frames(label: np.ndarray, sources: SegSources, address: str) -> np.ndarray:
    """Return the label map as (frames, rows, columns), in the order of the sources."""
    volume = label.reshape(*label.shape[:2], -1)
    first = sources.headers[0]
    expected = (int(first.Columns), int(first.Rows), max(sources.planes) + 1)
    if volume.shape != expected:
        raise GeometryError(
            f"{address}: a label map of {format_size(volume.shape)} voxels for images of "
            f"{format_size(expected)}",
            "DICOM SEG needs the label map on the source's own grid",
        )
    return np.ascontiguousarray(volume.T[np.asarray(sources.planes)])


def _segmentation(
    case: SegmentedCase, sources: SegSources, frames: np.ndarray
) -> hd.seg.Segmentation:
    task = case.task or "segmentation"
    first = sources.headers[0]
    uid, series_uid = _uids(case, sources)
    with warnings.catch_warnings():
        # It would print the patient's name.
        warnings.filterwarnings("ignore", "The string .* person name", UserWarning)
        segmentation = hd.seg.Segmentation(
            source_images=sources.headers,
            pixel_array=frames,
            segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=describe_segments(case.labels, case.task),
            series_instance_uid=series_uid,
            series_number=int(first.get("SeriesNumber") or 0) + _SERIES_AFTER,
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
    if not is_placed(first):
        # An X-ray: highdicom leaves out what dciodvfy asks for, and what may be empty.
        segmentation.PatientOrientation = first.get("PatientOrientation") or ""
    # Several frames may share one reference.
    for reference in {id(item): item for item in _items_of(segmentation)}.values():
        _refer_as_it_is(reference, sources)
    return segmentation


def _items_of(dataset: Dataset) -> Iterator[Dataset]:
    """Yield all items of a data set's sequences, at any depth."""
    for element in dataset:
        for item in element.value if element.VR == "SQ" else ():
            yield item
            yield from _items_of(item)


def _refer_as_it_is(dataset: Dataset, sources: SegSources) -> None:
    """Let a reference name the source's own class, and a frame by its number in the file."""
    instance = str(dataset.get("ReferencedSOPInstanceUID", ""))
    if instance in sources.classes:
        dataset.ReferencedSOPClassUID = sources.classes[instance]
    number = dataset.get("ReferencedFrameNumber")
    if sources.frames and (number or instance in sources.classes):
        dataset.ReferencedFrameNumber = sources.frames[int(number or 1) - 1]


def _content_label(task: str) -> str:
    """Return a name as a code string (VR CS): 16 characters of A-Z, 0-9, space and underscore.

    >>> _content_label("hippocampus-mr, fine")
    'HIPPOCAMPUS_MR_F'
    """
    return re.sub(r"[^A-Z0-9]+", "_", task.upper())[:16]


def _uids(case: SegmentedCase, sources: SegSources) -> tuple[str, str]:
    """Return the UIDs of the object and of its series."""
    entropy = [
        lamina.__version__,
        str(case.task),
        repr(case.labels),
        *(str(header.SOPInstanceUID) for header in sources.headers),
        *map(str, sources.frames or ()),
        hashlib.sha256(case.label.tobytes()).hexdigest(),
    ]
    return generate_uid(entropy_srcs=entropy), generate_uid(entropy_srcs=[*entropy, "series"])


_LONGEST_NAME = 64

logger = logging.getLogger(__name__)


def describe_segments(
    labels: Sequence[Label], task: str | None = None
) -> list[hd.seg.SegmentDescription]:
    """Return one description for each foreground class; its number is the class value.

    Every class is described, whether a case has it or not, so that numbers never shift. A label
    without a code is an "Anatomical Structure" (91723000, SCT), and a warning says so.

    Examples
    --------
    >>> code = {"value": "39607008", "scheme": "SCT", "meaning": "Lung"}
    >>> labels = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255), code)]
    >>> segment, = describe_segments(labels)
    >>> segment.segment_number, segment.segment_label, segment.segmented_property_type.meaning
    (1, 'lung', 'Lung')
    """
    uncoded = [label.name for label in labels[1:] if not label.code]
    if uncoded:
        logger.warning(
            "DICOM SEG calls %s an anatomical structure, for want of a code: write SNOMED codes "
            "into the task's labels",
            ", ".join(uncoded),
        )
    algorithm = _algorithm(task)
    return [_describe(label, algorithm) for label in labels[1:]]


def _algorithm(task: str | None) -> hd.AlgorithmIdentificationSequence:
    return hd.AlgorithmIdentificationSequence(
        name=f"Lamina {task}"[:_LONGEST_NAME] if task else "Lamina",
        family=codes.DCM.ArtificialIntelligence,
        version=lamina.__version__,
    )


def _describe(
    label: Label, algorithm: hd.AlgorithmIdentificationSequence
) -> hd.seg.SegmentDescription:
    segment = hd.seg.SegmentDescription(
        segment_number=label.value,
        segment_label=label.name[:_LONGEST_NAME],
        segmented_property_category=_category(label),
        segmented_property_type=_property_type(label),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        display_color=hd.color.CIELabColor.from_rgb(*label.color),
    )
    modifier = (label.code or {}).get("modifier")
    if modifier:
        kind = segment.SegmentedPropertyTypeCodeSequence[0]
        concept = hd.sr.CodedConcept.from_code(_code(modifier))
        kind.SegmentedPropertyTypeModifierCodeSequence = [concept]
    return segment


def _category(label: Label) -> Code:
    category = (label.code or {}).get("category")
    return _code(category) if category else codes.SCT.AnatomicalStructure


def _property_type(label: Label) -> Code:
    return _code(label.code) if label.code else codes.SCT.AnatomicalStructure


def _code(entry: Mapping[str, Any]) -> Code:
    return Code(entry["value"], entry["scheme"], entry["meaning"])
