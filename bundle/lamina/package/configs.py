"""The workflows of one task, with nothing that lies outside the bundle."""

import re
from collections.abc import Mapping
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

from lamina import __version__
from lamina.files import read_json

WORKFLOWS = (
    "train.json",
    "inference.json",
    "evaluate.json",
    "multi_gpu_train.json",
    "multi_gpu_inference.json",
    "multi_gpu_evaluate.json",
)

# A module that lies beside the configs can be imported only once its folder is on sys.path, and
# MONAI evaluates every `$import …` before any other expression: so the package is an id. (An
# expression with a reference must not hold the word "import": MONAI parses it as Python then.)
_IMPORT = "$import lamina"
_TELL_VERSION = (
    "$@lamina.__version__ == @lamina_version or logging.getLogger('lamina').warning("
    "'lamina %s serves a bundle that was packed with %s', @lamina.__version__, @lamina_version)"
)
_PACKAGE = (
    "$(sys.path.append(os.path.abspath(@bundle_root)), "
    "[pydoc.locate(name) for name in @lamina_modules][0])[1]"
)


def packed_workflows(configs: Path, task: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each workflow's config by file name, the task written into it.

    Parameters
    ----------
    configs
        Folder of Lamina's own workflows.
    task
        What a task file says.
    """
    own = {name: read_json(configs / name) for name in WORKFLOWS if (configs / name).is_file()}
    return {name: _packed(_joined(config, own), task) for name, config in own.items()}


def _joined(node: Any, workflows: Mapping[str, Any]) -> Any:
    """Return a config in which what it takes from another workflow is written out.

    >>> _joined({"lr": "%configs/a.json#net#lr"}, {"a.json": {"net": {"lr": 3}}})
    {'lr': 3}
    """
    if isinstance(node, Mapping):
        return {key: _joined(value, workflows) for key, value in node.items()}
    if isinstance(node, list):
        return [_joined(value, workflows) for value in node]
    name, *ids = str(node).removeprefix("%configs/").split("#")
    if not str(node).startswith("%") or name not in workflows:
        return node
    return reduce(getitem, ids, workflows[name])


def _packed(config: dict[str, Any], task: Mapping[str, Any]) -> dict[str, Any]:
    if "task" in config:
        # The package in a bundle makes no phantoms.
        config["task"] = {k: v for k, v in task.items() if k != "$schema"} | {"phantoms": None}
    if "released" in config:
        config["released"] = "$@bundle_root + '/models/model.pt'"
    if "imports" not in config:
        return rewrite(config)
    modules = [line.split()[-1] for line in config["imports"] if line.startswith(_IMPORT)]
    imports = [line for line in config.pop("imports") if not line.startswith(_IMPORT)]
    standard = [f"$import {name}" for name in ("sys", "os", "pydoc", "logging")]
    return {
        "imports": list(dict.fromkeys([*standard, *imports])),
        "_desc_lamina": "the package lies beside configs/; the first one that is imported serves "
        "all bundles of a process",
        "lamina_modules": ["lamina", *(name for name in modules if name != "lamina")],
        "lamina_version": __version__,
        "lamina": _PACKAGE,
        **rewrite(config),
        "initialize": [_TELL_VERSION, *rewrite(config["initialize"])],
    }


def rewrite(node: Any) -> Any:
    """Let each expression that names the package refer to the id that brings it.

    >>> rewrite({"lr": "$lamina.tasks.for_dims(@a, 2)", "x": {"_target_": "lamina.cases.Reader"}})
    {'lr': '$@lamina.tasks.for_dims(@a, 2)', 'x': {'_target_': 'lamina.cases.Reader'}}
    """
    if isinstance(node, Mapping):
        return {key: rewrite(value) for key, value in node.items()}
    if isinstance(node, list):
        return [rewrite(value) for value in node]
    if isinstance(node, str) and node.startswith("$"):
        return re.sub(r"(?<![\w.@'\"/])lamina\.(?=\w)", "@lamina.", node)
    return node
