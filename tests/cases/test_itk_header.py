import pytest

from lamina.cases.itk_header import data_file, read_header
from lamina.errors import ReadError


def header(path, data):
    path.write_bytes(f"ObjectType = Image\nDimSize = 2 2\nElementDataFile = {data}\n".encode())
    return path


def test_data_behind_the_header_is_no_file_and_not_part_of_it(tmp_path):
    path = header(tmp_path / "a.mha", "LOCAL")
    path.write_bytes(path.read_bytes() + b"ElementDataFile = b.raw")
    assert data_file(path) is None
    assert read_header(path).endswith(b"LOCAL")


def test_data_beside_the_header_is_found(tmp_path):
    (tmp_path / "b.raw").write_bytes(b"data")
    assert data_file(header(tmp_path / "a.mhd", "b.raw")) == tmp_path / "b.raw"
    nrrd = tmp_path / "a.nhdr"
    nrrd.write_bytes(b"NRRD0004\ntype: uint8\nData File: b.raw\n\n")
    assert data_file(nrrd) == tmp_path / "b.raw"


@pytest.mark.parametrize("data", ["../b.raw", "LIST", "slice_%03d.raw"])
def test_data_in_other_places_is_refused(tmp_path, data):
    with pytest.raises(ReadError, match=r"a\.mhd: its data is said to lie in"):
        data_file(header(tmp_path / "a.mhd", data))


def test_missing_data_is_named(tmp_path):
    with pytest.raises(ReadError, match=r"a\.mhd: its data file 'b\.raw' is missing"):
        data_file(header(tmp_path / "a.mhd", "b.raw"))
