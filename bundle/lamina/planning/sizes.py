"""How large patches, windows and networks are: after nnU-Net's rules, for a CPU's memory and time.

Isensee et al., nnU-Net: a self-configuring method for deep learning-based biomedical image
segmentation, Nature Methods 18 (2021). What differs is said where it differs.
"""

import math
from collections.abc import Sequence

SMALLEST = 4
"""No axis is halved below this many voxels, as in nnU-Net."""
DEEPEST = 4
"""Halvings: one less than nnU-Net has, since patches are smaller."""
ANISOTROPIC = 2.0
"""An axis whose spacing is so many times the finest one waits until the others are as coarse."""
WIDEST = 320


def pooling(patch: Sequence[int], spacing: Sequence[float]) -> list[list[int]]:
    """Return the strides of each stage of the network, [1, 1(, 1)] first.

    An axis is halved while it has voxels left and is not much coarser than the finest one.

    >>> pooling([32, 48, 8], [1.0, 1.0, 4.0])
    [[1, 1, 1], [2, 2, 1], [2, 2, 1], [2, 2, 2]]
    """
    sizes, steps = list(patch), list(spacing)
    strides = [[1] * len(sizes)]
    while len(strides) <= DEEPEST:
        finest = min(steps)
        halved = [
            size >= 2 * SMALLEST and step / finest < ANISOTROPIC
            for size, step in zip(sizes, steps, strict=True)
        ]
        if not any(halved):
            break
        strides.append([2 if halve else 1 for halve in halved])
        sizes = [size // 2 if halve else size for size, halve in zip(sizes, halved, strict=True)]
        steps = [step * 2 if halve else step for step, halve in zip(steps, halved, strict=True)]
    return strides


def kernels(strides: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the kernels of each stage: 1 along an axis until it is halved for the first time.

    >>> kernels([[1, 1, 1], [2, 2, 1], [2, 2, 2]])
    [[3, 3, 1], [3, 3, 1], [3, 3, 3]]
    """
    begun = [False] * len(strides[0])
    coarse = [any(stage[axis] == 1 for stage in strides[1:2]) for axis in range(len(begun))]
    sizes = []
    for stage in strides:
        begun = [done or step > 1 for done, step in zip(begun, stage, strict=True)]
        sizes.append(
            [3 if done or not late else 1 for done, late in zip(begun, coarse, strict=True)]
        )
    return sizes


def channels(stages: int, first: int) -> list[int]:
    """Return the channels of each stage, doubled at each.

    >>> channels(4, 16)
    [16, 32, 64, 128]
    """
    return [min(first * 2**stage, WIDEST) for stage in range(stages)]


def multiples(strides: Sequence[Sequence[int]]) -> list[int]:
    """Return what each axis of an image must be a multiple of.

    >>> multiples([[1, 1], [2, 2], [2, 1]])
    [4, 2]
    """
    return [math.prod(stage[axis] for stage in strides) for axis in range(len(strides[0]))]


def rounded(size: Sequence[float], of: Sequence[int], up: bool = False) -> list[int]:
    """Return sizes as multiples, at least one of each.

    >>> rounded([35, 50], [8, 8]), rounded([35, 50], [8, 8], up=True)
    ([32, 48], [40, 56])
    """
    turn = math.ceil if up else math.floor
    return [max(int(turn(round(n / m, 6))), 1) * m for n, m in zip(size, of, strict=True)]


def shrunk(size: Sequence[float], most: int) -> list[float]:
    """Return a size of at most so many voxels: the longest axis gives way first, as in nnU-Net.

    >>> [round(n) for n in shrunk([200, 50, 50], 125_000)]
    [50, 50, 50]
    """
    result = [float(n) for n in size]
    while math.prod(result) > most:
        longest = max(range(len(result)), key=lambda axis: result[axis])
        others = math.prod(n for axis, n in enumerate(result) if axis != longest)
        second = max((n for axis, n in enumerate(result) if axis != longest), default=1.0)
        aim = max(most / others, second * 0.95)
        result[longest] = aim if aim < result[longest] else result[longest] * 0.95
    return result
