"""Transforms that the JSON names beside MONAI's own: spacing, patches, crops, and augmentation of batches."""

from lamina.transforms.augment_batches import (
    RandAffineBatchd,
    RandElasticBatchd,
    RandIntensityBatchd,
)
from lamina.transforms.in_plane import NeighbourSlicesd, ResizeInPlaned
from lamina.transforms.patch import RandPatchd
from lamina.transforms.refine import MostProbabled, RemoveSmallPartsd, SmoothLabelsd
from lamina.transforms.region import CutToRegiond, RegionOfCased, above_otsu, within
from lamina.transforms.spacing import Spacingd, SpatialResample

__all__ = [
    "CutToRegiond",
    "MostProbabled",
    "NeighbourSlicesd",
    "RandAffineBatchd",
    "RandElasticBatchd",
    "RandIntensityBatchd",
    "RandPatchd",
    "RegionOfCased",
    "RemoveSmallPartsd",
    "ResizeInPlaned",
    "SmoothLabelsd",
    "Spacingd",
    "SpatialResample",
    "above_otsu",
    "within",
]
