"""The cases of a data set's folder, and every image below a folder.

Names that begin with a dot are left alone: they are what operating systems put beside files. So
are folders called ``overlays``, where Lamina writes what people look at, and the folders of
predictions and runs.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lamina.cases.case import Case, DataSet, safe_name, unique_names
from lamina.cases.dataset_json import file_problems
from lamina.cases.layouts import UNDERSTOOD, describe_layout, give_roles, read_place
from lamina.cases.lists import find_list, read_list
from lamina.cases.outputs import is_output
from lamina.cases.pairing import pair
from lamina.cases.patients import FILE_NAME, patients_by_file, patients_by_pattern
from lamina.errors import DataError, ReadError, not_read
from lamina.readers.dicom_file import is_dicom
from lamina.readers.dicom_rules import Rules
from lamina.readers.dicom_series import find_series
from lamina.readers.dicom_slices import UnreadFile
from lamina.readers.formats import format_of, require_file, stem_of
from lamina.readers.source import Source


def find_cases(
    dataset_dir: str | Path,
    *,
    patient_pattern: str | None = None,
    rules: Rules | None = None,
) -> DataSet:
    """Find the images of a data set and pair them with their labels.

    Parameters
    ----------
    dataset_dir
        A folder in one of the layouts of `lamina.cases.layouts`, or with a CSV or JSON list, or
        the list itself.
    patient_pattern
        A regular expression whose first group is the patient in a case's name. Without it,
        ``patients.csv`` in the folder counts, else each case is a patient of its own.
    rules
        What is done with DICOM series that are not regular.

    Raises
    ------
    DataError
        If there is no image, or the folder can't be understood.
    """
    root = Path(dataset_dir)
    if not root.exists():
        raise DataError(f"{root}: no such folder", "correct dataset_dir")
    table = find_list(root)
    found = _from_list(root, table, rules) if table else _from_folders(root, rules)
    if not found.cases:
        reasons = "".join(f"\n{problem}" for problem in found.problems[:5])
        raise DataError(f"{root}: no image of a data set{reasons}", UNDERSTOOD)
    return _with_patients(found, patient_pattern)


def unlabelled_cases(root: Path, addresses: Sequence[str]) -> tuple[Case, ...]:
    """Return a case without a label for each address, named after its place below the root.

    >>> [case.name for case in unlabelled_cases(Path("/a"), ["/a/b.nii#t:1", "/a/b.nii#t:2"])]
    ['b_t_1', 'b_t_2']
    """
    if root.is_file():
        return tuple(_unlabelled(safe_name(stem_of(address)), address) for address in addresses)
    names = unique_names(_texts(addresses, root))
    return tuple(map(_unlabelled, names, addresses))


def _from_list(root: Path, table: Path, rules: Rules | None) -> DataSet:
    cases, problems = read_list(table, rules)
    return DataSet(root, f"list {table.name}", tuple(cases), tuple(problems))


def _from_folders(root: Path, rules: Rules | None) -> DataSet:
    found = find_images(root, rules)
    places = give_roles([read_place(source, root) for source in found.sources])
    cases, problems = pair(places)
    unread = [file.text for file in found.unread]
    declared = file_problems(root, found.sources, sum(one.label is not None for one in cases))
    return DataSet(root, describe_layout(places), tuple(cases), (*unread, *problems, *declared))


def _with_patients(found: DataSet, pattern: str | None) -> DataSet:
    table = found.root / FILE_NAME
    if pattern is not None:
        return replace(found, cases=tuple(patients_by_pattern(found.cases, pattern)))
    if table.is_file():
        cases, problems = patients_by_file(found.cases, table)
        return replace(found, cases=tuple(cases), problems=(*found.problems, *problems))
    return found


def _unlabelled(name: str, address: str) -> Case:
    return Case(name, address, None, name)


def _texts(addresses: Sequence[str], root: Path) -> list[str]:
    """Return for each address its path below the root, without suffix where that is enough."""
    paths = [root.name + address.removeprefix(str(root)) for address in addresses]
    paths = [path.removeprefix(f"{root.name}/") for path in paths]
    short = [path.removesuffix(Path(path).name) + stem_of(path) for path in paths]
    count = Counter(short)
    return [stem if count[stem] == 1 else path for stem, path in zip(short, paths, strict=True)]


_METAIMAGE_DATA = (".raw", ".zraw")
_FOR_EYES = "overlays"


@dataclass(frozen=True)
class FoundImages:
    """Images in order, DICOM files that are none or can't be read, and all other files."""

    sources: tuple[Source, ...]
    unread: tuple[UnreadFile, ...]
    others: tuple[Path, ...]


def find_images(
    root: Path, rules: Rules | None = None, output_dir: Path | None = None
) -> FoundImages:
    """List the images below a folder: files by suffix, DICOM series by content.

    They come folder by folder, files before series. Folders that Lamina wrote are left out, and
    so is ``output_dir``, where it is going to write.
    """
    named: list[Path] = []
    dicom: list[Path] = []
    others: list[Path] = []
    unread: list[UnreadFile] = []
    folders: dict[Path, int] = {}
    for files in _files_by_folder(root, unread, output_dir):
        for path in files:
            folders.setdefault(path.parent, len(folders))
            try:
                if _is_named(path):
                    named.append(path)
                elif os.path.isfile(path) and is_dicom(path):
                    dicom.append(path)
                elif not _is_data_of_header(path):
                    others.append(path)
            except ReadError as error:
                unread.append(UnreadFile.of(path, error))
    series, unread_dicom = find_series(dicom)
    found = [(path.parent, Source(path, rules=rules)) for path in named]
    found += [(one.slices[0].path.parent, Source(one.address, one.slices, rules)) for one in series]
    found.sort(key=lambda entry: folders[entry[0]])
    sources = tuple(source for _, source in found)
    return FoundImages(sources, (*unread, *unread_dicom), tuple(others))


def _is_named(path: Path) -> bool:
    """Say whether a file is an image by its name; raise ``ReadError`` where it is no file."""
    if not format_of(path):
        return False
    require_file(path)
    return True


def _files_by_folder(
    root: Path, unread: list[UnreadFile], output_dir: Path | None
) -> Iterator[list[Path]]:
    """Yield the files of each folder; a folder that links lead to twice comes once.

    Folders that can't be looked into become unread files.
    """

    def note(error: OSError) -> None:
        path = Path(error.filename)
        unread.append(UnreadFile.of(path, not_read(path, error, "")))

    seen = {os.path.realpath(output_dir)} if output_dir else set()
    for folder, below, names in os.walk(root, onerror=note, followlinks=True):
        real = os.path.realpath(folder)
        if Path(folder) != root and is_output(below, names):
            seen.add(real)
        below[:] = [] if real in seen else sorted(filter(_holds_data, below))
        if real not in seen:
            yield [Path(folder, name) for name in sorted(names) if name[0] != "."]
        seen.add(real)


def _holds_data(folder: str) -> bool:
    return folder[0] != "." and folder != _FOR_EYES


def _is_data_of_header(path: Path) -> bool:
    header = path.with_suffix(".mhd")
    return path.suffix.lower() in _METAIMAGE_DATA and os.path.isfile(header)
