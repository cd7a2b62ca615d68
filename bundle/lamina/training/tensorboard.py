"""Curves and pictures of a run in TensorBoard."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine, Events

from lamina.training.ranks import is_main


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
        engine.add_event_handler(Events.COMPLETED, self._close)
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
            if name != "epoch":
                self.writer.add_scalar(name, value, row["epoch"])
        if self.drawn is not None:
            picture = self.draw(self.drawn)
            self.writer.add_image("case", picture, row["epoch"], dataformats="HWC")
            self.drawn = None

    def _close(self, engine: Engine) -> None:
        self.writer.close()
