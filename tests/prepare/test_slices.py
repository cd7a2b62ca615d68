import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lamina.cases.find import find_cases
from lamina.errors import ConfigError, DataError
from lamina.phantoms.cochlea import Study, in_plane, series_slices
from lamina.prepare.slices import (
    list_slices,
    read_kept,
    read_window,
    slice_picture,
    windowed,
    write_contact_sheets,
    write_pictures,
    write_slice_list,
)


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
    with pytest.raises(
        DataError, match=r"slices\.csv, line 3: slice is 'third', expected an integer"
    ):
        read_kept(path)


@given(st.floats(-4000, 4000), st.floats(1, 4000), st.lists(st.floats(-9000, 9000), min_size=1))
def test_a_window_keeps_the_order_and_its_ends(low, width, values):
    ordered = np.sort(np.array(values))
    greys = windowed(ordered, (low, low + width)).astype(int)
    assert (np.diff(greys) >= 0).all()
    assert (greys[ordered <= low] == 0).all()
    assert (greys[ordered >= low + width] == 255).all()


@pytest.mark.parametrize("text", ["", "3", "a,b", "5,5", "7,1", "1,2,3", "nan,1"])
def test_what_is_no_window_is_refused(text):
    with pytest.raises(ConfigError, match="expected LOW,HIGH"):
        read_window(text)


def test_a_picture_stands_as_the_slice_does(tmp_path, write_dicom):
    pixels = np.arange(12, dtype=np.int16).reshape(3, 4) * 100
    path = write_dicom(
        tmp_path / "a", pixels, PixelSpacing=[1, 2], RescaleSlope=2, RescaleIntercept=-1000
    )
    picture = np.asarray(slice_picture(path, (-1000.0, 1200.0)))
    expected = (255 * (2 * pixels / 2200.0)).clip(0, 255).round()
    np.testing.assert_array_equal(picture, expected)


def test_kept_slices_become_a_data_set(tmp_path, write_series, oblique, volume):
    for patient, uid in (("A", "1.2.3"), ("B", "1.2.4")):
        write_series(
            tmp_path / "src" / uid, volume, oblique, PatientID=patient, SeriesInstanceUID=uid
        )
    listed = list_slices(tmp_path / "src")
    kept = [listed[n] for n in (0, 4, 11)]
    names = write_pictures(kept, tmp_path / "out", (0.0, 300.0))
    assert len(set(names)) == 3
    found = find_cases(tmp_path / "out")
    assert sorted(case.name for case in found.cases) == sorted(names)
    with (tmp_path / "out" / "patients.csv").open() as file:
        patients = {row["case"]: row["patient"] for row in csv.DictReader(file)}
    assert patients[names[0]] == patients[names[1]] != patients[names[2]]
    picture = np.asarray(Image.open(tmp_path / "out" / "images" / f"{names[1]}.png"))
    np.testing.assert_array_equal(picture, windowed(volume[:, :, 4].T, (0.0, 300.0)))


def test_nothing_kept_is_told(tmp_path):
    with pytest.raises(DataError, match="no slice is marked"):
        write_pictures([], tmp_path / "out", (0.0, 1.0))


@pytest.fixture
def slices(tmp_path):
    volume = np.zeros((9, 33, 14), dtype=np.int16)
    volume += (np.arange(33, dtype=np.int16) * 100 - 1000)[None, :, None]
    (tmp_path / "src").mkdir()
    image = in_plane(volume, np.eye(4), "coronal")
    for number, one in enumerate(series_slices(image, Study("sheet", "P"), "coronal")):
        one.save_as(tmp_path / "src" / f"IM{number:02d}", enforce_file_format=True)
    return list_slices(tmp_path / "src")


def test_every_slice_is_on_a_page(tmp_path, slices):
    pages = write_contact_sheets(slices, tmp_path / "sheets", (-1000.0, 3000.0))
    assert [page.name for page in pages] == ["sheet_001.png", "sheet_002.png"]
    sizes = {Image.open(page).size for page in pages}
    assert len(sizes) == 1


def test_a_slice_stands_in_its_cell_with_its_greys(tmp_path, slices):
    page = write_contact_sheets(slices, tmp_path / "sheets", (-1000.0, 3000.0))[0]
    pixels = np.asarray(Image.open(page).convert("L")).astype(int)
    width = (pixels.shape[1] - 8) // 6
    for place in (0, 5, 7, 29):
        left, top = place % 6 * width + 8, place // 6 * (pixels.shape[0] - 8) // 5 + 28
        # coronal slices run from front to back, the volume's y from back to front
        expected = (32 - place) * 100 / 4000 * 255
        assert pixels[top + 90, left + 40] == pytest.approx(expected, abs=1.5)
