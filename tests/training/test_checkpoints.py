import json
from pathlib import Path

import pytest
import torch

from lamina.errors import WeightsError, WriteError
from lamina.tensors import load_checkpoint

STEPS = 3  # of an epoch: 7 cases in batches of 3


def weights(path):
    return load_checkpoint(path)


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def run_and_stop(trainer):
    with pytest.raises(Exception) as error:
        trainer.run()
    assert type(error.value).__name__ == "Stop"


@pytest.mark.parametrize("stops", [[1], [STEPS], [5], [2, 8], [4, 7, 11]])
def test_a_killed_run_ends_with_the_same_weights(make_trainer, tmp_path, stops):
    make_trainer(4, run_dir=tmp_path / "whole").run()
    for stop in stops:
        run_and_stop(make_trainer(4, stop_at=stop))
        assert not (tmp_path / "run" / "model.pt").exists()
    make_trainer(4).run()
    whole, resumed = (weights(tmp_path / name / "model.pt") for name in ("whole", "run"))
    assert same(whole, resumed)
    histories = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in json.loads(path.read_text())]
        for path in (tmp_path / "whole" / "history.json", tmp_path / "run" / "history.json")
    ]
    assert histories[0] == histories[1]
    assert [row["epoch"] for row in histories[1]] == [1, 2, 3, 4]


def test_another_seed_gives_other_weights(make_trainer, tmp_path):
    make_trainer(1, run_dir=tmp_path / "a").run()
    make_trainer(1, run_dir=tmp_path / "b", seed=1).run()
    assert not same(weights(tmp_path / "a" / "model.pt"), weights(tmp_path / "b" / "model.pt"))


def test_a_finished_run_can_be_given_more_epochs(make_trainer, tmp_path):
    make_trainer(2).run()
    trainer = make_trainer(5)
    trainer.run()
    rows = json.loads((tmp_path / "run" / "history.json").read_text())
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert trainer.state.iteration == 5 * STEPS
    rates = [row["lr"] for row in rows]
    assert rates[2] > rates[1]
    assert rates[4] == min(rates)


def test_a_failed_write_leaves_the_last_good_one(make_trainer, tmp_path, monkeypatch):
    run_and_stop(make_trainer(4, stop_at=4))
    before = (tmp_path / "run" / "last.pt").read_bytes()

    def full(path, content):
        with path.open("wb") as file:
            file.write(bytes(content)[:100])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(WriteError, match=r"\.pt can't be written: No space left"):
            make_trainer(4).run()
    assert (tmp_path / "run" / "last.pt").read_bytes() == before
    assert not list((tmp_path / "run").glob(".part-*"))
    make_trainer(4).run()
    assert (tmp_path / "run" / "model.pt").exists()


class FakeTelling:
    def __init__(self, why_not):
        self.why_not = why_not


class FakeEvaluator:
    """Says which epoch is the best, as MONAI's evaluator does."""

    class state:
        best_metric = 0.5
        best_metric_epoch = 2
        epoch = 0
        metrics = {}
        metric_details = {}


@pytest.mark.parametrize(("why_not", "best"), [("", 2), ("two cases", 3)])
def test_the_best_epoch_becomes_the_model_or_the_last_where_none_can_be_told(
    make_trainer, tmp_path, why_not, best
):
    trainer = make_trainer(3)
    checkpoints = _handler(trainer, "RunCheckpoints")
    checkpoints.evaluator, checkpoints.telling = FakeEvaluator, FakeTelling(why_not)
    kept = {}
    from ignite.engine import Events

    @trainer.on(Events.EPOCH_COMPLETED)
    def keep(engine):
        kept[engine.state.epoch] = {k: v.clone() for k, v in trainer.network.state_dict().items()}

    trainer.run()
    assert same(weights(tmp_path / "run" / "model.pt"), kept[best])
    assert same(weights(tmp_path / "run" / "last.pt")["network"], kept[3])


def _handler(trainer, name):
    from ignite.engine import Events

    for handler, *_ in trainer._event_handlers[Events.COMPLETED]:
        owner = getattr(handler, "__self__", None)
        if type(owner).__name__ == name:
            return owner
    raise AssertionError(name)


def test_a_tensor_with_two_names_is_saved_once(make_trainer, tmp_path):
    trainer = make_trainer(1)
    checkpoints = _handler(trainer, "RunCheckpoints")
    layer = torch.nn.Conv2d(64, 64, 3).to(memory_format=torch.channels_last)
    checkpoints.network = torch.nn.ModuleDict({"one": layer, "two": layer})
    state = checkpoints._weights()
    assert state["one.weight"] is state["two.weight"]
    torch.save(state, tmp_path / "shared.pt")
    assert (tmp_path / "shared.pt").stat().st_size < 1.3 * layer.weight.nbytes


def test_a_run_does_not_go_on_from_weights_that_are_none(make_trainer, tmp_path):
    run_and_stop(make_trainer(4, stop_at=5))
    path = tmp_path / "run" / "last.pt"
    state = load_checkpoint(path)
    name = next(iter(state["network"]))
    state["network"][name] *= float("nan")
    torch.save(state, path)
    with pytest.raises(WeightsError, match=rf"last\.pt: 1 of \d+ tensors .*{name} holds NaN"):
        make_trainer(4).run()
