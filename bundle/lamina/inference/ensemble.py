"""Several trained networks whose class scores are averaged, of which one is held at a time."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from lamina.inference.weights import load_weights

MemberIterator = Callable[[], Iterator[None]]


class Ensemble:
    """The networks of an ensemble as one, which computes with its current member.

    Parameters
    ----------
    network
        The module that each file's weights are loaded into.
    files
        One file of weights per member.
    run
        Computes ``network`` with the weights that are loaded.

    Attributes
    ----------
    member
        The file of the current member.

    Examples
    --------
    >>> ensemble = Ensemble(torch.nn.Identity(), [], lambda images: images + 1)
    >>> ensemble(torch.zeros(2)).tolist(), list(ensemble.iterate())
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
        self.member: str | None = None

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the current member's output for images."""
        return self.run(images)

    def iterate(self) -> Iterator[None]:
        """Load one member after the other."""
        for file in self.files:
            load_weights(self.network, file)
            self.member = str(file)
            yield


def single() -> Iterator[None]:
    """Iterate the only member of a network that is no `Ensemble`."""
    yield


def member_iterator(network: object) -> MemberIterator:
    """Return the function that iterates a network's members.

    >>> list(member_iterator(torch.nn.Identity())())
    [None]
    """
    return network.iterate if isinstance(network, Ensemble) else single
