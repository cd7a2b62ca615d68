import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedEvaluator
from monai.handlers import IgniteMetricHandler, from_engine
from monai.inferers import SimpleInferer

from lamina.metrics.overlap_metric import OverlapMetric
from lamina.training.telling import Telling, not_worse


def make_evaluator(labels, network):
    data = [{"image": torch.zeros(1, 4, 4), "label": label} for label in labels]
    metric = IgniteMetricHandler(
        metric_fn=OverlapMetric("dice", num_classes=2),
        output_transform=from_engine(["pred", "label"]),
        save_details=False,
    )
    return SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(Dataset(data)),
        network=network,
        inferer=SimpleInferer(),
        key_val_metric={"val_dice": metric},
        metric_cmp_fn=not_worse,
    )


def some():
    return torch.eye(4)[None]


def none():
    return torch.zeros(1, 4, 4)


class Predicts(torch.nn.Module):
    """Gives a map of its own for each epoch."""

    def __init__(self, *maps):
        super().__init__()
        self.maps, self.epoch = maps, 0

    def forward(self, image):
        return self.maps[self.epoch][None].expand(len(image), -1, -1, -1)


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ([some(), some(), some()], ""),
        ([none(), none(), some()], ""),
        ([some(), some()], "fewer than 3 cases: 2"),
        ([none(), none(), none(), none()], "none of the 4 validation cases has any structure"),
    ],
)
def test_three_cases_and_foreground_can_tell(labels, why, caplog):
    evaluator = make_evaluator(labels, Predicts(some()))
    telling = Telling(evaluator)
    evaluator.run()
    evaluator.run()
    assert (why in telling.why_not) and bool(telling.why_not) == bool(why)
    assert caplog.text.count("the last weights are taken") == bool(why)


@pytest.mark.parametrize(
    ("label", "maps"),
    [
        (some, [none(), none(), none()]),
        (none, [some(), none(), some()]),
        (none, [some(), some(), none()]),
        (some, [none(), some(), some()]),
    ],
)
def test_of_equal_scores_the_later_counts_and_so_it_does_of_none(label, maps):
    network = Predicts(*maps)
    evaluator = make_evaluator([label()] * 3, network)
    for network.epoch in range(3):
        evaluator.run(network.epoch + 1)
    assert evaluator.state.best_metric_epoch == 3


def test_a_worse_epoch_is_not_the_best():
    network = Predicts(some(), none())
    evaluator = make_evaluator([some()] * 3, network)
    for network.epoch in range(2):
        evaluator.run(network.epoch + 1)
    assert evaluator.state.best_metric_epoch == 1
