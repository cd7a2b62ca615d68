import pytest

from lamina.errors import ConfigError
from lamina.metrics.catalogue import METRICS, check_metric_names, metric_unit
from lamina.metrics.distances import DISTANCE_METRICS
from lamina.metrics.layers import LAYER_METRICS
from lamina.metrics.overlap import OVERLAP_METRICS, VOLUME_METRICS
from lamina.metrics.probability import PROBABILITY_METRICS

FAMILIES = (OVERLAP_METRICS, DISTANCE_METRICS, VOLUME_METRICS, PROBABILITY_METRICS, LAYER_METRICS)


def test_every_metric_that_is_computed_is_explained_and_the_reverse():
    assert sorted(METRICS) == sorted(name for family in FAMILIES for name in family)


def test_titles_are_told_apart():
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_meanings_are_sentences(name):
    meaning = METRICS[name].meaning
    assert meaning[0].isupper()
    assert meaning.endswith(".")


def test_known_names_pass():
    check_metric_names(METRICS)
    check_metric_names([])


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("Dice", "dice"), ("hausdorff95", "hausdorff_distance_95"), ("recal", "recall")],
)
def test_unknown_names_get_the_nearest(wrong, near):
    with pytest.raises(ConfigError) as error:
        check_metric_names(["dice", wrong])
    first, second = str(error.value).splitlines()
    assert first == f"metrics: nothing computes {wrong!r}"
    assert second.startswith(f"  → did you mean {near!r}? Known are: dice, iou, accuracy")


@pytest.mark.parametrize(
    ("name", "in_mm", "in_px"),
    [
        ("dice", "", ""),
        ("relative_volume_error", "", ""),
        ("hausdorff_distance_95", "mm", "px"),
        ("thickness_error", "µm", "px"),
        ("volume_truth", "mm²", "px²"),
    ],
)
def test_units_in_a_plane(name, in_mm, in_px):
    assert (metric_unit(name, "mm", 2), metric_unit(name, "px", 2)) == (in_mm, in_px)


def test_units_in_space():
    assert metric_unit("volume_error", "mm", 3) == "mm³"
    assert metric_unit("average_surface_distance", "mm", 3) == "mm"
