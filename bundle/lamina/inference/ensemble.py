"""Several trained networks whose class scores are averaged, of which one is held at a time."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from lamina.inference.weights import load_weights

Turns = Callable[[], Iterator[None]]


class Members:
    """The networks of an ensemble as one, which takes turns in being each of them.

    Parameters
    ----------
    network
        The module that each file's weights are loaded into in turn.
    files
        One file of weights a member.
    run
        What computes ``network`` as it is then.

    Attributes
    ----------
    turn
        The file whose turn it is.

    Examples
    --------
    >>> members = Members(torch.nn.Identity(), [], lambda images: images + 1)
    >>> members(torch.zeros(2)).tolist(), list(members.turns())
    ([1.0, 1.0], [])
    """

    def __init__(
        self,
        network: torch.nn.Module,
        files: Sequence[str | Path],
        run: Callable[[torch.Tensor], torch.Tensor],
    ) -> None:
        self.network = network
        self.files = tuple(files)
        self.run = run
        self.turn: str | None = None

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return what the member whose turn it is makes of images."""
        return self.run(images)

    def turns(self) -> Iterator[None]:
        """Be one member after the other."""
        for file in self.files:
            load_weights(self.network, file)
            self.turn = str(file)
            yield


def once() -> Iterator[None]:
    """Be oneself, as a network that is no `Members`."""
    yield


def turns_of(network: object) -> Turns:
    """Return how a network takes turns.

    >>> list(turns_of(torch.nn.Identity())())
    [None]
    """
    return network.turns if isinstance(network, Members) else once
