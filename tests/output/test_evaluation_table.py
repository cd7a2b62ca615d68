import platform

import monai

import lamina
from lamina.output.evaluation_table import summary_table, versions


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
