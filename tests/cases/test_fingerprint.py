import numpy as np
import pytest
import SimpleITK as sitk

from lamina.cases.fingerprint import hash_files


def write(folder, value, name="oct"):
    """A header as every volume of a scanner has it, and data of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(np.full((3, 4, 5), value, np.uint8))
    sitk.WriteImage(image, str(folder / name))
    return str(folder / name)


@pytest.mark.parametrize("name", ["oct.mhd", "oct.mha", "oct.nrrd"])
def test_volumes_whose_headers_are_the_same_have_their_own_hash(tmp_path, name):
    first, second = (write(tmp_path / f"P{value}", value, name) for value in (1, 2))
    assert hash_files(first) != hash_files(second)
    copy = write(tmp_path / "copy", 1, name)
    assert hash_files(first) == hash_files(copy)


def test_a_changed_data_file_changes_the_hash(tmp_path):
    address = write(tmp_path, 1, "oct.mhd")
    before, header = hash_files(address), (tmp_path / "oct.mhd").read_bytes()
    write(tmp_path, 7, "oct.mhd")
    assert (tmp_path / "oct.mhd").read_bytes() == header
    assert hash_files(address) != before


def test_a_series_is_hashed_by_all_its_files(tmp_path):
    for name, text in (("a", "1"), ("b", "2")):
        (tmp_path / name).write_text(text)
    before = hash_files(f"{tmp_path}#1.2.3")
    (tmp_path / "b").write_text("3")
    assert hash_files(f"{tmp_path}#1.2.3") != before
    assert hash_files(None) == hash_files()
