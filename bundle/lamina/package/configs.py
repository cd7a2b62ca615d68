"""The workflows of one task, with nothing that lies outside the bundle."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lamina import __version__

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
    return {
        name: _packed(json.loads((configs / name).read_text(encoding="utf-8")), task)
        for name in WORKFLOWS
        if (configs / name).is_file()
    }


def _packed(config: dict[str, Any], task: Mapping[str, Any]) -> dict[str, Any]:
    if "task" in config:
        config["task"] = dict(task)
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
