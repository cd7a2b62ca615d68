import logging

import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedTrainer
from monai.inferers import SimpleInferer

from lamina.errors import DataError
from lamina.training.gradients import ClipGradients, SkipNonFinite, case_names


def make_trainer(values, handlers, scale=1.0, epochs=1):
    """A trainer of one weight w with the loss scale · w · value, a step a value."""
    network = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(1.0)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    data = [
        {"image": torch.tensor([v]), "label": torch.zeros(1), "case": f"case{i}"}
        for i, v in enumerate(values)
    ]
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=epochs,
        train_data_loader=DataLoader(Dataset(data), batch_size=1),
        network=network,
        optimizer=optimizer,
        loss_function=lambda output, label: output.mean() * scale,
        inferer=SimpleInferer(),
        train_handlers=[make(optimizer) for make in handlers],
    )
    return trainer, network


@pytest.mark.parametrize(("value", "moved"), [(0.5, 0.5), (100.0, 2.0), (-100.0, -2.0)])
def test_a_long_gradient_is_shortened_and_a_short_one_left(value, moved):
    trainer, network = make_trainer([value], [lambda o: ClipGradients(o, max_norm=2.0)])
    trainer.run()
    assert network.weight.item() == pytest.approx(1.0 - moved, abs=1e-4)


def test_the_norm_is_that_of_all_parameters_together():
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    for parameter, gradient in zip(parameters, (3.0, 4.0), strict=True):
        parameter.grad = torch.tensor([gradient])
    groups = [{"params": [parameters[0]]}, {"params": [parameters[1]]}]
    ClipGradients(torch.optim.SGD(groups, lr=1.0), max_norm=1.0)(object())
    assert [p.grad.item() for p in parameters] == pytest.approx([0.6, 0.8], abs=1e-4)


def test_a_step_with_a_loss_that_is_not_finite_is_left_out(caplog):
    trainer, network = make_trainer([0.25, float("nan"), 0.5], [SkipNonFinite])
    with caplog.at_level(logging.WARNING):
        trainer.run()
    assert network.weight.item() == 0.25
    assert "epoch 1, step 2: the loss is not finite; the step is left out" in caplog.text
    assert "Cases of the batch: case1" in caplog.text


def test_infinity_is_not_finite_either():
    trainer, network = make_trainer([float("inf")], [SkipNonFinite])
    trainer.run()
    assert network.weight.item() == 1.0


def test_several_in_a_row_end_the_run_with_their_cases():
    nan = float("nan")
    trainer, _ = make_trainer([0.1, nan, nan], [lambda o: SkipNonFinite(o, limit=2)])
    with pytest.raises(DataError, match=r"2 times in a row; the last cases: case2\n.*lower --lr"):
        trainer.run()


def test_a_finite_step_between_starts_the_count_anew():
    nan = float("nan")
    trainer, network = make_trainer([nan, 0.5, nan], [lambda o: SkipNonFinite(o, limit=2)])
    trainer.run()
    assert network.weight.item() == 0.5


def test_batches_without_names_have_none():
    assert case_names((1, 2)) == []
    assert case_names({"image": 1}) == []
