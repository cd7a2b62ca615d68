"""Headers of NRRD and MetaImage, read whole and checked before ITK sees the file.

ITK opens any file that a header names, trusts sizes that no memory holds, and reads past a line's
end where numbers are missing. So a header is refused unless every line of it can be read in one
way only, its data follow it or lie in a file of a plain name beside it, and are as long as its
sizes say. A link beside it is followed, as for any image: a header can't make one.
"""

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lamina.errors import ReadError

_LONGEST_HEADER, _LONGEST_NAME = 1 << 22, 480
_MOST_DEFLATED = 1032
"""No deflated byte stands for more."""
_NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?")
_WHOLE = re.compile(rb"\d{1,9}")
_REMEDY = "copy or export it again"

Fields = Mapping[bytes, bytes]


@dataclass(frozen=True)
class ItkHeader:
    """The lines of a header, and where its data begin: in the same file, or in one beside it."""

    path: Path
    fields: Fields
    text: bytes
    data_name: bytes | None

    @property
    def data_file(self) -> Path | None:
        """The file beside the header that holds the data; None where they follow the header.

        Raises
        ------
        ReadError
            If it lies in another folder, in several files, or is missing.
        """
        if self.data_name is None:
            return None
        name = os.fsdecode(self.data_name)
        if re.search(r"[/\\%\0]|^(SKIP)?LIST|^\.*$", name, re.IGNORECASE):
            raise ReadError(
                f"{self.path}: its data is said to lie in {name!r}, expected one file beside it",
                "put the data file beside the header and name it there without a folder",
            )
        if not (self.path.parent / name).is_file():
            raise ReadError(
                f"{self.path}: its data file {name!r} is missing", "copy it beside the header"
            )
        return self.path.parent / name


def read_itk_header(path: Path) -> ItkHeader:
    """Return the header of a file, NRRD or MetaImage by its suffix.

    Raises
    ------
    ReadError
        If it is none, or a line of it can be read in several ways.
    """
    nrrd = path.suffix.lower() in (".nrrd", ".nhdr")
    with path.open("rb") as file:
        start = file.read(_LONGEST_HEADER)
    end = re.search(rb"\n\r?\n" if nrrd else rb"(?:^|\n)[ \t]*ElementDataFile[^\n]*", start)
    if end is None or start.startswith(b"NRRD") != nrrd:
        kind = "NRRD" if nrrd else "MetaImage"
        raise ReadError(f"{path}: ITK can't read it (no whole header of {kind})", _REMEDY)
    # The line that names MetaImage's data ends its header.
    text = start[: end.start() if nrrd else end.end()]
    lines = [line.removesuffix(b"\r") for line in text.split(b"\n")]
    fields: dict[bytes, bytes] = {}
    for name, value in _nrrd_fields(path, lines) if nrrd else _meta_fields(path, lines):
        if name in fields:
            raise _unclear(path, name, "stands twice")
        fields[name] = value
    if nrrd:
        data_name = fields.get(b"datafile")
    else:
        name = fields.get(b"ElementDataFile", b"")
        data_name = None if name in (b"LOCAL", b"Local", b"local") else name
    return ItkHeader(path, fields, text, data_name)


# Where MetaIO compares as many characters as its own names have, so that more may follow.
_META = re.compile(
    rb"(ElementDataFile|NDims|DimSize|ElementType|ElementNumberOfChannels|HeaderSizePerSlice"
    rb"|HeaderSize|CompressedDataSize|CompressedData|BinaryDataByteOrderMSB|BinaryData"
    rb"|ElementSpacing|ElementSize|Offset|Position|Origin|TransformMatrix|Orientation|Rotation"
    rb"|CenterOfRotation|ElementMin|ElementMax)(.*)",
    re.DOTALL,
)
_NUMBERS = {
    **dict.fromkeys([b"TransformMatrix", b"Orientation", b"Rotation"], 2),
    **dict.fromkeys([b"ElementSpacing", b"ElementSize", b"Offset", b"Position", b"Origin",
                     b"CenterOfRotation"], 1),
    **dict.fromkeys([b"ElementMin", b"ElementMax"], 0),
}  # fmt: skip
"""Fields of numbers, and to which power of the axes' count there are any."""


