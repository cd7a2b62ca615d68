"""Decoders that crash or take too long cost their file, and nothing else."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import imagecodecs
import numpy as np
import psutil
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLSLossless
from tests.mutated_files import PLACE
from tests.scan_files import dicom_file

from lamina.errors import ReadError
from lamina.readers import pixel_process
from lamina.readers.images import read_image
from lamina.readers.pixel_process import decode

GREY = np.add.outer(np.arange(40), np.arange(30)).astype(np.uint16) * 50


def packed(path, pixels=GREY, frame=None, **elements):
    image = dicom_file(path, pixels, **PLACE | elements)
    image.file_meta.TransferSyntaxUID = JPEGLSLossless
    image.PixelData = encapsulate([frame or imagecodecs.jpegls_encode(pixels)])
    image["PixelData"].VR = "OB"
    image.save_as(path)
    return path


@pytest.fixture
def helpers():
    """The helper processes that wait for work; those that a test takes away are ended."""
    pixel_process._close_all()
    yield pixel_process._idle
    pixel_process._close_all()


def test_pixels_come_as_they_are_stored_by_one_process_after_the_other(tmp_path, helpers):
    for number in range(3):
        path = packed(tmp_path / f"{number}", GREY + number)
        np.testing.assert_array_equal(decode(path, GREY.nbytes, [0])[0], GREY + number)
    assert len(helpers) == 1


def test_several_threads_mix_nothing_up(tmp_path, helpers):
    paths = [packed(tmp_path / f"{number}", GREY + number) for number in range(12)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda path: decode(path, GREY.nbytes, [0])[0], paths))
    for number, pixels in enumerate(found):
        np.testing.assert_array_equal(pixels, GREY + number)
    assert len(helpers) <= 4


def test_a_decoder_that_dies_is_an_error_and_the_next_file_is_read(tmp_path, helpers):
    path = packed(tmp_path / "a")
    decode(path, GREY.nbytes, [0])
    os.kill(helpers[0].process.pid, signal.SIGSEGV)
    helpers[0].process.wait()
    with pytest.raises(ReadError, match=r"pixels can't be decoded \(the decoder crashed.*SIGSEGV"):
        read_image(str(path))
    np.testing.assert_array_equal(read_image(str(path))[0][..., 0], GREY.T)


def test_what_is_no_jpeg_is_told_with_the_reason(tmp_path, helpers):
    with pytest.raises(ReadError, match="pixels can't be decoded"):
        read_image(str(packed(tmp_path / "a", frame=b"no JPEG at all, of an even length..")))


def test_time_is_bounded(tmp_path, helpers):
    path = packed(tmp_path / "a")
    decode(path, GREY.nbytes, [0])
    process = psutil.Process(helpers[0].process.pid)
    seconds, _ = process.rlimit(psutil.RLIMIT_CPU)
    assert seconds <= 10
    assert process.rlimit(psutil.RLIMIT_AS)[0] < process.memory_info().vms + 10**9
    helpers[0].process.send_signal(signal.SIGXCPU)  # what the system sends then
    helpers[0].process.wait()
    with pytest.raises(ReadError, match="the decoder took too long for it"):
        read_image(str(path))


def test_memory_is_bounded(tmp_path, helpers):
    """The header claims 65535 × 65535 pixels: 8.6 GB."""
    path = packed(tmp_path / "a", Rows=65535, Columns=65535)
    with pytest.raises(ReadError, match=r"unpacks to 8\.59 GB from"):
        read_image(str(path))
    with pytest.raises(RuntimeError):
        decode(path, 0, [0])


def test_a_process_that_was_forked_uses_no_helper_of_its_parent(tmp_path, helpers):
    decode(packed(tmp_path / "a"), GREY.nbytes, [0])
    if (child := os.fork()) == 0:
        os._exit(len(pixel_process._idle))
    assert os.waitpid(child, 0)[1] == 0
    assert len(helpers) == 1
