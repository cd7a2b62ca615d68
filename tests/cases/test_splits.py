"""splits.json: complete or absent, and back again."""

import json
import os
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.cases.case import Case
from lamina.cases.splits import patient_number, read_splits, split_cases, write_splits
from lamina.errors import ConfigError, DataError

NAMES = ("training", "validation", "test")


def case(name, patient=None, split=None):
    return Case(name, f"{name}.png", f"{name}_m.png", patient or name, split)


def where(splits):
    return {one.name: name for name in NAMES for one in splits[name]}


MANY = [case(f"c{i}") for i in range(400)]
NO_TEST = {"fractions": (0.8, 0.2, 0.0)}
FOLDS = {"fold": 1, "folds": 3}


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (1, [1, 0, 0]),
        (2, [1, 1, 0]),
        (3, [1, 1, 1]),
        (6, [4, 1, 1]),
        (15, [12, 1, 2]),
        (38, [30, 4, 4]),
        (400, [320, 40, 40]),
    ],
)
def test_8_1_1_to_the_case_and_everybody_once(count, sizes):
    splits = split_cases(MANY[:count])
    assert [len(splits[name]) for name in NAMES] == sizes
    assert len(where(splits)) == count


@given(st.permutations(MANY[:40]))
def test_the_order_of_the_cases_has_no_say(cases):
    assert where(split_cases(cases)) == where(split_cases(MANY[:40]))


@given(st.integers(6, 60), st.integers(1, 30), st.integers(0, 3), st.sampled_from([{}, FOLDS]))
def test_a_test_case_stays_one_when_files_are_added(count, more, seed, how):
    before = split_cases(MANY[:count], seed=seed, **how)
    kept = {one.name for one in before["test"]}
    after = split_cases(MANY[: count + more], seed=seed, kept=kept, **how)
    assert kept <= {one.name for one in after["test"]}
    assert abs(len(after["test"]) - 0.1 * (count + more)) <= 1
    assert where(split_cases(MANY[:count], seed=seed, kept=kept, **how)) == where(before)


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


def test_of_two_cases_one_validates_and_the_empty_test_set_is_told(caplog):
    assert len(split_cases(MANY[:2])["validation"]) == 1
    assert "test set is empty: 1 cases train" in caplog.text


def test_folds_are_equal_and_more_than_patients_are_refused():
    sizes = [
        len(split_cases(MANY[:44], **NO_TEST, fold=k, folds=5)["validation"]) for k in range(5)
    ]
    assert sizes == [9, 9, 9, 9, 8]
    with pytest.raises(DataError, match="5 folds of 4 patients"):
        split_cases(MANY[:4], **NO_TEST, fold=0, folds=5)


def test_a_rare_structure_is_in_every_part_or_first_of_all_in_training():
    """Whichever cases have it: three have it in each part, two in none of the test, one trains."""
    for start in range(17):
        for many in (1, 2, 3):
            values = {f"c{start + n}": (0, 1, 2) for n in range(many)}
            splits = split_cases(MANY[:20], values={f"c{n}": (0, 1) for n in range(20)} | values)
            having = [sum(one.name in values for one in splits[name]) for name in NAMES]
            assert having == {1: [1, 0, 0], 2: [1, 1, 0], 3: [1, 1, 1]}[many]
            assert [len(splits[name]) for name in NAMES] == [16, 2, 2]


def test_a_rare_structure_is_in_every_fold():
    values = {f"c{n}": (1, 2) if n < 5 else (1,) for n in range(20)}
    for k in range(5):
        fold = split_cases(MANY[:20], **NO_TEST, fold=k, folds=5, values=values)["validation"]
        assert [2 in values[one.name] for one in fold].count(True) == 1


@st.composite
def data_sets(draw):
    """6 to 60 cases of patients with one to four, and structures of which some are rare."""
    sizes = draw(st.lists(st.integers(1, draw(st.sampled_from([1, 4]))), min_size=6, max_size=60))
    cases = [case(f"{p}-{i}", f"p{p}") for p, size in enumerate(sizes) for i in range(size)][:60]
    some = st.frozensets(st.sampled_from([1, 1, 1, 2, 3]))
    return cases, {one.name: draw(some) for one in cases}


SHARES = [(0.8, 0.1, 0.1), (0.7, 0.15, 0.15), (0.8, 0.2, 0.0), (0.72, 0.07, 0.21)]


@settings(max_examples=300, deadline=None)
@given(data_sets(), st.integers(0, 9), st.sampled_from(SHARES))
def test_shares_are_kept_no_part_is_empty_and_nobody_is_divided(found, seed, fractions):
    cases, values = found
    splits = split_cases(cases, seed=seed, fractions=fractions, values=values)
    patients = [{one.patient for one in splits[name]} for name in NAMES]
    assert sum(map(len, patients)) == len({one.patient for one in cases})
    assert sum(len(splits[name]) for name in NAMES) == len(cases)
    sizes = Counter(one.patient for one in cases)
    for name, share in zip(NAMES, fractions, strict=True):
        assert bool(splits[name]) == (share > 0)
        off = abs(len(splits[name]) - share * len(cases))
        if max(sizes.values()) == 1:
            assert off <= 1
        else:  # whole patients come as near as half of one in the test, and so on in the rest
            assert off <= 1 + max(sizes.values())
    if min(len(part) for part in patients if part) >= 3:
        for value in (1, 2, 3):
            having = {one.patient for one in cases if value in values[one.name]}
            if len(having) >= 3 and max(sizes.values()) == 1:
                assert all(having & part for part in patients if part)


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


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 3)), unique=True, min_size=30, max_size=60
    ),
    st.integers(0, 5),
    st.sampled_from([{}, {"test_count": 5}, {"fold": 1, "folds": 4}]),
)
def test_one_patient_never_stands_in_two_splits(entries, seed, how):
    cases = [case(f"{patient}-{number}", f"p{patient}") for patient, number in entries]
    splits = split_cases(cases, seed=seed, **how)
    patients = [{one.patient for one in splits[name]} for name in NAMES]
    assert sum(map(len, patients)) == len(set.union(*patients)) == len({c.patient for c in cases})
    assert len(where(splits)) == len(cases)


