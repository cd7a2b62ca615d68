"""Functional groups as the quick way reads them, against pydicom."""

import io

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from tests.scan_files import dicom_file

from lamina.readers import dicom_slices
from lamina.readers.dicom_frames import frame_headers
from lamina.readers.dicom_groups import UnusualError, read_groups
from lamina.readers.dicom_slices import read_slices

ENCODINGS = {
    "explicit": (ExplicitVRLittleEndian, False, True),
    "implicit": (ImplicitVRLittleEndian, True, True),
    "big endian": (ExplicitVRBigEndian, False, False),
}


def item(**elements):
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def groups_of(number):
    """All that is taken of a frame, among what is not, nested and private."""
    made = item(
        FrameContentSequence=[item(TemporalPositionIndex=number % 2 + 1, StackID="1")],
        PlanePositionSequence=[item(ImagePositionPatient=[-12.25, 3.5, 2.5 * number])],
        MRDiffusionSequence=[
            item(
                DiffusionBValue=1000.0,
                DiffusionDirectionality="DIRECTIONAL",
                DiffusionGradientDirectionSequence=[
                    item(DiffusionGradientOrientation=[0.6, 0.8, 0.0])
                ],
            ),
            item(DiffusionBValue=7.0),
        ],
        MRImageFrameTypeSequence=[item(FrameType=["ORIGINAL", "PRIMARY", "M", "NONE"])],
        MREchoSequence=[item(EffectiveEchoTime=4.6)],
        PixelValueTransformationSequence=[item(RescaleSlope="2.5", RescaleIntercept="-1024 ")],
        RealWorldValueMappingSequence=[
            item(LUTLabel="x", MeasurementUnitsCodeSequence=[item(CodeValue="1")])
        ],
    )
    made.add_new(0x20050014, "LO", "MAKER")
    made.add_new(0x2005140F, "SQ", Sequence([item(EchoTime=1.0), Dataset()]))
    made.add_new(0x20051410, "OB", bytes(range(250)))
    return made


def mark(dataset, undefined):
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = element.value.is_undefined_length = undefined
            for one in element.value:
                one.is_undefined_length_sequence_item = undefined
                mark(one, undefined)


@pytest.fixture
def write_frames(tmp_path):
    def write(frames=5, syntax=ExplicitVRLittleEndian, undefined=False, **changes):
        shared = item(
            PixelMeasuresSequence=[item(PixelSpacing=[0.5, 0.75], SliceThickness=2.5)],
            PlaneOrientationSequence=[item(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])],
        )
        image = dicom_file(
            tmp_path / "a.dcm",
            np.zeros((3, 4), np.uint16),
            SOPClassUID=EnhancedMRImageStorage,
            NumberOfFrames=frames,
            SharedFunctionalGroupsSequence=[shared],
            PerFrameFunctionalGroupsSequence=[groups_of(number) for number in range(frames)],
            PixelData=bytes(24 * frames),
            **changes,
        )
        mark(image, undefined)
        image.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(
            tmp_path / "a.dcm",
            image,
            implicit_vr=syntax.is_implicit_VR,
            little_endian=syntax.is_little_endian,
        )
        return tmp_path / "a.dcm"

    return write


def plain(frames):
    """Frames without pydicom's own types, and without what is empty."""
    return [
        {k: np.asarray(v).tolist() for k, v in frame.items() if v is not None} for frame in frames
    ]


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_groups_are_as_pydicom_reads_them(write_frames, encoding, undefined):
    syntax, implicit, little = ENCODINGS[encoding]
    path = write_frames(syntax=syntax, undefined=undefined)
    header = pydicom.dcmread(path, stop_before_pixels=True)
    with path.open("rb") as file:
        part = pydicom.filereader.read_partial(file, dicom_slices._at_groups_or_pixels)
        groups = read_groups(file, implicit, little)
    expected = plain(frame_headers(header))
    assert plain(frame_headers(part, groups)) == expected
    assert expected[3]["ImagePositionPatient"] == [-12.25, 3.5, 7.5]
    assert expected[3]["DiffusionGradientOrientation"] == [0.6, 0.8, 0.0]
    assert expected[3]["DiffusionBValue"] == 1000
    assert (expected[3]["RescaleSlope"], expected[3]["RescaleIntercept"]) == (2.5, -1024)


@pytest.mark.parametrize("undefined", [False, True])
def test_a_file_is_not_given_to_pydicom_whole(write_frames, undefined, monkeypatch):
    monkeypatch.delattr(dicom_slices, "read_header")
    slices = read_slices(write_frames(undefined=undefined))
    assert [one.position.tolist() for one in slices[:2]] == [[-12.25, 3.5, 0], [-12.25, 3.5, 2.5]]


def test_groups_longer_than_the_first_read(write_frames):
    slices = read_slices(write_frames(frames=1500))
    assert len(slices) == 1500
    assert slices[-1].position.tolist() == [-12.25, 3.5, 1499 * 2.5]


def test_what_is_packed_as_a_whole_is_left_to_pydicom(write_frames):
    slices = read_slices(write_frames(syntax=DeflatedExplicitVRLittleEndian))
    assert [one.position[2] for one in slices] == [0, 2.5, 5, 7.5, 10]


def test_sequences_of_unknown_type_are_left_to_pydicom(write_frames):
    path = write_frames()
    content = path.read_bytes()
    tag = b"\x20\x00\x13\x91"  # PlanePositionSequence
    assert content.count(tag + b"SQ") == 5
    path.write_bytes(content.replace(tag + b"SQ", tag + b"UN"))
    with path.open("rb") as file, pytest.raises(UnusualError, match="a sequence of type b'UN'"):
        pydicom.filereader.read_partial(file, dicom_slices._at_groups_or_pixels)
        read_groups(file, False, True)


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_groups_that_end_too_early_are_unusual(write_frames, cut):
    path = write_frames(frames=1, undefined=bool(cut % 2))
    with path.open("rb") as file:
        pydicom.filereader.read_partial(file, dicom_slices._at_groups_or_pixels)
        rest = file.read()
    with pytest.raises(UnusualError):
        read_groups(io.BytesIO(rest[:cut]), False, True)
