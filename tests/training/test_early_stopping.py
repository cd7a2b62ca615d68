import logging
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ignite.engine import Engine, Events
from monai.handlers import ValidationHandler

from lamina.errors import ConfigError
from lamina.files import write_json
from lamina.training.early_stopping import EarlyStopping, LastValidation, validations_since_best

EVALUATOR = SimpleNamespace(state=SimpleNamespace(key_metric_name="val_dice"))
NOISY = [0.2, 0.6, 0.5, 0.7, 0.6, 0.6, 0.5, 0.6, 0.5, 0.5, 0.5, 0.5]


def train(tmp_path, values, start=0, **settings):
    """Train for as many epochs as there are values, each validated; return the last epoch."""
    engine = Engine(lambda engine, batch: None)

    @engine.on(Events.STARTED)
    def resume(engine):
        engine.state.epoch = start

    @engine.on(Events.EPOCH_COMPLETED)
    def note(engine):
        rows = [{"epoch": i + 1, "val_dice": v} for i, v in enumerate(values)]
        engine.state.history = rows[: engine.state.epoch]
        write_json(tmp_path / "history.json", engine.state.history)

    EarlyStopping(str(tmp_path), evaluator=EVALUATOR, **settings).attach(engine)
    engine.run([1], max_epochs=len(values))
    return engine.state.epoch


def test_an_epoch_without_a_number_is_no_validation(tmp_path):
    assert train(tmp_path, [0.5, None, 0.6, 0.4, 0.4], patience=2, smoothing=0.0) == 5
    assert train(tmp_path, [0.5, None, 0.4, 0.4, 0.4], patience=2, smoothing=0.0) == 4


def test_without_patience_a_run_goes_to_its_end(tmp_path):
    assert train(tmp_path, NOISY, patience=None) == len(NOISY)


def test_it_stops_where_the_average_has_not_risen(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "lamina"):
        assert train(tmp_path, NOISY, patience=3, smoothing=0.0) == 7
    assert "stopped after epoch 7: the smoothed val_dice has not risen for 3" in caplog.text


def test_smoothing_forgives_a_noisy_curve(tmp_path):
    rising = [0.1, 0.5, 0.3, 0.4, 0.35, 0.6, 0.5, 0.55, 0.7]
    assert train(tmp_path, rising, patience=3, smoothing=0.0) == 5
    assert train(tmp_path, rising, patience=3, smoothing=0.8) == len(rising)


def test_a_run_killed_between_its_last_epoch_and_its_end_trains_no_further(tmp_path):
    last = train(tmp_path, NOISY, patience=3, smoothing=0.0)
    assert train(tmp_path, NOISY, start=last, patience=3, smoothing=0.0) == last


def test_a_resumed_run_stops_where_one_in_a_piece_does(tmp_path):
    train(tmp_path, NOISY[:4], patience=3, smoothing=0.0)
    assert train(tmp_path, NOISY, start=4, patience=3, smoothing=0.0) == 7


def test_rows_beyond_the_checkpoint_do_not_count(tmp_path):
    rows = [{"epoch": i + 1, "val_dice": v} for i, v in enumerate(NOISY)]
    write_json(tmp_path / "history.json", rows)
    assert train(tmp_path, [*NOISY[:5], 0.9, 0.9], start=5, patience=4, smoothing=0.0) == 7


def test_epochs_without_validation_do_not_count(tmp_path):
    engine = SimpleNamespace(state=SimpleNamespace(epoch=9), terminate=pytest.fail)
    stopping = EarlyStopping(str(tmp_path), 2, 0.0, EVALUATOR)
    stopping._look(engine, [{"epoch": 1, "val_dice": 0.5}, {"epoch": 2}, {"epoch": 3}])


@given(st.lists(st.floats(0, 1), min_size=1), st.floats(0, 0.99))
def test_it_counts_from_nothing_to_all_before(values, smoothing):
    since = validations_since_best(values, smoothing)
    assert 0 <= since < len(values)
    assert validations_since_best([*values, 2.0 / (1 - smoothing)], smoothing) == 0


def test_no_validation_yet_is_no_reason_to_stop():
    assert validations_since_best([], 0.5) == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"patience": 0}, "patience: 0"),
        ({"patience": 2, "smoothing": 1.0}, "smoothing: 1.0"),
        ({"patience": 2, "smoothing": -0.1}, "smoothing: -0.1"),
        ({"patience": 2, "evaluator": None}, "no validation to watch"),
    ],
)
def test_wrong_settings_are_named(tmp_path, wrong, message):
    with pytest.raises(ConfigError, match=message):
        EarlyStopping(str(tmp_path), **({"evaluator": EVALUATOR} | wrong))


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