def test_cases_without_a_label_are_left_out():
    unlabelled = Case("x", "x.png", None, "x", "test")
    assert "x" not in where(split_cases([*MANY, unlabelled]))
    assert where(split_cases([*MANY, unlabelled])) == where(split_cases(MANY))


def test_the_folders_own_validation_set_stands_and_no_test_set_is_drawn():
    cases = [case(f"a{i}", split="training") for i in range(50)]
    cases += [case(f"b{i}", split="validation") for i in range(5)]
    splits = split_cases(cases)
    assert [len(splits[name]) for name in NAMES] == [50, 5, 0]


def test_a_wanted_count_draws_a_test_set_beside_the_folders_validation_set():
    cases = [case(f"a{i}", split="training") for i in range(50)]
    cases += [case(f"b{i}", split="validation") for i in range(5)]
    splits = split_cases(cases, test_count=10)
    assert [len(splits[name]) for name in NAMES] == [40, 5, 10]
    assert all(one.name[0] == "b" for one in splits["validation"])


def test_a_wanted_count_takes_whole_patients_until_it_is_reached():
    cases = [case(f"{p}-{i}", patient=f"p{p}") for p in range(40) for i in range(3)]
    assert len(split_cases(cases, test_count=10)["test"]) == 12


def test_a_wanted_count_against_the_folders_test_set_is_refused():
    cases = [case("a", split="training"), case("b", split="test")]
    with pytest.raises(ConfigError, match="the folder has its own test set"):
        split_cases(cases, test_count=1)


def test_folds_take_in_the_folders_validation_set():
    cases = [case(f"a{i}", split="training") for i in range(50)]
    cases += [case(f"b{i}", split="validation") for i in range(50)]
    folds = [split_cases(cases, fold=k, folds=3)["validation"] for k in range(3)]
    assert sum(map(len, folds)) == 100


def test_folds_leave_the_same_test_set_out_as_no_folds():
    assert split_cases(MANY, fold=0, folds=5)["test"] == split_cases(MANY)["test"]


@pytest.mark.parametrize(
    "how",
    [
        {"fold": 0},
        {"folds": 5},
        {"fold": 5, "folds": 5},
        {"fold": -1, "folds": 5},
        {"fold": 0, "folds": 1},
    ],
)
def test_folds_that_make_no_sense(how):
    with pytest.raises(ConfigError, match="expected both, and fold from 0 to folds - 1"):
        split_cases(MANY, **how)


def test_nobody_left_to_train_is_refused():
    with pytest.raises(DataError, match="no case is left for training"):
        split_cases([case("a", split="test")])
    with pytest.raises(DataError, match="no case is left for training"):
        split_cases([])


def test_a_single_patient_trains_without_validation(caplog):
    splits = split_cases([case("a", "p"), case("b", "p")], fractions=(0.9, 0.1, 0.0))
    assert len(splits["training"]) == 2
    assert "The validation set is empty" in caplog.text


def test_no_validation_wanted_is_none_taken():
    splits = split_cases(MANY, fractions=(0.9, 0.0, 0.1))
    assert splits["validation"] == []


@given(st.text(), st.integers(0, 1000))
def test_numbers_lie_between_0_and_1_and_differ_by_purpose(patient, seed):
    first, second = (patient_number(patient, purpose, seed) for purpose in ("test", "validation"))
    assert 0 <= first < 1
    assert 0 <= second < 1
    assert first != second


def test_numbers_are_evenly_spread():
    numbers = sorted(patient_number(f"p{n}", "test", 0) for n in range(1000))
    assert max(abs(number - n / 1000) for n, number in enumerate(numbers)) < 0.05


SPLITS = {
    "training": [Case("a", "a.png", "m.png", "Müller", "training")],
    "validation": [Case("b", "dicom/s#1.2.3", None, "P2")],
    "test": [],
}


def test_what_is_written_comes_back(tmp_path):
    write_splits(tmp_path / "splits.json", SPLITS)
    assert read_splits(tmp_path / "splits.json") == SPLITS


def test_people_can_read_it(tmp_path):
    write_splits(tmp_path / "splits.json", SPLITS)
    text = (tmp_path / "splits.json").read_text(encoding="utf-8")
    assert "Müller" in text
    assert list(json.loads(text)) == ["training", "validation", "test"]


def test_nothing_else_is_left_in_the_folder(tmp_path):
    write_splits(tmp_path / "splits.json", SPLITS)
    write_splits(tmp_path / "splits.json", SPLITS)
    assert [path.name for path in tmp_path.iterdir()] == ["splits.json"]


def test_a_failure_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "splits.json"
    write_splits(path, SPLITS)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_splits(path, {**SPLITS, "training": []})
    assert read_splits(path) == SPLITS


@pytest.mark.parametrize(
    "text", ["", "[]", '{"training": []}', '{"training": [{"x": 1}], "validation": [], "test": []}']
)
def test_other_content_is_refused_by_name(tmp_path, text):
    (tmp_path / "splits.json").write_text(text)
    with pytest.raises(DataError, match=r"splits\.json: not the splits of a run"):
        read_splits(tmp_path / "splits.json")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.json: not the splits of a run"):
        read_splits(tmp_path / "none.json")
