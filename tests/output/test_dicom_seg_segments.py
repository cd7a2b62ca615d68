import logging

import pytest
from pydicom.sr._concepts_dict import concepts
from pydicom.sr.codedict import codes

from lamina.output.dicom_seg_segments import describe_segments
from lamina.tasks import Label, read_labels
from lamina.tasks.catalogue import read_task, task_files

BACKGROUND = Label(0, "background", (0, 0, 0))


def test_the_background_is_no_segment_and_numbers_are_class_values(labels):
    segments = describe_segments(labels, "hippocampus_mr")
    assert [one.segment_number for one in segments] == [label.value for label in labels[1:]]
    assert [one.segment_label for one in segments] == [label.name for label in labels[1:]]
    assert {one.SegmentAlgorithmName for one in segments} == {"Lamina hippocampus_mr"}
    assert {one.SegmentAlgorithmType for one in segments} == {"AUTOMATIC"}


def test_the_code_with_its_modifier(labels):
    anterior, _, posterior = describe_segments(labels)
    kind = anterior.SegmentedPropertyTypeCodeSequence[0]
    assert anterior.segmented_property_type == codes.SCT.Hippocampus
    assert anterior.segmented_property_category == codes.SCT.AnatomicalStructure
    modifier = kind.SegmentedPropertyTypeModifierCodeSequence[0]
    assert (modifier.CodeValue, modifier.CodeMeaning) == ("255549009", "Anterior")
    kind = posterior.SegmentedPropertyTypeCodeSequence[0]
    assert "SegmentedPropertyTypeModifierCodeSequence" not in kind


def test_a_category_of_its_own():
    code = {
        "value": "40388003",
        "scheme": "SCT",
        "meaning": "Implant",
        "category": {"value": "260787004", "scheme": "SCT", "meaning": "Physical object"},
    }
    (segment,) = describe_segments([BACKGROUND, Label(1, "array", (255, 0, 0), code)])
    assert segment.segmented_property_category == codes.SCT.PhysicalObject


@pytest.mark.parametrize(
    ("colour", "expected"),
    # CIELab of the sRGB primaries, D50 (http://www.brucelindbloom.com): L, a, b.
    [((255, 255, 255), (100, 0, 0)), ((0, 0, 0), (0, 0, 0)), ((255, 0, 0), (54.3, 80.8, 69.9))],
)
def test_the_colour(colour, expected):
    (segment,) = describe_segments([BACKGROUND, Label(1, "a", colour)])
    light, a, b = segment.RecommendedDisplayCIELabValue
    # PS3.3, C.10.7.1.1: 16 bits for L from 0 to 100, a and b from -128 to 127.
    found = (light / 65535 * 100, a / 65535 * 255 - 128, b / 65535 * 255 - 128)
    assert found == pytest.approx(expected, abs=4)


def test_a_label_without_a_code_is_told_once(caplog):
    labels = [BACKGROUND, Label(1, "one", (1, 2, 3)), Label(2, "two", (1, 2, 3))]
    with caplog.at_level(logging.WARNING):
        segments = describe_segments(labels)
    assert [record.message.split(",")[0] for record in caplog.records] == ["DICOM SEG calls one"]
    assert {one.segmented_property_type for one in segments} == {codes.SCT.AnatomicalStructure}


def test_the_codes_of_every_task_are_ones_that_dicom_knows():
    known = {value for keyword in concepts["SCT"].values() for value in keyword}
    # In SNOMED CT, but in no context group of DICOM.
    known.add("45950005")
    for path in task_files():
        labels = read_labels(read_task(path)["labels"])
        assert all(label.code for label in labels[1:]), path
        assert {label.code["value"] for label in labels[1:]} <= known
