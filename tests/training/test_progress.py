from ignite.engine import Engine

from lamina.training import TrainingProgress


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
