import pytest
from tests.evaluation.test_report import report, summary_of

from lamina.evaluation.uncertainty_chart import (
    correlation_of,
    correlation_sentence,
    uncertainty_chart,
)


def with_uncertainty(dice, numbers):
    summary = summary_of(*dice)
    for case, number in zip(summary["cases"], numbers, strict=True):
        case["uncertainty"] = number
    return summary


DICE = [0.9, 0.85, 0.8, 0.88, 0.7, 0.91, 0.6, 0.86, 0.83, 0.5, 0.87]
TELLING = [0.02, 0.05, 0.08, 0.03, 0.10, 0.01, 0.13, 0.04, 0.07, 0.4, 0.045]


def test_a_number_that_tells_the_dice():
    summary = with_uncertainty(DICE, TELLING)
    found = correlation_of(summary)
    assert found["metric"] == "dice"
    assert found["n"] == 11
    assert found["rho"] == pytest.approx(-0.99, abs=0.02)
    chart = uncertainty_chart(summary)
    assert chart.sentence.startswith("The more uncertain a case, the worse its Dice")
    assert chart.cases[0] == {"case": "case 9", "uncertainty": 0.4, "unusual": True, "score": 0.5}
    by_text = {point.text: point for point in chart.points}
    worst, best = (
        by_text["case 9: uncertainty 0.400, 0.500"],
        by_text["case 5: uncertainty 0.010, 0.910"],
    )
    assert worst.x > best.x
    assert worst.y > best.y  # lower on the paper


def test_one_that_misleads_is_said_to():
    text = correlation_sentence({"n": 20, "rho": 0.8, "p": 0.001}, "dice")
    assert text.startswith("It misleads here")
    text = correlation_sentence({"n": 20, "rho": 0.8, "p": 0.001}, "hausdorff_distance_95")
    assert text.startswith("The more uncertain a case, the worse its")


def test_one_that_tells_nothing_is_said_to():
    text = correlation_sentence({"n": 20, "rho": -0.1, "p": 0.6}, "dice")
    assert text == (
        "It is not shown to predict the Dice of these cases: Spearman's rank correlation is -0.10 "
        "(n = 20, p = 0.6)."
    )


def test_few_cases_are_too_few():
    chart = uncertainty_chart(with_uncertainty(DICE[:4], TELLING[:4]))
    assert "cannot be said of 4 cases" in chart.sentence


def test_without_uncertainty_there_is_no_chart():
    assert uncertainty_chart(summary_of(0.4, 0.5)) is None
    assert correlation_of(with_uncertainty([0.4, 0.5], [None, None])) is None


def test_the_report_shows_it(tmp_path):
    page, _ = report(tmp_path, with_uncertainty(DICE, TELLING))
    assert "<h2>Uncertainty</h2>" in page
    assert "far above the others" in page
    assert "uncertainty 0.400" in page
    page, _ = report(tmp_path, summary_of(0.2, 0.9))
    assert "Uncertainty" not in page
