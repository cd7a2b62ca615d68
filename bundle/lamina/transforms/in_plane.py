"""Slices of one size in their plane, and slices with their neighbours as channels."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform, Resize
from monai.utils import convert_to_tensor, ensure_tuple_rep

from lamina.errors import DataError


class ResizeInPlaned(MapTransform, InvertibleTransform):
    """Bring the longer side of each slice to ``size``, the other in proportion.

    The number of a volume's slices stays, so that one transform serves pictures and volumes that a
    2D network processes slice by slice. MONAI's ``Resize`` records the change, so that results can
    be inverted.

    Parameters
    ----------
    keys
        Items (channels, x, y[, z]).
    size
        Pixels of the longer side.
    mode
        ``linear`` or ``nearest``, one for all or one per key.

    Examples
    --------
    >>> item = {"image": torch.zeros(1, 20, 30), "volume": torch.zeros(1, 40, 10, 7)}
    >>> item = ResizeInPlaned(["image", "volume"], size=60)(item)
    >>> item["image"].shape, item["volume"].shape
    (torch.Size([1, 40, 60]), torch.Size([1, 60, 15, 7]))
    """

    def __init__(
        self,
        keys: KeysCollection,
        size: int,
        mode: Sequence[str] | str = "linear",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.size = size
        self.mode = ensure_tuple_rep(mode, len(self.keys))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its images at that size."""
        item = dict(data)
        for key, mode in self.key_iterator(item, self.mode):
            item[key] = self._resized(item[key], mode)
        return item

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its images at their former size."""
        item, resize = dict(data), Resize(spatial_size=-1)
        for key in self.key_iterator(item):
            # MONAI's check fails, since the Resize that wrote the record is gone.
            record = resize.pop_transform(item[key], check=False)
            item[key] = resize.inverse_transform(item[key], record)
        return item

    def _resized(self, image: torch.Tensor, mode: str) -> torch.Tensor:
        shape = image.shape[1:]
        scale = self.size / max(shape[:2])
        plane = [max(round(length * scale), 1) for length in shape[:2]]
        linear = "bilinear" if len(shape) == 2 else "trilinear"
        resize = Resize(
            spatial_size=[*plane, *shape[2:]],
            mode=linear if mode == "linear" else mode,
            anti_aliasing=mode == "linear" and scale < 1,
        )
        return resize(image)


class NeighbourSlicesd(MapTransform):
    """Make channels of a volume's neighbouring slices: (1, x, y, z) becomes (count, x, y, z).

    The channel in the middle is the volume itself, those before and behind it the volume moved by
    one slice and more along its last axis; the last slices are repeated beyond its ends. A
    picture is its own neighbour.

    Parameters
    ----------
    keys
        Items of one channel.
    count
        Number of slices, odd.

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
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self._stacked(item[key])
        return item

    def _stacked(self, image: torch.Tensor) -> torch.Tensor:
        plain = convert_to_tensor(image, track_meta=False)
        if len(plain) != 1:
            raise DataError(f"{len(plain)} channels, expected 1", "stack neighbours only once")
        if plain.ndim == 4:
            last, reach = plain.shape[-1] - 1, self.count // 2
            index, shifts = torch.arange(last + 1), range(-reach, reach + 1)
            stacked = torch.cat([plain[..., (index + n).clamp(0, last)] for n in shifts])
        else:
            stacked = plain.repeat(self.count, 1, 1)
        if isinstance(image, MetaTensor):
            return MetaTensor(stacked, meta=image.meta, applied_operations=image.applied_operations)
        return stacked
