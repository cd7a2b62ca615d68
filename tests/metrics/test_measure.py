import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.data import MetaTensor
from tests.metrics.grids import spaced

from lamina.errors import ConfigError, DataError, GeometryError
from lamina.metrics.catalogue import METRICS
from lamina.metrics.distances import distance_scores
from lamina.metrics.layers import layer_scores
from lamina.metrics.measure import MeasureSettings, measure_case
from lamina.metrics.overlap import OVERLAP_METRICS
from lamina.readers.grid import pixel_grid
from lamina.tasks.labels import IGNORED, Label

LABELS = [
    Label(0, "background", (0, 0, 0)),
    Label(1, "anterior", (200, 0, 0)),
    Label(2, "posterior", (0, 0, 200)),
]
SHAPE = (4, 9, 6)
GRID = spaced(SHAPE, (0.5, 0.25, 2.0))
EVERYTHING = MeasureSettings(metrics=tuple(METRICS), tolerance=0.5, depth_axis=1)
MAPS = hnp.arrays(np.uint8, SHAPE, elements=st.integers(0, 2))


def probabilities_of(prediction):
    """Sure of the prediction."""
    return np.stack([(prediction == label.value).astype(np.float32) for label in LABELS])


@given(MAPS, MAPS)
def test_every_metric_stands_for_every_structure(prediction, reference):
    measured = measure_case(
        prediction,
        reference,
        labels=LABELS,
        grid=GRID,
        probabilities=probabilities_of(prediction),
        settings=EVERYTHING,
    )
    assert list(measured) == ["anterior", "posterior"]
    for scores in measured.values():
        assert list(scores.metrics) == list(METRICS)
        values = list(scores.metrics.values())
        assert [type(value) for value in values] == [float] * len(METRICS)
        assert np.isnan(values).all() == (scores.status == "absent")
        assert not np.isnan(values).any() or scores.status == "absent"


@given(MAPS)
def test_a_perfect_prediction_is_best_in_every_metric(reference):
    measured = measure_case(
        reference,
        reference,
        labels=LABELS,
        grid=GRID,
        probabilities=probabilities_of(reference),
        settings=EVERYTHING,
    )
    for scores in measured.values():
        for name, metric in METRICS.items():
            if scores.status == "present" and metric.best is not None:
                assert scores.metrics[name] == pytest.approx(metric.best, abs=1e-6)


def test_each_structure_is_measured_by_itself():
    rng = np.random.default_rng(0)
    prediction, reference = rng.integers(0, 3, (2, *SHAPE))
    settings = MeasureSettings(
        ("surface_dice", "thickness_error", "volume_truth"), 0.3, depth_axis=1
    )
    measured = measure_case(prediction, reference, labels=LABELS, grid=GRID, settings=settings)
    for label in LABELS[1:]:
        masks = prediction == label.value, reference == label.value
        scores = measured[label.name]
        assert scores.metrics["surface_dice"] == distance_scores(*masks, GRID, 0.3)["surface_dice"]
        in_um = layer_scores(*masks, 1, 250.0)["thickness_error"]
        assert scores.metrics["thickness_error"] == pytest.approx(in_um)
        assert scores.metrics["volume_truth"] == pytest.approx(masks[1].sum() * 0.25)


def test_layers_are_in_um_of_mm_and_in_pixels_of_pixels():
    reference, prediction = np.zeros((2, 5, 8), dtype=int)
    reference[:, 2:4], prediction[:, 2:5] = 1, 1
    settings = MeasureSettings(("thickness_error",), depth_axis=1)
    errors = [
        measure_case(
            prediction,
            reference,
            labels=LABELS,
            grid=spaced(reference.shape, spacing, unit),
            settings=settings,
        )["anterior"].metrics["thickness_error"]
        for spacing, unit in (((0.024, 0.0039), "mm"), ((1.0, 1.0), "px"))
    ]
    assert errors == [pytest.approx(3.9), 1.0]


def test_overlap_by_default_and_any_kind_of_array():
    reference = torch.tensor([[0, 1], [2, 2]])
    kinds = [
        reference,
        reference.float(),
        MetaTensor(reference.float()),
        reference.numpy().astype(np.uint8),
    ]
    results = [
        measure_case(kind, reference, labels=LABELS, grid=pixel_grid(reference.shape))
        for kind in kinds
    ]
    assert all(result == results[0] for result in results)
    assert list(results[0]["anterior"].metrics) == list(OVERLAP_METRICS)


def test_statuses():
    reference, prediction = np.array([[1, 0, 0]]), np.array([[0, 2, 0]])
    measured = measure_case(prediction, reference, labels=LABELS, grid=pixel_grid(reference.shape))
    assert {name: scores.status for name, scores in measured.items()} == {
        "anterior": "missed",
        "posterior": "false",
    }
    assert [scores.metrics["dice"] for scores in measured.values()] == [0.0, 0.0]


def test_inputs_are_untouched():
    prediction, reference = np.random.default_rng(1).integers(0, 3, (2, *SHAPE))
    kept = prediction.copy(), reference.copy()
    measure_case(prediction, reference, labels=LABELS, grid=GRID)
    assert np.array_equal(prediction, kept[0])
    assert np.array_equal(reference, kept[1])


