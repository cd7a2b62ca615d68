"""The numbers of each epoch, in history.json and in TensorBoard."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events

from lamina.files import read_json, without_nan, write_json
from lamina.training.progress import call_at_end
from lamina.training.ranks import is_main, mean_of_ranks

logger = logging.getLogger(__name__)


Epoch = dict[str, float | None]
"""The numbers of an epoch: "epoch", "loss", "lr", "seconds", metrics; None for one without a value."""


class History:
    """Write ``history.json``: a row an epoch with loss, learning rate, metrics and seconds.

    The rows are the trainer's ``state.history`` too, for the handlers behind it.

    It stands behind the validation handler. A resumed run keeps the rows of the epochs that are
    done. The metrics of single classes come from metric handlers with ``save_details``. The loss
    of an epoch is the mean over the steps whose loss is finite, and over the processes.

    Parameters
    ----------
    run_dir
        Folder of the run.
    optimizer
        Whose learning rate is noted.
    class_names
        The foreground classes, in the order of their values.
    evaluator
        The validation engine; None without validation.
    """

    def __init__(
        self,
        run_dir: str,
        optimizer: torch.optim.Optimizer,
        class_names: Sequence[str],
        evaluator: Any = None,
    ) -> None:
        self.path = Path(run_dir, "history.json")
        self.optimizer = optimizer
        self.class_names = class_names
        self.evaluator = evaluator
        self.rows: list[Epoch] = []
        self.losses: list[float] = []
        self.started = 0.0

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._note_loss)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._finish)

    def _start(self, engine: Engine) -> None:
        if not self.rows and engine.state.epoch > 1 and self.path.exists():
            self.rows = [row for row in read_json(self.path) if row["epoch"] < engine.state.epoch]
        self.losses = []
        self.started = time.monotonic()

    def _note_loss(self, engine: Engine) -> None:
        state: Any = engine.state
        loss = float(state.output[0]["loss"])
        if math.isfinite(loss):
            self.losses.append(loss)

    def _loss(self) -> float:
        """Return the mean loss of the steps that counted; NaN where all were left out."""
        count = mean_of_ranks(len(self.losses))
        return mean_of_ranks(sum(self.losses)) / count if count else math.nan

    def _finish(self, engine: Engine) -> None:
        row = {
            "epoch": engine.state.epoch,
            "loss": self._loss(),
            "lr": self.optimizer.param_groups[0]["lr"],
            "seconds": round(time.monotonic() - self.started, 2),
        }
        row |= metrics_of(engine, self.class_names)
        if self.evaluator is not None and self.evaluator.state.epoch == engine.state.epoch:
            row |= metrics_of(self.evaluator, self.class_names)
        row = without_nan(row)
        self.rows.append(row)
        state: Any = engine.state
        state.history = self.rows
        numbers = {name: "none" if value is None else f"{value:.4g}" for name, value in row.items()}
        values = ", ".join(f"{name} {text}" for name, text in numbers.items() if "/" not in name)
        logger.debug("%s", values)
        if is_main():
            write_json(self.path, self.rows)


def metrics_of(engine: Any, class_names: Sequence[str]) -> dict[str, float]:
    """Return an engine's metrics, ``NAME`` as the mean and ``NAME/CLASS`` for each class."""
    metrics = {name: float(value) for name, value in engine.state.metrics.items()}
    for name, scores in engine.state.metric_details.items():
        means = torch.nanmean(scores, dim=0).tolist()
        metrics |= {f"{name}/{c}": mean for c, mean in zip(class_names, means, strict=True)}
    return metrics


def read_history(run_dir: str) -> list[Epoch] | None:
    """Return the rows of a run's history; None where weights came without a run."""
    path = Path(run_dir, "history.json")
    return read_json(path) if path.exists() else None


class TensorBoardWriter:
    """Write loss, learning rate, metrics of each class, and pictures of one validation case.

    It stands behind `lamina.training.History`, whose rows it shows.

    Parameters
    ----------
    run_dir
        Folder of the run; the events go to ``run_dir/tensorboard``.
    draw
        Makes a picture (rows, columns, 3) of a dict with ``image``, ``label`` and ``pred``, each
        (1, x, y[, z]).
    evaluator
        The validation engine, whose first case is drawn; None draws the last training batch.
    """

    def __init__(
        self,
        run_dir: str,
        draw: Callable[[Mapping[str, Any]], np.ndarray],
        evaluator: Any = None,
    ) -> None:
        self.folder = Path(run_dir, "tensorboard")
        self.draw = draw
        self.source = evaluator
        self.drawn: Mapping[str, Any] | None = None
        self.writer: Any = None

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        if not is_main():
            return
        engine.add_event_handler(Events.STARTED, self._open)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)
        call_at_end(engine, self._close)
        source = self.source if self.source is not None else engine
        source.add_event_handler(Events.ITERATION_COMPLETED, self._keep_case)

    def _open(self, engine: Engine) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # What an interrupted epoch wrote is drawn again by the epoch that repeats it.
        self.writer = SummaryWriter(
            self.folder, purge_step=engine.state.epoch + 1 if engine.state.epoch else None
        )

    def _keep_case(self, engine: Engine) -> None:
        state: Any = engine.state
        if self.source is None or state.iteration == 1:
            self.drawn = state.output[0]

    def _write(self, engine: Engine) -> None:
        state: Any = engine.state
        row = state.history[-1]
        for name, value in row.items():
            if name != "epoch" and value is not None:
                self.writer.add_scalar(name, value, row["epoch"])
        if self.drawn is not None:
            picture = self.draw(self.drawn)
            self.writer.add_image("case", picture, row["epoch"], dataformats="HWC")
            self.drawn = None

    def _close(self) -> None:
        if self.writer is not None:
            self.writer.close()
