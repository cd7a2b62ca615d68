"""Transforms that the JSON names beside MONAI's own: spacing, patches, crops, and augmentation of batches."""

from lamina.transforms.batch import RandAffineBatchd, RandIntensityBatchd
from lamina.transforms.elastic import RandElasticBatchd
from lamina.transforms.in_plane import ResizeInPlaned
from lamina.transforms.neighbours import NeighbourSlicesd
from lamina.transforms.otsu import above_otsu
from lamina.transforms.patch import RandPatchd
from lamina.transforms.refine import MostProbabled, SmoothLabelsd
from lamina.transforms.region import RegionOfCased
from lamina.transforms.small_parts import RemoveSmallPartsd
from lamina.transforms.spacing import Spacingd, SpatialResample
from lamina.transforms.within import CutToRegiond, within

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
