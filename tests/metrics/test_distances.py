import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai import metrics as monai_metrics
from scipy.spatial.distance import cdist
from tests.metrics.grids import spaced, tilted

from lamina.errors import GeometryError
from lamina.metrics.distances import (
    DISTANCE_METRICS,
    distance_scores,
    image_diagonal,
    surface_distances,
)
from lamina.readers.grid import Grid, pixel_grid

MASKS = st.sampled_from([(6, 9), (4, 5, 7)]).flatmap(
    lambda shape: st.tuples(hnp.arrays(bool, shape), hnp.arrays(bool, shape))
)
SPACINGS = st.tuples(*[st.sampled_from([0.0039, 0.5, 1.0, 2.5])] * 3)


def brute_force_surface(mask, spacing):
    """Voxels with a neighbour outside the mask or the image, one by one."""
    padded = np.pad(mask, 1)
    points = []
    for index in np.argwhere(mask):
        steps = np.vstack([np.eye(mask.ndim, dtype=int), -np.eye(mask.ndim, dtype=int)])
        if not all(padded[tuple(index + 1 + step)] for step in steps):
            points.append(index * np.array(spacing))
    return np.array(points)


def blobs(seed, shape=(17, 21, 13)):
    """Two overlapping ellipsoids, away from each other by some voxels."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.indices(shape), axis=-1)
    masks = []
    for _ in range(2):
        centre = np.array(shape) / 2 + rng.uniform(-2, 2, 3)
        radii = rng.uniform(2, 5, 3)
        masks.append((((grid - centre) / radii) ** 2).sum(axis=-1) < 1)
    return masks


@given(MASKS, SPACINGS)
def test_equals_brute_force(masks, spacing):
    prediction, reference = masks
    assume(prediction.any() and reference.any())
    spacing = spacing[: reference.ndim]
    grid = spaced(reference.shape, spacing)
    apart = cdist(brute_force_surface(prediction, spacing), brute_force_surface(reference, spacing))
    there, back = apart.min(axis=1), apart.min(axis=0)
    scores = distance_scores(prediction, reference, grid, tolerance=0.75)
    both = np.concatenate([there, back])
    assert scores["hausdorff_distance_95"] == pytest.approx(
        max(np.percentile(there, 95), np.percentile(back, 95))
    )
    assert scores["average_surface_distance"] == pytest.approx(both.mean())
    assert scores["surface_dice"] == pytest.approx((both <= 0.75).mean())


@pytest.mark.parametrize("seed", range(4))
def test_equals_monai(seed):
    prediction, reference = blobs(seed)
    spacing = (0.7, 1.3, 2.1)
    grid = spaced(reference.shape, spacing)
    batches = [torch.tensor(mask)[None, None].float() for mask in (prediction, reference)]
    scores = distance_scores(prediction, reference, grid, tolerance=1.5)
    hausdorff = monai_metrics.compute_hausdorff_distance(
        *batches, include_background=True, percentile=95, spacing=spacing
    )
    average = monai_metrics.compute_average_surface_distance(
        *batches, include_background=True, symmetric=True, spacing=spacing
    )
    dice = monai_metrics.compute_surface_dice(
        *batches, [1.5], include_background=True, spacing=spacing
    )
    assert scores["hausdorff_distance_95"] == pytest.approx(hausdorff.item(), rel=1e-5)
    assert scores["average_surface_distance"] == pytest.approx(average.item(), rel=1e-5)
    assert scores["surface_dice"] == pytest.approx(dice.item(), rel=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_equals_distance_maps_of_itk(seed):
    masks = blobs(seed)
    spacing = (0.7, 1.3, 2.1)
    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in masks]
    surfaces, maps = [], []
    for image in images:
        image.SetSpacing(spacing[::-1])
        contour = sitk.BinaryContour(image, fullyConnected=False)
        distances = sitk.SignedMaurerDistanceMap(
            contour, squaredDistance=False, useImageSpacing=True
        )
        surfaces.append(sitk.GetArrayFromImage(contour) > 0)
        maps.append(np.abs(sitk.GetArrayFromImage(distances)))
    there, back = surface_distances(*masks, spaced(masks[0].shape, spacing))
    assert sorted(there) == pytest.approx(sorted(maps[1][surfaces[0]]), abs=1e-4)
    assert sorted(back) == pytest.approx(sorted(maps[0][surfaces[1]]), abs=1e-4)


@given(MASKS, SPACINGS)
def test_symmetric_and_within_bounds(masks, spacing):
    assume(masks[0].any() and masks[1].any())
    grid = spaced(masks[0].shape, spacing[: masks[0].ndim])
    there = distance_scores(*masks, grid, tolerance=1.0)
    back = distance_scores(*masks[::-1], grid, tolerance=1.0)
    assert there == pytest.approx(back)
    assert 0 <= there["hausdorff_distance_95"] <= image_diagonal(grid)
    assert 0 <= there["surface_dice"] <= 1


@given(MASKS)
def test_spacing_scales_distances(masks):
    assume(masks[0].any() and masks[1].any())
    single = distance_scores(*masks, spaced(masks[0].shape, (1.0,) * masks[0].ndim), tolerance=1.0)
    double = distance_scores(*masks, spaced(masks[0].shape, (2.0,) * masks[0].ndim), tolerance=2.0)
    assert double["hausdorff_distance_95"] == pytest.approx(2 * single["hausdorff_distance_95"])
    assert double["surface_dice"] == pytest.approx(single["surface_dice"])


@given(MASKS)
def test_agreement_is_perfect(masks):
    assume(masks[0].any())
    scores = distance_scores(
        masks[0], masks[0], spaced(masks[0].shape, (0.5,) * masks[0].ndim), tolerance=0.0
    )
    assert scores == dict(zip(DISTANCE_METRICS, (0.0, 0.0, 1.0), strict=True))


def test_one_voxel_each_and_every_axis_its_own_spacing():
    for axis, expected in enumerate((1.5, 1.0, 6.0)):
        reference, prediction = np.zeros((2, 9, 11, 13), dtype=bool)
        place = np.array([2, 3, 4])
        reference[tuple(place)] = True
        place[axis] += 3
        prediction[tuple(place)] = True
        scores = distance_scores(
            prediction, reference, spaced(reference.shape, (0.5, 1 / 3, 2.0)), tolerance=1.0
        )
        assert scores["hausdorff_distance_95"] == pytest.approx(expected)
        assert scores["average_surface_distance"] == pytest.approx(expected)


@pytest.mark.parametrize("missed", [True, False])
def test_missed_or_false_has_the_diagonal(missed):
    empty, full = np.zeros((30, 40), dtype=bool), np.ones((30, 40), dtype=bool)
    prediction, reference = (empty, full) if missed else (full, empty)
    scores = distance_scores(
        prediction, reference, spaced(reference.shape, (0.1, 0.1)), tolerance=100.0
    )
    assert scores == {
        "hausdorff_distance_95": pytest.approx(5.0),
        "average_surface_distance": pytest.approx(5.0),
        "surface_dice": 0.0,
    }


def test_absent_in_both_is_no_number():
    empty = np.zeros((3, 4), dtype=bool)
    assert np.isnan(list(distance_scores(empty, empty, pixel_grid((3, 4)), 1.0).values())).all()


def test_tolerance_counts_its_own_end():
    reference, prediction = np.zeros((2, 7, 5), dtype=bool)
    reference[1, 1], prediction[3, 1] = True, True
    within = [
        distance_scores(prediction, reference, spaced(reference.shape, (0.5, 1.0)), tolerance)[
            "surface_dice"
        ]
        for tolerance in (0.99, 1.0)
    ]
    assert within == [0.0, 1.0]


def test_other_shape_is_an_error():
    with pytest.raises(GeometryError, match=r"prediction has shape \(2, 3\), reference \(3, 2\)"):
        distance_scores(np.ones((2, 3), bool), np.ones((3, 2), bool), pixel_grid((3, 2)), 1.0)


@given(MASKS, st.integers(0, 99))
def test_sheared_and_turned_axes_have_the_distances_of_space(masks, seed):
    assume(masks[0].any() and masks[1].any())
    affine = np.eye(4)
    affine[:3, :3] = np.random.default_rng(seed).normal(size=(3, 3))
    assume(abs(np.linalg.det(affine)) > 0.05)
    axes = affine[:3, : masks[0].ndim]
    places = [brute_force_surface(mask, (1.0,) * mask.ndim) @ axes.T for mask in masks]
    there, back = surface_distances(*masks, Grid(masks[0].shape, affine))
    apart = cdist(*places)
    assert there == pytest.approx(apart.min(axis=1))
    assert back == pytest.approx(apart.min(axis=0))


def test_a_tilted_gantry_brings_slices_nearer_in_one_direction():
    prediction, reference = np.zeros((2, 5, 9, 7), dtype=bool)
    prediction[2, 2, 4], reference[2, 4, 3] = True, True
    grid = tilted(prediction.shape, (0.5, 1.0, 5.0))
    shift = 5.0 * np.tan(np.radians(25))
    for masks, y in (
        ((prediction, reference), 2 - shift),
        ((prediction[:, ::-1], reference[:, ::-1]), 2 + shift),
    ):
        expected = np.hypot(y, 5.0)
        assert distance_scores(*masks, grid, 1.0)["hausdorff_distance_95"] == pytest.approx(
            expected
        )


def test_the_longest_diagonal_of_a_tilted_image():
    affine = np.eye(4)
    affine[0, 1] = -1.0
    assert image_diagonal(Grid((3, 4), affine)) == pytest.approx(np.hypot(3 + 4, 4))


def test_axes_turned_with_rounding_are_at_right_angles():
    affine = np.eye(4)
    affine[:2, :2] = np.array([[0.8, -0.6], [0.6, 0.8]]).astype(np.float32) * 0.1
    prediction, reference = np.zeros((2, 9, 9), dtype=bool)
    prediction[1, 2], reference[4, 2] = True, True
    grid = Grid((9, 9), affine)
    tolerance = 3 * grid.spacing[0]
    assert distance_scores(prediction, reference, grid, tolerance)["surface_dice"] == 1
