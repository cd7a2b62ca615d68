import numpy as np
import pytest
from scipy import ndimage

from lamina.errors import ConfigError
from lamina.phantoms.cbct import CONTACTS, draw_array, make_head_volume, metal_streaks

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


SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_contacts_lie_on_the_line_apart_from_each_other(seed):
    line, contacts = draw_array(np.random.default_rng(seed), np.array([1.0, -2.0, 3.0]))
    assert contacts.shape == (CONTACTS, 3)
    assert all((np.abs(line - one).sum(axis=1) == 0).any() for one in contacts)
    gaps = np.linalg.norm(np.diff(contacts, axis=0), axis=1)
    assert gaps.min() > 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_the_line_has_no_gaps_and_stays_near_the_centre(seed):
    centre = np.array([5.0, 6.0, -7.0])
    line, _ = draw_array(np.random.default_rng(seed), centre)
    assert np.linalg.norm(np.diff(line, axis=0), axis=1).max() < 0.4
    assert np.linalg.norm(line - centre, axis=1).max() < 8


def test_the_axis_lies_near_front_to_back():
    depth = []
    for seed in SEEDS:
        _, contacts = draw_array(np.random.default_rng(seed), np.zeros(3))
        _, _, axes = np.linalg.svd(contacts - contacts.mean(0))
        depth.append(abs(axes[2, 1]))
    assert min(depth) > 0.75


def rod(shape=(40, 31, 4), at=(20, 15)):
    metal = np.zeros(shape, dtype=np.float32)
    metal[at[0] - 1 : at[0] + 1, at[1] - 1 : at[1] + 1, 1:3] = 3000
    return metal


def test_without_metal_there_are_none():
    assert not metal_streaks(np.random.default_rng(0), np.zeros((12, 15, 3), np.float32)).any()


def test_they_leave_metal_and_other_slices_alone():
    metal = rod()
    made = metal_streaks(np.random.default_rng(0), metal)
    assert made.shape == metal.shape
    assert not made[..., 0].any()
    assert not made[..., 3].any()
    assert not made[metal > 0].any()


def test_they_are_strongest_near_the_metal():
    made = abs(metal_streaks(np.random.default_rng(0), rod())[..., 1])
    x, y = np.indices(made.shape)
    distance = np.hypot(x - 19.5, y - 14.5)
    assert made[(distance > 2) & (distance < 6)].mean() > 3 * made[distance > 12].mean() > 0


def test_they_follow_metal_that_lies_elsewhere():
    made = abs(metal_streaks(np.random.default_rng(0), rod(at=(8, 24)))[..., 1])
    middle = [
        float((made.sum(axis=1 - axis) * np.arange(n)).sum() / made.sum())
        for axis, n in ((0, 40), (1, 31))
    ]
    assert middle[0] < 15
    assert middle[1] > 18
