import math

import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from monai.handlers import IgniteMetricHandler, from_engine
from monai.metrics import DiceMetric
from monai.networks.utils import one_hot

from lamina.errors import ConfigError, DataError
from lamina.metrics.overlap import OVERLAP_METRICS
from lamina.metrics.overlap_metric import OverlapMetric


def random_maps(*shape, seed=0, num_classes=3):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(num_classes, shape, generator=generator).float()


def test_equals_monai_where_no_structure_is_missing():
    prediction, reference = random_maps(4, 1, 6, 7, 8), random_maps(4, 1, 6, 7, 8, seed=1)
    metric = OverlapMetric("dice", num_classes=3)
    metric(prediction, reference)
    monais = DiceMetric(include_background=False)
    monais(one_hot(prediction, 3), one_hot(reference, 3))
    assert metric.aggregate().item() == pytest.approx(monais.aggregate().item(), abs=1e-6)


@pytest.mark.parametrize("name", OVERLAP_METRICS)
def test_a_list_of_several_sizes_equals_case_by_case(name):
    shapes = [(1, 5, 6), (1, 7, 3)]
    predictions = [random_maps(*shape) for shape in shapes]
    references = [random_maps(*shape, seed=1) for shape in shapes]
    together, apart = OverlapMetric(name, 3), OverlapMetric(name, 3)
    scores = together(predictions, references)
    for prediction, reference in zip(predictions, references, strict=True):
        apart(prediction[None], reference[None])
    assert scores.shape == (2, 2)
    assert torch.equal(together.get_buffer(), apart.get_buffer())


def test_mean_over_classes_of_means_over_cases():
    reference = torch.tensor([[[[0, 1, 2]]], [[[0, 1, 1]]], [[[0, 0, 0]]]])
    prediction = torch.tensor([[[[0, 1, 0]]], [[[0, 1, 1]]], [[[0, 0, 0]]]])
    metric = OverlapMetric("dice", 3)
    scores = metric(prediction, reference)
    assert [[str(score) for score in case] for case in scores.tolist()] == [
        ["1.0", "0.0"],
        ["1.0", "nan"],
        ["nan", "nan"],
    ]
    assert metric.aggregate_classes().tolist() == [1.0, 0.0]
    assert metric.aggregate().item() == 0.5


def test_a_missed_structure_lowers_the_mean():
    found, lost = (OverlapMetric("dice", 2) for _ in range(2))
    reference = torch.tensor([[[[0, 1]]], [[[0, 1]]]])
    found(reference, reference)
    lost(torch.tensor([[[[0, 1]]], [[[0, 0]]]]), reference)
    assert (found.aggregate().item(), lost.aggregate().item()) == (1.0, 0.5)


def test_a_class_that_no_case_has_is_left_out_of_the_mean():
    reference = torch.tensor([[[[0, 1]]]])
    metric = OverlapMetric("iou", 4)
    metric(reference, reference)
    classes = metric.aggregate_classes().tolist()
    assert classes[0] == 1.0
    assert all(math.isnan(score) for score in classes[1:])
    assert metric.aggregate().item() == 1.0


def test_reset_forgets():
    reference = torch.tensor([[[[0, 1]]]])
    metric = OverlapMetric("dice", 2)
    metric(torch.zeros_like(reference), reference)
    metric.reset()
    metric(reference, reference)
    assert metric.aggregate().item() == 1.0


def test_in_an_engine_as_monai_uses_it():
    reference = MetaTensor(random_maps(1, 4, 5))
    wrong = MetaTensor(torch.zeros(1, 4, 5))
    metric = OverlapMetric("dice", 3)
    engine = Engine(lambda _, batch: batch)
    IgniteMetricHandler(metric, output_transform=from_engine(["pred", "label"])).attach(
        engine, "val_dice"
    )
    batch = [{"pred": reference, "label": reference}, {"pred": wrong, "label": reference}]
    for _ in range(2):
        state = engine.run([batch])
        assert state.metrics["val_dice"] == 0.5
        assert state.metric_details["val_dice"].shape == (2, 2)


def test_unknown_name_has_its_neighbour_named():
    with pytest.raises(ConfigError, match="did you mean 'iou'"):
        OverlapMetric("iuo", 2)
    with pytest.raises(ConfigError, match="nothing computes 'hausdorff_distance_95'"):
        OverlapMetric("hausdorff_distance_95", 2)


def test_no_case_is_an_error():
    with pytest.raises(DataError, match="metric 'dice': no case was measured"):
        OverlapMetric("dice", 2).aggregate()


def test_no_reference_is_an_error():
    with pytest.raises(DataError, match="no reference was given"):
        OverlapMetric("dice", 2)(torch.zeros(1, 1, 2, 2))
