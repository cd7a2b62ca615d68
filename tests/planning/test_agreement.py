import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lamina.planning.agreement import MOST, mirror_losses


def made(shape, box):
    label = np.zeros(shape, np.int32)
    label[box] = 1
    noise = np.random.default_rng(0).normal(0, 0.2, shape)
    return (label + noise).astype(np.float32), label


@pytest.mark.parametrize("axis", range(3))
def test_a_label_that_fits_loses_when_mirrored(axis):
    box = [slice(8, 16)] * 3
    box[axis] = slice(2, 8)
    image, label = made((20, 22, 24), tuple(box))
    assert min(mirror_losses(image, label)[axis]) > 0
    (steepness, near, everywhere) = mirror_losses(image, np.flip(label, axis).copy())[axis]
    assert max(steepness, near, everywhere) < 0


def test_what_is_lost_one_way_is_won_the_other():
    image, label = made((20, 22), (slice(2, 8), slice(5, 12)))
    forth = np.array(mirror_losses(image, label))
    back = np.array(mirror_losses(image, label[::-1].copy()))
    np.testing.assert_allclose(forth[0], -back[0], rtol=1e-5)


@given(label=hnp.arrays(np.int32, (9, 7), elements=st.integers(0, 3)))
def test_a_symmetric_label_loses_nothing(label):
    both = np.concatenate([label, label[::-1]])
    image = np.random.default_rng(1).random(both.shape, dtype=np.float32)
    assert mirror_losses(image, both)[0] == pytest.approx((0.0, 0.0, 0.0), abs=1e-5)


def test_scale_and_offset_of_the_image_change_nothing():
    image, label = made((20, 22), (slice(2, 8), slice(5, 12)))
    expected = mirror_losses(image, label)
    np.testing.assert_allclose(mirror_losses(1000 * image - 300, label), expected, rtol=1e-3)


def test_an_empty_label_and_a_flat_image_say_nothing():
    nothing = np.zeros((12, 13, 14), np.int32)
    assert mirror_losses(nothing.astype(np.float32), nothing) == ((0.0,) * 3,) * 3
    _, label = made((12, 13), (slice(2, 8), slice(3, 5)))
    assert np.isfinite(mirror_losses(np.ones(label.shape, np.float32), label)).all()


def test_large_images_are_thinned():
    image, label = made((5 * MOST[2], 40), (slice(50, 300), slice(5, 12)))
    assert min(mirror_losses(image, label)[0]) > 0