def test_unknown_metric():
    with pytest.raises(ConfigError, match="did you mean 'surface_dice'"):
        MeasureSettings(metrics=["dice", "surface-dice"])


def test_no_metric():
    with pytest.raises(ConfigError, match="the list is empty"):
        MeasureSettings(metrics=[])


def test_layers_without_a_depth_axis():
    with pytest.raises(ConfigError, match="'thickness_error' needs a depth axis"):
        MeasureSettings(metrics=["thickness_error"])


def test_probabilities_are_needed():
    reference = np.zeros((2, 3), dtype=int)
    settings = MeasureSettings(metrics=["cross_entropy"])
    with pytest.raises(ConfigError, match="need class probabilities, none given"):
        measure_case(
            reference, reference, labels=LABELS, grid=pixel_grid(reference.shape), settings=settings
        )


def test_a_channel_axis_too_many():
    reference = np.zeros((1, 2, 3), dtype=int)
    with pytest.raises(GeometryError) as error:
        measure_case(reference, reference, labels=LABELS, grid=pixel_grid((2, 3)))
    assert str(error.value).startswith(
        "label maps of shape (1, 2, 3), but a grid of 2×3 voxels\n  → give (x, y[, z])"
    )


def test_a_depth_axis_that_is_not_there():
    reference = np.zeros((2, 3), dtype=int)
    settings = MeasureSettings(metrics=["dice"], depth_axis=2)
    with pytest.raises(GeometryError, match="depth_axis is 2, but"):
        measure_case(
            reference, reference, labels=LABELS, grid=pixel_grid(reference.shape), settings=settings
        )


def test_a_value_without_a_label():
    reference = np.array([[0, 3]])
    with pytest.raises(DataError, match="reference: values from 0 to 3, expected 0 to 2"):
        measure_case(
            np.zeros_like(reference), reference, labels=LABELS, grid=pixel_grid(reference.shape)
        )


def test_another_shape():
    with pytest.raises(GeometryError, match=r"prediction has shape \(2, 3\), reference \(3, 2\)"):
        measure_case(np.zeros((2, 3)), np.zeros((3, 2)), labels=LABELS, grid=pixel_grid((3, 2)))


def test_real_hippocampus_moved_by_a_voxel():
    default = Path(__file__).parents[2].parent / "shared/data"
    folder = Path(os.environ.get("LAMINA_DATA", default)) / "hippocampus/labelsTr"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    reference = np.asarray(nib.load(min(folder.glob("*.nii.gz"))).dataobj).astype(np.uint8)
    settings = MeasureSettings(
        ("dice", "hausdorff_distance_95", "average_surface_distance", "volume_error")
    )
    moved = np.roll(reference, 1, axis=0)
    measured = measure_case(
        moved, reference, labels=LABELS, grid=pixel_grid(reference.shape), settings=settings
    )
    for scores in measured.values():
        assert scores.status == "present"
        assert 0.7 < scores.metrics["dice"] < 1
        assert scores.metrics["hausdorff_distance_95"] == pytest.approx(1)
        assert 0 < scores.metrics["average_surface_distance"] < 1
        assert scores.metrics["volume_error"] == 0


@pytest.mark.parametrize(("unit", "within"), [("px", 1.0), ("mm", 0.0)])
def test_a_tolerance_in_pixels_does_not_change_with_their_size(unit, within):
    reference, prediction = np.zeros((2, 12, 9), int)
    reference[3:6, 2:7], prediction[5:8, 2:7] = 1, 1
    settings = MeasureSettings(("surface_dice", "average_surface_distance"), 2.0, unit)
    for spacing, spacing_unit, expected in (((1, 1), "px", 1.0), ((30, 20), "mm", within)):
        scores = measure_case(
            prediction,
            reference,
            labels=LABELS,
            grid=spaced(reference.shape, spacing, spacing_unit),
            settings=settings,
        )["anterior"]
        assert (scores.metrics["surface_dice"] == 1) == (expected == 1)
    masks = prediction == 1, reference == 1
    exact = distance_scores(*masks, spaced(reference.shape, (30, 20)), 2.0)[
        "average_surface_distance"
    ]
    assert scores.metrics["average_surface_distance"] == exact


def test_another_unit_of_the_tolerance_is_refused():
    with pytest.raises(ConfigError, match="tolerance_unit: 'cm' is not known"):
        MeasureSettings(tolerance_unit="cm")


def test_what_is_ignored_counts_in_no_metric():
    rng = np.random.default_rng(0)
    labels = [Label(0, "background", (0, 0, 0)), Label(1, "a", (9, 9, 9))]
    prediction, reference = rng.integers(0, 2, (2, 8, 9, 6)).astype(np.int16)
    probabilities = rng.random((2, 8, 9, 6))
    settings = MeasureSettings(
        metrics=("dice", "accuracy", "volume_error", "cross_entropy", "hausdorff_distance_95")
    )

    def scores(predicted, true, of):
        size = pixel_grid(predicted.shape)
        return measure_case(
            predicted, true, labels=labels, grid=size, probabilities=of, settings=settings
        )["a"].metrics

    partly = reference.copy()
    partly[:, :, 3:] = IGNORED
    whole = scores(prediction, partly, probabilities)
    cut = scores(prediction[..., :3], reference[..., :3], probabilities[..., :3])
    assert whole == pytest.approx(cut)
