"""Where an image is bright, by Otsu's threshold."""

import torch
from monai.utils import convert_to_numpy
from skimage.filters import threshold_otsu


def above_otsu(image: torch.Tensor) -> torch.Tensor:
    """Return where an image is above Otsu's threshold (1979); everywhere if it has one value only.

    It is meant as ``select_fn`` of MONAI's ``CropForegroundd``, whose box it bounds: the crop is
    known to the image, so that a result returns to where it was cut from.

    Examples
    --------
    >>> above_otsu(torch.tensor([[0.0, 0.0, 9.0, 10.0]])).tolist()
    [[False, False, True, True]]
    """
    threshold = threshold_otsu(convert_to_numpy(image))
    mask = torch.as_tensor(image > threshold)
    return mask if mask.any() else torch.ones_like(mask)
