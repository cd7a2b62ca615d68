"""A discriminator that separates reference masks from predicted ones, for MONAI's AdversarialTrainer."""

from collections.abc import Callable
from typing import Any

import torch
from ignite.engine import Engine
from monai.engines import AdversarialTrainer
from monai.engines.utils import IterationEvents
from monai.inferers import Inferer
from monai.losses import PatchAdversarialLoss
from monai.networks import one_hot
from monai.utils import AdversarialKeys, CommonKeys
from monai.utils.enums import AdversarialIterationEvents

from lamina.errors import DataError
from lamina.tasks.labels import IGNORED

_SURE = 3.0
"""The score of a true class against 0 for the others: true masks are as soft as sure predictions."""


class MaskAdversary(Inferer):
    """Let a discriminator see an image together with its mask, after Tennakoon et al. (2018).

    It stands in four positions of an ``AdversarialTrainer``: as ``d_inferer``, among the handlers, and
    with its two losses (least squares over patches, Isola et al., 2017). MONAI's trainer gives a
    discriminator generated and real *images*; here the generated ones are the network's scores, and
    the real ones are made of the labels.

    Parameters
    ----------
    num_classes
        Channels of the scores.
    weight
        Of the adversarial loss beside the loss of the task.

    Examples
    --------
    >>> adversary = MaskAdversary(num_classes=3)
    >>> adversary.image = torch.zeros(2, 1, 8, 8)
    >>> seen = torch.nn.Identity()
    >>> adversary(torch.zeros(2, 3, 8, 8), seen).shape
    torch.Size([2, 4, 8, 8])
    """

    def __init__(self, num_classes: int, weight: float = 0.01) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.weight = weight
        self.image = torch.empty(0)
        self.patches = PatchAdversarialLoss(criterion="least_squares")

    def attach(self, engine: Engine) -> None:
        """Register with the trainer."""
        events = AdversarialIterationEvents
        engine.add_event_handler(events.GENERATOR_FORWARD_COMPLETED, self._take_batch)
        engine.add_event_handler(events.GENERATOR_LOSS_COMPLETED, self._add_losses)

    def _take_batch(self, engine: Any) -> None:
        output = engine.state.output
        self.image = output[CommonKeys.IMAGE]
        if (output[CommonKeys.LABEL] == IGNORED).any():
            raise DataError(
                "adversarial training compares whole label maps, and some voxels are ignored",
                "train without the adversary",
            )
        true = one_hot(output[CommonKeys.LABEL], self.num_classes)
        output[AdversarialKeys.REALS] = _SURE * true

    def _add_losses(self, engine: Any) -> None:
        """Note the whole loss, which MONAI's trainer notes only with AMP."""
        output = engine.state.output
        losses = (AdversarialKeys.RECONSTRUCTION_LOSS, AdversarialKeys.GENERATOR_LOSS)
        output[CommonKeys.LOSS] = sum(output[name] for name in losses)

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Return the discriminator's verdict on scores (batch, classes, x, y[, z])."""
        verdict = network(torch.cat([self.image, inputs.softmax(dim=1)], dim=1))
        # MONAI's PatchDiscriminator returns the features of all its layers, the verdict last.
        return verdict[-1] if isinstance(verdict, list | tuple) else verdict

    def generator_loss(self, fake: torch.Tensor) -> torch.Tensor:
        """Return how far the network is from being taken for the reference, weighted."""
        loss: torch.Tensor = self.patches(fake, target_is_real=True, for_discriminator=False)
        return self.weight * loss

    def discriminator_loss(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Return how badly reference and predicted masks are separated."""
        told_real = self.patches(real, target_is_real=True, for_discriminator=True)
        told_fake = self.patches(fake, target_is_real=False, for_discriminator=True)
        loss: torch.Tensor = (told_real + told_fake) / 2
        return loss


def adversarial_step(engine: Any, batch: Any) -> Any:
    """Take one step of an ``AdversarialTrainer``, and let post-processing follow.

    That is bound to an event which MONAI's supervised trainer fires, but not this one.
    """
    AdversarialTrainer._iteration(engine, engine, batch)
    engine.fire_event(IterationEvents.MODEL_COMPLETED)
    return engine.state.output
