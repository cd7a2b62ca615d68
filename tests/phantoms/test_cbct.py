import numpy as np
import pytest
from scipy import ndimage

from lamina.errors import ConfigError
from lamina.phantoms import make_head_volume

SMALL = {"shape": (52, 56, 60), "spacing": 0.6}


@pytest.fixture(scope="module")
def head():
    return make_head_volume((0, 3), **SMALL)


def test_same_seed_same_volume_another_seed_another(head):
    again, other = make_head_volume((0, 3), **SMALL), make_head_volume((0, 4), **SMALL)
    np.testing.assert_array_equal(head.image, again.image)
    np.testing.assert_array_equal(head.label, again.label)
    assert (head.label != other.label).any()


def test_it_lies_about_the_origin_with_cubes_for_voxels(head):
    np.testing.assert_allclose(head.affine[:3, :3], 0.6 * np.eye(3))
    middle = head.affine @ [*(np.array(SMALL["shape"]) - 1) / 2, 1]
    np.testing.assert_allclose(middle[:3], 0, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_array_is_one_bright_thread_inside_the_head(seed):
    head = make_head_volume((1, seed), **SMALL)
    image, label = head.image[0].astype(float), head.label[0] == 1
    assert ndimage.label(label, np.ones((3, 3, 3)))[1] == 1
    assert 1300 < image[label].mean() < 3000
    around = ndimage.binary_dilation(label) & ~label
    assert image[around].mean() < image[label].mean() - 500  # the duct of fluid about it
    assert not any(label.take(end, axis).any() for axis in range(3) for end in (0, -1))


def test_the_array_is_a_turn_and_a_half_in_few_coronal_slices(head):
    area = head.label[0].sum(axis=(0, 2))
    clear = np.flatnonzero(area >= area.max() / 2)
    assert 2 <= len(clear) <= 12
    flat = head.label[0].any(axis=1)
    extent = [0.6 * np.ptp(np.flatnonzero(flat.any(axis=axis))) for axis in (0, 1)]
    assert all(6 < length < 16 for length in extent)


def test_air_tissue_and_bone_have_their_values(head):
    image = head.image[0].astype(float)
    assert image[:4, :4, :4].mean() == pytest.approx(-1000, abs=30)
    assert image.min() >= -1024
    assert image.max() <= 3071
    middle = image[26, 28, 30]
    assert middle > -800


def test_streaks_change_only_axial_slices_with_metal():
    with_them, without = (make_head_volume(5, streaks=s, **SMALL).image[0] for s in (1.0, 0.0))
    # Streaks draw from the generator before the noise, so noise differs: smooth it away.
    gone = abs(ndimage.gaussian_filter(with_them.astype(float) - without, 2))
    by_slice = gone.mean(axis=(0, 1))
    metal = (without > 2800).any(axis=(0, 1))
    assert by_slice[metal].mean() > 2 * by_slice[:10].mean()


@pytest.mark.parametrize("wrong", [{"shape": (20, 56, 60)}, {"streaks": -1.0}, {"shape": (60, 60)}])
def test_what_can_not_hold_an_array_is_refused(wrong):
    with pytest.raises(ConfigError, match="expected three sizes of at least 30 mm"):
        make_head_volume(0, **SMALL | wrong)
