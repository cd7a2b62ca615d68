"""Training: randomness, augmentation of batches, checkpoints, progress."""

from lamina.training.adversary import MaskAdversary, adversarial_step
from lamina.training.augment import PrepareAugmentedBatch
from lamina.training.cache import CaseCache
from lamina.training.checkpoints import RunCheckpoints
from lamina.training.early_stopping import EarlyStopping, LastValidation
from lamina.training.gradients import ClipGradients, SkipNonFinite
from lamina.training.history import History, TensorBoardWriter, read_history
from lamina.training.losses import PresenceLoss, find_loss
from lamina.training.progress import TrainingProgress
from lamina.training.ranks import SyncBuffers, join_group, leave_group, local_device, on_main
from lamina.training.run import start_run
from lamina.training.seeding import EpochSeed
from lamina.training.telling import not_worse

__all__ = [
    "CaseCache",
    "ClipGradients",
    "EarlyStopping",
    "EpochSeed",
    "History",
    "LastValidation",
    "MaskAdversary",
    "PrepareAugmentedBatch",
    "PresenceLoss",
    "RunCheckpoints",
    "SkipNonFinite",
    "SyncBuffers",
    "TensorBoardWriter",
    "TrainingProgress",
    "adversarial_step",
    "find_loss",
    "join_group",
    "leave_group",
    "local_device",
    "not_worse",
    "on_main",
    "read_history",
    "start_run",
]
