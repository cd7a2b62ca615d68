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


def test_images_of_one_file_have_each_their_own_hash(tmp_path):
    path = write(tmp_path, 1, "oct.mhd")
    first, second = hash_files(f"{path}#t:1"), hash_files(f"{path}#t:2")
    assert len({first, second, hash_files(path)}) == 3
    assert first == hash_files(f"{write(tmp_path / 'copy', 1, 'oct.mhd')}#t:1")


def test_a_changed_file_changes_the_hash_of_its_images(tmp_path):
    path = tmp_path / "cine.dcm"
    path.write_bytes(bytes(132))
    before = hash_files(f"{path}#frames:3")
    path.write_bytes(bytes(133))
    assert hash_files(f"{path}#frames:3") != before


def test_a_changed_data_file_changes_the_hash_of_its_images(tmp_path):
    address = write(tmp_path, 1, "oct.mhd")
    before = hash_files(f"{address}#t:1")
    write(tmp_path, 7, "oct.mhd")
    assert hash_files(f"{address}#t:1") != before
