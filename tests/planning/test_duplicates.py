import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.planning.duplicates import find_duplicates, similarity_vector

from .conftest import volume, write_case


def texts(survey):
    return [one.text for one in find_duplicates(survey.cases)]


def test_images_that_differ_are_no_duplicates(volumes, survey_of):
    assert texts(survey_of(volumes)) == []


def test_the_same_voxels_under_two_names(volumes, survey_of):
    write_case(volumes, "again", *volume(3))
    assert texts(survey_of(volumes)) == [
        "again, case_3: the same image, of different patients: it may end up in training and test"
    ]


def test_a_copy_that_was_scaled_and_one_that_was_rounded(volumes, survey_of):
    image, label = volume(3)
    write_case(volumes, "scaled", 0.5 * image + 7, label)
    image, label = volume(5)
    write_case(volumes, "rounded", np.round(image), label)
    found = texts(survey_of(volumes))
    assert len(found) == 2
    assert any(text.startswith("case_3, scaled: nearly the same image") for text in found)
    assert any(text.startswith("case_5, rounded: nearly the same image") for text in found)


@given(scale=st.floats(0.01, 1e4), offset=st.floats(-1e3, 1e3))
def test_a_thumbnail_does_not_know_the_image_s_units(scale, offset):
    image = np.random.default_rng(0).random((50, 70), dtype=np.float32)
    both = similarity_vector(image) @ similarity_vector((scale * image + offset).astype(np.float32))
    assert both > 0.99 or scale < abs(offset) * 1e-5


def test_a_flat_image_has_one_too():
    assert np.isfinite(similarity_vector(np.zeros((30, 20, 10), np.float32))).all()


def with_patients(survey, hashes):
    return [
        dataclasses.replace(one, patient=text)
        for one, text in zip(survey.cases, hashes, strict=False)
    ]


def test_a_patient_under_two_names_is_told(volumes, survey_of):
    cases = with_patients(survey_of(volumes), ["a", "b", "a", "c", "", ""])
    (defect,) = find_duplicates(cases)
    assert defect.cases == ("case_0", "case_2")
    assert "the same patient by the DICOM headers, but counted as 2" in defect.text
    assert "patients.csv" in defect.remedy


@pytest.mark.parametrize("hashes", [["x"] * 6, ["", "", ""], ["a", "b", "c"]])
def test_one_identifier_for_all_or_none_says_nothing(volumes, survey_of, hashes):
    assert list(find_duplicates(with_patients(survey_of(volumes), hashes))) == []
