"""The cases that an engine has just worked on."""

from collections.abc import Sequence
from typing import Any

from ignite.engine import Engine


def cases_of(engine: Engine) -> Sequence[dict[str, Any]]:
    """Return a dict a case: what the data set gave, and over it what the network made of it."""
    state: Any = engine.state
    pairs = zip(state.batch, state.output, strict=True)
    return [dict(given) | dict(made) for given, made in pairs]
