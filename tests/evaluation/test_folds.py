import csv
import json

import numpy as np
import pytest

from lamina.errors import DataError
from lamina.evaluation.folds import out_of_fold_text, write_out_of_fold


def write_fold(folder, scores):
    """Write the cases.csv of one fold's evaluation, for {case: [value of each class]}."""
    place = folder / "evaluation"
    place.mkdir(parents=True)
    with (place / "cases.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "class", "status", "dice", "iou"])
        for case, values in scores.items():
            for name, value in zip(("left", "right"), values, strict=True):
                shown = "" if value is None else value
                writer.writerow([case, name, "present", shown, shown])
    return folder


def test_all_cases_stand_in_one_table(tmp_path):
    folds = [
        write_fold(tmp_path / "fold_0", {"a": [0.8, 0.6], "b": [0.9, None]}),
        write_fold(tmp_path / "fold_1", {"c": [0.7, 0.5]}),
    ]
    summary = write_out_of_fold(folds, tmp_path / "out")
    assert summary["left"]["dice"]["mean"] == pytest.approx(0.8)
    assert summary["right"]["dice"] | {"interval": 0} == {
        "mean": pytest.approx(0.55),
        "median": pytest.approx(0.55),
        "std": pytest.approx(np.std([0.6, 0.5], ddof=1)),
        "interval": 0,
        "n": 2,
    }
    assert summary["mean"]["dice"]["mean"] == pytest.approx((0.8 + 0.55) / 2)
    with (tmp_path / "out" / "cases.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["fold"], row["case"]) for row in rows][::2] == [("0", "a"), ("0", "b"), ("1", "c")]
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == summary
    text = out_of_fold_text(summary)
    assert "left" in text
    assert "0.800 [0.7" in text


def test_folds_of_different_divisions_are_refused(tmp_path):
    folds = [write_fold(tmp_path / f"fold_{k}", {"a": [0.8, 0.6]}) for k in range(2)]
    with pytest.raises(DataError, match="a: measured by more than one fold"):
        write_out_of_fold(folds, tmp_path / "out")
    assert not (tmp_path / "out").exists()
