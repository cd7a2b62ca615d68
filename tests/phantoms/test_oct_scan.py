from dataclasses import fields, replace

import numpy as np
import pytest

from lamina.errors import ConfigError
from lamina.phantoms.oct import make_oct_volume
from lamina.phantoms.oct_scan import CIRRUS, OctScan

SMALL = {"shape": (24, 160, 5), "spacing": (100.0, 6.2, 300.0)}
NAMES = [field.name for field in fields(OctScan)]
IMAGE_ONLY = {
    "signal_sd",
    "attenuation",
    "vessels",
    "shadow",
    "speckle_lateral",
    "speckle_axial",
    "noise",
    "gain",
}


@pytest.mark.parametrize("name", NAMES)
def test_every_number_counts(name):
    changed = replace(CIRRUS, **{name: 2 * getattr(CIRRUS, name) or 1.0})
    before, after = make_oct_volume(7, **SMALL), make_oct_volume(7, **SMALL, scan=changed)
    assert (before.image != after.image).any()
    assert (before.boundaries != after.boundaries).any() == (name not in IMAGE_ONLY)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"curvature", "noise"}])
def test_negative_numbers_are_refused(name):
    with pytest.raises(ConfigError, match=f"scan: {name} -0.5, expected 0 or more"):
        OctScan(**{name: -0.5})


def test_curvature_and_noise_may_be_negative():
    assert OctScan(curvature=-3.0, noise=-2.0).curvature == -3


def test_without_variation_all_eyes_are_alike():
    still = OctScan(
        thickness_sd=0,
        undulation_sd=0,
        decentration_sd=0,
        tilt_sd=0,
        curvature_sd=0,
        motion_sd=0,
        curvature=0,
    )
    volumes = [make_oct_volume(seed, **SMALL, scan=still).boundaries for seed in (1, 2)]
    thickness = [np.diff(boundaries, axis=0) for boundaries in volumes]
    either = min(np.abs(thickness[0] - t).max() for t in (thickness[1], thickness[1][:, ::-1]))
    assert either < 1e-3  # one may be a right and the other a left eye


def test_noise_lowers_the_contrast():
    def contrast(noise):
        volume = make_oct_volume(3, **SMALL, scan=replace(CIRRUS, noise=noise))
        dark, bright = (volume.image[volume.label == value].mean() for value in (0, 7))
        return bright / dark

    assert contrast(6.0) < contrast(0.0) < contrast(-6.0)
