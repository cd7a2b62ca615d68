"""What a folder holds for a prediction: what can be tried, what is broken, what is no image."""

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lamina.cases.case import Case
from lamina.cases.find import find_images, unlabelled_cases
from lamina.cases.outputs import with_earlier_names
from lamina.cases.scan import scan_case
from lamina.errors import ConfigError, DataError, ReadError
from lamina.files import split_address
from lamina.readers.dicom_rules import Rules
from lamina.readers.dicom_series import find_series
from lamina.readers.dicom_slices import UnreadFile
from lamina.readers.formats import SUFFIXES, require_file
from lamina.readers.images import images_in
from lamina.readers.source import Source

_EMPTY, _NO_DICOM = "an empty file", "named as DICOM, but its content is none"
_DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")

logger = logging.getLogger("lamina")


@dataclass(frozen=True)
class Inputs:
    """Every file below a folder is in one of these.

    ``cases`` are images by name or content. ``broken`` are files that should be images and are
    not, ``skipped`` all others; both are (path, reason).
    """

    root: Path
    cases: tuple[Case, ...]
    broken: tuple[tuple[str, str], ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def items(self) -> list[dict[str, str]]:
        """The cases as items of a MONAI data set."""
        return [{"image": case.image, "case": case.name} for case in self.cases]


def find_inputs(
    input_dir: str | Path,
    plane: str | None = None,
    modality: str | None = None,
    series_description: str | None = None,
    rules: Rules | None = None,
    output_dir: str | Path | None = None,
) -> Inputs:
    """Find every image in a folder of any depth, or take the one image or file that is given.

    A file that holds several (time points, pages, volumes of a multi-frame DICOM file) is a case
    for each of them.

    Parameters
    ----------
    input_dir
        The folder, file, or address of one image in a file.
    plane, modality, series_description
        What an image must be (axial, coronal, sagittal, oblique; MR, CT …; text that the
        description contains); others are skipped with that reason.
    rules
        What is done with DICOM series that are not regular.
    output_dir
        Where results go: nothing there is input, and cases that an earlier run named keep their
        names.

    Raises
    ------
    DataError
        If there is nothing of that name, or nothing in it that could be an image.
    ConfigError
        If the output folder is the input folder, whose files results could write over.
    """
    root, part = split_address(input_dir)
    given = Source(root if part is None else f"{root}#{part}", rules=rules)
    output = Path(output_dir) if output_dir else None
    if output and root.is_dir() and os.path.realpath(root) == os.path.realpath(output):
        raise ConfigError(
            f"{root}: input folder and output folder are the same",
            "choose another folder with -o (through MONAI's runner: --output_dir)",
        )
    if not os.path.exists(root):
        raise DataError(f"{root}: no such file or folder", "correct input_dir")
    if root.is_file():
        images, channels = _without_channels(_images_in_file(given))
        return Inputs(root, unlabelled_cases(root, images), tuple(channels))
    if part is not None:
        return Inputs(root, unlabelled_cases(root, [given]))
    found = find_images(root, rules, output)
    others = [(str(path), _why_not(path)) for path in found.others]
    # Reports, plans and the like are no images, and not broken.
    broken = [(str(file.path), file.reason) for file in found.unread if file.broken]
    others += [(str(file.path), file.reason) for file in found.unread if not file.broken]
    broken += [(path, why) for path, why in others if why in (_EMPTY, _NO_DICOM)]
    skipped = [(path, why) for path, why in others if (path, why) not in broken]
    if not found.sources and not broken:
        reasons = "".join(f"\n{path}: {why}" for path, why in skipped[:5])
        raise DataError(f"{root}: no image{reasons}", f"expected DICOM, {', '.join(SUFFIXES)}")
    images, channels = _without_channels(found.sources)
    broken += channels
    cases = unlabelled_cases(root, images)
    cases = with_earlier_names(cases, output) if output else cases
    wanted = {"plane": plane, "modality": modality, "description": series_description}
    cases, unwanted = _choose(cases, {name: text for name, text in wanted.items() if text})
    skipped += unwanted
    logger.info("%s: %d image(s), %d broken file(s)", root, len(cases), len(broken))
    for path, why in skipped[:20]:
        logger.info("left out: %s: %s", path, why)
    return Inputs(root, cases, tuple(broken), tuple(skipped))


def _choose(
    cases: tuple[Case, ...], wanted: dict[str, str]
) -> tuple[tuple[Case, ...], list[tuple[str, str]]]:
    """Return the cases that are as wanted, and (address, reason) of the others."""
    kept, skipped = [], []
    for case in cases:
        scanned = scan_case(case) if wanted else None
        wrong = [
            f"{name} is {getattr(scanned, name) or 'unknown'}, asked for {text}"
            for name, text in wanted.items()
            if text.lower() not in getattr(scanned, name).lower()
        ]
        if wrong:
            skipped.append((case.image, "; ".join(wrong)))
        else:
            kept.append(case)
    return tuple(kept), skipped


def _images_in_file(given: Source) -> list[Source]:
    """Return the one that is named, or all that a file holds."""
    series = find_series([given.path])[0] if given.is_dicom and given == str(given.path) else []
    if len(series) > 1:
        return [Source(one.address, one.slices, given.rules) for one in series]
    return [given]


def _without_channels(
    sources: Iterable[Source],
) -> tuple[list[Source], list[tuple[str, str]]]:
    """Return all images in files, and (path, reason) of files that hold channels, not times.

    Decathlon's NIfTI has its channels where others have time points; ``dataset.json`` tells.
    """
    kept, refused = [], []
    channels: dict[Path, int] = {}
    for source in sources:
        images, folder = images_in(source), source.path.parent
        if len(images) > 1 and folder not in channels:
            channels[folder] = _channels_of(folder)
        if len(images) > 1 and len(images) == channels[folder]:
            reason = f"its {len(images)} volumes are channels by dataset.json, expected one channel"
            refused.append((str(source), reason))
        else:
            kept += images
    return kept, refused


def _channels_of(folder: Path) -> int:
    """Return how many channels the ``dataset.json`` in a folder or in the one above it names."""
    for file in (folder / "dataset.json", folder.parent / "dataset.json"):
        try:
            about = json.loads(file.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError):
            continue  # absent, or of another program
        about = about if isinstance(about, dict) else {}
        named = about.get("modality") or about.get("channel_names")
        return len(named) if isinstance(named, dict) else 1
    return 1


def _why_not(path: Path) -> str:
    try:
        if require_file(path).st_size == 0:
            return _EMPTY
    except ReadError as error:
        return UnreadFile.of(path, error).reason
    if path.suffix.lower() in _DICOM_SUFFIXES:
        return _NO_DICOM
    return "no image format that Lamina reads"
