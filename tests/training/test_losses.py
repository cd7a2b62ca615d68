import numpy as np
import pytest
import torch
from torch import nn

from lamina.errors import ConfigError
from lamina.training import find_loss
from lamina.training.losses import LOSSES


@pytest.fixture
def batch():
    torch.manual_seed(0)
    label = torch.randint(0, 3, (2, 1, 6, 7))
    return torch.randn(2, 3, 6, 7), label


@pytest.mark.parametrize("word", LOSSES)
def test_a_right_answer_costs_less_than_a_wrong_one(word, batch):
    loss, (_, label) = find_loss(word), batch
    right = 12.0 * nn.functional.one_hot(label[:, 0], 3).movedim(-1, 1).float()
    assert float(loss(right, label)) < float(loss(-right, label))
    assert float(loss(right, label)) == pytest.approx(0, abs=2e-3)


@pytest.mark.parametrize("word", LOSSES)
@pytest.mark.parametrize("dims", [2, 3])
def test_gradients_are_finite_in_both_dimensions_for_one_class_too(word, dims):
    pred = torch.full((1, 2, *[4] * dims), 40.0, requires_grad=True)
    find_loss(word)(pred, torch.zeros(1, 1, *[4] * dims)).backward()
    assert torch.isfinite(pred.grad).all()


def test_cross_entropy_is_the_formula(batch):
    pred, label = batch
    odds = np.exp(pred.numpy()) / np.exp(pred.numpy()).sum(axis=1, keepdims=True)
    right = np.take_along_axis(odds, label.numpy(), axis=1)
    assert float(find_loss("cross_entropy")(pred, label)) == pytest.approx(-np.log(right).mean())


def test_bce_is_the_formula_on_the_probabilities_of_softmax(batch):
    pred, label = batch
    p = pred.softmax(1).double().numpy()
    truth = np.moveaxis(np.eye(3)[label[:, 0].numpy()], -1, 1)
    expected = -(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean()
    assert float(find_loss("bce")(pred, label)) == pytest.approx(expected, rel=1e-5)


def test_bce_of_two_classes_is_that_of_one_logit(batch):
    pred, label = batch[0][:, :2], (batch[1] > 0).long()
    one = nn.functional.binary_cross_entropy_with_logits(
        pred[:, 1] - pred[:, 0], label[:, 0].float()
    )
    assert float(find_loss("bce")(pred, label)) == pytest.approx(float(one), rel=1e-5)
    ce = find_loss("cross_entropy")(pred, label)
    assert float(ce) == pytest.approx(float(one), rel=1e-5)


def test_sums_are_sums(batch):
    dice, bce = find_loss("dice")(*batch), find_loss("bce")(*batch)
    assert float(find_loss("dice_bce")(*batch)) == pytest.approx(float(dice + bce))


def test_a_component_stays_and_an_unknown_word_is_named():
    component = nn.MSELoss()
    assert find_loss(component) is component
    with pytest.raises(
        ConfigError, match="loss: 'dise' is not known\n.*did you mean dice.*tversky"
    ):
        find_loss("dise")
