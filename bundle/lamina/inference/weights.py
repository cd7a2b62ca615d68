"""The weights of a network: which file, and whether they fit."""

import logging
from pathlib import Path

import torch

from lamina.errors import WeightsError
from lamina.files import read_json
from lamina.tensors import load_checkpoint, load_state

logger = logging.getLogger("lamina")


def find_weights(weights: str | None, run_dir: str, released: str) -> Path:
    """Return the file to use: the given one, else the finished run's, else the released one.

    Parameters
    ----------
    weights
        A path, ``released``, or None for the choice above.
    run_dir
        Folder of the run, whose model is ``model.pt`` once it is finished.
    released
        The model that came with Lamina.

    Raises
    ------
    WeightsError
        If there is no such file, or the run is not finished: another model is not taken in its
        place unasked.
    """
    if weights is not None and weights != "released":
        return _existing(Path(weights), "check --weights")
    finished = Path(run_dir, "model.pt")
    if weights is None and finished.is_file():
        logger.info("weights: %s (finished run)", finished)
        return finished
    best = Path(run_dir, "best.pt")
    if weights is None and (best.is_file() or Path(run_dir, "run.json").is_file()):
        other = (
            f"--weights {best} or --weights released" if best.is_file() else "--weights released"
        )
        raise WeightsError(
            f"the run in {run_dir} is not finished",
            f"finish it by the command that began it, or use {other}",
        )
    logger.info("weights: %s (released model)", released)
    remedy = "train first, or give --weights FILE or --run_dir FOLDER"
    return _existing(Path(released), remedy)


def find_members(weights: str | None, run_dir: str, released: str) -> list[Path]:
    """Return the files of an ensemble: ``weights`` may name several, separated by commas.

    Without ``weights``, a run of several folds gives those of all its folds. Arguments and errors
    are those of `find_weights`.
    """
    if weights is None and not Path(run_dir, "model.pt").is_file():
        folds = sorted(Path(run_dir).glob("fold_*/model.pt"))
        if folds:
            begun = {path.parent for path in Path(run_dir).glob("fold_*/run.json")}
            for folder in sorted(begun - {path.parent for path in folds}):
                logger.warning("%s is not finished, and is left out", folder)
            logger.info("weights: %d folds in %s, averaged", len(folds), run_dir)
            return folds
    several = weights is not None and "," in weights and not Path(weights).is_file()
    names = weights.split(",") if several and weights is not None else [weights]
    return [find_weights(name, run_dir, released) for name in names]


def dims_of_run(run_dir: str | Path) -> dict[str, int]:
    """Return the ``spatial_dims`` that a finished run was started with, if it was given.

    >>> dims_of_run("/nowhere")
    {}
    """
    record = Path(run_dir, "run.json")
    if not (record.is_file() and Path(run_dir, "model.pt").is_file()):
        return {}
    dims = read_json(record)["config"].get("spatial_dims")
    return {"spatial_dims": dims} if dims in (2, 3) else {}


def _existing(path: Path, remedy: str) -> Path:
    if not path.is_file():
        raise WeightsError(f"{path}: there are no weights", remedy)
    return path


def load_weights(network: torch.nn.Module, path: str | Path) -> torch.nn.Module:
    """Load ``path`` into ``network`` and return it in evaluation mode.

    ``path`` may be a state_dict or Lamina's own checkpoint (``last.pt``).

    Raises WeightsError as `lamina.tensors.load_state`, or if the file is broken.
    """
    state = load_checkpoint(path)
    if isinstance(state, dict) and isinstance(state.get("network"), dict):
        state = state["network"]
    return load_state(network, state, path).eval()
