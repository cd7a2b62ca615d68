"""One case through an engine, and the cases that an engine has just worked on."""

from collections.abc import Sequence
from typing import Any

from ignite.engine import Engine
from monai.data import list_data_collate


def cases_of(engine: Engine) -> Sequence[dict[str, Any]]:
    """Return a dict a case: what the data set gave, and over it what the network made of it."""
    state: Any = engine.state
    pairs = zip(state.batch, state.output, strict=True)
    return [dict(given) | dict(made) for given, made in pairs]


def predict_item(evaluator: Any, item: Any) -> Any:
    """Return what an evaluator makes of one item that went through its preprocessing."""
    evaluator.data_loader = [list_data_collate([item])]
    evaluator.state.epoch_length = None
    # Else ignite would take up after an exception where it was left.
    evaluator.interrupt_resume_enabled = False
    evaluator.run()
    output = evaluator.state.output
    return output[0] if isinstance(output, list) else output
