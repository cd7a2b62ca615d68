"""splits.json: which case a run trained, validated and tested on."""

import json
from dataclasses import asdict
from pathlib import Path

from lamina.cases.case import SPLITS, Case
from lamina.cases.splits import Splits
from lamina.errors import DataError
from lamina.files import written_whole


def write_splits(path: Path, splits: Splits) -> None:
    """Write the cases of each split as JSON; the file is complete or absent."""
    content = {split: [asdict(case) for case in splits[split]] for split in SPLITS}
    with written_whole(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_splits(path: Path) -> Splits:
    """Return what `write_splits` wrote.

    Raises
    ------
    DataError
        If the file is missing or was not written by it.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {split: [Case(**entry) for entry in content[split]] for split in SPLITS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: not the splits of a run ({error})", "train again, or name the run's folder"
        ) from error
