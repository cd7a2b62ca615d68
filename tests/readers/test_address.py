"""Addresses of images."""

from pathlib import Path

import pytest

from lamina.readers.address import split_address


def test_a_file_is_its_own_address(tmp_path):
    assert split_address(str(tmp_path / "a.png")) == (tmp_path / "a.png", None)


@pytest.mark.parametrize("uid", ["1.2.840.113619", ""])
def test_a_series_is_named_after_its_folder(tmp_path, uid):
    assert split_address(f"{tmp_path}/study#{uid}") == (tmp_path / "study", uid)


def test_a_hash_in_a_name_that_exists_is_part_of_it(tmp_path):
    (tmp_path / "left#1").mkdir()
    assert split_address(tmp_path / "left#1") == (tmp_path / "left#1", None)
    assert split_address(f"{tmp_path}/left#1#1.2") == (tmp_path / "left#1", "1.2")


def test_a_hash_in_a_folder_above_is_no_uid(tmp_path):
    missing = tmp_path / "left#1" / "none.png"
    assert split_address(missing) == (missing, None)


def test_a_missing_file_never_becomes_the_working_folder():
    assert split_address("none.png")[0] == Path("none.png")
