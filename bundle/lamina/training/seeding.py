"""Randomness that depends on the seed and the epoch only, so that a resumed run repeats nothing."""

from typing import Any

import ignite.distributed as idist
from ignite.engine import Engine, Events
from monai.utils import set_determinism


class EpochSeed:
    """Seed every generator anew as each epoch starts, from ``seed`` and the epoch's number.

    A run that was killed in epoch 7 and continues draws in epoch 7 what it would have drawn: no
    state of a random generator has to be saved. Train with ``num_workers=0`` or with workers
    that are started in each epoch (not ``persistent_workers``) for the same to hold there.

    Parameters
    ----------
    seed
        The run's seed.
    transform
        The transforms of the training set, whose own generators are seeded too.
    """

    def __init__(self, seed: int, transform: Any = None) -> None:
        self.seed = seed
        self.transform = transform

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Seed Python, numpy, torch and the transforms for the epoch that starts."""
        # Each process draws its own augmentation.
        seed = epoch_seed(self.seed + 1_000 * idist.get_rank(), engine.state.epoch)
        set_determinism(seed)
        if hasattr(self.transform, "set_random_state"):
            self.transform.set_random_state(seed=seed)


def epoch_seed(seed: int, epoch: int) -> int:
    """Return a 32-bit seed for one epoch.

    >>> epoch_seed(0, 1) != epoch_seed(0, 2) != epoch_seed(1, 2)
    True
    """
    return (seed * 1_000_003 + epoch * 7919 + 12345) % 2**32
