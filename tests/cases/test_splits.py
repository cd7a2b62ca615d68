import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.cases import Case, read_splits, split_cases, write_splits
from lamina.errors import ConfigError, DataError

NAMES = ("training", "validation", "test")


def case(name, patient=None, split=None):
    return Case(name, f"{name}.png", f"{name}_m.png", patient or name, split)


def where(splits):
    return {one.name: name for name in NAMES for one in splits[name]}


MANY = [case(f"c{i}") for i in range(400)]


def test_about_8_1_1_and_everybody_once():
    splits = split_cases(MANY)
    assert len(where(splits)) == sum(len(splits[name]) for name in NAMES) == 400
    assert 290 < len(splits["training"]) < 350
    assert 25 < len(splits["validation"]) < 60
    assert 20 < len(splits["test"]) < 62


@given(st.permutations(MANY[:200]), st.integers(150, 200))
def test_neither_order_nor_other_cases_have_a_say(cases, count):
    some, every = where(split_cases(cases[:count])), where(split_cases(MANY))
    assert all(every[name] == place for name, place in some.items())


def test_another_seed_is_another_division():
    assert where(split_cases(MANY, seed=0)) != where(split_cases(MANY, seed=1))


def test_a_patient_is_in_one_split():
    cases = [case(f"{p}-{i}", patient=f"p{p}") for p in range(40) for i in range(3)]
    found = where(split_cases(cases))
    for p in range(40):
        assert len({found[f"{p}-{i}"] for i in range(3)}) == 1


def test_the_folders_own_test_set_stands():
    cases = [case(f"a{i}", split="training") for i in range(200)] + [
        case(f"b{i}", split="test") for i in range(7)
    ]
    splits = split_cases(cases)
    assert {one.name for one in splits["test"]} == {f"b{i}" for i in range(7)}
    assert 20 < len(splits["validation"]) < 60


def test_one_patient_in_two_splits_of_the_folder_is_refused():
    with pytest.raises(DataError, match="p1"):
        split_cases([case("a", "p1", "training"), case("b", "p1", "test"), case("c")])


def test_folds_are_disjoint_and_cover_all_but_the_test_set():
    folds = [split_cases(MANY, fold=k, folds=5) for k in range(5)]
    tests = [{one.name for one in fold["test"]} for fold in folds]
    assert all(test == tests[0] for test in tests)
    seen = [one.name for fold in folds for one in fold["validation"]]
    assert len(seen) == len(set(seen)) == 400 - len(tests[0])


def test_an_empty_validation_set_gets_a_case_and_says_so(caplog):
    few = [case("im00001"), case("im0100"), case("im1111")]
    splits = split_cases(few)
    assert len(splits["validation"]) == 1
    assert "validation set would be empty" in caplog.text
    assert "test set is empty" in caplog.text


def test_fixed_count():
    assert len(split_cases(MANY, test_count=50)["test"]) == 50


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (0.9, 0.2, 0.1), (-0.1, 0.6, 0.5)])
def test_fractions_that_make_no_sense(fractions):
    with pytest.raises(ConfigError, match="fractions"):
        split_cases(MANY, fractions=fractions)


def test_splits_come_back_from_their_file(tmp_path):
    splits = split_cases(MANY[:30])
    write_splits(tmp_path / "splits.json", splits)
    assert read_splits(tmp_path / "splits.json") == splits
    (tmp_path / "splits.json").write_text("{}")
    with pytest.raises(DataError, match=r"splits.json: not the splits of a run"):
        read_splits(tmp_path / "splits.json")
