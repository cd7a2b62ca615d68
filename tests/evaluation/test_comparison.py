import csv
import json

import numpy as np
import pytest
from PIL import Image

from lamina.cli import main
from lamina.errors import DataError
from lamina.evaluation.comparison import (
    compare_evaluations,
    comparison_text,
    verdict,
    write_comparison,
)


def write_cases(folder, scores, metric="dice", unit="mm"):
    """Write cases.csv for {case: {class: value or None}}."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "cases.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "class", "spacing_unit", "status", metric])
        for case, classes in scores.items():
            for name, value in classes.items():
                writer.writerow([case, name, unit, "present", "" if value is None else value])
    return folder


@pytest.fixture
def runs(tmp_path):
    """Run B is better by 0.05 in the left lung and by nothing on average in the right one."""
    rng = np.random.default_rng(0)
    a, b = {}, {}
    for index in range(12):
        left, right = rng.uniform(0.7, 0.9, 2)
        a[f"case_{index:02}"] = {"left": left, "right": right}
        b[f"case_{index:02}"] = {
            "left": left + 0.05,
            "right": right + (0.02 if index % 2 else -0.02),
        }
    b["case_03"]["left"] = a["case_03"]["left"] - 0.3
    return write_cases(tmp_path / "a" / "evaluation", a), write_cases(
        tmp_path / "b" / "evaluation", b
    )


def test_differences_are_those_of_the_tables(runs):
    found = compare_evaluations(*runs)
    assert found.names == ("a", "b")
    assert found.classes["left"]["difference"] == pytest.approx((11 * 0.05 - 0.3) / 12)
    assert found.classes["right"]["difference"] == pytest.approx(0, abs=1e-12)
    assert found.classes["mean"]["n"] == 12
    assert found.classes["left"]["higher"] == 11


def test_a_run_an_evaluation_and_a_table_all_do(runs, tmp_path):
    expected = compare_evaluations(*runs)
    assert compare_evaluations(tmp_path / "a", tmp_path / "b") == expected
    assert compare_evaluations(runs[0] / "cases.csv", runs[1] / "cases.csv") == expected


def test_the_text_names_the_better_one_and_the_odd_case(runs):
    text = comparison_text(compare_evaluations(*runs))
    assert "Dice of A = a and B = b" in text
    assert text.split("differ most:\n")[1].splitlines()[0].startswith("  case_03, left: ")


@pytest.mark.parametrize(("metric", "better"), [("dice", "B"), ("hausdorff_distance_95", "A")])
def test_higher_is_better_or_worse_by_the_metric(tmp_path, metric, better):
    a = {f"c{i}": {"x": 1.0 + i} for i in range(10)}
    b = {f"c{i}": {"x": 1.5 + i} for i in range(10)}
    places = [write_cases(tmp_path / name, of, metric) for name, of in (("a", a), ("b", b))]
    assert verdict(compare_evaluations(*places, metric)).startswith(f"{better} (")


def test_no_verdict_without_evidence(tmp_path):
    a = {f"c{i}": {"x": 0.5} for i in range(8)}
    b = {f"c{i}": {"x": 0.5 + 0.01 * (-1) ** i} for i in range(8)}
    found = compare_evaluations(write_cases(tmp_path / "a", a), write_cases(tmp_path / "b", b))
    assert verdict(found).startswith("no difference is shown")
    few = {"c1": {"x": 0.9}}
    found = compare_evaluations(write_cases(tmp_path / "a", a), write_cases(tmp_path / "c", few))
    assert verdict(found).startswith(
        "too few cases differ for a test; cases that are higher in B: 1"
    )


def test_a_structure_that_one_side_lacks_counts_in_neither(tmp_path):
    a = write_cases(tmp_path / "a", {"c1": {"x": 0.5, "y": None}, "c2": {"x": 0.5, "y": 0.5}})
    b = write_cases(tmp_path / "b", {"c1": {"x": 0.7, "y": 0.1}, "c2": {"x": 0.5, "y": 0.7}})
    found = compare_evaluations(a, b)
    assert found.classes["y"]["n"] == 1
    assert found.classes["mean"]["difference"] == pytest.approx((0.2 + 0.1) / 2)


def test_files_hold_what_was_found(runs, tmp_path):
    found = compare_evaluations(*runs)
    table, summary, picture = write_comparison(found, tmp_path / "out")
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24
    odd = next(row for row in rows if row["case"] == "case_03" and row["class"] == "left")
    assert float(odd["difference"]) == pytest.approx(-0.3)
    assert json.loads(summary.read_text())["classes"]["left"]["higher"] == 11
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    blue = (pixels[..., 2] - pixels[..., 0]) > 100
    assert blue.sum() > 24 * 10  # a point for each case and structure


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda a, b: (b / "cases.csv").unlink(), "no cases.csv of an evaluation"),
        (lambda a, b: write_cases(b, {"other": {"left": 0.5}}), "no case with the same name"),
        (lambda a, b: write_cases(b, {"c": {"left": 0.5}}, "iou"), "no column 'dice'"),
    ],
)
def test_what_can_not_be_compared_says_why(runs, change, text):
    change(*runs)
    with pytest.raises(DataError, match=text):
        compare_evaluations(*runs)


def test_the_command(runs, tmp_path, capsys):
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    out = capsys.readouterr().out
    assert "structure" in out
    assert (tmp_path / "b" / "comparison" / "comparison.png").is_file()
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "nowhere")]) == 1
    assert "run `lamina evaluate` first" in capsys.readouterr().err


def test_millimetres_are_not_compared_with_pixels(tmp_path):
    scores = {"x": {"lung": 2.0}, "y": {"lung": 3.0}}
    for metric, apart in (("average_surface_distance", True), ("dice", False)):
        paths = [write_cases(tmp_path / unit, scores, metric, unit) for unit in ("mm", "px")]
        if apart:
            with pytest.raises(DataError, match="x was measured in mm and in px\n.*--pixel-size"):
                compare_evaluations(*paths, metric)
        else:
            assert compare_evaluations(*paths, metric).classes["lung"]["n"] == 2


def test_what_one_side_alone_marked_falsely_is_left_out_and_told(tmp_path):
    """B's false structure counts 0 in its own evaluation; A has no value to set beside it."""
    scores = {f"c{number}": {"lung": 0.8 + number / 100} for number in range(7)}
    a = write_cases(tmp_path / "a", scores | {"empty": {"lung": None}})
    b = write_cases(tmp_path / "b", scores | {"empty": {"lung": 0.0}})
    text = comparison_text(compare_evaluations(a, b))
    assert "left out, since only B marked anything there, falsely: 1 structure(s)" in text
    assert "only A" not in text
    assert "left out" not in comparison_text(compare_evaluations(a, a))
