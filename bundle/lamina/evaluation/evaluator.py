"""The handler that turns the cases of an evaluation into numbers, pictures and a report."""

import logging
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ignite.distributed as idist
from ignite.engine import Engine, Events
from PIL import Image

from lamina.errors import ConfigError, DataError, LaminaError
from lamina.evaluation.processes import gather
from lamina.evaluation.report import write_report
from lamina.evaluation.saved_label_maps import remove_other_cases, save_label_maps
from lamina.evaluation.summary import CaseScores, summarise, summary_table, versions, write_summary
from lamina.evaluation.uncertainty_chart import correlation_of
from lamina.metrics.measure import MeasureSettings, measure_case
from lamina.metrics.statistics import Bootstrap
from lamina.pictures.panels import PictureSettings, Scene, comparison_views
from lamina.prediction.read_case import cases_of
from lamina.readers.image_reader import grid_of
from lamina.tasks.labels import read_labels
from lamina.training.ranks import is_main

Panels = dict[str, dict[str, Path]]
"""The files of a case's panels: {view: {title: PNG}}."""

_RADIOLOGICAL = (
    "Of a volume the slices with most of the structures are shown as radiologists look at them: "
    "the patient's left on the right, front or head up."
)
_LAYERS = (
    "Of a volume the slice with most of the structures is shown, and those at a quarter and at "
    "three quarters of the ones that hold some; the depth runs down."
)

logger = logging.getLogger(__name__)


