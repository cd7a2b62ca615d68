import pytest

from lamina.evaluation.report_text import choose_examples, count, opening_sentences, rank_cases
from lamina.metrics.catalogue import format_interval, format_number


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (0.91237, "dice", "0.912"),
        (0, "dice", "0.000"),
        (-2.0, "relative_volume_error", "-2.000"),
        (1234567.0, "volume_truth", "1,230,000"),
        (-69.82, "volume_error", "-69.8"),
        (0.00012345, "average_surface_distance", "0.000123"),
        (99.96, "boundary_error", "100"),
        (0.0, "thickness_error", "0"),
        (None, "thickness_error", "–"),
    ],
)
def test_numbers(value, metric, text):
    assert format_number(value, metric) == text


def test_intervals():
    assert format_interval([1.25, 12.345], "hausdorff_distance_95") == "1.25 to 12.3"


def summary_of(metric, values):
    cases = [{"case": str(index), metric: value} for index, value in enumerate(values)]
    return {"mean": {metric: 0.0}, "cases": cases}


def test_the_worst_case_has_the_lowest_overlap():
    ranked = rank_cases(summary_of("dice", [0.5, 0.9, None, 0.1]))
    assert [case["case"] for case in ranked] == ["3", "0", "1", "2"]


def test_the_worst_case_has_the_largest_distance():
    ranked = rank_cases(summary_of("hausdorff_distance_95", [5.0, 0.5, 70.0]))
    assert [case["case"] for case in ranked] == ["2", "0", "1"]


def test_the_worst_case_has_the_largest_error_of_either_sign():
    ranked = rank_cases(summary_of("volume_error", [5.0, -70.0, 0.1]))
    assert [case["case"] for case in ranked] == ["1", "0", "2"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], {}),
        ([None], {}),
        ([0.5], {"only": 0.5}),
        ([0.1, 0.9], {"best": 0.9, "worst": 0.1}),
        ([0.1, 0.5, 0.9], {"best": 0.9, "median": 0.5, "worst": 0.1}),
        ([0.1, 0.2, 0.5, 0.8, 0.9, None], {"best": 0.9, "median": 0.5, "worst": 0.1}),
    ],
)
def test_examples(values, expected):
    ranked = rank_cases(summary_of("dice", values))
    chosen = choose_examples(ranked, "dice")
    assert {kind: case["dice"] for kind, case in chosen.items()} == expected


def opening(missed, false, cases=2, failed=0, interval=(0.5, 0.75)):
    counts = {"present": 1, "missed": missed, "false": false, "absent": 0}
    return opening_sentences(
        {
            "mean": {"average_surface_distance": 0.625},
            "interval": {"average_surface_distance": interval},
            "units": {"average_surface_distance": "mm"},
            "classes": {"a": {"counts": counts}, "b": {"counts": counts}},
            "cases": [{}] * cases,
            "failed": [{}] * failed,
            "bootstrap": {"confidence": 0.9},
        }
    )


def test_opening_says_what_was_done_and_the_result_with_its_unit():
    text = opening(0, 1)
    assert text.startswith("A network marked 2 structures in 2 cases, and its result was compared")
    assert "the mean Surface distance is 0.625 mm (90 % interval 0.5 to 0.75)." in text
    assert "0 structures were missed altogether and 2 were marked where there is none." in text
    assert "could not be measured" not in text


def test_opening_of_one_case_has_no_interval():
    text = opening(1, 0, cases=1, failed=1, interval=None)
    assert "in 1 case," in text
    assert "interval" not in text
    assert "2 structures were missed altogether and 0 were marked" in text
    assert text.endswith("1 more case could not be measured; the reasons stand below.")


def test_counts():
    assert [count(number, "case") for number in (0, 1, 1200)] == [
        "0 cases",
        "1 case",
        "1,200 cases",
    ]
