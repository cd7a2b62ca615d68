"""A series of a tilted gantry, from its files to the numbers of ``predict`` and ``evaluate``."""

import json

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.transforms import LoadImage

from lamina.evaluation.evaluator import EvaluationWriter
from lamina.metrics.measure import MeasureSettings
from lamina.prediction.lesion_burden import lesion_burden
from lamina.prediction.measurements import measure_prediction
from lamina.readers import CaseReader, read_image
from lamina.readers.grid import Grid
from lamina.tasks.labels import read_labels
from lamina.writers.segmented_case import SegmentedCase

TILT = np.radians(25)
LABELS = [
    {"value": 0, "name": "background", "color": [0, 0, 0]},
    {"value": 1, "name": "liver", "color": [0, 120, 255]},
]
SHAPE = (6, 8, 5)
VOXEL = 0.8 * 0.5 * 3.0 * np.cos(TILT)
"""In mm³: the slices' planes are nearer to each other than their positions."""


@pytest.fixture
def series(tmp_path, write_series):
    affine = np.diag([0.8, 0.5, 3.0 * np.cos(TILT), 1.0])
    affine[1, 2] = 3.0 * np.sin(TILT)
    return str(write_series(tmp_path / "series", SHAPE, affine))


@pytest.fixture
def label():
    label = np.zeros(SHAPE, np.uint8)
    label[1:5, 2:7, 1:4] = 1
    return label


def test_the_spacings_alone_would_give_a_tenth_too_much(series):
    _, grid = read_image(series)
    assert grid.spacing == pytest.approx((0.8, 0.5, 3.0))
    assert np.prod(grid.spacing) / grid.voxel_size == pytest.approx(1 / np.cos(TILT))
    assert 1 / np.cos(TILT) == pytest.approx(1.103, abs=1e-3)


def test_predict_measures_the_true_volume(series, label):
    image, grid = read_image(series)
    labels = tuple(read_labels(LABELS))
    case = SegmentedCase("a", series, image[None], label, Grid(label.shape, grid.affine), labels)
    assert measure_prediction(case)[0]["volume_mm3"] == pytest.approx(60 * VOXEL)
    rows = lesion_burden("a", label, label, grid, (labels, labels))
    assert rows[0]["volume_mm3"] == pytest.approx(60 * VOXEL)
    assert rows[0]["affected_volume_mm3"] == pytest.approx(60 * VOXEL)


def test_evaluate_measures_true_volumes_and_distances(series, label, tmp_path):
    image = LoadImage(reader=CaseReader(), ensure_channel_first=True, image_only=True)(series)
    shifted = np.roll(label, 1, axis=2)
    masks = {"label": torch.from_numpy(label)[None], "pred": torch.from_numpy(shifted)[None]}
    metrics = ("volume_truth", "hausdorff_distance_95")
    engine = Engine(lambda engine, batch: batch)
    EvaluationWriter(LABELS, MeasureSettings(metrics), tmp_path / "out", "Tilted").attach(engine)
    engine.run([[{"case": "a", "image": image, **masks}]])
    scores = json.loads((tmp_path / "out" / "summary.json").read_text())["mean"]
    assert scores["volume_truth"] == pytest.approx(60 * VOXEL)
    # From a slice to the next, straight up is nearer than along the tilted axis.
    assert 3.0 * np.cos(TILT) <= scores["hausdorff_distance_95"] < 3.0
