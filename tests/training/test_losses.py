import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import binary_cross_entropy, cross_entropy

from lamina.errors import ConfigError
from lamina.tasks.labels import IGNORED
from lamina.training.losses import LOSSES, PresenceLoss, find_loss, holds, presence_scores


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
    reference = np.moveaxis(np.eye(3)[label[:, 0].numpy()], -1, 1)
    expected = -(reference * np.log(p) + (1 - reference) * np.log(1 - p)).mean()
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
    assert find_loss(component).loss is component
    with pytest.raises(
        ConfigError, match="loss: 'dise' is not known\n.*did you mean dice.*tversky"
    ):
        find_loss("dise")


def plain(scores, label):
    return cross_entropy(scores, label[:, 0].long())


@pytest.fixture
def batch_presence():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(3, 4, 20, 15, generator=generator)
    label = torch.randint(0, 3, (3, 1, 20, 15), generator=generator).float()
    return scores, label


def test_without_a_weight_it_is_the_loss_itself(batch_presence):
    assert PresenceLoss(plain, weight=0.0, border=3)(*batch_presence) == plain(*batch_presence)


def test_what_is_added_is_cross_entropy_of_the_surest_voxel(batch_presence):
    scores, label = batch_presence
    added = PresenceLoss(lambda *_: torch.tensor(0.0), weight=1.0, border=3)(scores, label)
    inner = slice(3, -3)
    sure = scores.softmax(dim=1)[:, 1:, inner, inner].flatten(2).amax(dim=2)
    true = torch.stack([(label[:, 0, inner, inner] == k).flatten(1).any(1) for k in (1, 2, 3)], 1)
    torch.testing.assert_close(added, binary_cross_entropy(sure, true.float()))


def test_what_lies_in_the_border_alone_does_not_count():
    scores, label = torch.zeros(1, 2, 20, 15), torch.zeros(1, 1, 20, 15)
    loss = PresenceLoss(lambda *_: torch.tensor(0.0), border=4)
    before = loss(scores, label)
    label[..., :4, :], label[..., -4:], scores[:, 1, :, :4] = 1, 1, 50
    assert loss(scores, label) == before
    scores[:, 1, 4, 5] = 2
    assert loss(scores, label) > before


@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_log_odds_are_those_of_the_probability(seed, classes):
    scores = torch.randn(2, classes, 6, 5, generator=torch.Generator().manual_seed(seed % 2**31))
    expected = scores.softmax(1).flatten(2).amax(2)[:, 1:]
    torch.testing.assert_close(presence_scores(scores).sigmoid(), expected, atol=1e-5, rtol=1e-4)


def test_sure_scores_stay_finite_and_have_a_slope():
    scores = torch.zeros(1, 3, 30, 30, requires_grad=True)
    with torch.no_grad():
        scores[:, 1] = 100
    loss = PresenceLoss(lambda *_: scores.sum() * 0)(scores, torch.zeros(1, 1, 30, 30))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(scores.grad).all()


def test_in_3d_too():
    label = torch.zeros(2, 1, 9, 8, 7)
    label[1, 0, 4, 4, 3] = 2
    assert holds(label, 3).tolist() == [[0, 0], [0, 1]]
    assert torch.isfinite(PresenceLoss(plain, border=2)(torch.randn(2, 3, 9, 8, 7), label))


def test_a_patch_that_is_all_border_is_told():
    with pytest.raises(ConfigError, match="nothing inside a border of 12"):
        PresenceLoss(plain)(torch.zeros(1, 2, 24, 90), torch.zeros(1, 1, 24, 90))


@pytest.mark.parametrize("word", LOSSES)
@pytest.mark.parametrize("dims", [2, 3])
def test_what_is_ignored_is_as_if_it_were_not_there(word, dims):
    torch.manual_seed(0)
    scores, label = torch.randn(2, 3, *[6] * dims), torch.randint(0, 3, (2, 1, *[6] * dims))
    loss, whole = find_loss(word), find_loss(word).loss
    assert float(loss(scores, label)) == float(whole(scores, label))
    partly = label.clone()
    partly[:, :, 4:] = IGNORED
    expected = whole(scores[:, :, :4], label[:, :, :4])
    assert float(loss(scores, partly)) == pytest.approx(float(expected), abs=1e-5)
    scores.requires_grad_()
    loss(scores, partly).backward()
    assert not scores.grad[:, :, 4:].any()
    assert scores.grad[:, :, :4].any()


def test_a_patch_without_an_annotation_teaches_nothing():
    scores = torch.randn(1, 2, 4, 4, requires_grad=True)
    find_loss("dice_ce")(scores, torch.full((1, 1, 4, 4), IGNORED)).backward()
    assert not scores.grad.any()


def test_presence_is_not_asked_for_where_a_structure_may_be_undrawn():
    loss = PresenceLoss(lambda scores, label: scores.sum() * 0, weight=1.0, border=1)
    scores = torch.zeros(1, 2, 6, 6)
    scores[:, 1] = 5
    label = torch.zeros(1, 1, 6, 6)
    assert float(loss(scores, label)) > 1
    label[..., 2, 2] = IGNORED
    assert float(loss(scores, label)) == 0
