import numpy as np
import torch
from ignite.engine import Engine, Events
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lamina.training.history import History, TensorBoardWriter, read_history


def run(folder, epochs):
    engine = Engine(lambda engine, batch: [{"image": batch}])

    def draw(case):
        return np.full((4, 5, 3), 7, np.uint8)

    @engine.on(Events.EPOCH_COMPLETED)
    def note(e):
        row = {"epoch": e.state.epoch, "loss": 0.5, "val_dice": None, "val_dice/lung": 0.25}
        e.state.history = [row]

    TensorBoardWriter(str(folder), draw).attach(engine)
    engine.run([1, 2], max_epochs=epochs)


def test_scalars_of_each_class_and_a_picture_an_epoch(tmp_path):
    run(tmp_path, 2)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [e.step for e in events.Scalars("loss")] == [1, 2]
    assert events.Scalars("val_dice/lung")[0].value == 0.25
    assert not {"epoch", "val_dice"} & set(events.Tags()["scalars"])
    assert [e.step for e in events.Images("case")] == [1, 2]
    assert (events.Images("case")[0].width, events.Images("case")[0].height) == (5, 4)


def test_a_class_without_a_score_is_null_in_the_file_and_none_in_memory(tmp_path):
    engine = Engine(lambda engine, batch: [{"loss": 0.5}])
    engine.state.metric_details = {}
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    History(str(tmp_path), optimizer, ["lung", "nodule"]).attach(engine)

    @engine.on(Events.ITERATION_COMPLETED)
    def measure(e):
        e.state.metrics = {"dice": 0.25}
        e.state.metric_details = {"dice": torch.tensor([[0.25, torch.nan]])}

    engine.run([1], max_epochs=1)
    row = read_history(str(tmp_path))[0]
    assert (row["dice/lung"], row["dice/nodule"]) == (0.25, None)
    assert engine.state.history == [row]
    assert "NaN" not in (tmp_path / "history.json").read_text()


def test_an_epoch_whose_steps_were_all_left_out_has_no_loss(tmp_path):
    """Of another epoch, the loss is the mean of the steps that counted."""
    losses = iter([np.nan, np.inf, 0.5, np.nan, 0.25, -np.inf])
    engine = Engine(lambda engine, batch: [{"loss": next(losses)}])
    engine.state.metrics, engine.state.metric_details = {}, {}
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    History(str(tmp_path), optimizer, []).attach(engine)
    engine.run([1, 2], max_epochs=3)
    assert [row["loss"] for row in read_history(str(tmp_path))] == [None, 0.5, 0.25]