def _meta_fields(path: Path, lines: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for line in lines:
        _require_plain(path, line)
        stripped = line.strip()
        name, equals, value = stripped.partition(b"=")
        known = _META.match(stripped)
        if known and (name.strip() != known[1] or not equals):
            raise _unclear(path, stripped, f"expected '{known[1].decode()} = …'")
        if not name.isascii() or len(name) > _LONGEST_NAME:
            raise _unclear(path, stripped, f"expected a name in ASCII of {_LONGEST_NAME} at most")
        if known:
            yield known[1], value.strip()


_NRRD = {
    b"content", b"number", b"type", b"blocksize", b"dimension", b"space", b"spacedimension",
    b"sizes", b"spacings", b"thicknesses", b"axismins", b"axismaxs", b"spacedirections",
    b"centers", b"centerings", b"kinds", b"labels", b"units", b"min", b"max", b"oldmin", b"oldmax",
    b"endian", b"encoding", b"lineskip", b"byteskip", b"sampleunits", b"spaceunits",
    b"spaceorigin", b"measurementframe", b"datafile",
}  # fmt: skip


def _nrrd_fields(path: Path, lines: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    if not re.fullmatch(rb"NRRD000\d", lines[0]):
        raise _unclear(path, lines[0], "expected NRRD0001 to NRRD0006")
    for line in lines[1:]:
        _require_plain(path, line)
        name, colon, value = line.partition(b": ")
        field = re.sub(rb"[ _\t-]", b"", name).lower()
        if line.startswith(b"#") or (b":=" in line and field not in _NRRD):
            if re.match(rb"\s*data[ _-]?file", line, re.IGNORECASE):
                raise _unclear(path, line, "expected 'data file: …'")
            continue
        if not colon or field not in _NRRD:
            raise _unclear(path, line, "expected 'field: …' or 'key:=…'")
        yield field, value.strip()


def _require_plain(path: Path, line: bytes) -> None:
    if re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line):
        raise _unclear(path, line, "characters that are no text")


def _unclear(path: Path, line: bytes, why: str) -> ReadError:
    shown = repr(line[:60])[1:]
    return ReadError(f"{path}: ITK can't read it ({shown} in its header: {why})", _REMEDY)


_BYTES = {
    b"CHAR": 1,
    b"SHORT": 2,
    b"INT": 4,
    b"LONG": 4,
    b"LONG_LONG": 8,
    b"FLOAT": 4,
    b"DOUBLE": 8,
}
_NRRD_BYTES = {
    **dict.fromkeys([b"signed char", b"int8", b"int8_t", b"uchar", b"unsigned char", b"uint8",
                     b"uint8_t"], 1),
    **dict.fromkeys([b"short", b"short int", b"signed short", b"signed short int", b"int16",
                     b"int16_t", b"ushort", b"unsigned short", b"unsigned short int", b"uint16",
                     b"uint16_t"], 2),
    **dict.fromkeys([b"int", b"signed int", b"int32", b"int32_t", b"uint", b"unsigned int",
                     b"uint32", b"uint32_t", b"float"], 4),
    **dict.fromkeys([b"longlong", b"long long", b"long long int", b"signed long long",
                     b"signed long long int", b"int64", b"int64_t", b"ulonglong",
                     b"unsigned long long", b"unsigned long long int", b"uint64", b"uint64_t",
                     b"double"], 8),
}  # fmt: skip


def require_sound(header: ItkHeader) -> tuple[int, ...]:
    """Return the sizes that a header names, all axes, after a look at everything that ITK trusts.

    Raises
    ------
    ReadError
        If numbers are missing, out of range or of no type, or the data are shorter than they say.
    """
    sizes, needed = _sizes_and_bytes(header)
    begin = 0 if header.data_file else len(header.text)
    found = (header.data_file or header.path).stat().st_size - begin
    if found < needed:
        raise ReadError(
            f"{header.path}: ITK can't read it ({found} bytes of data, at least {needed} expected)",
            _REMEDY,
        )
    return sizes


def header_sizes(header: ItkHeader) -> tuple[int, ...]:
    """Return the sizes of all axes, whatever the length of the data; raises as `require_sound`."""
    return _sizes_and_bytes(header)[0]


def _sizes_and_bytes(header: ItkHeader) -> tuple[tuple[int, ...], int]:
    return _nrrd_size(header) if _is_nrrd(header) else _meta_size(header)


def _is_nrrd(header: ItkHeader) -> bool:
    return header.text.startswith(b"NRRD")


def _meta_size(header: ItkHeader) -> tuple[tuple[int, ...], int]:
    """Return the sizes, and how many bytes of data there are at least."""
    by_axes = [name for name in header.fields if name in (b"NDims", b"DimSize", *_NUMBERS)]
    if by_axes[:1] != [b"NDims"]:
        raise _unclear(header.path, b"NDims", "expected before what has a number for each axis")
    axes = _whole(header, b"NDims", 1, 10)
    sizes = _wholes(header, b"DimSize", axes)
    for name, power in _NUMBERS.items():
        _require_numbers(header, name, axes**power)
    channels = _whole(header, b"ElementNumberOfChannels", 1, 10**6, b"1")
    kind = header.fields.get(b"ElementType", b"")
    per_voxel = _BYTES.get(kind.removeprefix(b"MET_").removeprefix(b"U"))
    if per_voxel is None or not kind.startswith(b"MET_"):
        raise _unclear(header.path, b"ElementType = " + kind, "expected a type of one number")
    if _whole(header, b"HeaderSizePerSlice", 0, 10**9, b"0"):
        raise _unclear(header.path, b"HeaderSizePerSlice", "expected data in one piece")
    needed = (
        math.prod(sizes) * channels * (per_voxel if is_true(header, b"BinaryData", True) else 1)
    )
    if is_true(header, b"CompressedData", False):
        most = _whole(header, b"CompressedDataSize", 0, 10**12, b"0")
        return sizes, max(needed // _MOST_DEFLATED, most)
    skipped = header.fields.get(b"HeaderSize", b"0")
    return sizes, needed + (
        0 if skipped == b"-1" else _whole(header, b"HeaderSize", 0, 10**9, b"0")
    )


def is_true(header: ItkHeader, name: bytes, default: bool) -> bool:
    """Return a field that says yes or no.

    >>> is_true(ItkHeader(Path("a.mha"), {}, b"", None), b"CompressedData", False)
    False
    """
    value = header.fields.get(name)
    if value is None:
        return default
    if value.lower() not in (b"true", b"false", b"1", b"0", b"t", b"f", b"y", b"n", b"yes", b"no"):
        raise _unclear(header.path, name + b" = " + value, "expected True or False")
    return value[:1] in b"tT1yY"


def _nrrd_size(header: ItkHeader) -> tuple[tuple[int, ...], int]:
    """Return the sizes, and how many bytes of data there are at least."""
    axes = _whole(header, b"dimension", 1, 16)
    sizes = _wholes(header, b"sizes", axes)
    if list(header.fields).index(b"sizes") < list(header.fields).index(b"dimension"):
        raise _unclear(header.path, b"sizes", "expected behind dimension")
    kind = header.fields.get(b"type", b"").lower()
    if kind not in _NRRD_BYTES:
        raise _unclear(header.path, b"type: " + kind, "expected a type of one number")
    skipped = header.fields.get(b"byteskip", b"0")
    skip = 0 if skipped == b"-1" else _whole(header, b"byteskip", 0, 10**9, b"0")
    _whole(header, b"lineskip", 0, 10**6, b"0")
    encoding = header.fields.get(b"encoding", b"").lower()
    if encoding == b"raw":
        return sizes, math.prod(sizes) * _NRRD_BYTES[kind] + skip
    if encoding in (b"gz", b"gzip"):
        return sizes, (math.prod(sizes) * _NRRD_BYTES[kind] + skip) // _MOST_DEFLATED
    if encoding in (b"txt", b"text", b"ascii", b"hex"):
        return sizes, math.prod(sizes)
    raise _unclear(header.path, b"encoding: " + encoding, "expected raw, gzip, hex or text")


def _whole(header: ItkHeader, name: bytes, least: int, most: int, default: bytes = b"") -> int:
    value = header.fields.get(name, default)
    if not re.fullmatch(rb"\d{1,12}", value) or not least <= int(value) <= most:
        shown = name + b" " + value
        raise _unclear(header.path, shown, f"expected a whole number from {least} to {most}")
    return int(value)


def _wholes(header: ItkHeader, name: bytes, count: int) -> tuple[int, ...]:
    values = header.fields.get(name, b"").split()
    if len(values) != count or not all(_WHOLE.fullmatch(one) and int(one) for one in values):
        shown = name + b" " + header.fields.get(name, b"")
        raise _unclear(header.path, shown, f"expected {count} whole numbers from 1")
    return tuple(map(int, values))


def _require_numbers(header: ItkHeader, name: bytes, count: int) -> None:
    values = header.fields.get(name)
    if values is None:
        return
    if len(values.split()) != count or not all(map(_NUMBER.fullmatch, values.split())):
        raise _unclear(header.path, name + b" = " + values, f"expected {count} numbers")
