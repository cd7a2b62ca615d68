import csv

import numpy as np
import pytest

from lamina.cases.slice_list import list_slices, read_kept, write_slice_list
from lamina.errors import DataError


@pytest.fixture
def source(tmp_path, write_series, oblique, volume):
    for patient, uid in (("Anna^A", "1.2.3"), ("Bert^B", "1.2.4")):
        write_series(
            tmp_path / "src" / uid, volume, oblique, PatientID=patient, SeriesInstanceUID=uid
        )
    (tmp_path / "src" / "notes.txt").write_text("not DICOM")
    return tmp_path / "src"


def mark(path, kept, delimiter=","):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["keep"] = kept.get(int(row["number"]), "")
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def test_slices_come_in_space_order_series_by_series(source):
    listed = list_slices(source)
    assert [one.number for one in listed] == list(range(1, 19))
    assert [one.slice for one in listed] == [*range(9), *range(9)]
    # write_series numbers its files along the last axis, here against the slices' normal
    assert [one.file.name for one in listed[:9]] == [f"{z:03}.dcm" for z in reversed(range(9))]
    assert len({one.patient for one in listed}) == len({one.series for one in listed}) == 2


def test_names_do_not_tell_who_it_is(source):
    names = " ".join(one.name for one in list_slices(source))
    assert "Anna" not in names
    assert "1.2.3" not in names


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_what_is_marked_is_kept(source, tmp_path, delimiter):
    path = tmp_path / "lists" / "slices.csv"
    listed = list_slices(source)
    write_slice_list(path, listed)
    assert read_kept(path) == []
    mark(path, {3: "x", 5: "yes", 7: "no", 8: "0", 12: " 1 "}, delimiter)
    kept = read_kept(path)
    assert [one.number for one in kept] == [3, 5, 12]
    assert [(one.name, one.file.resolve()) for one in kept] == [
        (listed[n - 1].name, listed[n - 1].file.resolve()) for n in (3, 5, 12)
    ]


def test_list_and_slices_can_move_together(source, tmp_path):
    path = source / "slices.csv"
    write_slice_list(path, list_slices(source))
    mark(path, {1: "x"})
    moved = source.rename(tmp_path / "elsewhere")
    assert read_kept(moved / "slices.csv")[0].file.is_file()


def test_what_is_missing_or_no_list_is_told(source, tmp_path, write_picture):
    path = tmp_path / "slices.csv"
    write_slice_list(path, list_slices(source))
    mark(path, {2: "x"})
    list_slices(source)[1].file.unlink()
    with pytest.raises(DataError, match="line 3: .* is missing"):
        read_kept(path)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="expected the columns number, keep"):
        read_kept(tmp_path / "other.csv")
    with pytest.raises(DataError, match="no such file"):
        read_kept(tmp_path / "none.csv")
    write_picture(tmp_path / "empty" / "a.png", np.zeros((2, 3), np.uint8))
    with pytest.raises(DataError, match="no DICOM slice"):
        list_slices(tmp_path / "empty")


def test_a_number_that_was_overwritten_names_its_line(source, tmp_path):
    path = tmp_path / "slices.csv"
    write_slice_list(path, list_slices(source))
    lines = path.read_text().splitlines()
    columns = lines[0].split(",")
    cells = lines[2].split(",")
    cells[columns.index("slice")], cells[columns.index("keep")] = "third", "x"
    path.write_text("\n".join([*lines[:2], ",".join(cells), *lines[3:]]))
    with pytest.raises(DataError, match=r"slices\.csv, line 3: slice is 'third', expected a whole"):
        read_kept(path)
