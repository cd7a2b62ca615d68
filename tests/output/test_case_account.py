import pytest

from lamina.output.case_account import content_hash, source_files


def test_the_hash_follows_the_content_not_the_name(tmp_path):
    for name, text in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / name).write_text(text)
    a, b, c = (content_hash({"image": str(tmp_path / name)}) for name in "abc")
    assert a == b != c


def test_a_file_that_is_gone_has_a_reason_for_its_hash(tmp_path):
    assert "No such file" in content_hash({"image": str(tmp_path / "gone")})


@pytest.mark.parametrize("name", ["a.nii.gz", "b.png"])
def test_a_file_is_its_own_source(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    assert source_files(str(tmp_path / name)) == {"files": [str(tmp_path / name)]}


def test_an_image_without_its_data_has_the_reason_for_its_hash(tmp_path):
    """It fails when it is read, by itself, and not before the others are begun."""
    header = tmp_path / "a.mhd"
    header.write_text("ObjectType = Image\nElementDataFile = a.raw\n")
    assert "data file 'a.raw' is missing" in content_hash({"image": str(header)})
    (tmp_path / "a.raw").write_bytes(b"1")
    first = content_hash({"image": str(header)})
    (tmp_path / "a.raw").write_bytes(b"2")
    assert content_hash({"image": str(header)}) != first
