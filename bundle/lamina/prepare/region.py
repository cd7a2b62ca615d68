"""Where in a B-scan the retina lies: patches from elsewhere teach nothing."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from skimage.filters.rank import entropy
from skimage.morphology import disk

ENTROPY_RADIUS = 15
ENTROPY_SHARE = 1e-2
CLOSING_RADIUS = 55
_LEVELS = 32


def region_of_interest(
    image: NDArray[np.uint8], truth: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Return the region of interest of a B-scan (columns, rows), after Tennakoon et al. (2018).

    Local entropy within a disk, above a hundredth of its largest value, joined with the truth,
    closed with a disk, and each column filled from its first to its last pixel.

    Entropy is taken of 32 grey levels, which is four times as fast as of 256 and leaves noise of a
    few greys out.

    Parameters
    ----------
    image
        A smoothed B-scan.
    truth
        Where fluid is, which must lie in the region.

    References
    ----------
    Tennakoon, Gostar, Hoseinnezhad, Bab-Hadiashar, "Retinal fluid segmentation in OCT images using
    adversarial loss based convolutional neural networks", ISBI 2018.

    Examples
    --------
    >>> scan = np.zeros((40, 200), dtype=np.uint8)
    >>> scan[:, 90:110] = np.random.default_rng(0).integers(0, 255, (40, 20))
    >>> inside = region_of_interest(scan)
    >>> bool(inside[:, 95:105].all()), bool(inside[:, :60].any())
    (True, False)
    """
    local = entropy((image // (256 // _LEVELS)).astype(np.uint16), disk(ENTROPY_RADIUS))
    region = local > ENTROPY_SHARE * local.max()
    if truth is not None:
        region |= truth
    return fill_columns(closed(region, CLOSING_RADIUS))


def closed(region: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Return a region closed with a disk; beyond the image's edge nothing takes away from it.

    It goes by distances, so that a large disk costs no more than a small one. (The same idea in
    scikit-image, ``isotropic_closing``, has a hole in a corner where the disk reaches everything.)

    >>> closed(np.array([[1, 0, 0, 1, 0, 0, 0, 0]], dtype=bool), 1.5).astype(int).tolist()
    [[1, 1, 1, 1, 0, 0, 0, 0]]
    """
    if not region.any():
        return region
    far = distance_transform_edt(~region) > radius
    if not far.any():
        return np.ones_like(region)
    near: NDArray[np.bool_] = distance_transform_edt(~far) > radius
    return near


def fill_columns(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a region (columns, rows) with each column filled from its first to its last pixel.

    >>> fill_columns(np.array([[0, 1, 0, 0, 1, 0]], dtype=bool)).astype(int).tolist()
    [[0, 1, 1, 1, 1, 0]]
    """
    from_top = np.maximum.accumulate(region, axis=1)
    from_bottom = np.maximum.accumulate(region[:, ::-1], axis=1)[:, ::-1]
    filled: NDArray[np.bool_] = from_top & from_bottom
    return filled
