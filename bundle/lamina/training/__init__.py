"""Training: randomness, augmentation of batches, checkpoints, progress."""

from lamina.training.augment import PrepareAugmentedBatch
from lamina.training.checkpoints import RunCheckpoints
from lamina.training.history import History, read_history
from lamina.training.progress import TrainingProgress
from lamina.training.run import start_run
from lamina.training.seeding import EpochSeed
from lamina.training.tensorboard import TensorBoardWriter

__all__ = [
    "EpochSeed",
    "History",
    "PrepareAugmentedBatch",
    "RunCheckpoints",
    "TensorBoardWriter",
    "TrainingProgress",
    "read_history",
    "start_run",
]
