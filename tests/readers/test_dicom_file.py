"""DICOM files that gzip packed."""

import gzip

import numpy as np
import pytest
from isal import igzip

from lamina.cases.find import find_images
from lamina.cases.inputs import find_inputs
from lamina.errors import ReadError
from lamina.readers import dicom_file
from lamina.readers.dicom_file import is_dicom
from lamina.readers.images import read_image
from lamina.readers.source import Source


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


def test_what_unpacks_beyond_a_bound_is_refused(tmp_path, write_dicom, monkeypatch):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((2, 3), np.uint16))
    monkeypatch.setattr(dicom_file, "_ALWAYS", 1_000_000)
    with igzip.open(tmp_path / "bomb.dcm.gz", "wb") as file:
        file.write(path.read_bytes() + bytes(300_000_000))
    with pytest.raises(ReadError, match=r"bomb.dcm.gz: unpacks to more than 0\.\d+ GB"):
        Source(tmp_path / "bomb.dcm.gz").plan  # noqa: B018
