"""DICOM files that gzip packed, that are broken, nested without an end, or unpack without a bound."""

import gzip
import resource
import time
import zlib

import numpy as np
import pydicom
import pytest
from isal import igzip
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian
from tests.scan_files import dicom_file

from lamina.cases.find import find_images
from lamina.cases.inputs import find_inputs
from lamina.errors import ReadError
from lamina.readers.dicom_file import is_dicom, read_dicom_file, read_header
from lamina.readers.dicom_slices import read_slices
from lamina.readers.images import read_image
from lamina.readers.source import Source

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
    with pytest.raises(ReadError, match="2000000 frames by its header, which need at least"):
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


def pack(path):
    with gzip.open(f"{path}.gz", "wb") as file:
        file.write(path.read_bytes())
    path.unlink()
    return path.with_name(f"{path.name}.gz")


@pytest.fixture
def packed_series(tmp_path, volume, oblique, write_series):
    folder = write_series(tmp_path / "s", volume, oblique)
    for path in list(folder.iterdir()):
        pack(path)
    return folder


def test_a_packed_series_is_read_as_the_plain_one(
    tmp_path, packed_series, volume, oblique, write_series
):
    plain = write_series(tmp_path / "plain", volume, oblique)
    (source,) = find_images(packed_series).sources
    values, grid = read_image(source)
    expected, on = read_image(str(plain))
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_allclose(grid.affine, on.affine)
    np.testing.assert_array_equal(read_image(str(packed_series))[0], values)


def test_one_packed_file_can_be_named(tmp_path, write_dicom):
    pixels = np.arange(6, dtype=np.uint16).reshape(2, 3)
    path = pack(write_dicom(tmp_path / "a.dcm", pixels))
    assert find_inputs(path).cases[0].image == str(path)
    np.testing.assert_array_equal(read_image(str(path))[0].T, pixels)


def test_other_packed_files_are_no_dicom(tmp_path):
    for name, content in (("a.tar.gz", b"notes.txt" + bytes(700)), ("b.gz", b"DICM")):
        (tmp_path / name).write_bytes(gzip.compress(content))
        assert not is_dicom(tmp_path / name)


@pytest.mark.parametrize("cut", [20, -8, -1])
def test_a_packed_file_that_ends_too_early_is_named(tmp_path, write_dicom, cut):
    path = pack(write_dicom(tmp_path / "a.dcm", np.zeros((2, 3), np.uint16)))
    path.write_bytes(path.read_bytes()[:cut])
    (unread,) = find_images(tmp_path).unread
    assert unread.broken
    assert "not a complete gzip file" in unread.reason


def test_what_gzip_unpacks_beyond_a_bound_is_refused(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((2, 3), np.uint16))
    with igzip.open(tmp_path / "bomb.dcm.gz", "wb") as file:
        file.write(path.read_bytes() + bytes(300_000_000))
    with pytest.raises(ReadError, match=r"bomb.dcm.gz: unpacks to 0\.\d+ GB from"):
        Source(tmp_path / "bomb.dcm.gz").plan  # noqa: B018
