"""The region of interest that was prepared for a case."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from monai.transforms import Transform

from lamina.errors import DataError


class RegionOfCased(Transform):
    """Name the file of a case's region of interest, which lies beside the folder of its image.

    An image ``DIR/images/a.nii.gz`` has its region in ``DIR/regions/a.nii.gz``. Only a case with a
    label has one: regions say where patches are cut in training (`RandPatchd`).

    Parameters
    ----------
    folder
        The folder of regions.

    Raises
    ------
    DataError
        If a case with a label has no region.

    Examples
    --------
    >>> RegionOfCased()({"image": "a/images/x.nii.gz"})
    {'image': 'a/images/x.nii.gz'}
    """

    def __init__(self, folder: str = "regions") -> None:
        self.folder = folder

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with ``region``, where it has a label."""
        made = dict(data)
        if "label" in made:
            image = Path(str(made["image"]))
            path = image.parent.parent / self.folder / image.name
            if not path.is_file():
                raise DataError(
                    f"{image}: no region of interest in {path}",
                    "make the data set with `lamina prepare retouch`",
                )
            made["region"] = str(path)
        return made
