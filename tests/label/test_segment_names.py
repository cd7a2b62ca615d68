import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.errors import DataError
from lamina.label.segment_names import check_values, fits, names_of, names_present, recode
from lamina.tasks.labels import Label

LUNGS = [
    Label(0, "background", (0, 0, 0)),
    Label(1, "Left", (1, 0, 0)),
    Label(2, "Right", (2, 0, 0)),
]
LAYERS = [Label(0, "background", (0, 0, 0)), Label(1, "NFL", (1, 0, 0))]
TASKS = {"lungs": LUNGS, "layers": LAYERS}


def test_names_are_those_of_the_client():
    assert names_of([{"name": "Right", "idx": 1}, {"name": "Left", "idx": "2"}]) == {
        1: "Right",
        2: "Left",
    }
    with pytest.raises(DataError, match="expected a name and an idx"):
        names_of([{"name": "Right"}])


def test_names_count_and_not_numbers():
    label = np.array([[0, 1], [2, 2]])
    swapped = recode(label, {1: "Right", 2: "Left"}, LUNGS)
    assert swapped.tolist() == [[0, 2], [1, 1]]


def test_an_absent_structure_shifts_no_other():
    assert recode(np.array([0, 1]), {1: "Right"}, LUNGS).tolist() == [0, 2]
    assert names_present(np.array([0, 2]), LUNGS) == {"Right": 2}


def test_without_names_values_are_classes():
    assert recode(np.array([0, 2]), {}, LUNGS).tolist() == [0, 2]


def test_what_another_task_named_is_background_here():
    assert recode(np.array([0, 1, 2]), {1: "NFL", 2: "Left"}, LUNGS).tolist() == [0, 0, 1]


@given(st.permutations(["Left", "Right", "NFL"]), st.integers(0, 2**16))
def test_any_numbering_gives_the_same_classes(names, seed):
    numbers = {name: number for number, name in enumerate(names, 1)}
    classes = np.random.default_rng(seed).integers(0, 3, (3, 4, 5))
    drawn = np.select([classes == 1, classes == 2], [numbers["Left"], numbers["Right"]])
    told = {number: name for name, number in numbers.items()}
    np.testing.assert_array_equal(recode(drawn, told, LUNGS), classes)


@pytest.mark.parametrize(
    ("values", "names", "lungs", "layers"),
    [
        ([1, 2], {}, True, False),
        ([1], {}, True, True),
        ([1], {1: "Right", 2: "NFL"}, True, False),
        ([1, 2], {1: "Right", 2: "NFL"}, True, True),
        ([0], {1: "Right"}, True, False),
    ],
)
def test_which_task_a_label_is_for(values, names, lungs, layers):
    label = np.array([0, *values])
    assert fits(label, names, LUNGS) is lungs
    assert fits(label, names, LAYERS) is layers


@pytest.mark.parametrize(
    ("values", "names", "message"),
    [
        ([7], {}, "the values 7, expected lungs: 0 to 2; layers: 0 to 1"),
        ([1], {1: "liver"}, "segments liver, expected Left, NFL, Right"),
        ([1, 3], {1: "Left"}, r"values \[3\] without a name"),
    ],
)
def test_what_no_task_knows_is_refused(values, names, message):
    with pytest.raises(DataError, match=message):
        check_values(np.array([0, *values]), names, TASKS)


def test_a_name_that_nothing_is_drawn_for_may_be_unknown():
    check_values(np.array([0, 1]), {1: "Left", 2: "liver"}, TASKS)
