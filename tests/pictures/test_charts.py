"""Axes, boxes, agreement and curves: places on the paper that stand for numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.evaluation.report import agreement_charts
from lamina.pictures.charts import Axis, box_charts, curve_charts, fit_axis
from lamina.tasks.labels import Label

LABELS = [Label(0, "background", (0, 0, 0)), Label(1, "a", (9, 9, 9)), Label(2, "b", (8, 8, 8))]
NUMBERS = st.floats(-1e6, 1e6)


def summary_of(values, metric="dice", unit=""):
    cases = [
        {
            "case": f"case {index}",
            "classes": {
                "a": {"status": "present" if value else "missed", metric: value},
                "b": {"status": "absent", metric: None},
            },
        }
        for index, value in enumerate(values)
    ]
    return {"cases": cases, "units": {metric: unit}}


@given(st.lists(NUMBERS, min_size=1, max_size=9))
@settings(deadline=None, max_examples=60)
def test_an_axis_holds_its_values_and_ends_at_round_numbers(values):
    axis = fit_axis(values, 10.0, 210.0)
    margin = 1e-9 * (axis.high - axis.low)
    assert axis.low - margin <= min(values)
    assert max(values) <= axis.high + margin
    assert all(9.9 <= axis.at(value) <= 210.1 for value in values)
    ticks = [tick.at for tick in axis.ticks]
    assert 2 <= len(ticks) <= 8
    assert ticks == sorted(ticks)
    assert all(10 <= tick <= 210 for tick in ticks)


@given(NUMBERS)
@settings(deadline=None, max_examples=30)
def test_values_that_differ_by_rounding_alone_have_an_axis(value):
    axis = fit_axis([value, np.nextafter(value, np.inf)], 0.0, 1.0)
    assert axis.high - axis.low > 0.1


def test_a_vertical_axis_runs_up():
    axis = Axis(0.0, 10.0, start=200.0, end=0.0)
    assert (axis.at(0), axis.at(5), axis.at(10)) == (200, 100, 0)


def test_boxes_stand_for_the_quartiles():
    values = [0.2, 0.4, 0.5, 0.7, 0.9]
    (chart,) = box_charts(summary_of(values), LABELS)
    (box,) = chart.boxes
    assert chart.title == "Dice"
    assert box.quartiles == tuple(chart.axis.at(value) for value in (0.4, 0.5, 0.7))
    assert box.whiskers == (chart.axis.at(0.2), chart.axis.at(0.9))
    assert [point.x for point in box.points] == [chart.axis.at(value) for value in values]
    assert box.points[0].text == "case 0: 0.200"


def test_whiskers_leave_out_what_lies_far_away():
    (chart,) = box_charts(summary_of([0.0, 0.8, 0.82, 0.84, 0.86]), LABELS)
    assert chart.boxes[0].whiskers[0] == chart.axis.at(0.8)
    assert chart.boxes[0].points[0].status == "missed"


def test_points_stay_within_their_row_and_the_paper():
    (chart,) = box_charts(summary_of([0.5] * 200), LABELS)
    (box,) = chart.boxes
    assert all(abs(point.y - box.y) <= 10 for point in box.points)
    assert len({point.y for point in box.points}) > 50
    assert box.y + 12 < chart.height - 32


def test_a_chart_names_its_unit_and_starts_at_zero():
    (chart,) = box_charts(summary_of([3.0, 40.0], "boundary_error", "µm"), LABELS)
    assert chart.title == "Boundary error (µm)"
    assert chart.axis.low == 0


def test_metrics_that_were_not_measured_have_no_chart():
    assert box_charts(summary_of([0.5], "recall"), LABELS) == []
    assert box_charts({"cases": [], "units": {}}, LABELS) == []


def sizes(pairs, unit="mm³"):
    cases = [
        {
            "case": str(index),
            "classes": {
                "a": {"status": "present", "volume_truth": truth, "volume_prediction": prediction},
                "b": {"status": "absent", "volume_truth": None, "volume_prediction": None},
            },
        }
        for index, (truth, prediction) in enumerate(pairs)
    ]
    return {"cases": cases, "units": {"volume_truth": unit, "volume_prediction": unit}}


def test_agreement_equals_the_formula_of_bland_and_altman():
    pairs = np.array([(100.0, 110.0), (200.0, 190.0), (300.0, 330.0)])
    (chart,) = agreement_charts(sizes(pairs), LABELS)
    differences, means = pairs[:, 1] - pairs[:, 0], pairs.mean(axis=1)
    bias, spread = differences.mean(), 1.96 * differences.std(ddof=1)
    assert [line.y for line in chart.lines] == [
        chart.y_axis.at(value) for value in (bias + spread, bias, bias - spread)
    ]
    assert [line.text for line in chart.lines] == [
        f"upper limit {bias + spread:.3g}",
        f"mean {bias:.3g}",
        f"lower limit {bias - spread:.3g}",
    ]
    expected = [
        (chart.x_axis.at(x), chart.y_axis.at(y)) for x, y in zip(means, differences, strict=True)
    ]
    assert [(point.x, point.y) for point in chart.points] == expected


def test_perfect_agreement_is_a_level_line():
    (chart,) = agreement_charts(sizes([(100.0, 100.0), (200.0, 200.0)]), LABELS)
    assert len({line.y for line in chart.lines}) == 1


def test_too_few_cases_or_several_units_have_no_chart():
    assert agreement_charts(sizes([(1.0, 2.0)]), LABELS) == []
    assert agreement_charts(sizes([(1.0, 2.0), (3.0, 4.0)], "mm³ or px²"), LABELS) == []
    assert agreement_charts(summary_of([0.5, 0.6]), LABELS) == []


def test_a_curve_for_each_number_of_the_history():
    history = [
        {"epoch": 0, "loss": 2.0, "val_dice": 0.1},
        {"epoch": 5, "loss": 1.0},
        {"epoch": 10, "loss": 0.0, "val_dice": 0.9},
    ]
    charts = {chart.title: chart for chart in curve_charts(history)}
    assert list(charts) == ["loss", "val_dice"]
    assert charts["loss"].path == "66.0,16.0 266.0,96.0 466.0,176.0"
    assert len(charts["val_dice"].path.split()) == 2


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None])
def test_gaps_of_a_curve_are_left_out(bad):
    history = [{"epoch": epoch, "loss": loss} for epoch, loss in enumerate([1.0, bad, 0.5])]
    (chart,) = curve_charts(history)
    assert len(chart.path.split()) == 2


def test_one_epoch_is_no_curve():
    assert curve_charts([{"epoch": 1, "loss": 1.0}]) == []
    assert curve_charts([]) == []
