"""Training on submitted labels, as MONAI Label asks for it."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow

from lamina.cases.fingerprint import hash_files
from lamina.cases.splits import patient_number
from lamina.errors import ConfigError, DataError, LaminaError, reason_of
from lamina.files import read_json, write_json
from lamina.inference.weights import load_weights
from lamina.label.datastore import FINAL, LaminaDatastore
from lamina.label.monai_label import TrainTask
from lamina.label.segment_names import fits, recode
from lamina.label.work import CURRENT, ServedTask, alone
from lamina.prediction.read_case import read_case
from lamina.prediction.segmenter import read_workflow
from lamina.readers.images import read_grid
from lamina.tasks.config_text import literal
from lamina.tasks.running_config import config_hash
from lamina.tensors import carrying, load_checkpoint, save_checkpoint, trained_on_of
from lamina.training.telling import FEWEST_CASES, not_worse
from lamina.writers.label_files import save_label_image

logger = logging.getLogger("lamina")

TRAINING = Path("configs", "train.json")
# The labels are class values already, whatever the task's own files hold.
PLAIN: dict[str, Any] = {"task#label_values": None}
DEFAULTS = {"max_epochs": 50, "val_split": 0.2, "pretrained": True}


class LaminaTrainTask(TrainTask):
    """Trains a packed task on the submitted labels, from its current weights on.

    When it is finished its weights become the current ones, unless they are worse on the
    validation cases (on all labels where those can't tell); the earlier ones stay. A training
    that was killed goes on when it is asked for again with the same labels and settings.

    Parameters
    ----------
    task
        The task.
    """

    def __init__(self, task: ServedTask) -> None:
        super().__init__(f"Train {task.name} on the submitted labels")
        self.task = task

    def config(self) -> dict[str, Any]:
        """Return what an annotator may choose, with the defaults."""
        return {**DEFAULTS, "model_filename": self.task.models.names()}

    def stats(self) -> dict[str, Any]:
        """Return how the latest training is going, as 3D Slicer's progress bar takes it."""
        if not (self.task.runs / "history.json").is_file():
            return {}
        rows = read_json(self.task.runs / "history.json")
        record = read_json(self.task.runs / "asked.json")
        scores = [row.get("val_dice") for row in rows]
        best = max((score for score in scores if _is_number(score)), default=0.0)
        last = {name: value for name, value in rows[-1].items() if _is_number(value)}
        return {
            "epoch": rows[-1]["epoch"],
            "total_epochs": record["max_epochs"],
            "best_metric": best,
            "train": last,
            "version": record.get("version", ""),
            "current": record.get("current", ""),
        }

    def __call__(self, request: Mapping[str, Any], datastore: LaminaDatastore) -> dict[str, Any]:
        """Train; return what `stats` says at the end.

        Raises
        ------
        BusyError
            If this task is being trained already.
        DataError
            If no submitted label is the task's.
        """
        settings = _settings(request)
        start = _start(self.task, request) if settings["pretrained"] else None
        with alone(self.task.runs, "a training runs"):
            rows = _write_list(self.task, datastore, settings["val_split"])
            record = {**settings, "key": _key(settings, rows, start)}
            continues = _continues(self.task.runs, record)
            write_json(self.task.runs / "asked.json", record)
            _train(self.task, settings["max_epochs"], start, continues)
            record |= _publish(self.task)
            write_json(self.task.runs / "asked.json", record)
        return self.stats()


def _is_number(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _settings(request: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: request.get(name, default) for name, default in DEFAULTS.items()}
    try:
        epochs, fraction = int(values["max_epochs"]), float(values["val_split"])
    except (TypeError, ValueError) as error:
        raise ConfigError(f"max_epochs, val_split: {error}", "send numbers") from error
    if epochs < 1 or not 0 <= fraction < 1:
        raise ConfigError(
            f"max_epochs {epochs}, val_split {fraction}",
            "send at least 1 epoch, and 0 ≤ val_split < 1",
        )
    pretrained = str(values["pretrained"]).lower() == "true"
    return {"max_epochs": epochs, "val_split": fraction, "pretrained": pretrained}


def _start(task: ServedTask, request: Mapping[str, Any]) -> Path | None:
    """Return the weights to start from, None where the task has none yet."""
    if not task.models.names():
        return None
    name = request.get("model_filename") or "model.pt"
    return task.models.file(name[0] if isinstance(name, list) else str(name))


def _write_list(
    task: ServedTask, datastore: LaminaDatastore, fraction: float
) -> list[dict[str, str]]:
    """Write the labels as the task's class values, and the list of cases; return its rows.

    Raises
    ------
    DataError
        If no label can be trained on; with the reason for each.
    """
    rows, left_out = [], []
    # What an image and its label go through before the first patch is cut.
    preprocessing = read_workflow(task.folder / TRAINING, PLAIN).get_parsed_content(
        "validate#preprocessing"
    )
    for image_id in datastore.get_labeled_images():
        try:
            row = _row(task, datastore, image_id)
            read_case(preprocessing, row, task.name)
        except LaminaError as error:
            left_out.append(f"{image_id}: {reason_of(error)}")
            logger.warning("left out: %s", left_out[-1])
            continue
        rows.append(row)
    if not rows:
        reasons = "\n".join([f"there is no label to train {task.name} on", *left_out])
        raise DataError(reasons, "submit a label of it first")
    validation = _validation([row["patient"] for row in rows], fraction)
    for row in rows:
        row["split"] = "validation" if row["patient"] in validation else "training"
    logger.info("%s: %d labels, %d for validation", task.name, len(rows), len(validation))
    write_json(task.runs / "cases.json", rows)
    return rows


def _row(task: ServedTask, datastore: LaminaDatastore, image_id: str) -> dict[str, str]:
    """Write one label as the task's class values; return its line in the list."""
    label, names = datastore.labels.read(FINAL, image_id)
    if not fits(label, names, task.labels):
        raise DataError("the label is another task's")
    address = datastore.studies.address(image_id)
    grid, dims = read_grid(address), int(task.about["spatial_dims"])
    if len(grid.shape) < dims:
        raise DataError(f"an image with {len(grid.shape)} axes, the task works on {dims}")
    values = recode(label, names, task.labels)
    file = save_label_image(values, grid.affine, task.runs / "labels", image_id)
    return {"image": address, "label": str(file), "patient": image_id}


def _validation(names: Sequence[str], fraction: float) -> set[str]:
    """Return which images validate: none of fewer than three, always the same otherwise.

    >>> len(_validation(["a", "b"], 0.2)), len(_validation(["a", "b", "c", "d", "e"], 0.2))
    (0, 1)
    """
    if len(names) < 3 or fraction <= 0:
        return set()
    count = min(max(round(len(names) * fraction), 1), len(names) - 1)
    by_number = sorted(names, key=lambda name: patient_number(name, "validation", 0))
    return set(by_number[:count])


def _key(settings: Mapping[str, Any], rows: Sequence[Mapping[str, str]], start: Path | None) -> str:
    """Return a hash of all that a training comes from."""
    files = [hash_files(row[name]) for row in rows for name in ("image", "label")]
    weights = hash_files(str(start)) if start else None
    return config_hash([dict(settings), list(rows), files, weights])


def _continues(runs: Path, record: Mapping[str, Any]) -> bool:
    """Say whether an unfinished training of the same lies there."""
    path = runs / "asked.json"
    before = read_json(path) if path.is_file() else {}
    return before.get("key") == record["key"] and "version" not in before


def _train(task: ServedTask, epochs: int, start: Path | None, continues: bool) -> None:
    """Run the packed training workflow."""
    workflow = ConfigWorkflow(
        config_file=str(task.folder / TRAINING),
        logging_file=False,
        workflow_type="train",
        bundle_root=literal(str(task.folder)),
        epochs=epochs,
        fresh=not continues,
        **_settings_of_run(task),
    )
    try:
        workflow.initialize()
        if start is not None:
            load_weights(workflow.parser.get_parsed_content("network"), start)
        workflow.run()
    finally:
        workflow.finalize()
    if start is not None:
        _inherit(task.runs / "model.pt", start)


def _inherit(model: Path, start: Path) -> None:
    """Let weights carry also what those were trained on that they started from."""
    state = load_checkpoint(model)
    mine, before = trained_on_of(state), trained_on_of(load_checkpoint(start))
    both = {
        part: sorted({*(mine or {}).get(part, []), *images})
        for part, images in (before or {}).items()
    }
    save_checkpoint(model, carrying(state, both if mine and before else None))


def _settings_of_run(task: ServedTask) -> dict[str, Any]:
    return {
        "dataset_dir": literal(str(task.runs / "cases.json")),
        "run_dir": literal(str(task.runs)),
        "fractions": [1.0, 0.0, 0.0],
        "progress": False,
        **PLAIN,
    }


def _publish(task: ServedTask) -> dict[str, Any]:
    """Make what was trained the current model, unless it is worse; return what is recorded."""
    trained, current = task.runs / "model.pt", task.models.current
    scores = _scores(task, [current, trained]) if current.is_file() else (math.nan, math.nan)
    before, now = scores
    version = task.models.publish(trained, current=not_worse(now, before))
    if not_worse(now, before):
        logger.info("%s: %s is its current model now", task.name, version)
        return {"version": version, "current": version}
    logger.warning(
        "%s: %s has a Dice of %.3f where the current model has %.3f, which therefore stays\n"
        "  → train for more epochs, or submit more labels; model_filename %s starts from it",
        *(task.name, version, now, before, version),
    )
    return {"version": version, "current": CURRENT}


def _scores(task: ServedTask, files: Sequence[Path]) -> list[float]:
    """Return the Dice of weights on the validation cases, on all where those can't tell."""
    cases = read_json(task.runs / "cases.json")
    enough = sum(case["split"] == "validation" for case in cases) >= FEWEST_CASES
    scores = [_dice(task, file, "@splits['validation']") for file in files] if enough else []
    if not any(score > 0 for score in scores):  # too few cases, or none with a structure
        scores = [_dice(task, file, "sum(@splits.values(), [])") for file in files]
    return scores


def _dice(task: ServedTask, weights: Path, cases: str) -> float:
    chosen = {"validate#dataset#data": f"$@lamina.cases.items({cases})"}
    workflow = read_workflow(task.folder / TRAINING, _settings_of_run(task) | chosen)
    load_weights(workflow.get_parsed_content("network"), weights)
    evaluator = workflow.get_parsed_content("validate#evaluator")
    evaluator.run()
    return float(evaluator.state.metrics["val_dice"])
