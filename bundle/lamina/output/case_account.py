"""What the manifest says of a case: its files, and a hash of what they hold."""

from collections.abc import Mapping
from typing import Any

from lamina.cases import dicom_slices, hash_files, is_dicom_address
from lamina.errors import ReadError

Item = Mapping[str, Any]


def content_hash(item: Item) -> str:
    """Return a hash of a case's files; of a series in a mixed folder, of all that lies there.

    A region that another task found belongs to them.
    """
    try:
        return hash_files(*(str(item[name]) for name in ("image", "within") if name in item))
    except (OSError, ReadError) as error:
        return str(error)


def source_files(address: str) -> dict[str, Any]:
    """Return what the manifest says of a source: its files, and the UID of a series."""
    if not is_dicom_address(address):
        return {"files": [address]}
    slices = dicom_slices(address)
    return {"files": sorted({str(one.path) for one in slices}), "series_uid": slices[0].uid}
