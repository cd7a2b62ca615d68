import numpy as np
from ignite.engine import Engine
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lamina.training.history import TensorBoardWriter


def run(folder, epochs):
    engine = Engine(lambda engine, batch: [{"image": batch}])

    def draw(case):
        return np.full((4, 5, 3), 7, np.uint8)

    from ignite.engine import Events

    @engine.on(Events.EPOCH_COMPLETED)
    def note(e):
        e.state.history = [{"epoch": e.state.epoch, "loss": 0.5, "val_dice/lung": 0.25}]

    TensorBoardWriter(str(folder), draw).attach(engine)
    engine.run([1, 2], max_epochs=epochs)


def test_scalars_of_each_class_and_a_picture_an_epoch(tmp_path):
    run(tmp_path, 2)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [e.step for e in events.Scalars("loss")] == [1, 2]
    assert events.Scalars("val_dice/lung")[0].value == 0.25
    assert "epoch" not in events.Tags()["scalars"]
    assert [e.step for e in events.Images("case")] == [1, 2]
    assert (events.Images("case")[0].width, events.Images("case")[0].height) == (5, 4)
