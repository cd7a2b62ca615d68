"""Headers of NRRD and MetaImage files with an axis of time, and the same without that axis.

In NRRD it is the axis whose kind is ``time`` or, beside three axes of space, ``list`` or unknown;
where no kind says more, the one without a direction in space, else the last. In MetaImage it is
the last of four. An axis of vectors or colours is never time, nor are the layers of 3D Slicer's
``.seg.nrrd``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lamina.errors import GeometryError, ReadError
from lamina.readers.itk.headers import ItkHeader, read_itk_header, require_sound

_TOKEN = re.compile(r'"[^"]*"|\([^)]*\)|\S+')
_NRRD_LINE = re.compile(r"([^:=#]+):(?!=) *(.*)")
_META_LINE = re.compile(r"\s*(\w+)\s*[=:]\s*(.*?)\s*")
_PER_AXIS = (
    *("sizes", "spacings", "thicknesses", "axis mins", "axis maxs", "axismins", "axismaxs"),
    *("centers", "centerings", "labels", "units", "kinds", "space directions"),
)
_WRITTEN_ANEW = (
    *("dimension", "encoding", "data file", "datafile", "byte skip", "byteskip"),
    *("line skip", "lineskip", "space", "space dimension", "space origin"),
)
_SPACE, _UNKNOWN = ("domain", "space"), ("list", "none", "???")
_ENCODINGS = {"raw": "raw", "gzip": "gzip", "gz": "gzip"}
_META_PER_AXIS = frozenset(
    ["dimsize", "elementspacing", "elementsize", "offset", "position", "origin", "centerofrotation"]
)
_META_MATRIX = ("transformmatrix", "rotation", "orientation")
_META_ANEW = frozenset(
    [
        "objecttype",
        "ndims",
        "binarydata",
        "compresseddata",
        "compresseddatasize",
        "headersize",
        "anatomicalorientation",
        "elementdatafile",
    ]
)
# Parts of the names that both formats give to types, the telling ones first.
_TYPES = {"8": 1, "16": 2, "32": 4, "64": 8, "char": 1, "short": 2, "double": 8, "long long": 8}
_TYPES |= {"longlong": 8, "long_long": 8, "int": 4, "float": 4}


@dataclass(frozen=True)
class TimeHeader:
    """How a file with time points is laid out, and the header of one of them.

    ``text`` is that header, to be followed by raw voxels. ``sizes`` are those of all axes, the
    fastest first, and ``axis`` is that of time. ``skip`` are the bytes before the data, -1 where
    these lie at the end of the file. ``item`` are the bytes of a voxel. ``known`` says whether the
    header itself calls the axis time.
    """

    path: Path
    data: Path
    text: str
    sizes: tuple[int, ...]
    axis: int
    item: int
    encoding: str
    skip: int
    known: bool

    @property
    def count(self) -> int:
        """How many time points there are."""
        return self.sizes[self.axis]


def read_time_header(path: Path) -> TimeHeader | None:
    """Return the header of a file that has an axis of time, None for any other.

    Raises
    ------
    ReadError
        If its time points can't be told apart in the file.
    GeometryError
        If they do not lie at one place.
    """
    if path.name.lower().endswith(".seg.nrrd"):
        return None
    header = read_itk_header(path)
    try:
        found = _nrrd(header) if header.text.startswith(b"NRRD") else _meta(header)
    except (ValueError, IndexError, KeyError) as error:
        raise ReadError(
            f"{path}: its header can't be understood ({error!r})", "export it again"
        ) from error
    if found is not None:
        require_sound(header)
    return found


def _nrrd(header: ItkHeader) -> TimeHeader | None:
    path, data = header.path, header.data_file
    magic, *lines = header.text.decode("utf-8", "replace").splitlines()
    matches = [_NRRD_LINE.fullmatch(line) for line in lines]
    fields = {match[1].strip().lower(): match[2].strip() for match in matches if match}
    count = int(fields.get("dimension", 0))
    found = _time_axis(fields, count)
    if found is None:
        return None
    axis, known = found
    sizes = tuple(map(int, fields["sizes"].split()))
    if int(fields.get("line skip", fields.get("lineskip", 0))):
        raise ReadError(f"{path}: lines before its data", "write it again without them")
    skip = int(fields.get("byte skip", fields.get("byteskip", 0)))
    # The empty line that ends the header is not part of its text.
    start = 0 if data else len(header.text) + (4 if b"\r\n" in header.text else 2)
    texts = [magic, f"dimension: {count - 1}", *_nrrd_space(fields, count)]
    for line, match in zip(lines, matches, strict=True):
        name = match[1].strip().lower() if match else ""
        if name in _PER_AXIS and match:
            values = _TOKEN.findall(match[2])
            if name == "space directions":
                values = _without_time(path, values, axis, count)
            else:
                del values[axis]
            texts.append(f"{name}: {' '.join(values)}")
        elif name not in _WRITTEN_ANEW and not line.startswith("#"):
            texts.append(line)
    return TimeHeader(
        path=path,
        data=data or path,
        text="\n".join([*texts, "encoding: raw", "", ""]),
        sizes=_require_sizes(sizes, count),
        axis=axis,
        item=_item(path, fields["type"]),
        encoding=_encoding(path, fields["encoding"]),
        skip=skip if skip < 0 else start + skip,
        known=known,
    )


def _time_axis(fields: dict[str, str], count: int) -> tuple[int, bool] | None:
    """Return which axis of an NRRD file is time, and whether it says so."""
    if count not in (3, 4):
        return None
    kinds = fields.get("kinds", "").lower().split()
    others = [axis for axis, kind in enumerate(kinds) if kind not in _SPACE]
    if len(others) == 1:
        kind = kinds[others[0]]
        known = kind == "time"
        return (others[0], known) if known or (count == 4 and kind in _UNKNOWN) else None
    if count == 3 or any(kinds[axis] not in _UNKNOWN for axis in others):
        return None
    for name, absent in (("space directions", "none"), ("spacings", "nan")):
        values = [value.lower() for value in _TOKEN.findall(fields.get(name, ""))]
        if values.count(absent) == 1:
            return values.index(absent), False
    return count - 1, fields.get("space", "").lower().endswith("-time")


def _nrrd_space(fields: dict[str, str], count: int) -> list[str]:
    """Return the fields that name the space, without time where that is one of its axes."""
    lines = []
    if "space" in fields:
        lines.append(f"space: {re.sub('-time$', '', fields['space'], flags=re.IGNORECASE)}")
    if "space dimension" in fields:
        lines.append(f"space dimension: {min(int(fields['space dimension']), count - 1)}")
    if "space origin" in fields:
        numbers = _vector(fields["space origin"])[: count - 1]
        lines.append(f"space origin: ({','.join(numbers)})")
    return lines


def _without_time(path: Path, values: Sequence[str], axis: int, count: int) -> list[str]:
    """Return the directions of space alone; time must not be one of their components."""
    kept = []
    for value in (value for at, value in enumerate(values) if at != axis):
        numbers = _vector(value)
        if any(float(number) for number in numbers[count - 1 :]):
            raise _moving(path)
        kept.append(f"({','.join(numbers[: count - 1])})")
    return kept


def _vector(text: str) -> list[str]:
    return [number.strip() for number in text.strip("() ").split(",")]


def _meta(header: ItkHeader) -> TimeHeader | None:
    path, data = header.path, header.data_file
    lines = header.text.decode("utf-8", "replace").splitlines()
    fields = {match[1]: match[2] for line in lines if (match := _META_LINE.fullmatch(line))}
    known = {name.lower(): value for name, value in fields.items()}
    if known.get("ndims") != "4" or known.get("elementnumberofchannels", "1") != "1":
        return None
    if known.get("binarydata", "true").lower() not in ("true", "1"):
        raise ReadError(f"{path}: its data are text", "write it again with binary data")
    skip = int(known.get("headersize", 0))
    texts = ["ObjectType = Image", "NDims = 3", "BinaryData = True"]
    for name, value in fields.items():
        if name.lower() in _META_PER_AXIS:
            value = " ".join(value.split()[:3])
        elif name.lower() in _META_MATRIX:
            value = " ".join(_matrix(path, value.split()))
        if name.lower() not in _META_ANEW:
            texts.append(f"{name} = {value}")
    return TimeHeader(
        path=path,
        data=data or path,
        text="\n".join([*texts, "ElementDataFile = LOCAL", ""]),
        sizes=_require_sizes(tuple(map(int, known["dimsize"].split())), 4),
        axis=3,
        item=_item(path, known["elementtype"]),
        encoding="zlib" if known.get("compresseddata", "").lower() in ("true", "1") else "raw",
        skip=skip if skip < 0 else skip + (0 if data else len(header.text) + 1),
        known=False,
    )


def _matrix(path: Path, values: Sequence[str]) -> list[str]:
    """Return the 3×3 matrix of space of a 4×4 one, which must not mix it with time."""
    mixed = [values[at] for at in (3, 7, 11, 12, 13, 14)]
    if len(values) != 16 or any(map(float, mixed)):
        raise _moving(path)
    return [values[4 * row + column] for row in range(3) for column in range(3)]


def _require_sizes(sizes: tuple[int, ...], count: int) -> tuple[int, ...]:
    if len(sizes) != count or min(sizes) < 1:
        raise ValueError(f"sizes {sizes}")
    return sizes


def _moving(path: Path) -> GeometryError:
    return GeometryError(
        f"{path}: the directions of its axes mix space and time, so that its time points do not "
        "lie at one place",
        "save each as a file of its own",
    )


def _item(path: Path, kind: str) -> int:
    size = next((size for word, size in _TYPES.items() if word in kind.lower()), None)
    if size is None:
        raise ReadError(f"{path}: voxels of type {kind}", "write it again as short or float")
    return size


def _encoding(path: Path, name: str) -> str:
    if name.lower() not in _ENCODINGS:
        raise ReadError(
            f"{path}: its data are stored as {name}, expected raw or gzip",
            "write it again with one of these",
        )
    return _ENCODINGS[name.lower()]
