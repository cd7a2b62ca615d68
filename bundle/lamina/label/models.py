"""The versions of a task's weights that a server has: none is ever written over."""

import re
import shutil
from pathlib import Path

from lamina.errors import WeightsError
from lamina.files import written_whole
from lamina.label.errors import UnknownNameError

CURRENT = "model.pt"


class Models:
    """``model.pt``, which segments, and ``model_v1.pt``, ``model_v2.pt`` … that led to it.

    Parameters
    ----------
    folder
        Where the files of one task are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def current(self) -> Path:
        """The file that segments, whether it is there yet or not."""
        return self.folder / CURRENT

    def names(self) -> list[str]:
        """Return what a client may choose from, the current one first."""
        versions = [f"model_v{number}.pt" for number in self._numbers()]
        return [CURRENT, *versions] if self.current.is_file() else versions

    def file(self, name: str) -> Path:
        """Return the file of a version.

        Raises
        ------
        WeightsError
            If the task has no weights yet.
        UnknownNameError
            If no version is called so.
        """
        known = self.names()
        if not known:
            raise WeightsError(
                f"{self.folder.name} has no weights yet", "submit labels and train it"
            )
        if name not in known:
            raise UnknownNameError(
                f"{self.folder.name} has no weights {name!r}", f"known are {', '.join(known)}"
            )
        return self.folder / name

    def publish(self, weights: Path) -> str:
        """Make a file the current one; return the name of its version."""
        name = f"model_v{max(self._numbers(), default=0) + 1}.pt"
        for target in (self.folder / name, self.current):
            with written_whole(target) as part:
                shutil.copyfile(weights, part)
        return name

    def _numbers(self) -> list[int]:
        found = [re.fullmatch(r"model_v(\d+)\.pt", path.name) for path in self.folder.glob("*.pt")]
        return sorted(int(match[1]) for match in found if match)
