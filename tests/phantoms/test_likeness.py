"""Phantoms compared with real B-scans: brightness of layers and speckle."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from lamina.phantoms.oct import make_oct_volume

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("LAMINA_DATA", ROOT.parent / "shared" / "data")) / "oct_layers"
MASKS = sorted((DATA / "masks").glob("*.png"))
BACKGROUND, VITREOUS = 8, 9
# The layers as the real masks tell them apart, from top to bottom.
AS_ANNOTATED = {
    "NFL": ["RNFL"],
    "GCL+IPL": ["GCL", "IPL"],
    "INL": ["INL"],
    "OPL": ["OPL"],
    "ONL": ["ONL", "ELM", "myoid"],
    "EZ": ["EZ"],
    "OS": ["OS", "IZ"],
    "RPE": ["RPE", "BM"],
}
NAMES = list(AS_ANNOTATED)

pytestmark = pytest.mark.skipif(not MASKS, reason=f"no real B-scans in {DATA} (set LAMINA_DATA)")


def mark_vitreous(mask):
    """Return the mask with all that is well above the first layer marked as vitreous."""
    surface = np.argmax(mask == 0, axis=0)
    above = np.arange(len(mask))[:, None] < surface - 10
    return np.where(above & (mask == BACKGROUND), VITREOUS, mask)


def real_scans():
    """Return the real B-scans and masks, every second row: 3.9 µm, as in the phantoms."""
    for path in MASKS:
        mask = np.array(Image.open(path))[::2].astype(int) // 30
        yield np.array(Image.open(DATA / "images" / path.name))[::2].astype(float), mask


def phantom_scans():
    for case in range(4):
        volume = make_oct_volume((0, case), layers=AS_ANNOTATED)
        for z in (3, 10):
            mask = volume.label[0, ..., z].T.astype(int) - 1
            yield volume.image[0, ..., z].T.astype(float), np.where(mask < 0, BACKGROUND, mask)


def residual(image, inside):
    """Return the image less its local mean within the layer, in units of the layer's mean."""
    weight = inside.astype(float)
    local = gaussian_filter(image * weight, (12, 9)) / np.fmax(
        gaussian_filter(weight, (12, 9)), 1e-6
    )
    return np.where(inside, image - local, 0) / image[inside].mean()


def correlation(values, inside, distance, axis):
    lines, mask = np.moveaxis(values, axis, 0), np.moveaxis(inside, axis, 0)
    both = mask[distance:] & mask[:-distance]
    one, other = lines[distance:][both], lines[:-distance][both]
    return (one * other).mean() / np.sqrt((one**2).mean() * (other**2).mean())


def measure(scans):
    """Return mean log intensity, coefficient of variation and correlations of each region."""
    rows = []
    for image, plain in scans:
        mask = mark_vitreous(plain)
        for region in (*range(8), VITREOUS):
            inside = mask == region
            rest = residual(image, inside)
            rows.append(
                [
                    np.log1p(image[inside]).mean(),
                    rest[inside].std(),
                    correlation(rest, inside, 1, 0),
                    correlation(rest, inside, 2, 0),
                    correlation(rest, inside, 1, 1),
                ]
            )
    return np.reshape(rows, (-1, 9, 5)).mean(0)


@pytest.fixture(scope="module")
def real():
    return measure(real_scans())


@pytest.fixture(scope="module")
def phantom():
    return measure(phantom_scans())


@pytest.mark.parametrize("upper", range(7), ids=[f"{a}-{b}" for a, b in pairwise(NAMES)])
def test_contrast_between_neighbours_is_like_the_real_one(real, phantom, upper):
    expected, found = (m[upper + 1, 0] - m[upper, 0] for m in (real, phantom))
    assert np.sign(found) == np.sign(expected)
    assert found == pytest.approx(expected, abs=0.25)


@pytest.mark.parametrize("region", [*range(8), 8], ids=[*NAMES, "vitreous"])
def test_brightness_is_like_the_real_one(real, phantom, region):
    assert phantom[region, 0] == pytest.approx(real[region, 0], abs=0.35)


@pytest.mark.parametrize("region", [*range(8), 8], ids=[*NAMES, "vitreous"])
def test_speckle_is_as_strong_as_the_real_one(real, phantom, region):
    assert phantom[region, 1] == pytest.approx(real[region, 1], rel=0.25)


def test_speckle_is_correlated_like_the_real_one(real, phantom):
    thick = [0, 1, 4]  # thin layers leave too few pairs
    axial, axial_2, lateral = phantom[thick, 2:].mean(0)
    real_axial, real_axial_2, real_lateral = real[thick, 2:].mean(0)
    assert axial == pytest.approx(real_axial, abs=0.1)
    assert axial_2 == pytest.approx(real_axial_2, abs=0.08)
    assert lateral == pytest.approx(real_lateral, abs=0.08)
