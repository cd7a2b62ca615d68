"""Where an image comes from: its address, and for DICOM its slices and the rules they are read by."""

from functools import cached_property
from pathlib import Path
from typing import Any, Self, cast

from lamina.errors import ReadError
from lamina.files import split_address
from lamina.readers.dicom_file import is_dicom
from lamina.readers.dicom_geometry import order_slices
from lamina.readers.dicom_rules import Rules, SeriesPlan, SeriesRules, plan_series
from lamina.readers.dicom_series import find_series
from lamina.readers.dicom_slices import Slice
from lamina.readers.formats import SUFFIXES, Format, format_of, require_file
from lamina.readers.itk.volumes import data_file
from lamina.readers.parts import PART, Part


class Source(str):
    """The address of an image, which carries what was found there.

    It is a string (a file, a folder with one DICOM series, folder#SeriesInstanceUID, or one of
    several images in a file: file#frames:2, file#t:2, file#page:2), so that MONAI, JSON and tables take it as what they know. Made once, when a
    folder is read, it goes with its case through reading, grid, DICOM SEG and manifest: all of
    them use the same slices, and the same rules where a series is not regular. Made from text
    alone, it looks for its slices when they are first asked for.

    Parameters
    ----------
    address
        Its text.
    slices
        Of a DICOM series, where they are known already.
    rules
        What is done with a series that is not regular.
    image
        Of a label, the image that it belongs to: a DICOM SEG lies on the grid of that series.

    Examples
    --------
    >>> source = Source("/nowhere/scan.nii.gz")
    >>> source == "/nowhere/scan.nii.gz", source.kind, source.is_dicom
    (True, 'nifti', False)
    """

    rules: SeriesRules
    image: Self | None

    def __new__(
        cls,
        address: str | Path,
        slices: tuple[Slice, ...] | None = None,
        rules: Rules | None = None,
        image: Self | None = None,
    ) -> Self:
        """Make one; nothing is read."""
        source = super().__new__(cls, address)
        source.rules, source.image = SeriesRules.of(rules), image
        if slices is not None:
            source.__dict__["slices"] = slices
        return source

    @classmethod
    def of(cls, address: Any, rules: Rules | None = None) -> Self:
        """Return what is a source already as it is, else one made from text."""
        return address if isinstance(address, cls) else cls(address, rules=rules)

    @cached_property
    def path(self) -> Path:
        """Its file or folder."""
        return split_address(self)[0]

    @cached_property
    def part(self) -> tuple[Part, int] | None:
        """Which time point or page of its file it is, from 1; None for the whole file."""
        match = PART.fullmatch(split_address(self)[1] or "")
        return (cast(Part, match[1]), int(match[2])) if match else None

    def number(self, part: Part) -> int | None:
        """Return its number among the time points or pages of its file, None for all of them.

        Raises
        ------
        ReadError
            If the address names a part of another kind.
        """
        if self.part is not None and self.part[0] != part:
            raise ReadError(
                f"{self}: the file has no parts of that kind", f"write {self.path}#{part}:N"
            )
        return self.part[1] if self.part else None

    @cached_property
    def kind(self) -> Format | None:
        """What the file's suffix stands for; None for DICOM, which has no say in its name."""
        return format_of(self.path) if self.part or self == str(self.path) else None

    @property
    def is_dicom(self) -> bool:
        """Whether it is a DICOM series or a file of it."""
        if self.kind is not None:
            return False
        return self.path.is_dir() or (self.path.is_file() and is_dicom(self.path))

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        """The slices of a DICOM series, in no order; raises ``ReadError`` where there is none."""
        return _find_slices(self)

    @cached_property
    def plan(self) -> SeriesPlan:
        """Which slices make the volume, and where each lies in it.

        Raises
        ------
        GeometryError
            If they do not make one grid, and the rules forbid what would be needed.
        """
        return plan_series(order_slices(self.slices), self.rules)

    @property
    def files(self) -> list[Path]:
        """All files that the image consists of, by name."""
        if self.is_dicom:
            return sorted({one.path for one in self.slices})
        data = data_file(self.path) if self.kind == "itk" and self.path.is_file() else None
        return [self.path, data] if data else [self.path]

    def require(self) -> None:
        """Refuse what is missing, empty, or no image by name and content.

        Raises
        ------
        ReadError
            With the reason.
        """
        if self.path.is_dir():
            return
        if require_file(self.path, self).st_size == 0:
            raise ReadError(f"{self}: an empty file", "copy or export it again")
        if self.kind is None and not is_dicom(self.path):
            raise ReadError(
                f"{self}: neither DICOM nor one of {', '.join(sorted(SUFFIXES))}",
                "convert it to one of these",
            )


def _find_slices(source: Source) -> tuple[Slice, ...]:
    path, part = split_address(source)
    below = path.glob("*" if part is None else "**/*")
    files = [path] if path.is_file() else [file for file in below if file.is_file()]
    series, problems = find_series(file for file in files if is_dicom(file))
    if part is not None:
        named = [one for one in series if one.address == source]
        series = named or [one for one in series if one.slices[0].uid == part]
    if len(series) == 1:
        return series[0].slices
    if not series:
        reason = problems[0].text if problems else "no DICOM file"
        raise ReadError(f"{path}: no DICOM series of images{f' {part}' if part else ''} ({reason})")
    addresses = ", ".join(one.address for one in series[:4])
    raise ReadError(
        f"{path}: {len(series)} DICOM series or images in one folder, expected one",
        f"name one of them: {addresses}",
    )
