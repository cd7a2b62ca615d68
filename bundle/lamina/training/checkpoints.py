"""The checkpoints of a run: the last one to continue from, the best one to use."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events

from lamina.files import read_json
from lamina.tensors import carrying, load_checkpoint, load_state, save_checkpoint
from lamina.training.progress import call_at_end
from lamina.training.ranks import is_main
from lamina.training.run import end_run
from lamina.training.telling import Telling

logger = logging.getLogger(__name__)

SCHEDULE_LENGTH = ("total_steps", "_schedule_phases", "T_max", "total_iters")


class RunCheckpoints:
    """Keep ``last.pt`` and ``best.pt`` while a run lasts, and ``model.pt`` when it is finished.

    ``last.pt`` holds all that an interrupted run needs to continue; ``best.pt`` and ``model.pt`` are
    the bare state_dict with the best validation metric (the last one without validation, or with
    one that can't tell). It stands behind the validation handler, and before any that needs the
    state of a resumed run.

    Parameters
    ----------
    run_dir
        Folder of the run.
    network, optimizer, lr_scheduler
        What is trained.
    evaluator
        The validation engine; None without validation.
    also
        What else a run needs to continue, by name: further networks and optimizers.
    """

    def __init__(
        self,
        run_dir: str,
        network: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        lr_scheduler: Any,
        evaluator: Any = None,
        also: Mapping[str, Any] | None = None,
    ) -> None:
        self.run_dir = Path(run_dir)
        # A network that is trained by several processes is wrapped.
        self.network = getattr(network, "module", network)
        self.optimizer = optimizer
        self.lr_scheduler = lr_scheduler
        self.evaluator = evaluator
        self.also = dict(also or {})
        self.telling = Telling(evaluator) if evaluator is not None else None

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        engine.add_event_handler(Events.STARTED, self.resume)
        if is_main():
            engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)
            engine.add_event_handler(Events.COMPLETED, self.finish)
            call_at_end(engine, lambda: end_run(self.run_dir))

    def resume(self, engine: Engine) -> None:
        """Continue from ``last.pt``, if there is one."""
        path = self.run_dir / "last.pt"
        if not path.exists():
            return
        state = load_checkpoint(path)
        load_state(self.network, state["network"], path)
        self.optimizer.load_state_dict(state["optimizer"])
        self._resume_schedule(state["lr_scheduler"])
        for name, one in self.also.items():
            one.load_state_dict(state[name])
        engine.state.epoch = state["epoch"]
        engine.state.iteration = state["epoch"] * engine.state.epoch_length
        if self.evaluator is not None:
            self.evaluator.state.best_metric = state["best_metric"]
            self.evaluator.state.best_metric_epoch = state["best_metric_epoch"]
        logger.info("going on after epoch %d of %d", state["epoch"], engine.state.max_epochs)

    def _resume_schedule(self, saved: dict[str, Any]) -> None:
        """Take over where the saved schedule stood, but not how long it was.

        A schedule restored whole would end where the first one ended (OneCycleLR raises past
        that), so that a run could never be given more epochs.
        """
        position = {key: value for key, value in saved.items() if key not in SCHEDULE_LENGTH}
        self.lr_scheduler.load_state_dict(position)

    def save(self, engine: Engine) -> None:
        """Write ``last.pt``, and ``best.pt`` where this epoch is the best so far."""
        if self._is_best(engine):
            save_checkpoint(self.run_dir / "best.pt", self._weights())
        state = {
            "network": self._weights(),
            "optimizer": self.optimizer.state_dict(),
            "lr_scheduler": _plain(self.lr_scheduler.state_dict()),
            "epoch": engine.state.epoch,
            "best_metric": self._best("best_metric"),
            "best_metric_epoch": self._best("best_metric_epoch"),
        }
        state |= {name: one.state_dict() for name, one in self.also.items()}
        save_checkpoint(self.run_dir / "last.pt", state)

    def finish(self, engine: Engine) -> None:
        """Make the best weights the model of the run."""
        save_checkpoint(self.run_dir / "model.pt", load_checkpoint(self.run_dir / "best.pt"))
        end_run(self.run_dir, finished=True)
        logger.info("the model stands in %s", self.run_dir / "model.pt")

    def _weights(self) -> dict[str, torch.Tensor]:
        """Return the weights as plain tensors; one that has several names (DynUNet's) stays one."""
        copies: dict[tuple[int, torch.Size], torch.Tensor] = {}
        weights = {
            name: copies.setdefault(
                (value.data_ptr(), value.shape), value.detach().cpu().contiguous()
            )
            for name, value in self.network.state_dict().items()
        }
        record = self.run_dir / "run.json"
        return carrying(weights, read_json(record).get("images") if record.is_file() else None)

    def _is_best(self, engine: Engine) -> bool:
        if self.telling is None or self.telling.why_not:
            return True
        return bool(self._best("best_metric_epoch") == engine.state.epoch)

    def _best(self, name: str) -> Any:
        value = getattr(self.evaluator.state, name) if self.evaluator is not None else -1
        return float(value) if isinstance(value, torch.Tensor) else value


def _plain(state: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is code: a checkpoint is read with ``weights_only=True``."""
    return {key: value for key, value in state.items() if not callable(value)}
