import csv
import json
import math
import platform

import monai
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamina
from lamina.errors import DataError
from lamina.evaluation.summary import CaseScores, summarise, summary_table, versions, write_summary
from lamina.metrics.measure import StructureScores
from lamina.metrics.statistics import Bootstrap, describe
from lamina.tasks.labels import Label

LABELS = [
    Label(0, "background", (0, 0, 0)),
    Label(1, "a", (255, 0, 0)),
    Label(2, "b", (0, 0, 255)),
]
NAN = float("nan")
FAST = Bootstrap(resamples=50)


def record(name, a, b, unit="mm", dims=3, distances=(1.0, 2.0)):
    """A case with a Dice and a distance for each class; NaN is a class that is absent."""
    scores = zip("ab", (a, b), distances, strict=True)
    structures = {
        label: StructureScores(
            "absent" if math.isnan(dice) else "present" if dice else "missed",
            {"dice": dice, "average_surface_distance": distance},
        )
        for label, dice, distance in scores
    }
    return CaseScores(name, unit, dims, structures)


RECORDS = [record("x", 0.9, 0.5), record("y", 0.7, NAN), record("z", 0.0, NAN)]


def test_mean_is_over_classes_of_means_over_cases():
    summary = summarise(RECORDS, LABELS, bootstrap=FAST)
    assert summary["classes"]["a"]["dice"] == pytest.approx(1.6 / 3)
    assert summary["classes"]["b"]["dice"] == 0.5
    assert summary["mean"]["dice"] == pytest.approx((1.6 / 3 + 0.5) / 2)


def test_counts_add_up_to_the_cases():
    counts = {
        name: scores["counts"] for name, scores in summarise(RECORDS, LABELS)["classes"].items()
    }
    assert counts == {
        "a": {"present": 2, "missed": 1, "false": 0, "absent": 0},
        "b": {"present": 1, "missed": 0, "false": 0, "absent": 2},
    }


def test_each_case_has_its_mean_and_its_classes():
    cases = summarise(RECORDS, LABELS, bootstrap=FAST)["cases"]
    assert [(case["case"], case["dice"]) for case in cases] == [
        ("x", pytest.approx(0.7)),
        ("y", 0.7),
        ("z", 0.0),
    ]
    assert cases[1]["classes"]["b"]["dice"] is None
    assert cases[1]["classes"]["b"]["status"] == "absent"


@given(st.lists(st.tuples(*[st.floats(0, 1) | st.just(NAN)] * 2), min_size=1, max_size=6))
@settings(deadline=None, max_examples=30)
def test_spread_is_that_of_the_statistics(scores):
    records = [record(str(index), a, b) for index, (a, b) in enumerate(scores)]
    summary = summarise(records, LABELS, bootstrap=FAST)
    overall = describe(scores, FAST)
    of_a = describe([a for a, _ in scores], FAST)
    for name in ("median", "std", "interval"):
        assert summary[name]["dice"] == overall[name]
        assert summary["classes"]["a"][name]["dice"] == of_a[name]
    assert summary["mean"]["dice"] == overall["mean"]


def test_it_is_json_without_nan():
    summary = summarise([record("x", NAN, NAN)], LABELS, bootstrap=FAST)
    text = json.dumps(summary, allow_nan=False)
    assert json.loads(text)["mean"]["dice"] is None
    assert summary["cases"][0]["dice"] is None


def test_units_stand_beside_the_numbers():
    assert summarise(RECORDS, LABELS)["units"] == {"dice": "", "average_surface_distance": "mm"}
    in_pixels = [record("x", 1.0, 1.0, unit="px", dims=2)]
    assert summarise(in_pixels, LABELS)["units"]["average_surface_distance"] == "px"


def test_values_in_several_units_are_never_averaged():
    records = [record("x", 0.5, 0.5), record("y", 0.7, 0.7, unit="px")]
    summary = summarise(records, LABELS, bootstrap=FAST)
    assert summary["units"]["average_surface_distance"] == "mm or px"
    assert summary["mean"]["average_surface_distance"] is None
    assert summary["cases"][1]["classes"]["a"]["average_surface_distance"] == 1.0
    assert summary["mean"]["dice"] == pytest.approx(0.6)


