"""A prediction over many cases of which none can end the others."""

import logging
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ignite.distributed as idist
from monai.utils import convert_to_numpy
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from lamina.cases.fingerprint import hash_files
from lamina.errors import DataError, GeometryError, LaminaError, reason_of
from lamina.files import write_table
from lamina.metrics.measure import MeasureSettings
from lamina.pictures.overlays import write_overlay
from lamina.pictures.plots import write_profile_plot
from lamina.prediction.manifest import Manifest, Record
from lamina.prediction.measurements import (
    Row,
    measure_prediction,
    thickness_profile,
    write_measurements,
    write_presence,
)
from lamina.prediction.read_case import (
    CaseWarnings,
    ReadCase,
    content_hash,
    predict_item,
    read_case,
    source_files,
)
from lamina.prediction.uncertain_cases import write_uncertain_cases
from lamina.readers.grid import format_size, require_pixel_size, with_pixel_size
from lamina.tasks.labels import read_labels
from lamina.tasks.running_config import config_hash
from lamina.writers.formats import FORMATS, check_formats, default_formats
from lamina.writers.label_files import smallest_type, write_uncertainty
from lamina.writers.segmented_case import PredictedCase, depth_axis

Item = Mapping[str, Any]

logger = logging.getLogger("lamina")


class CaseLoop:
    """Run an evaluator over the cases of a data set, one by one, and account for each.

    What a case fails at (reading, transforms, network, writing) stands in ``manifest.json`` with
    its reason, and the others go on. A second run does what is new, changed or failed. Under
    torchrun each process takes its share of the cases.

    Parameters
    ----------
    evaluator
        A MONAI evaluator whose post-processing leaves ``pred``, class values (1, x, y[, z]) on the
        image's own grid.
    dataset
        Items with ``case`` and ``image``; reading and transforms happen when one is taken.
    output_dir
        Where everything goes.
    labels
        The task's labels, as its JSON has them.
    about
        What made the predictions: "task", "weights" (paths,
        separated by commas), and settings that change results.
    formats
        Names from `lamina.writers.formats.FORMATS`; None chooses by the source.
    pixel_size
        Width and height in mm of the pixels of pictures, which do not say it.
    measure
        What the task measures.
    broken, skipped
        (path, reason) of files that could not be tried.
    workers
        Cases that are read ahead, in threads, while the network works.
    overwrite
        Do cases again that are done.
    progress
        Show a bar.
    """

    def __init__(
        self,
        evaluator: Any,
        dataset: Any,
        output_dir: str,
        labels: Sequence[Mapping[str, Any]],
        about: Mapping[str, Any],
        formats: str | Sequence[str] | None = None,
        pixel_size: Sequence[float] | None = None,
        measure: MeasureSettings | None = None,
        broken: Sequence[tuple[str, str]] = (),
        skipped: Sequence[tuple[str, str]] = (),
        workers: int = 1,
        overwrite: bool = False,
        progress: bool = True,
    ) -> None:
        self.evaluator = evaluator
        self.dataset = dataset
        self.folder = Path(output_dir)
        self.labels = tuple(read_labels(labels))
        self.about = dict(about) | {"weights_hash": hash_files(*str(about["weights"]).split(","))}
        self.formats = formats.split(",") if isinstance(formats, str) else formats
        check_formats(self.formats or [])
        require_pixel_size(pixel_size)
        self.pixel_size = pixel_size
        self.measure = measure
        self.broken = broken
        self.skipped = skipped
        self.workers = workers
        self.overwrite = overwrite
        self.progress = progress

    def run(self) -> None:
        """Do every case that is not done.

        Raises
        ------
        DataError
            At the end, if a case failed; all others are done by then.
        """
        manifest = Manifest(self.folder, {"about": self.about, "skipped": list(self.skipped)})
        names = [str(item["case"]) for item in self.dataset.data]
        manifest.forget_others(names)
        mine = range(idist.get_rank(), len(names), idist.get_world_size())
        hashes = {index: content_hash(self.dataset.data[index]) for index in mine}
        keys = {index: self._key(hashes[index]) for index in mine}
        todo = [i for i in mine if self.overwrite or not manifest.done(names[i], keys[i])]
        if len(todo) < len(mine):
            logger.info("%d of %d cases are done already", len(mine) - len(todo), len(mine))
        with self._bar(len(todo)) as bar, logging_redirect_tqdm([logger]):
            for index, future in self._read_ahead(todo):
                record = self._do(self.dataset.data[index], future)
                record["input"]["hash"] = hashes[index]
                manifest.add(record | {"key": keys[index]})
                bar.update()
        if idist.get_rank() == 0 and self.broken:
            manifest.about["broken"] = [{"path": p, "reason": why} for p, why in self.broken]
        manifest.write()
        self._finish(manifest)

    def _key(self, content: str) -> str:
        """Return a hash of all that decides what comes out for a case."""
        return config_hash([content, self.about, self.formats])

    def _bar(self, total: int) -> Any:
        return tqdm(
            total=total,
            desc=str(self.about.get("task", "")),
            unit=" cases",
            mininterval=0.2 if sys.stderr.isatty() else 20,
            dynamic_ncols=True,
            disable=not self.progress,
        )

    def _read_ahead(self, todo: Sequence[int]) -> Iterator[tuple[int, Future[ReadCase]]]:
        """Yield each case as it is read, while the next ones are being read."""
        waiting: deque[tuple[int, Future[ReadCase]]] = deque()
        with ThreadPoolExecutor(max(self.workers, 1)) as threads:
            for index in todo:
                waiting.append(
                    (
                        index,
                        threads.submit(read_case, self.dataset.transform, self.dataset.data[index]),
                    )
                )
                if len(waiting) > self.workers:
                    yield waiting.popleft()
            yield from waiting

    def _do(self, item: Item, future: Future[ReadCase]) -> Record:
        """Return the record of one case, whatever happens to it."""
        source: dict[str, Any] = {"address": str(item["image"])}
        record: Record = {"case": str(item["case"]), "input": source, "outputs": [], "warnings": []}
        seconds: dict[str, float] = {}
        with CaseWarnings(record["warnings"], logger):
            try:
                read = future.result()
                seconds["read"] = read.seconds
                started = time.perf_counter()
                prediction = predict_item(self.evaluator, read.item)
                seconds["network"] = time.perf_counter() - started
                started = time.perf_counter()
                record |= self._write(item, read, prediction)
                seconds["write"] = time.perf_counter() - started
                source |= source_files(item["image"])
                record["status"] = "done"
            except Exception as error:  # noqa: BLE001 - one case must not end the others
                record |= {"status": "failed", "reason": reason_of(error), "outputs": []}
                logger.error("%s failed: %s", record["case"], record["reason"])
        return record | {"seconds": {name: round(value, 3) for name, value in seconds.items()}}

    def predict(self, item: Item) -> PredictedCase:
        """Read and segment one item; nothing is written, and what goes wrong is raised."""
        read = read_case(self.dataset.transform, item)
        return self._predicted(item, read, predict_item(self.evaluator, read.item))

    def _write(self, item: Item, read: ReadCase, made: Mapping[str, Any]) -> Record:
        """Write all files of a case; return what the manifest says of them."""
        case = self._predicted(item, read, made)
        outputs = [*self._write_formats(case), *write_uncertainty(case, self.folder)]
        outputs.append(write_overlay(case, self.folder / "overlays"))
        if depth_axis(case) is not None:
            outputs += self._write_profile(case)
        if case.measure and case.measure.presence is not None:
            outputs.append(write_presence(case, case.measure.presence, self.folder / "presence"))
        return {
            "outputs": [str(path.relative_to(self.folder)) for path in outputs],
            "measurements": measure_prediction(case),
            "uncertainty": None if case.uncertainty is None else round(case.uncertainty, 4),
        }

    def _predicted(self, item: Item, read: ReadCase, made: Mapping[str, Any]) -> PredictedCase:
        """Return the case with its image as it stands on disk."""
        address, label = item["image"], convert_to_numpy(made["pred"])[0]
        image, grid = read.source(address)
        grid = with_pixel_size(grid, self.pixel_size)
        if label.shape != grid.shape:
            raise GeometryError(
                f"{address}: the image has {format_size(grid.shape)} voxels, its label "
                f"{format_size(label.shape)}",
                "let the post-processing return to the image's own grid",
            )
        kept, doubt = made.get("probabilities"), made.get("uncertainty_map")
        return PredictedCase(
            name=str(item["case"]),
            address=address,
            image=image,
            label=label.astype(smallest_type(int(label.max(initial=0)))),
            affine=grid.affine,
            has_spacing=grid.unit == "mm",
            labels=self.labels,
            measure=self.measure,
            probabilities=None if kept is None else convert_to_numpy(kept),
            uncertainty_map=None if doubt is None else convert_to_numpy(doubt)[0],
            uncertainty=made.get("uncertainty"),
            task=str(self.about.get("task", "")),
        )

    def _write_formats(self, case: PredictedCase) -> list[Path]:
        """Write the label map in each format; one that can't be is a warning, not an end."""
        written = []
        wanted = self.formats or default_formats(case.address, case.label.ndim)
        for name in wanted:
            try:
                written += FORMATS[name](case, self.folder)
            except LaminaError as error:
                logger.warning("%s: no %s: %s", case.name, name, error)
        if not written:
            raise DataError(f"none of the formats {', '.join(wanted)} could be written")
        return written

    def _write_profile(self, case: PredictedCase) -> list[Path]:
        rows = thickness_profile(case)
        path = self.folder / "profiles" / f"{case.name}.csv"
        write_table(path, list(rows[0]), rows)
        return [path, write_profile_plot(rows, case.labels, path.with_suffix(".png"))]

    def _finish(self, manifest: Manifest) -> None:
        """Write the measurements of all cases and tell how it went."""
        records = manifest.records.values()
        rows: list[Row] = [row for record in records for row in record.get("measurements", [])]
        write_measurements(rows, self.folder)
        write_uncertain_cases(records, self.folder)
        failed = [record for record in records if record["status"] == "failed"]
        done = sum(record["status"] == "done" for record in records)
        warned = sum(bool(record["warnings"]) for record in records)
        logger.info(
            "%d done (%d with warnings), %d failed, %d broken file(s), %d left out: %s",
            done,
            warned,
            len(failed),
            len(self.broken),
            len(self.skipped),
            self.folder / "manifest.json",
        )
        named = [f"{one['case']}: {one['reason']}" for one in failed]
        named += [f"{path}: {why}" for path, why in self.broken]
        if named:
            raise DataError(
                "\n".join([f"{len(named)} case(s) or file(s) could not be segmented", *named]),
                f"the others are done; the account stands in {self.folder / 'manifest.json'}",
            )
