"""Addresses of images, and what they carry."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from lamina.cases.find import find_images
from lamina.cases.fingerprint import hash_files
from lamina.errors import GeometryError, ReadError
from lamina.files import split_address
from lamina.readers.dicom_rules import SeriesRules
from lamina.readers.images import read_grid, read_image
from lamina.readers.source import Source


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


def test_it_is_text_for_all_who_take_text(tmp_path):
    source = Source(tmp_path / "a.nii.gz")
    assert source == str(tmp_path / "a.nii.gz")
    assert json.loads(json.dumps({"image": source})) == {"image": str(tmp_path / "a.nii.gz")}
    assert {source: 1}[str(source)] == 1


def test_slices_are_carried_and_looked_for_only_where_they_are_not(tmp_path, write_series, volume):
    folder = write_series(tmp_path / "s", volume, np.eye(4))
    (found,) = find_images(folder).sources
    for file in folder.iterdir():
        file.unlink()
    assert len(found.slices) == volume.shape[2]
    with pytest.raises(ReadError, match="no DICOM series"):
        Source(str(found)).slices  # noqa: B018


def test_it_goes_to_other_processes_whole(tmp_path, write_series, volume):
    folder = write_series(tmp_path / "s", volume, np.eye(4))
    rules = SeriesRules(duplicates="accept")
    (found,) = find_images(folder, rules).sources
    copy = pickle.loads(pickle.dumps(found))
    assert (copy, copy.rules, len(copy.slices)) == (found, rules, volume.shape[2])


def test_rules_hold_for_grid_and_pixels_alike(tmp_path, write_series, volume):
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    folder = write_series(tmp_path / "s", volume, affine)
    write_series(tmp_path / "s", volume[..., :1], affine, names=["copy.dcm"])
    (source,) = find_images(folder, SeriesRules(duplicates="accept")).sources
    values, grid = read_image(source)
    assert values.shape == grid.shape == read_grid(source).shape == volume.shape
    with pytest.raises(GeometryError, match="at the same position"):
        read_image(str(source))


def test_the_files_of_a_series_in_a_mixed_folder_are_its_own(tmp_path, write_series, volume):
    for uid in ("1.2.3", "1.2.4"):
        names = [f"{uid}-{z}.dcm" for z in range(9)]
        write_series(tmp_path / "s", volume, np.eye(4), names=names, SeriesInstanceUID=uid)
    first, second = find_images(tmp_path).sources
    assert len(first.files) == len(second.files) == 9
    before = hash_files(first)
    write_series(tmp_path / "s", volume, np.eye(4), names=[f"n{z}" for z in range(9)])
    assert hash_files(first) == before != hash_files(second)
