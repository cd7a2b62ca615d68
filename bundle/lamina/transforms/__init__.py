"""Transforms beside MONAI's own: spacing, patches, crops, batch augmentation, post-processing."""

from lamina.transforms.augment_batches import (
    RandAffineBatchd,
    RandElasticBatchd,
    RandIntensityBatchd,
)
from lamina.transforms.in_plane import NeighbourSlicesd, ResizeInPlaned
from lamina.transforms.patch import RandPatchd
from lamina.transforms.refine import (
    MostProbabled,
    RemoveSmallComponentsd,
    RemoveSmallPartsd,
    SmoothLabelsd,
)
from lamina.transforms.region import CropToRegiond, RegionOfCased, above_otsu, crop_to_region
from lamina.transforms.spacing import Spacingd, SpatialResample

__all__ = [
    "CropToRegiond",
    "MostProbabled",
    "NeighbourSlicesd",
    "RandAffineBatchd",
    "RandElasticBatchd",
    "RandIntensityBatchd",
    "RandPatchd",
    "RegionOfCased",
    "RemoveSmallComponentsd",
    "RemoveSmallPartsd",
    "ResizeInPlaned",
    "SmoothLabelsd",
    "Spacingd",
    "SpatialResample",
    "above_otsu",
    "crop_to_region",
]
