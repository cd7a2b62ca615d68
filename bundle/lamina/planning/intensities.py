"""How intensities become the network's numbers: by what they mean."""

from typing import Any

import numpy as np

from lamina.planning.survey import Survey

AIR = -300.0
"""A first percentile below this, in most cases, means Hounsfield units."""

CLIPPED = {
    "_target_": "ScaleIntensityRangePercentilesd",
    "keys": "image",
    "lower": 1,
    "upper": 99,
    "b_min": 0.0,
    "b_max": 1.0,
    "clip": True,
}


def has_units(survey: Survey) -> bool:
    """Say whether the images' numbers mean the same in all of them: Hounsfield units."""
    lowest = [np.percentile(case.everywhere, 1) for case in survey.cases]
    return bool(lowest and np.median(lowest) <= AIR)


def intensity_steps(survey: Survey) -> tuple[list[dict[str, Any]], str]:
    """Return the transforms for the images' intensities, and why it is these.

    Hounsfield units are clipped to the 0.5 and 99.5 percentiles of the structures and scaled by
    their mean and standard deviation, all others by each image's own, as in nnU-Net; what is
    written on pictures, or burnt out, is clipped first.
    """
    if not has_units(survey):
        own = {"_target_": "NormalizeIntensityd", "keys": "image"}
        reason = "each image by its own mean and standard deviation: its units have no fixed zero"
        if survey.dims == 3:
            return [own], reason
        return [CLIPPED, own], f"clipped to the 1st and 99th percentile; {reason}"
    inside = np.concatenate([case.inside for case in survey.cases])
    low, high = (float(value) for value in np.percentile(inside, (0.5, 99.5)))
    mean, spread = float(inside.mean()), max(float(inside.std()), 1.0)
    step = {
        "_target_": "ScaleIntensityRanged",
        "keys": "image",
        "a_min": round(low, 1),
        "a_max": round(high, 1),
        "b_min": round((low - mean) / spread, 4),
        "b_max": round((high - mean) / spread, 4),
        "clip": True,
    }
    reason = (
        f"Hounsfield units, {low:.0f} to {high:.0f} as in the structures (0.5 to 99.5 %), "
        f"by their mean {mean:.0f} and standard deviation {spread:.0f}"
    )
    return [step], reason
