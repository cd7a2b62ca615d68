"""Cases that are read and preprocessed once: in memory while there is room, then on disk."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import psutil
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, RandomizableTrait, Transform
from torch.utils.data import Dataset
from tqdm import tqdm

from lamina.cases.fingerprint import hash_files
from lamina.errors import WeightsError
from lamina.tensors import load_checkpoint, save_checkpoint

logger = logging.getLogger("lamina")

Item = dict[str, Any]
GB = 1e9


class CaseCache(Dataset[Any]):
    """A data set whose items went once through all that is not random.

    Items stay in memory until ``memory_gb`` is full; the others are written to ``cache_dir`` and
    read again each time. A file there is named after the contents of the case's files and the
    settings, so that a changed image or another preprocessing is never served from an old one.

    Parameters
    ----------
    data
        Items whose strings may be files.
    transform
        What they go through; from the first random transform on, each time anew.
    cache_dir
        Where items go that memory has no room for.
    memory_gb
        Room in memory in GB; half of what is free now where it is None.
    settings
        What else decides how an item comes out of the transforms; JSON.
    num_workers
        Threads that fill the cache.
    progress
        Show a bar meanwhile.

    Examples
    --------
    >>> items = [{"image": torch.ones(1, 2, 3), "case": "a"}]
    >>> CaseCache(items, Compose([]), cache_dir="/nowhere", memory_gb=1)[0]["image"].shape
    torch.Size([1, 2, 3])
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        transform: Compose,
        cache_dir: str,
        memory_gb: float | None = None,
        settings: Any = None,
        num_workers: int = 2,
        progress: bool = False,
    ) -> None:
        self.data = data
        self.transform = transform.flatten()
        self.cache_dir = Path(cache_dir)
        self.settings = json.dumps(settings, sort_keys=True, default=str)
        self.first_random = self.transform.get_index_of_first(
            lambda step: isinstance(step, RandomizableTrait) or not isinstance(step, Transform)
        )
        self.room = free_memory() / 2 if memory_gb is None else memory_gb * GB
        self.items: list[Item | Path] = []
        with ThreadPool(max(num_workers, 1)) as threads:
            items = threads.imap(self._prepare, data)
            for item in tqdm(items, "reading", len(data), disable=not progress, unit=" cases"):
                self._keep(item)
        self._tell()

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        """Return an item after its random transforms."""
        kept = self.items[index]
        item = dict(kept) if isinstance(kept, dict) else self._read(index, kept)
        if self.first_random is None:
            return item
        return self.transform(item, start=self.first_random)

    def _prepare(self, given: Mapping[str, Any]) -> Item | Path:
        path = self._path(given) if self.room <= 0 else None
        if path is not None and path.exists():
            return path
        item: Item = self.transform(dict(given), end=self.first_random, threading=True)
        return item

    def _keep(self, item: Item | Path) -> None:
        index = len(self.items)
        if isinstance(item, Path):
            self.items.append(item)
            return
        self.room -= size_of(item)
        if self.room >= 0:
            self.items.append(item)
            return
        path = self._path(self.data[index])
        if not path.exists():
            save_checkpoint(path, _plain(item))
        self.items.append(path)

    def _read(self, index: int, path: Path) -> Item:
        try:
            return _whole(load_checkpoint(path))
        except WeightsError:
            item: Item = self.transform(dict(self.data[index]), end=self.first_random)
            save_checkpoint(path, _plain(item))
            return item

    def _path(self, given: Mapping[str, Any]) -> Path:
        files = [str(value) for value in given.values() if isinstance(value, str)]
        contents = hash_files(*(file for file in files if Path(file.split("#")[0]).exists()))
        key = hashlib.blake2b(f"{contents} {self.settings}".encode(), digest_size=16)
        return self.cache_dir / f"{key.hexdigest()}.pt"

    def _tell(self) -> None:
        on_disk = sum(isinstance(item, Path) for item in self.items)
        if on_disk:
            logger.info(
                "%d of %d preprocessed cases did not fit into memory and lie in %s",
                on_disk,
                len(self.items),
                self.cache_dir,
            )


def free_memory() -> float:
    """Return the bytes of memory that can be had without swapping."""
    return float(psutil.virtual_memory().available)


def size_of(item: Mapping[str, Any]) -> int:
    """Return the bytes that an item's tensors take.

    >>> size_of({"image": torch.zeros(1, 2, 3), "case": "a"})
    24
    """
    tensors = [value for value in item.values() if isinstance(value, torch.Tensor)]
    return sum(tensor.element_size() * tensor.nelement() for tensor in tensors)


def _plain(item: Mapping[str, Any]) -> Item:
    """Return an item as tensors and plain values alone, which are read without running code."""
    plain: Item = {}
    for name, value in item.items():
        if isinstance(value, MetaTensor):
            plain[name] = {"tensor": value.as_tensor().clone(), "affine": value.affine.clone()}
        else:
            plain[name] = value
    return plain


def _whole(plain: Mapping[str, Any]) -> Item:
    return {
        name: MetaTensor(value["tensor"], affine=value["affine"])
        if isinstance(value, dict) and set(value) == {"tensor", "affine"}
        else value
        for name, value in plain.items()
    }
