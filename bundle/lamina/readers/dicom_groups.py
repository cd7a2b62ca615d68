"""The functional groups of a multi-frame file, without what says nothing of a frame's place.

A frame has a hundred elements, of which a scan needs a dozen: pydicom makes objects of all of them,
which takes ten times as long. What is written in an unusual way is left to pydicom.
"""

from collections.abc import Mapping
from struct import Struct, unpack
from typing import Any, BinaryIO

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from lamina.readers.dicom_frames import PER_FRAME, SHARED, WANTED, Wanted

Group = dict[str, Any]
GROUP_TAGS = {tag_for_keyword(SHARED): SHARED, tag_for_keyword(PER_FRAME): PER_FRAME}

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_LONG = {vr.encode() for vr in EXPLICIT_VR_LENGTH_32}
_NUMBERS = {"FD": "d", "FL": "f", "UL": "I", "SL": "i", "US": "H", "SS": "h"}
_FIRST_READ = 1 << 20


class UnusualError(ValueError):
    """Groups that only pydicom understands."""


def read_groups(file: BinaryIO, implicit: bool, little: bool) -> dict[str, list[Group]]:
    """Return the shared and the own groups of frames that stand next in a file.

    Parameters
    ----------
    file
        Open at the first of them, or at what follows.
    implicit, little
        The encoding: whether types are left out, and which byte comes first.

    Raises
    ------
    UnusualError
        If they are not encoded as PS3.5, 7.5 has it, or not complete.
    """
    data = b""
    while True:
        more = file.read(max(_FIRST_READ, len(data)))
        data += more
        parser = _Parser(data, implicit, little)
        try:
            return parser.groups()
        except IndexError as error:
            if not more:
                raise UnusualError("the groups end too early") from error


def _by_tag(wanted: Wanted) -> dict[int, Any]:
    tags = {}
    for name, taken in wanted.items():
        tag = tag_for_keyword(name)
        assert tag is not None
        tags[tag] = (taken, dictionary_VR(tag)) if isinstance(taken, str) else _by_tag(taken)
    return tags


_WANTED = _by_tag(WANTED)


class _Parser:
    """Walks through encoded elements; ``IndexError`` means that the data ends before them."""

    def __init__(self, data: bytes, implicit: bool, little: bool) -> None:
        self.data, self.at, self.implicit = data, 0, implicit
        self.order = "<" if little else ">"
        self.plain = Struct(self.order + "HHI").unpack_from
        self.typed = Struct(self.order + "HH2sH").unpack_from
        self.length = Struct(self.order + "I").unpack_from

    def groups(self) -> dict[str, list[Group]]:
        found: dict[str, list[Group]] = {SHARED: [], PER_FRAME: []}
        while True:
            tag, kind, length = self.element()
            if tag not in GROUP_TAGS:
                return found
            found[GROUP_TAGS[tag]] = self.sequence(kind, length, _WANTED)

    def element(self) -> tuple[int, bytes, int]:
        """Return tag, type (empty where there is none) and length of the next element."""
        if self.at + 12 > len(self.data):
            raise IndexError
        group, number, length = self.plain(self.data, self.at)
        kind = b""
        if not self.implicit and group != 0xFFFE:
            kind, length = self.typed(self.data, self.at)[2:]
            if kind in _LONG:
                self.at += 4
                (length,) = self.length(self.data, self.at + 4)
            elif not kind.isalpha():
                raise UnusualError(f"type {kind!r}")
        self.at += 8
        return group << 16 | number, kind, length

    def sequence(self, kind: bytes, length: int, wanted: Mapping[int, Any]) -> list[Group]:
        """Return the items of a sequence, or step over them where nothing is wanted."""
        if kind not in (b"SQ", b""):
            raise UnusualError(f"a sequence of type {kind!r}")
        if not wanted and length != _UNDEFINED:
            self.at += length
            return []
        items: list[Group] = []
        end = None if length == _UNDEFINED else self.at + length
        while end is None or self.at < end:
            tag, _, size = self.element()
            if tag == _SEQUENCE_END and end is None:
                return items
            if tag != _ITEM:
                raise UnusualError(f"tag {tag:08x} among the items of a sequence")
            items.append(self.item(size, wanted))
        return items

    def item(self, length: int, wanted: Mapping[int, Any]) -> Group:
        values: Group = {}
        end = None if length == _UNDEFINED else self.at + length
        if not wanted and end is not None:
            self.at = end
        while end is None or self.at < end:
            tag, kind, size = self.element()
            if tag == _ITEM_END:
                break
            taken = wanted.get(tag)
            if isinstance(taken, dict) or size == _UNDEFINED:
                for found in self.sequence(kind, size, taken or {})[:1]:
                    values |= found
                continue
            if taken is not None and size:
                values[taken[0]] = self.value(taken[1], kind, size)
            self.at += size
        return values

    def value(self, usual: str, kind: bytes, size: int) -> Any:
        content = self.data[self.at : self.at + size]
        if len(content) < size:
            raise IndexError
        if kind not in (b"", usual.encode()):
            raise UnusualError(f"type {kind!r}, expected {usual}")
        if usual in _NUMBERS:
            code = _NUMBERS[usual]
            values = list(unpack(f"{self.order}{size // Struct('=' + code).size}{code}", content))
        else:
            texts = content.decode("ascii").strip(" \0").split("\\")
            values = (
                [float(text) for text in texts] if usual == "DS" else [t.strip() for t in texts]
            )
        return values if len(values) > 1 else values[0]
