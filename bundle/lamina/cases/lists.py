"""CSV and JSON lists of cases: image, label, and where wanted patient and split.

A CSV file has a header line (comma or semicolon); a JSON file is a list of objects with the same
names. Paths count from the list's folder. An empty label means that there is none.
"""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from lamina.cases.case import Case, unique_names
from lamina.cases.layouts import SPLIT_FOLDERS, read_place
from lamina.errors import DataError, ReadError, reading
from lamina.files import read_csv, split_address
from lamina.readers.dicom_rules import Rules
from lamina.readers.source import Source


def find_list(root: Path) -> Path | None:
    """Return the list of cases in a folder, or None; a list itself may be given as well.

    Raises
    ------
    DataError
        If there are several.
    """
    if root.is_file():
        return root
    with reading(root):
        named = [path for path in root.iterdir() if path.suffix.lower() in (".csv", ".json")]
    files = sorted(path for path in named if os.path.isfile(path))
    lists = [path for path in files if _is_list(path)]
    if len(lists) > 1:
        names = ", ".join(path.name for path in lists)
        raise DataError(f"{root}: {len(lists)} lists of cases: {names}", "keep one, or name it")
    return lists[0] if lists else None


def read_list(path: Path, rules: Rules | None = None) -> tuple[list[Case], list[str]]:
    """Return the cases of a list, and one sentence for each line that can't be used.

    Raises
    ------
    DataError
        If the file is not a list with image and label, or a split has an unknown name.
    """
    rows = _read_rows(path)
    count = Counter(row["image"] for row in rows)
    keys = {image: _key(image) for image in count}
    shared = Counter(keys.values())
    texts = [image if shared[key] > 1 else key for image, key in keys.items()]
    names = dict(zip(keys, unique_names(texts), strict=True))
    cases, problems = [], _without_patient(path, rows)
    for row in rows:
        image = row["image"]
        missing = [file for file in (image, row.get("label", "")) if file and _missing(path, file)]
        if missing:
            problems.append(f"{path}: {', '.join(missing)} is missing\n  → correct the line")
        elif count[image] > 1:
            problems.append(f"{path}: {image} stands {count[image]} times\n  → keep one line")
        else:
            cases.append(_case(path, row, names[image], rules))
    return cases, list(dict.fromkeys(problems))


def _without_patient(path: Path, rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Name the lines that lack the patient which others have: one of them may be the same."""
    if not any("patient" in row for row in rows):
        return []
    return [
        f"{path}: {row['image']} has no patient, so it counts as a patient of its own\n"
        "  → complete the line"
        for row in rows
        if "label" in row and "patient" not in row
    ]


def _is_list(path: Path) -> bool:
    try:
        _read_rows(path)
    except DataError:
        return False
    return True


def _read_rows(path: Path) -> list[dict[str, str]]:
    """Return the lines of a list as {column: text}, absent and null values left out."""
    try:
        with reading(path, "not a list of cases"):
            is_json = path.suffix.lower() == ".json"
            rows = json.loads(path.read_text(encoding="utf-8-sig")) if is_json else read_csv(path)
    except ReadError as error:
        raise DataError(str(error)) from error
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and row.get("image") and "label" in row for row in rows
    ):
        raise DataError(
            f"{path}: expected an image and a label in each line",
            "the columns are image, label, patient (optional) and split (optional)",
        )
    return [{key: str(value) for key, value in row.items() if key and value} for row in rows]


def _key(image: str) -> str:
    path = Path(image)
    return read_place(image, Path(path.anchor)).key


def _missing(path: Path, file: str) -> bool:
    return not os.path.exists(split_address(path.parent / file)[0])


def _case(path: Path, row: dict[str, str], name: str, rules: Rules | None) -> Case:
    split = row.get("split", "")
    if split and split.lower() not in SPLIT_FOLDERS:
        raise DataError(
            f"{path}: split {split!r}, expected one of {', '.join(SPLIT_FOLDERS)}",
            "correct the column split",
        )
    label = str(path.parent / row["label"]) if "label" in row else None
    image = Source(path.parent / row["image"], rules=rules)
    return Case(name, image, label, row.get("patient", name), SPLIT_FOLDERS.get(split.lower()))