def test_failures_information_and_settings_are_passed_on():
    summary = summarise(
        RECORDS,
        LABELS,
        failures={"w": "no label"},
        bootstrap=Bootstrap(0.9, 60, 7),
        information={"Data": {"split": "test"}},
    )
    assert summary["failed"] == [{"case": "w", "reason": "no label"}]
    assert summary["bootstrap"] == {"confidence": 0.9, "resamples": 60, "seed": 7}
    assert summary["information"] == {"Data": {"split": "test"}}


def test_no_case_is_an_error_that_tells_why():
    with pytest.raises(DataError) as error:
        summarise([], LABELS, failures={"w": "no label"})
    assert str(error.value) == (
        "no case was measured\nw: no label\n  → check the data set and its split"
    )


def test_files_hold_the_same_numbers(tmp_path):
    summary = summarise(RECORDS, LABELS, bootstrap=FAST)
    write_summary(tmp_path / "new", summary)
    assert json.loads((tmp_path / "new/summary.json").read_text()) == summary
    lines = list(csv.DictReader((tmp_path / "new/cases.csv").open()))
    assert [(line["case"], line["class"]) for line in lines] == [
        (case, name) for case in "xyz" for name in "ab"
    ]
    assert float(lines[0]["dice"]) == 0.9
    assert (lines[3]["status"], lines[3]["dice"]) == ("absent", "")
    assert {line["spacing_unit"] for line in lines} == {"mm"}


def test_names_with_commas_and_quotes_survive_the_table(tmp_path):
    name = 'Müller, "A"; 網膜\n2'
    write_summary(tmp_path, summarise([record(name, 0.5, 0.5)], LABELS, bootstrap=FAST))
    with (tmp_path / "cases.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["case"] == name


def test_nothing_else_is_left_in_the_folder(tmp_path):
    for _ in range(2):
        write_summary(tmp_path, summarise(RECORDS, LABELS, bootstrap=FAST))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases.csv", "summary.json"]


def test_records_are_untouched():
    before = repr(RECORDS)
    summarise(RECORDS, LABELS, bootstrap=FAST)
    assert repr(RECORDS) == before


def test_plain_floats_come_of_numpys():
    records = [record("x", np.float64(0.5), np.float64(0.25))]
    json.dumps(summarise(records, LABELS, bootstrap=FAST), allow_nan=False)


def summary_of(metrics):
    counts = {"present": 3, "missed": 2, "false": 1, "absent": 0}
    scores = dict.fromkeys(metrics, 0.5)
    classes = {"a": scores | {"counts": counts}, "a long name": scores | {"counts": counts}}
    return {"mean": scores, "classes": classes}


def test_a_row_for_each_class_and_the_mean_in_straight_columns():
    lines = summary_table(summary_of(["recall", "iou", "dice"])).splitlines()
    assert [line.split()[-5:] for line in lines[:1]] == [
        ["structure", "Dice", "IoU", "missed", "false"]
    ]
    assert [line.split()[-4:] for line in lines[1:]] == [
        ["0.500", "0.500", "2", "1"],
        ["0.500", "0.500", "2", "1"],
        ["0.500", "0.500", "4", "2"],
    ]
    assert len({len(line) for line in lines}) == 1
    assert lines[-1].startswith("mean")


def test_other_metrics_stand_in_where_dice_was_not_asked_for():
    table = summary_table(summary_of(["boundary_error", "thickness_error", "recall"]))
    assert table.splitlines()[0].split("  ")[-4:-2] != []
    assert "Boundary error  Thickness error" in table
    assert "Recall" not in table


def test_a_number_that_is_not_there_is_a_dash():
    summary = summary_of(["dice"])
    summary["mean"]["dice"] = None
    assert "–" in summary_table(summary).splitlines()[-1]


def test_versions_are_those_that_run():
    assert versions()["monai"] == monai.__version__
    assert versions()["lamina"] == lamina.__version__
    assert versions()["python"] == platform.python_version()
