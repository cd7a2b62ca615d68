import logging
import sys
from types import SimpleNamespace

import pytest
from ignite.engine import Engine, Events

from lamina.training.progress import TrainingProgress, call_at_end


def test_the_bar_counts_samples_and_shows_epoch_and_loss(capsys):
    engine = Engine(lambda engine, batch: [{"loss": 0.125}])
    progress = TrainingProgress(batch_size=4, title="lungs")
    progress.attach(engine)
    engine.run([1, 2, 3], max_epochs=2)
    shown = capsys.readouterr().err
    assert "lungs" in shown
    assert "24/24" in shown
    assert "epoch=2/2, loss=0.125" in shown
    assert "samples/s" in shown


def test_a_log_line_stands_above_the_bar(capsys):
    log = logging.getLogger("lamina")
    handler = logging.StreamHandler(sys.stderr)
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    handler.setLevel(logging.INFO)

    def step(engine, batch):
        log.warning("something happened")
        log.debug("a detail")
        return [{"loss": 0.5}]

    try:
        engine = Engine(step)
        TrainingProgress(batch_size=4).attach(engine)
        engine.run([1], max_epochs=1)
        assert handler in log.handlers
    finally:
        log.removeHandler(handler)
    lines = [line.split("\r")[-1] for line in capsys.readouterr().err.split("\n")]
    assert "something happened" in lines
    assert not [line for line in lines if "a detail" in line]


def test_the_last_validation_is_shown(capsys):
    class Evaluator:
        state = SimpleNamespace(metrics={}, key_metric_name="val_dice")

    engine = Engine(lambda engine, batch: [{"loss": 0.5}])
    engine.add_event_handler(
        Events.EPOCH_COMPLETED,
        lambda engine: Evaluator.state.metrics.update(val_dice=engine.state.epoch / 4),
    )
    TrainingProgress(batch_size=4, evaluator=Evaluator).attach(engine)
    engine.run([1], max_epochs=3)
    assert "val_dice=0.750" in capsys.readouterr().err


def test_an_error_closes_the_bar_and_goes_on(capsys):
    import pytest

    def fail(engine, batch):
        raise ValueError("broken")

    engine = Engine(fail)
    progress = TrainingProgress(batch_size=4)
    progress.attach(engine)
    with pytest.raises(ValueError, match="broken"):
        engine.run([1], max_epochs=1)
    assert progress.bar is None


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_has_to_be_closed_is_closed_and_the_exception_goes_on(count):
    def step(engine, batch):
        raise KeyError("of the step")

    engine, closed = Engine(step), []
    for number in range(count):
        call_at_end(engine, lambda number=number: closed.append(number))
    with pytest.raises(KeyError, match="of the step"):
        engine.run([1])
    assert closed[:count] == list(range(count))


def test_what_has_to_be_closed_is_closed_when_all_is_done():
    engine, closed = Engine(lambda engine, batch: None), []
    call_at_end(engine, lambda: closed.append("closed"))
    engine.run([1], max_epochs=2)
    assert closed == ["closed"]
