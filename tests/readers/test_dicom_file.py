"""DICOM files that are broken, nested without an end, or unpack without a bound."""

import resource
import time
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian
from tests.scan_files import dicom_file

from lamina.errors import ReadError
from lamina.readers.dicom_file import is_dicom, read_dicom_file, read_header
from lamina.readers.dicom_slices import read_slices

PIXELS = np.arange(12, dtype=np.uint16).reshape(3, 4)


def deflated(path, data, meta_padding=0):
    """Write a file whose data set is what zlib makes of ``data``."""
    image = dicom_file(path, PIXELS)
    image.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    if meta_padding:
        image.file_meta.SourceApplicationEntityTitle = "A"
        image.file_meta.PrivateInformationCreatorUID = "1.2"
        image.file_meta.PrivateInformation = b"\0" * meta_padding
    with pydicom.filebase.DicomIO(path.open("wb")) as file:
        file.write(b"\0" * 128 + b"DICM")
        pydicom.filewriter.write_file_meta_info(file, image.file_meta)
        packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
        for chunk in data:
            file.write(packer.compress(chunk))
        file.write(packer.flush())
    return path


def data_set(**elements):
    buffer = pydicom.filebase.DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    pydicom.filewriter.write_dataset(buffer, dicom_file("a", PIXELS, **elements))
    return buffer.getvalue()


def test_a_deflated_file_is_read(tmp_path):
    path = deflated(tmp_path / "a", [data_set(PatientID="P1")])
    assert read_header(path, "PatientID").PatientID == "P1"
    assert read_slices(path)[0].size == (4, 3)


@pytest.mark.parametrize("padding", [0, 100_000])
def test_what_unpacks_beyond_a_bound_is_refused_before_memory_is_taken(tmp_path, padding):
    chunks = [data_set(), *[bytes(10**7)] * 50]
    path = deflated(tmp_path / "a", chunks, padding)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ReadError, match=r"a: unpacks to 0\.1\d* GB from"):
        read_dicom_file(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_truncated_one_says_so(tmp_path, kept):
    path = deflated(tmp_path / "a", [data_set(PatientComments="x y z" * 500)])
    content = path.read_bytes()
    start = len(content) - 200
    path.write_bytes(content[: start + int(200 * kept)])
    with pytest.raises(ReadError, match="a: its deflated data ends too early"):
        read_slices(path)


@pytest.mark.parametrize("depth", [300, 1000])
@pytest.mark.parametrize("undefined", [False, True])
def test_sequences_nested_without_an_end_are_an_error_like_others(tmp_path, depth, undefined):
    item = b""
    for _ in range(depth):
        length = b"\xff\xff\xff\xff" if undefined else (len(item) + 8).to_bytes(4, "little")
        inner = b"\xff\xff\xff\xff" if undefined else len(item).to_bytes(4, "little")
        ends = b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"
        opened = b"\x08\x00\x40\x11SQ\0\0" + length + b"\xfe\xff\x00\xe0" + inner + item
        item = opened + (ends[0] + ends[1] if undefined else b"")
    path = tmp_path / "a"
    dicom_file(path, PIXELS).save_as(path)
    content = path.read_bytes()
    at = content.index(b"\x28\x00\x02\x00")  # tags come in order
    path.write_bytes(content[:at] + item + content[at:])
    try:
        assert read_slices(path)
    except ReadError as error:
        assert "nested too deep" in str(error)


def described(count, path):
    """Return a file of so many frames, whose groups describe two."""
    image = dicom_file(path, PIXELS, NumberOfFrames=count)
    groups = []
    for z in range(2):
        place, group = Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, z]
        group.PlanePositionSequence = Sequence([place])
        groups.append(group)
    image.PerFrameFunctionalGroupsSequence = Sequence(groups)
    return image


@pytest.mark.parametrize("count", [3, 2_000_000, 2_000_000_000, -5])
def test_frames_that_are_not_described_take_no_time(tmp_path, count):
    described(count, tmp_path / "a").save_as(tmp_path / "a")
    begun = time.process_time()
    with pytest.raises(ReadError, match=f"a: {count} frames by its header, of which 2 are"):
        read_slices(tmp_path / "a")
    plain = dicom_file(tmp_path / "b", PIXELS, NumberOfFrames=2_000_000)
    plain.save_as(tmp_path / "b")
    with pytest.raises(ReadError, match="2000000 frames that do not say where they lie"):
        read_slices(tmp_path / "b")
    assert time.process_time() - begun < 5


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    path = tmp_path / "a"
    dicom_file(path, PIXELS).save_as(path)

    def deny(*_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(path), "open", deny)
    for read in (is_dicom, read_slices):
        with pytest.raises(ReadError, match=r"a: can't be read \(Permission denied\)"):
            read(path)
