"""What Lamina itself wrote into a folder of images, which is never taken for input."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lamina.cases.case import Case
from lamina.errors import ReadError
from lamina.files import read_json
from lamina.readers.source import Source

RECORDS = ".cases"
"""Where a prediction keeps a record of each case, in its output folder."""

_OF_A_RUN = {"run.json", "splits.json"}


def is_output(below: Sequence[str], names: Sequence[str]) -> bool:
    """Say whether a folder with these folders and files is that of a prediction or a run.

    >>> is_output([".cases"], ["a.nii.gz"]), is_output(["images"], ["dataset.json"])
    (True, False)
    """
    return RECORDS in below or set(names) >= _OF_A_RUN


def with_earlier_names(cases: Sequence[Case], output_dir: Path) -> tuple[Case, ...]:
    """Name each case as an earlier prediction into the folder named it.

    Names hang on what else is there (``a.png`` is ``a`` until ``a.nii.gz`` comes): a new file
    would rename others, whose results would be made again under other names.

    Parameters
    ----------
    cases
        With the names that they would have by themselves.
    output_dir
        Where the prediction writes.
    """
    earlier = _earlier_names(output_dir)
    own = {case.name for case in cases}
    given: list[Case] = []
    for case in cases:
        name = earlier.get(_files(case), case.name) if earlier else case.name
        free = name == case.name or name not in own
        given.append(replace(case, name=name, patient=name) if free else case)
    return tuple(given)


def _earlier_names(output_dir: Path) -> dict[tuple[str, ...], str]:
    found = {}
    for path in sorted((output_dir / RECORDS).glob("[!.]*.json")):
        try:
            record = read_json(path)
            found[tuple(record["input"]["files"])] = str(record["case"])
        except (ReadError, KeyError, TypeError):  # of a case that failed, or broken: done anew
            continue
    return found


def _files(case: Case) -> tuple[str, ...]:
    try:
        return tuple(map(str, Source.of(case.image).files))
    except ReadError:
        return ()
