"""The images of a folder of any depth: files, and DICOM series by content."""

import logging
import os
from contextlib import suppress
from pathlib import Path

from lamina.cases.case import Case
from lamina.cases.inputs import find_inputs
from lamina.errors import DataError, LaminaError, printable, reason_of
from lamina.files import written_whole
from lamina.label.errors import UnknownNameError
from lamina.readers.images import read_grid, read_image
from lamina.readers.source import Source
from lamina.writers.label_files import save_nifti

logger = logging.getLogger("lamina")


class FolderStudies:
    """Images below a folder, by the names that `lamina predict` gives them.

    A folder whose files came, went or changed is searched again.

    Parameters
    ----------
    folder
        The studies.
    work
        The server's own folder, which may lie inside and holds no studies.
    """

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder = folder
        self.work = work
        self.unusable: list[tuple[str, str]] = []
        self._addresses: dict[str, str] = {}
        self._seen: set[tuple[str, int, int]] | None = None

    def addresses(self) -> dict[str, str]:
        """Return {name: address} of all images."""
        now = _fingerprint(self.folder, self.work)
        if now != self._seen:
            self._search()
            self._seen = now
        return self._addresses

    def address(self, image_id: str) -> str:
        """Return where an image is.

        Raises
        ------
        UnknownNameError
            If there is none of that name.
        """
        if not self.has(image_id):
            raise UnknownNameError(f"there is no image {image_id!r} in {self.folder}")
        return self._addresses[image_id]

    def has(self, image_id: str) -> bool:
        """Say whether there is an image; what is known is not searched for again."""
        return image_id in self._addresses or image_id in self.addresses()

    def add(self, image_id: str, file: Path, suffix: str) -> str:
        """Take over an image that a client sent, after reading it; return its name."""
        target = self.folder / f"{image_id}{suffix}"
        if self.has(image_id) or target.exists():
            raise DataError(f"there is an image {image_id!r} already", "give it another name")
        read_image(str(file))
        with written_whole(target) as part:
            part.write_bytes(file.read_bytes())
        return image_id

    def store_label(self, file: Path) -> None:
        """Do nothing more: labels of a folder stay in the server's own folder."""

    def _search(self) -> None:
        try:
            inputs = find_inputs(self.folder)
        except DataError:
            self._addresses, self.unusable = {}, []
            return
        left_out = (*inputs.broken, *inputs.skipped)
        self.unusable = []
        for path, why in left_out:
            if not self._own(path):
                self._leave_out(path, why)
        cases = [case for case in inputs.cases if not self._own(case.image)]
        self._addresses = {case.name: case.image for case in cases if self._readable(case)}
        for path, why in self.unusable:
            logger.warning("not served: %s: %s", path, why)

    def _own(self, address: str) -> bool:
        return Path(address).is_relative_to(self.work)

    def _readable(self, case: Case) -> bool:
        """Say whether an image's header can be read; note why where it can't."""
        try:
            read_grid(case.image)
        except LaminaError as error:
            self._leave_out(case.image, reason_of(error))
            return False
        return True

    def _leave_out(self, path: str, why: str) -> None:
        self.unusable.append((printable(path), printable(why)))


def _fingerprint(folder: Path, work: Path) -> set[tuple[str, int, int]]:
    """Return name, size and time of change of every file below a folder, but the server's own."""
    files = set()
    for parent, below, names in os.walk(folder):
        below[:] = [name for name in below if Path(parent, name) != work]
        for name in names:
            path = os.path.join(parent, name)
            size, changed = 0, 0
            with suppress(OSError):  # a link that leads nowhere, or what may not be looked at
                found = os.stat(path)
                size, changed = found.st_size, found.st_mtime_ns
            files.add((path, size, changed))
    return files


def viewable(address: str, folder: Path, image_id: str) -> Path:
    """Return a file of an image that 3D Slicer opens, NIfTI for a DICOM series or a time point.

    Parameters
    ----------
    address
        The image.
    folder, image_id
        Where a NIfTI file is kept, and under which name.
    """
    source = Source.of(address)
    if source.part is None and not source.is_dicom:
        return source.path
    path = folder / f"{image_id}.nii.gz"
    if not path.is_file():
        values, grid = read_image(address)
        save_nifti(values, grid.affine, grid.unit, path)
    return path
