"""Which U-Net: at the images' full resolution, or from half of it on for large pictures."""

import math
from typing import Any

from lamina.planning import sizes
from lamina.planning.geometry import FIRST_CHANNELS, Sizes

LARGE = 224 * 224
"""Pixels of a patch from which the first stage works at half of the resolution."""


def network_def(chosen: Sizes, norm: str) -> tuple[dict[str, Any], str]:
    """Return the network as a task file names it, and why it is that one."""
    shared: dict[str, Any] = {
        "spatial_dims": "@spatial_dims",
        "in_channels": "@task#in_channels",
        "out_channels": "@num_classes",
    }
    filters = sizes.channels(len(chosen.strides), FIRST_CHANNELS)
    halvings = len(chosen.strides) - 1
    if len(chosen.patch) == 2 and math.prod(chosen.patch) >= LARGE:
        network: dict[str, Any] = {"_target_": "UNet", **shared, "channels": filters}
        network |= {"strides": chosen.strides[1:], "num_res_units": 2, "norm": norm}
        return network, (
            f"large pictures: the first stage has half of their resolution, at a fraction of the "
            f"time; each axis is halved while it has {2 * sizes.SMALLEST} pixels, {halvings} times "
            "at most"
        )
    network = {"_target_": "DynUNet", **shared, "kernel_size": sizes.kernels(chosen.strides)}
    network |= {"strides": chosen.strides, "upsample_kernel_size": chosen.strides[1:]}
    network |= {"filters": filters, "norm_name": norm}
    return network, (
        f"each axis is halved while it has {2 * sizes.SMALLEST} voxels and is not much coarser than "
        f"the others: {halvings} times at most"
    )
