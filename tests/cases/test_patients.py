"""Patients by pattern and by file."""

import pytest

from lamina.cases.case import Case
from lamina.cases.find import find_cases
from lamina.cases.patients import patients_by_file, patients_by_pattern
from lamina.errors import ConfigError, DataError


def cases(*names):
    return [Case(name, f"{name}.png", None, name) for name in names]


def patients(found):
    return [case.patient for case in found]


def test_the_first_group_is_the_patient():
    found = patients_by_pattern(cases("P12_left", "P12_right", "P3_left"), r"^(P\d+)_")
    assert patients(found) == ["P12", "P12", "P3"]


def test_without_a_group_the_whole_match_is():
    assert patients(patients_by_pattern(cases("a17b", "c17d"), r"\d+")) == ["17", "17"]


def test_nothing_but_the_patient_changes():
    (before,) = cases("P1_a")
    (after,) = patients_by_pattern([before], "P1")
    assert (after.name, after.image, after.label, after.split) == ("P1_a", "P1_a.png", None, None)


def test_a_name_without_a_patient_is_refused():
    with pytest.raises(DataError, match=r"finds no patient in the name 'left'"):
        patients_by_pattern(cases("P12_left", "left"), r"^(P\d+)_")


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(ConfigError, match=r"patient_pattern '\('"):
        patients_by_pattern(cases("a"), "(")


def table(tmp_path, text):
    path = tmp_path / "patients.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_the_file_names_the_patients(tmp_path, start):
    path = table(tmp_path, f"{start}case,patient\na,1\nb,1\nother,2\n")
    found, problems = patients_by_file(cases("a", "b"), path)
    assert patients(found) == ["1", "1"]
    assert problems == []


def test_a_case_that_it_lacks_is_a_patient_of_its_own_and_named(tmp_path):
    found, problems = patients_by_file(cases("a", "b"), table(tmp_path, "case,patient\na,1\n"))
    assert patients(found) == ["1", "b"]
    assert len(problems) == 1
    assert "patients.csv: case b is not named" in problems[0]


@pytest.mark.parametrize("text", ["case,person\na,1\n", "case,patient\na,\n", "case,patient\na\n"])
def test_missing_columns_are_refused(tmp_path, text):
    with pytest.raises(DataError, match="expected the columns case and patient"):
        patients_by_file(cases("a"), table(tmp_path, text))


def test_one_case_of_two_patients_is_refused(tmp_path):
    with pytest.raises(DataError, match="case a is of 1 and of 2"):
        patients_by_file(cases("a"), table(tmp_path, "case,patient\na,1\na,2\n"))


def test_the_file_in_a_data_set_is_used_unless_a_pattern_is_given(tmp_path, write_picture):
    for name in ("images/a_x.png", "images/b_x.png", "masks/a_x.png", "masks/b_x.png"):
        write_picture(tmp_path / name)
    table(tmp_path, "case,patient\na_x,1\nb_x,1\n")
    assert patients(find_cases(tmp_path).cases) == ["1", "1"]
    assert patients(find_cases(tmp_path, patient_pattern="^[ab]").cases) == ["a", "b"]


def test_a_file_of_a_spreadsheet_may_have_semicolons(tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text("case;patient\na;P1\nb;P1\n")
    found, problems = patients_by_file(cases("a", "b"), path)
    assert (patients(found), problems) == (["P1", "P1"], [])
