import pytest

from lamina.tasks.sides import named_side


@pytest.mark.parametrize("name", ["Left lung", "lung_l", "RIGHT", "niere links", "poumon gauche"])
def test_sides_in_several_languages(name):
    assert named_side(["background", name]) == name


@pytest.mark.parametrize("name", ["bright", "lung", "copyright", "r2", "cleft"])
def test_words_that_only_hold_one_are_none(name):
    assert named_side([name]) is None
