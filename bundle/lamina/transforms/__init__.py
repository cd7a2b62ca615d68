"""Transforms that the JSON names beside MONAI's own: patches, and augmentation of batches."""

from lamina.transforms.batch import RandAffineBatchd, RandIntensityBatchd
from lamina.transforms.patch import RandPatchd

__all__ = ["RandAffineBatchd", "RandIntensityBatchd", "RandPatchd"]
