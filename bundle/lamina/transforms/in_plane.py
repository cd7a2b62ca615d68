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

    The slices of a volume stay as many as they are, so that one transform serves pictures and
    volumes that a 2D network goes through slice by slice. MONAI's ``Resize`` records what was
    done, so that a result returns to where it came from.

    Parameters
    ----------
    keys
        Items (channels, x, y[, z]).
    size
        Pixels of the longer side.
    mode
        ``linear`` or ``nearest``, one for all or one a key.

    Examples
    --------
    >>> item = {"image": torch.zeros(1, 20, 30), "volume": torch.zeros(1, 40, 10, 7)}
    >>> made = ResizeInPlaned(["image", "volume"], size=60)(item)
    >>> made["image"].shape, made["volume"].shape
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
        made = dict(data)
        for key, mode in self.key_iterator(made, self.mode):
            made[key] = self._resized(made[key], mode)
        return made

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its images at the size they had."""
        made, resize = dict(data), Resize(spatial_size=-1)
        for key in self.key_iterator(made):
            # The Resize that wrote the record is gone, which MONAI's check would not take.
            record = resize.pop_transform(made[key], check=False)
            made[key] = resize.inverse_transform(made[key], record)
        return made

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
