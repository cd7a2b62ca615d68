"""Slices with those beside them, for a 2D network that sees a little of the third axis."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import convert_to_tensor

from lamina.errors import DataError


class NeighbourSlicesd(MapTransform):
    """Make channels of a volume's neighbouring slices: (1, x, y, z) becomes (count, x, y, z).

    The channel in the middle is the volume itself, those before and behind it the volume moved by
    one slice and more along its last axis; at its ends the last slice stands for those beyond. A
    picture is its own neighbour.

    Parameters
    ----------
    keys
        Items of one channel.
    count
        How many slices together, an odd number.

    Examples
    --------
    >>> volume = torch.arange(4.0).reshape(1, 1, 1, 4)
    >>> NeighbourSlicesd("image")({"image": volume})["image"][:, 0, 0].tolist()
    [[0.0, 0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 3.0]]
    """

    def __init__(
        self, keys: KeysCollection, count: int = 3, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if count < 1 or count % 2 == 0:
            raise DataError(f"count: {count} slices together", "take an odd number, such as 3")
        self.count = count

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with the neighbours as channels."""
        made = dict(data)
        for key in self.key_iterator(made):
            made[key] = self._stacked(made[key])
        return made

    def _stacked(self, image: torch.Tensor) -> torch.Tensor:
        plain = convert_to_tensor(image, track_meta=False)
        if len(plain) != 1:
            raise DataError(f"{len(plain)} channels, expected 1", "stack neighbours only once")
        last = plain.shape[-1] - 1 if plain.ndim == 4 else 0
        reach = self.count // 2
        places = torch.arange(last + 1)
        if plain.ndim == 4:
            shifted = [plain[..., (places + s).clamp(0, last)] for s in range(-reach, reach + 1)]
            stacked = torch.cat(shifted)
        else:
            stacked = plain.repeat(self.count, 1, 1)
        if isinstance(image, MetaTensor):
            return MetaTensor(stacked, meta=image.meta, applied_operations=image.applied_operations)
        return stacked
