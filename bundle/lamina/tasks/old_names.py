"""What task files and workflows of earlier versions write differently, and what to change."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

NEW_NAMES = {
    **{
        f"lamina.cases.{name}": f"lamina.readers.{name}"
        for name in (
            "CaseReader",
            "Grid",
            "LabelReader",
            "SeriesRules",
            "read_grid",
            "read_image",
            "read_label",
        )
    },
    "lamina.output.CaseLoop": "lamina.prediction.CaseLoop",
    "lamina.output.CaseProgress": "lamina.evaluation.CaseProgress",
    "lamina.output.EvaluationWriter": "lamina.evaluation.EvaluationWriter",
    "lamina.output.panel_drawer": "lamina.pictures.panel_drawer",
    "lamina.tasks.made_up_data": "lamina.tasks.synthetic_data",
    "lamina.inference.place": "lamina.inference.to_device",
    "lamina.inference.Disagreement": "lamina.inference.EnsembleUncertainty",
    "lamina.transforms.within": "lamina.transforms.crop_to_region",
    "lamina.transforms.CutToRegiond": "lamina.transforms.CropToRegiond",
}
# Where a reader's argument stands now.
_RULES = {"slice_tolerance": "tolerance"} | {
    name: name for name in ("missing_slices", "most_missing", "duplicates", "tilt")
}
_NAME = re.compile(r"\blamina\.\w+\.\w+")


def old_name_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what stands elsewhere now: steps that read image and label, and names that moved.

    >>> list(old_name_problems({"reader": {"_target_": "lamina.cases.CaseReader"}}))
    ["reader#_target_: 'lamina.cases.CaseReader' is called 'lamina.readers.CaseReader' now"]
    """
    task = config.get("task")
    steps = task.get("preprocessing") if isinstance(task, Mapping) else None
    reading = _reading_steps(steps)
    if reading:
        yield _reading_problem(reading)
    for path, text in _texts(config):
        if not any(path.startswith(f"task#preprocessing#{index}#") for index in reading):
            for name in _NAME.findall(text):
                if name in NEW_NAMES:
                    yield f"{path}: {name!r} is called {NEW_NAMES[name]!r} now"


def _reading_steps(steps: Any) -> dict[int, Mapping[str, Any]]:
    """Return the steps that read image or label, by their place."""
    return {
        index: step
        for index, step in enumerate(steps if isinstance(steps, list) else ())
        if isinstance(step, Mapping)
        and step.get("_target_") == "LoadImaged"
        and {"image", "label"} & {*_as_list(step.get("keys"))}
    }


def _as_list(keys: Any) -> list[Any]:
    return keys if isinstance(keys, list) else [keys]


def _reading_problem(steps: Mapping[int, Mapping[str, Any]]) -> str:
    text = (
        f"task#preprocessing: step{'s' * (len(steps) > 1)} {' and '.join(map(str, steps))} "
        "(LoadImaged): the workflow reads image and label now, before the task's own steps: take "
        "them out"
    )
    keys = [text for step in steps.values() for text in _keys_for(step.get("reader"))]
    return f"{text}; write {' and '.join(keys)} into the task instead" if keys else text


def _keys_for(reader: Any) -> Iterator[str]:
    """Yield the task's keys that replace a reader's arguments."""
    if not isinstance(reader, Mapping):
        return
    if "channels" in reader:
        yield f'"image_channels": {reader["channels"]}'
    rules = {_RULES[name]: value for name, value in reader.items() if name in _RULES}
    if rules:
        yield f'"series_rules": {rules}'.replace("'", '"')


def _texts(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text of a config with its id."""
    if isinstance(node, str):
        yield path, node
    nodes = dict(enumerate(node)) if isinstance(node, list) else node
    for name, value in nodes.items() if isinstance(nodes, Mapping) else ():
        yield from _texts(value, f"{path}#{name}" if path else str(name))
