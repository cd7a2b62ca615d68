import numpy as np
import pytest

from lamina.planning.sides import sided

from .conftest import volume, write_case


def lungs(root, count=6, order=None):
    for seed in range(count):
        image, label = volume(seed, (40, 20, 12))
        label[:] = 0
        left, right = (1, 2) if order is None or order[seed] else (2, 1)
        label[5:13, 4:16, 2:10] = left
        label[25:34, 4:15, 2:10] = right
        write_case(root, f"c{seed}", image, label, np.diag([1.0, 1, 1, 1]))


def test_a_name_tells(volumes, survey_of):
    survey = survey_of(volumes)
    for name in ("Left lung", "lung_left", "lung (R)", "linke Lunge"):
        found = sided(survey, {1: name, 2: "other"})
        assert (found is not None) == (name != "linke Lunge")
    assert sided(survey, {1: "Cleft", 2: "Bright"}) is None


def test_geometry_tells(tmp_path, survey_of):
    lungs(tmp_path)
    found = sided(survey_of(tmp_path), {1: "a", 2: "b"})
    assert found == "'a' and 'b' lie beside each other like left and right"


def test_without_an_order_there_is_no_side(tmp_path, survey_of):
    lungs(tmp_path, order=[True, False] * 3)
    assert sided(survey_of(tmp_path), {1: "a", 2: "b"}) is None


@pytest.mark.parametrize("count", [1, 3])
def test_few_cases_tell_nothing(tmp_path, survey_of, count):
    lungs(tmp_path, count)
    assert sided(survey_of(tmp_path), {1: "a", 2: "b"}) is None


def test_parts_one_behind_the_other_have_no_side(volumes, survey_of):
    assert sided(survey_of(volumes), {1: "Body", 2: "Tail"}) is None
