"""Modules that MONAI Label imports and that can't be had beside today's pydicom and torch.

``pydicom_seg`` does not import with pydicom 3, and ``torchvision`` would have to fit the build of
torch; Lamina uses nothing of MONAI Label that calls either.
"""

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import NoReturn

_WANTED = {"pydicom_seg": (), "torchvision": (), "torchvision.utils": ("make_grid", "save_image")}


@contextlib.contextmanager
def stand_ins() -> Iterator[None]:
    """Put empty modules in place of those that fail to import, for the imports in this block."""
    added = []
    for name, functions in _WANTED.items():
        try:
            importlib.import_module(name)
        except (ImportError, AttributeError):
            added.append(name)
            sys.modules[name] = _module(name, functions)
    try:
        yield
    finally:
        for name in added:
            sys.modules.pop(name, None)


def _module(name: str, functions: tuple[str, ...]) -> ModuleType:
    module = ModuleType(name)
    for function in functions:
        setattr(module, function, _refusal(f"{name}.{function}"))
    return module


def _refusal(name: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise ImportError(f"{name} is not installed, and Lamina's server does not need it")

    return refuse
