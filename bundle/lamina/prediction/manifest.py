"""The manifest of a prediction over many cases: what became of each, and from what."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Required, TypedDict

from lamina.cases.outputs import RECORDS
from lamina.errors import ReadError
from lamina.files import read_json, remove_dead_parts, write_json
from lamina.prediction.measurements import Measurement

logger = logging.getLogger("lamina")

NAME = "manifest.json"


class SourceRecord(TypedDict, total=False):
    """Where an image came from, and a hash of its files."""

    address: Required[str]
    files: list[str]
    series_uid: str
    hash: str


class Seconds(TypedDict, total=False):
    """How long each step took."""

    read: float
    network: float
    write: float


class CaseRecord(TypedDict, total=False):
    """What became of one case.

    ``outputs`` are paths within the output folder, ``key`` is a hash of all that they depend on;
    ``reason`` is there for a case that failed.
    """

    case: Required[str]
    input: Required[SourceRecord]
    outputs: Required[list[str]]
    warnings: Required[list[str]]
    seconds: Required[Seconds]
    status: Literal["done", "failed"]
    reason: str
    key: str
    measurements: list[Measurement]
    uncertainty: float | None


class Manifest:
    """``manifest.json`` in an output folder, and behind it one small file a case.

    The small files in ``.cases/`` are written whole after each case, by whichever process did it;
    ``manifest.json`` is put together from them, so that several processes, and runs that were
    killed, lose nothing and overwrite nothing.

    Parameters
    ----------
    folder
        The output folder.
    about
        What holds for all cases: task, weights, settings, versions, device.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any]) -> None:
        self.folder = folder
        self.about = dict(about)
        remove_dead_parts(folder)
        self.records = {record["case"]: record for record in self._read()}

    def done(self, case: str, key: str) -> bool:
        """Say whether a case was done with the same input, weights and settings, and is whole."""
        record = self.records.get(case)
        return (
            record is not None
            and record["status"] == "done"
            and record["key"] == key
            and all((self.folder / name).exists() for name in record["outputs"])
        )

    def add(self, record: CaseRecord) -> None:
        """Keep the record of one case, in place of an older one."""
        self.records[record["case"]] = record
        write_json(self.folder / RECORDS / f"{record['case']}.json", record)

    def write(self) -> Path:
        """Write ``manifest.json`` from the records of all processes."""
        self.records |= {record["case"]: record for record in self._read()}
        cases = [self.records[name] for name in sorted(self.records)]
        path = self.folder / NAME
        write_json(path, {**self.about, "cases": cases})
        return path

    def forget_others(self, cases: Iterable[str]) -> None:
        """Drop the records of cases that are not there any more."""
        for name in set(self.records) - set(cases):
            del self.records[name]
            (self.folder / RECORDS / f"{name}.json").unlink(missing_ok=True)

    def _read(self) -> list[CaseRecord]:
        records = []
        for path in sorted((self.folder / RECORDS).glob("[!.]*.json")):
            try:
                records.append(read_json(path))
            except ReadError as error:
                logger.warning("%s; the case is done again", error)
        return records
