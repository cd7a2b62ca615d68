"""What a plan calls its task and its structures."""

from collections.abc import Sequence
from pathlib import Path

from lamina.cases.dataset_json import read_declared


def class_names(root: Path, values: Sequence[int]) -> dict[int, str]:
    """Return a name for each value: from ``dataset.json``, else "structure 1" and so on.

    The Decathlon writes {"1": "Anterior"}, nnU-Net {"Anterior": 1}.

    Examples
    --------
    >>> class_names(Path("/nowhere"), [1, 128])
    {1: 'structure 1', 128: 'structure 128'}
    """
    known = read_declared(root).names
    names = {value: known.get(value, f"structure {value}") for value in values}
    # Each needs a name of its own.
    return {
        value: name if list(names.values()).count(name) == 1 else f"{name} {value}"
        for value, name in names.items()
    }
