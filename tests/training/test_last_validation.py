import pytest
from ignite.engine import Engine
from monai.handlers import ValidationHandler

from lamina.training import LastValidation


class Validator:
    def __init__(self):
        self.epochs = []

    def run(self, epoch):
        self.epochs.append(epoch)


@pytest.mark.parametrize(
    ("epochs", "interval", "validated"),
    [(9, 5, [5, 9]), (10, 5, [5, 10]), (3, 3, [3]), (2, 1, [1, 2]), (4, 99, [4])],
)
def test_the_last_epoch_is_validated_once(epochs, interval, validated):
    seen = Validator()
    engine = Engine(lambda engine, batch: None)
    validation = ValidationHandler(interval)
    validation.validator = seen
    validation.attach(engine)
    LastValidation(seen, interval).attach(engine)
    engine.run([0], max_epochs=epochs)
    assert seen.epochs == validated


def test_without_a_validator_nothing_happens():
    engine = Engine(lambda engine, batch: None)
    LastValidation(None, 2).attach(engine)
    engine.run([0], max_epochs=3)
    assert engine.state.epoch == 3
