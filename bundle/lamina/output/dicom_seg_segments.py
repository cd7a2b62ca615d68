"""A task's labels as the segments of a DICOM SEG: names, codes, colours."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import highdicom as hd
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

import lamina
from lamina.tasks import Label

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