class EvaluationWriter:
    """Measure and draw each case as it comes; write summary and report when all are done.

    The engine's batch and output together must have a dict for each case: "case" (its name), "image"
    (a MetaTensor (1, x, y[, z]) with its affine), "label" and "pred" (label maps of the same
    shape, on the image's own grid), and "probabilities" where a metric needs them. Where the
    image's meta data says "spacing_unit": "px", distances are in pixels.

    A case that can't be measured does not stop the others: it stands in ``failures``, in the
    summary's "failed" and in the log. Only the numbers of a case are kept in memory; its pictures
    wait on disk until the report is written, and its label maps stay in ``predictions/`` and
    ``truth/``. An "uncertainty" of a case is reported beside its scores.

    Parameters
    ----------
    labels
        The task's labels, as its JSON has them.
    measure
        Which metrics, and their settings.
    output_dir
        Where ``summary.json``, ``cases.csv``, ``report.html`` and the label maps go.
    title
        Of the report.
    information
        What the report says of data, settings and versions: {section: {name: value}}.
    curves
        The history of the training, a dict for each epoch with "epoch" and numbers.
    drawing
        How the pictures are drawn.
    bootstrap
        How intervals are computed.

    Examples
    --------
    >>> import tempfile, torch
    >>> from monai.data import MetaTensor
    >>> labels = [
    ...     {"value": 0, "name": "background", "color": [0, 0, 0]},
    ...     {"value": 1, "name": "lung", "color": [0, 120, 255]},
    ... ]
    >>> mask = MetaTensor(torch.eye(6)[None], affine=torch.eye(4))
    >>> case = {"case": "a", "image": mask, "label": mask, "pred": mask}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     writer = EvaluationWriter(labels, MeasureSettings(["dice", "iou"]), folder, "Lungs")
    ...     engine = Engine(lambda engine, batch: batch)
    ...     writer.attach(engine)
    ...     _ = engine.run([[case]])
    ...     sorted(os.listdir(folder))
    structure    Dice    IoU   missed   false
    lung        1.000  1.000        0       0
    mean        1.000  1.000        0       0
    report: .../report.html
    ['cases.csv', 'predictions', 'report.html', 'summary.json', 'truth']
    """

    def __init__(
        self,
        labels: Sequence[Mapping[str, Any]],
        measure: MeasureSettings,
        output_dir: str | os.PathLike[str],
        title: str,
        information: Mapping[str, Any] | None = None,
        curves: Sequence[Mapping[str, float]] | None = None,
        drawing: PictureSettings | None = None,
        bootstrap: Bootstrap | None = None,
    ) -> None:
        self.labels = read_labels(labels)
        self.measure = measure
        self.output_dir = Path(output_dir)
        self.title = title
        self.information = dict(information or {})
        self.curves = curves
        self.drawing = drawing or PictureSettings()
        self.bootstrap = bootstrap or Bootstrap()
        self.started = time.time()
        self.records: dict[str, CaseScores] = {}
        self.pictures: dict[str, Panels] = {}
        self.failures: dict[str, str] = {}

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.take_batch)
        engine.add_event_handler(Events.COMPLETED, self.finish)

    def start(self, engine: Engine) -> None:
        """Forget the cases of an earlier run."""
        self.started = time.time()
        for of_cases in (self.records, self.pictures, self.failures):
            of_cases.clear()

    def take_batch(self, engine: Engine) -> None:
        """Measure and draw the cases of one batch.

        Raises
        ------
        ConfigError
            If a case lacks one of the keys that are needed.
        """
        for case in cases_of(engine):
            _check_keys(case)
            name = str(case["case"])
            try:
                self._check_is_new(name)
                self.records[name], self.pictures[name] = self._measure(name, case)
            except LaminaError as error:
                logger.error("%s: %s", name, error)
                self.failures[name] = str(error)

    def finish(self, engine: Engine) -> None:
        """Write ``summary.json``, ``cases.csv`` and ``report.html``; print a table.

        Raises
        ------
        DataError
            If a case could not be measured; what could be is written before.
        """
        records, failures = gather(self.records), gather(self.failures)
        pictures = gather(self.pictures)
        if is_main():
            try:
                self._write(list(records.values()), pictures, failures)
            finally:
                shutil.rmtree(self._pictures_dir, ignore_errors=True)
        if failures:
            raise DataError(
                f"{len(failures)} of {len(failures) + len(records)} cases could not be measured: "
                + ", ".join(failures),
                f"the reasons stand in the log and in {self.output_dir / 'summary.json'}",
            )

    @property
    def _pictures_dir(self) -> Path:
        return self.output_dir / ".pictures"

    def _check_is_new(self, name: str) -> None:
        if name in self.records:
            raise DataError(
                f"a second case is called {name}, and only the first is measured",
                "give each case of the data set its own name",
            )

    def _measure(self, name: str, case: Mapping[str, Any]) -> tuple[CaseScores, Panels]:
        image, reference, prediction = case["image"], case["label"][0], case["pred"][0]
        grid = grid_of(image)
        structures = measure_case(
            prediction,
            reference,
            labels=self.labels,
            grid=grid,
            probabilities=case.get("probabilities"),
            settings=self.measure,
        )
        # In a layer task the depth runs down, however the eye lies in space.
        turn = grid.affine if self.measure.depth_axis is None else None
        scene = Scene(image, self.labels, grid.spacing, turn, self.drawing)
        views = comparison_views(scene, reference, prediction)
        scores = CaseScores(
            name,
            grid.unit,
            len(grid.shape),
            structures,
            case.get("uncertainty"),
            save_label_maps(name, case, self.output_dir, len(self.labels)),
        )
        return scores, self._keep(views)

    def _keep(self, views: Mapping[str, Mapping[str, Image.Image]]) -> Panels:
        """Write the panels to disk, where they wait for the report."""
        self._pictures_dir.mkdir(parents=True, exist_ok=True)
        kept: Panels = {name: {} for name in views}
        for number, (name, panels) in enumerate(views.items()):
            for title, panel in panels.items():
                file = f"{idist.get_rank()}-{len(self.pictures)}-{number}-{title}.png"
                kept[name][title] = self._pictures_dir / file
                panel.save(kept[name][title])
        return kept

    def _write(
        self,
        records: Sequence[CaseScores],
        pictures: Mapping[str, Panels],
        failures: Mapping[str, str],
    ) -> None:
        information = {
            **self.information,
            "Measurement": vars(self.measure),
            "Versions": versions(),
            "Times": _times(self.started),
        }
        summary = summarise(
            records,
            self.labels,
            failures=failures,
            bootstrap=self.bootstrap,
            information=information,
        )
        summary["labels"] = [{"name": one.name, "color": one.color} for one in self.labels]
        summary["uncertainty"] = correlation_of(summary)
        write_summary(self.output_dir, summary)
        remove_other_cases(self.output_dir, [record.case for record in records])
        report = self.output_dir / "report.html"
        write_report(
            report,
            summary,
            pictures,
            title=self.title,
            labels=self.labels,
            caption=_RADIOLOGICAL if self.measure.depth_axis is None else _LAYERS,
            curves=self.curves,
        )
        print(summary_table(summary), f"report: {report.absolute()}", sep="\n", flush=True)


def _check_keys(case: Mapping[str, Any]) -> None:
    missing = {"case", "image", "label", "pred"} - set(case)
    if missing:
        raise ConfigError(
            f"evaluator's output has {sorted(case)}, not {', '.join(sorted(missing))}",
            "let the data set give each item a 'case' name, an 'image' and a 'label', and the "
            "post-processing make 'pred' from the network's output",
        )


def _times(started: float) -> dict[str, str]:
    begun = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(started))
    return {"begun": begun, "seconds": f"{time.time() - started:.1f}"}
