"""The components of a config: which a name stands for, and which a stranger's file may use.

A task file is a program for MONAI: ``_target_`` calls anything that Python can import, and a text
that begins with ``$`` is run. What stands on the list here computes on arrays and numbers alone.
"""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pydoc import locate
from typing import Any

import torch
from monai.bundle import ComponentLocator
from monai.transforms import Transform

from lamina.tasks.config_text import is_live

_PACKAGES = ("monai.", "torch.nn.", "lamina.")
_CALCULATING = ("monai.networks.", "monai.losses.", "monai.transforms.", "torch.nn.", "lamina.")
# They take a function, a file or the name of something elsewhere.
_REACHING = re.compile(r"Lambda|Load|Save|Write|TorchVision|TorchIO|CuCIM|Delay|Transchex|HoVer")
_OTHERS = re.compile(r"lamina\.(?:metrics\.MeasureSettings|transforms\.\w+)")
_READERS = re.compile(r"lamina\.(?:readers|cases)\.(?:Case|Label)Reader")
_PHANTOM_FOLDER = re.compile(r"\$@bundle_root \+ '/data/\w+'")
_POSTPROCESSING = {
    **{f"monai.transforms.{name}": name for name in (
        "FillHolesd", "KeepLargestConnectedComponentd", "LabelFilterd", "RemoveSmallObjectsd",
    )},
    **{f"lamina.transforms.{name}": name for name in (
        "RemoveSmallComponentsd", "RemoveSmallPartsd", "SmoothLabelsd",
    )},
}  # fmt: skip


def find_target(name: str) -> Any:
    """Return what MONAI makes of a ``_target_``, None if there is no such thing.

    >>> find_target("UNet").__name__, find_target("torch.optim.AdamW").__name__, find_target("Nett")
    ('UNet', 'AdamW', None)
    """
    module = _locator().get_component_module_name(name)
    if isinstance(module, list):
        module = module[0]
    return locate(f"{module}.{name}") if module else locate(name)


@cache
def _locator() -> ComponentLocator:
    """Return what knows the names of all of MONAI, which takes long to list."""
    return ComponentLocator()


def program_parts(node: Any, path: str = "") -> Iterator[str]:
    """Yield what in a config can do more than calculate, each as a line with its id.

    >>> list(program_parts({"measure": {"_target_": "os.system", "command": "ls"}}))
    ["measure: 'os.system'"]
    >>> list(program_parts({"lr": "$open('/x')", "net": {"_target_": "UNet", "strides": "$2 * 1"}}))
    ["lr: $open('/x')"]
    """
    if isinstance(node, str) and (node.startswith("%") or not _calculates(node)):
        yield f"{path}: {node}"
    if isinstance(node, Mapping) and "_target_" in node and not _is_listed(node):
        yield f"{path}: {node['_target_']!r}"
    entries = dict(enumerate(node)) if isinstance(node, list) else node
    for name, value in entries.items() if isinstance(entries, Mapping) else ():
        if name != "_target_":
            yield from program_parts(value, f"{path}#{name}" if path else str(name))


def _is_listed(node: Mapping[str, Any]) -> bool:
    name = node["_target_"]
    # Looking for a name of another package would import, and so run, it.
    known = isinstance(name, str) and (
        name.startswith(_PACKAGES) or _locator().get_component_module_name(name) is not None
    )
    if not known or node.get("_mode_", "default") not in ("default", "callable"):
        return False
    if any(str(key).startswith("pretrained") and value for key, value in node.items()):
        return False
    if name.startswith("lamina.phantoms."):
        return bool(_PHANTOM_FOLDER.fullmatch(str(node.get("folder"))))
    if name == "LoadImaged":
        reader = node.get("reader")
        return isinstance(reader, Mapping) and bool(_READERS.fullmatch(str(reader.get("_target_"))))
    if _READERS.fullmatch(name):
        return True
    target = find_target(name)
    if _OTHERS.fullmatch(name):
        return str(getattr(target, "__module__", "")).startswith("lamina.")
    return _is_calculation(target)


def _is_calculation(target: Any) -> bool:
    """Say whether a class is a network, a layer, a loss or a transform of arrays."""
    return (
        inspect.isclass(target)
        and issubclass(target, torch.nn.Module | Transform)
        and target.__module__.startswith(_CALCULATING)
        and not _REACHING.search(target.__name__)
    )


_NODES = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.List, ast.Tuple, ast.Dict, ast.IfExp,
    ast.Compare, ast.cmpop, ast.BoolOp, ast.boolop, ast.UnaryOp, ast.unaryop, ast.BinOp,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Subscript,
)  # fmt: skip
_REFERENCE = "Subscript(value=Name(id='__local_refs'"
_CALLED = re.compile(r"(?:lamina\.tasks\.for_dims|list|tuple|range|len|min|max|int|float)\(")


def _calculates(text: str) -> bool:
    """Say whether a text is none that MONAI runs, or one that calculates numbers alone.

    >>> _calculates("$[2, 1] if @dims == 2 else max(@a, 3)"), _calculates("$().__class__")
    (True, False)
    """
    if not text.startswith("$"):
        return True
    # As MONAI writes references into the source, within quotes too.
    source = re.sub(r"@(\w*(?:(?:::|#)\w*)*)", r"__local_refs['\1']", text[1:])
    source = re.sub(r"\btorch\.(?:u?int|b?float)\d+\b", "0", _CALLED.sub("(0, ", source))
    try:
        nodes = list(ast.walk(ast.parse(source.strip(), mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return len(text) < 300 and all(
        isinstance(node, _NODES)
        and (not isinstance(node, ast.Subscript) or ast.dump(node).startswith(_REFERENCE))
        for node in nodes
    )


def postprocessing_problems(steps: Any, where: str) -> Iterator[str]:
    """Yield what is wrong with steps of post-processing, which hold no programs.

    >>> list(postprocessing_problems([{"_target_": "os.system", "command": "ls"}], "steps"))[0][:44]
    "steps#0: 'os.system' is no post-processing, "
    """
    for index, step in enumerate(steps if isinstance(steps, Sequence) else ()):
        name = step.get("_target_") if isinstance(step, Mapping) else step
        if postprocessing_target(name) is None:
            known = ", ".join(_POSTPROCESSING)
            yield f"{where}#{index}: {name!r} is no post-processing, expected one of {known}"
        else:
            for key, value in step.items():
                if any(is_live(text) for text in _texts(value)):
                    yield f"{where}#{index}#{key}: {value!r}, expected a value, no expression"


def postprocessing_target(name: Any) -> str | None:
    """Return the whole name of a step of post-processing; None where it stands on no list.

    >>> postprocessing_target("FillHolesd"), postprocessing_target("os.system")
    ('monai.transforms.FillHolesd', None)
    """
    if name in _POSTPROCESSING.values():
        return next(full for full, short in _POSTPROCESSING.items() if short == name)
    return name if isinstance(name, str) and name in _POSTPROCESSING else None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    parts = list(value.values()) if isinstance(value, Mapping) else value
    for part in parts if isinstance(parts, list) else ():
        yield from _texts(part)
