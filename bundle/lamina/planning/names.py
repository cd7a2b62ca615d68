"""What a plan calls its task and its structures."""

from collections.abc import Sequence
from pathlib import Path

from lamina.files import read_json


def class_names(root: Path, values: Sequence[int]) -> dict[int, str]:
    """Return a name for each value: from ``dataset.json``, else "structure 1" and so on.

    The Decathlon writes {"1": "Anterior"}, nnU-Net {"Anterior": 1}.

    Examples
    --------
    >>> class_names(Path("/nowhere"), [1, 128])
    {1: 'structure 1', 128: 'structure 128'}
    """
    known = _from_dataset(root / "dataset.json")
    names = {value: known.get(value, f"structure {value}") for value in values}
    # Each needs a name of its own.
    return {
        value: name if list(names.values()).count(name) == 1 else f"{name} {value}"
        for value, name in names.items()
    }


def _from_dataset(path: Path) -> dict[int, str]:
    if not path.is_file():
        return {}
    labels = read_json(path).get("labels")
    found: dict[int, str] = {}
    for key, value in (labels or {}).items():
        number, name = (key, value) if str(key).isdigit() else (value, key)
        if str(number).isdigit() and str(name).strip():
            found[int(number)] = str(name)
    return found
