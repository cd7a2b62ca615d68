import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from SimpleITK import sitkNearestNeighbor

from lamina.cases.grid import Grid, lps_to_ras, pixel_grid
from lamina.errors import GeometryError
from lamina.planning.refit import refit

OBLIQUE = np.array(
    [[0.1, -1.5, 0, 20], [-1.0, 0.05, 0.1, 30], [0, 0, -3.0, 40], [0, 0, 0, 1]], float
)
IMAGE = Grid((14, 18, 10), OBLIQUE)


def label_on(shape):
    label = np.zeros(shape, np.int32)
    label[3:9, 4:11, 2:7], label[9:11, 4:8, 3:6] = 1, 300
    return label


def test_what_fits_is_left_alone():
    assert refit(label_on(IMAGE.shape), IMAGE, IMAGE, 2.0) is None


@given(shift=st.floats(0.6, 1.9))
@settings(max_examples=10)
def test_within_the_tolerance_it_is_re_stamped_voxels_unchanged(shift):
    moved = OBLIQUE.copy()
    moved[1, 3] += shift
    label = label_on(IMAGE.shape)
    found = refit(label, Grid(IMAGE.shape, moved), IMAGE, 2.0)
    np.testing.assert_array_equal(found.label, label)
    assert found.done.startswith("re-stamped with its image's place in space (origin")


def test_a_header_that_says_nothing_is_re_stamped():
    label = label_on(IMAGE.shape)
    found = refit(label, Grid(IMAGE.shape, np.diag([-1.0, -1, 1, 1])), IMAGE, 2.0)
    np.testing.assert_array_equal(found.label, label)


def test_beyond_the_tolerance_it_is_resampled():
    """A label that is stored one slice further, and says so, comes back onto its voxels."""
    moved = OBLIQUE.copy()
    moved[:3, 3] += OBLIQUE[:3, 2]
    label = label_on(IMAGE.shape)
    found = refit(np.roll(label, -1, axis=2), Grid(IMAGE.shape, moved), IMAGE, 2.0)
    np.testing.assert_array_equal(found.label, label)
    assert found.done.startswith("resampled by nearest neighbour (origin 3 mm (1 voxels) away)")


@pytest.mark.parametrize("axis", range(3))
def test_an_axis_that_runs_the_other_way_is_turned_back_exactly(axis):
    mirrored = np.eye(4)
    mirrored[axis, axis], mirrored[axis, 3] = -1, IMAGE.shape[axis] - 1
    label = label_on(IMAGE.shape)
    found = refit(np.flip(label, axis), Grid(IMAGE.shape, OBLIQUE @ mirrored), IMAGE, 2.0)
    np.testing.assert_array_equal(found.label, label)


def test_resampling_is_simple_itk_s():
    import SimpleITK as sitk

    def image_of(values, grid):
        image = sitk.GetImageFromArray(np.ascontiguousarray(values.T))
        lps = lps_to_ras(grid.affine)
        image.SetSpacing(grid.spacing)
        image.SetOrigin(lps[:3, 3].tolist())
        image.SetDirection((lps[:3, :3] / np.array(grid.spacing)).ravel().tolist())
        return image

    # Directions of ITK are orthonormal.
    image = Grid((14, 18, 10), np.diag([-1.5, 1.0, 3.0, 1.0]))
    fine = Grid((30, 40, 30), np.diag([-0.71, 0.47, 1.03, 1.0]))
    label = np.zeros(fine.shape, np.int32)
    label[2:26, 4:34, 3:24] = np.random.default_rng(0).integers(0, 5, (24, 30, 21))
    found = refit(label, fine, image, 2.0).label
    expected = sitk.GetArrayFromImage(
        sitk.Resample(
            image_of(label, fine), image_of(found, image), sitk.Transform(), sitkNearestNeighbor
        )
    ).T
    inside = np.s_[:14, :18, :10]
    assert (found[inside] == expected[inside]).mean() > 0.999


def test_what_would_lie_outside_is_refused():
    moved = OBLIQUE.copy()
    moved[0, 3] += 12
    with pytest.raises(GeometryError, match=r"\d+% of its structures would lie outside"):
        refit(label_on(IMAGE.shape), Grid(IMAGE.shape, moved), IMAGE, 2.0)


def test_pictures_of_one_scene_are_resized_and_others_refused():
    label = np.zeros((40, 60), np.int32)
    label[10:20, 30:50] = 255
    found = refit(label, pixel_grid((40, 60)), pixel_grid((80, 120)), 2.0)
    np.testing.assert_array_equal(found.label, label.repeat(2, 0).repeat(2, 1))
    half = refit(label, pixel_grid((40, 60)), pixel_grid((20, 30)), 2.0).label
    assert half.shape == (20, 30)
    assert set(np.unique(half)) == {0, 255}
    with pytest.raises(GeometryError, match="of other proportions"):
        refit(label, pixel_grid((40, 60)), pixel_grid((60, 40)), 2.0)
    with pytest.raises(GeometryError, match="a picture and a volume"):
        refit(label, pixel_grid((40, 60)), IMAGE, 2.0)
