"""A prediction over many cases of which none can end the others."""

import logging
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import ignite.distributed as idist
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from lamina.errors import DataError, LaminaError, reason_of
from lamina.files import write_table
from lamina.pictures.overlays import write_overlay
from lamina.pictures.plots import write_profile_plot
from lamina.prediction.manifest import CaseRecord, Manifest, Seconds, SourceRecord
from lamina.prediction.measurements import (
    measure_prediction,
    thickness_profile,
    write_measurements,
    write_slice_presence,
)
from lamina.prediction.read_case import CaseWarnings, Item, ReadCase, content_hash, source_files
from lamina.prediction.segmenter import Segmenter
from lamina.prediction.uncertain_cases import write_uncertain_cases
from lamina.tasks.running_config import config_hash
from lamina.writers.formats import FORMATS, check_formats, default_formats
from lamina.writers.label_files import write_uncertainty
from lamina.writers.segmented_case import SegmentedCase, depth_axis

logger = logging.getLogger("lamina")


class CaseLoop:
    """Segment the cases of a data set, one by one, and account for each.

    What a case fails at (reading, transforms, network, writing) stands in ``manifest.json`` with
    its reason, and the others go on. A second run does what is new, changed or failed. Under
    torchrun each process takes its part of the cases.

    Parameters
    ----------
    segmenter
        Segments one case.
    dataset
        A MONAI data set whose ``data`` are items with ``case`` and ``image``.
    output_dir
        Where everything goes.
    formats
        Names from `lamina.writers.formats.FORMATS`; None chooses by the source.
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
        segmenter: Segmenter,
        dataset: Any,
        output_dir: str,
        formats: str | Sequence[str] | None = None,
        broken: Sequence[tuple[str, str]] = (),
        skipped: Sequence[tuple[str, str]] = (),
        workers: int = 1,
        overwrite: bool = False,
        progress: bool = True,
    ) -> None:
        self.segmenter = segmenter
        self.dataset = dataset
        self.folder = Path(output_dir)
        self.formats = formats.split(",") if isinstance(formats, str) else formats
        check_formats(self.formats or [])
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
        manifest = Manifest(
            self.folder, {"about": self.segmenter.about, "skipped": list(self.skipped)}
        )
        names = [str(item["case"]) for item in self.dataset.data]
        manifest.forget_others(names)
        own = range(idist.get_rank(), len(names), idist.get_world_size())
        hashes = {index: content_hash(self.dataset.data[index]) for index in own}
        keys = {index: self._key(hashes[index]) for index in own}
        todo = [i for i in own if self.overwrite or not manifest.done(names[i], keys[i])]
        if len(todo) < len(own):
            logger.info("%d of %d cases are done already", len(own) - len(todo), len(own))
        with self._bar(len(todo)) as bar, logging_redirect_tqdm([logger]):
            for index, record, future in self._read_ahead(todo):
                self._do(self.dataset.data[index], record, future)
                record["input"]["hash"] = hashes[index]
                record["key"] = keys[index]
                manifest.add(record)
                bar.update()
        if self.broken:  # the process that ends last writes for all
            manifest.about["broken"] = [{"path": p, "reason": why} for p, why in self.broken]
        manifest.write()
        self._finish(manifest)

    def _key(self, content: str) -> str:
        """Return a hash of all that decides what comes out for a case."""
        return config_hash([content, self.segmenter.about, self.formats])

    def _bar(self, total: int) -> Any:
        return tqdm(
            total=total,
            desc=self.segmenter.task,
            unit=" cases",
            mininterval=0.2 if sys.stderr.isatty() else 20,
            dynamic_ncols=True,
            disable=not self.progress,
        )

    def _read_ahead(
        self, todo: Sequence[int]
    ) -> Iterator[tuple[int, CaseRecord, Future[ReadCase]]]:
        """Yield each case with its new record as it is read, while the next ones are being read."""
        waiting: deque[tuple[int, CaseRecord, Future[ReadCase]]] = deque()
        with ThreadPoolExecutor(max(self.workers, 1)) as threads:
            for index in todo:
                item = self.dataset.data[index]
                record = _new_record(item)
                waiting.append((index, record, threads.submit(self._read, item, record)))
                if len(waiting) > self.workers:
                    yield waiting.popleft()
            yield from waiting

    def _read(self, item: Item, record: CaseRecord) -> ReadCase:
        """Read a case in a thread of its own; what is warned of there stands in its record."""
        with CaseWarnings(record["warnings"], logger):
            return self.segmenter.read(item)

    def _do(self, item: Item, record: CaseRecord, future: Future[ReadCase]) -> None:
        """Segment and write one case; its record tells what became of it."""
        seconds = record["seconds"]
        with CaseWarnings(record["warnings"], logger):
            try:
                read = future.result()
                seconds["read"] = round(read.seconds, 3)
                with _timed(seconds, "network"):
                    case = self.segmenter.segment_read(item, read)
                with _timed(seconds, "write"):
                    record["outputs"] = self._write(case)
                record["measurements"] = measure_prediction(case)
                uncertainty = case.uncertainty
                record["uncertainty"] = None if uncertainty is None else round(uncertainty, 4)
                record["input"] = source_files(item["image"])
                record["status"] = "done"
            except Exception as error:  # noqa: BLE001 - one case must not end the others
                record["status"], record["reason"] = "failed", reason_of(error)
                record["outputs"] = []
                logger.error("%s failed: %s", record["case"], record["reason"])

    def _write(self, case: SegmentedCase) -> list[str]:
        """Write all files of a case; return their paths within the output folder."""
        outputs = [*self._write_formats(case), *write_uncertainty(case, self.folder)]
        outputs.append(write_overlay(case, self.folder / "overlays"))
        if depth_axis(case) is not None:
            outputs += self._write_profile(case)
        if case.measure and case.measure.presence is not None:
            presence = case.measure.presence
            outputs.append(write_slice_presence(case, presence, self.folder / "presence"))
        return [str(path.relative_to(self.folder)) for path in outputs]

    def _write_formats(self, case: SegmentedCase) -> list[Path]:
        """Write the label map in each format; one that can't be is a warning, not an end."""
        written = []
        formats = self.formats or default_formats(case.address, case.label.ndim)
        for name in formats:
            try:
                written += FORMATS[name](case, self.folder)
            except LaminaError as error:
                logger.warning("%s: no %s: %s", case.name, name, error)
        if not written:
            raise DataError(f"none of the formats {', '.join(formats)} could be written")
        return written

    def _write_profile(self, case: SegmentedCase) -> list[Path]:
        rows = thickness_profile(case)
        path = self.folder / "profiles" / f"{case.name}.csv"
        write_table(path, list(rows[0]), rows)
        return [path, write_profile_plot(rows, case.labels, path.with_suffix(".png"))]

    def _finish(self, manifest: Manifest) -> None:
        """Write the measurements of all cases and report how it went."""
        records = manifest.records.values()
        rows = [row for record in records for row in record.get("measurements", [])]
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
        reasons = [f"{record['case']}: {record['reason']}" for record in failed]
        reasons += [f"{path}: {why}" for path, why in self.broken]
        if reasons:
            raise DataError(
                "\n".join([f"{len(reasons)} case(s) or file(s) could not be segmented", *reasons]),
                f"the others are done; the account stands in {self.folder / 'manifest.json'}",
            )


def _new_record(item: Item) -> CaseRecord:
    source: SourceRecord = {"address": str(item["image"])}
    case = str(item["case"])
    return {"case": case, "input": source, "outputs": [], "warnings": [], "seconds": {}}


@contextmanager
def _timed(seconds: Seconds, step: Literal["network", "write"]) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[step] = round(time.perf_counter() - started, 3)
