import csv
import logging

import pytest

from lamina.prediction.uncertain_cases import rank_uncertain, write_uncertain_cases

NUMBERS = {"a": 0.1, "b": 0.12, "c": 0.4, "d": 0.11, "e": 0.1, "f": None}


@pytest.fixture
def records():
    return [{"case": name, "uncertainty": value} for name, value in NUMBERS.items()]


def test_the_most_uncertain_come_first(records):
    ranked = rank_uncertain([*records, {"case": "failed"}])
    assert [row["case"] for row in ranked] == ["c", "b", "d", "a", "e"]
    assert [row["unusual"] for row in ranked] == [True, False, False, False, False]


def test_the_table_and_the_log_say_so(records, tmp_path, caplog):
    caplog.set_level(logging.INFO, "lamina")
    path = write_uncertain_cases(records, tmp_path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {"case": "c", "uncertainty": "0.4", "unusual": "yes"}
    assert rows[1] == {"case": "b", "uncertainty": "0.12", "unusual": ""}
    assert "look first at c (0.400)" in caplog.text


def test_without_numbers_there_is_no_file(records, tmp_path):
    write_uncertain_cases(records, tmp_path)
    assert write_uncertain_cases([{"case": "a", "uncertainty": None}], tmp_path) is None
    assert not list(tmp_path.iterdir())
