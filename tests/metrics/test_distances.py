import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai import metrics as monai_metrics
from scipy.spatial.distance import cdist

from lamina.errors import GeometryError
from lamina.metrics.distances import (
    DISTANCE_METRICS,
    distance_scores,
    image_diagonal,
    surface_distances,
)

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
    prediction, truth = masks
    assume(prediction.any() and truth.any())
    spacing = spacing[: truth.ndim]
    apart = cdist(brute_force_surface(prediction, spacing), brute_force_surface(truth, spacing))
    there, back = apart.min(axis=1), apart.min(axis=0)
    scores = distance_scores(prediction, truth, spacing, tolerance=0.75)
    both = np.concatenate([there, back])
    assert scores["hausdorff_distance_95"] == pytest.approx(
        max(np.percentile(there, 95), np.percentile(back, 95))
    )
    assert scores["average_surface_distance"] == pytest.approx(both.mean())
    assert scores["surface_dice"] == pytest.approx((both <= 0.75).mean())


@pytest.mark.parametrize("seed", range(4))
def test_equals_monai(seed):
    prediction, truth = blobs(seed)
    spacing = (0.7, 1.3, 2.1)
    batches = [torch.tensor(mask)[None, None].float() for mask in (prediction, truth)]
    scores = distance_scores(prediction, truth, spacing, tolerance=1.5)
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
    there, back = surface_distances(*masks, spacing)
    assert sorted(there) == pytest.approx(sorted(maps[1][surfaces[0]]), abs=1e-4)
    assert sorted(back) == pytest.approx(sorted(maps[0][surfaces[1]]), abs=1e-4)


@given(MASKS, SPACINGS)
def test_symmetric_and_within_bounds(masks, spacing):
    assume(masks[0].any() and masks[1].any())
    spacing = spacing[: masks[0].ndim]
    there = distance_scores(*masks, spacing, tolerance=1.0)
    back = distance_scores(*masks[::-1], spacing, tolerance=1.0)
    assert there == pytest.approx(back)
    assert 0 <= there["hausdorff_distance_95"] <= image_diagonal(masks[0].shape, spacing)
    assert 0 <= there["surface_dice"] <= 1


@given(MASKS)
def test_spacing_scales_distances(masks):
    assume(masks[0].any() and masks[1].any())
    single = distance_scores(*masks, (1.0,) * masks[0].ndim, tolerance=1.0)
    double = distance_scores(*masks, (2.0,) * masks[0].ndim, tolerance=2.0)
    assert double["hausdorff_distance_95"] == pytest.approx(2 * single["hausdorff_distance_95"])
    assert double["surface_dice"] == pytest.approx(single["surface_dice"])


@given(MASKS)
def test_agreement_is_perfect(masks):
    assume(masks[0].any())
    scores = distance_scores(masks[0], masks[0], (0.5,) * masks[0].ndim, tolerance=0.0)
    assert scores == dict(zip(DISTANCE_METRICS, (0.0, 0.0, 1.0), strict=True))


def test_one_voxel_each_and_every_axis_its_own_spacing():
    for axis, expected in enumerate((1.5, 1.0, 6.0)):
        truth, prediction = np.zeros((2, 9, 11, 13), dtype=bool)
        place = np.array([2, 3, 4])
        truth[tuple(place)] = True
        place[axis] += 3
        prediction[tuple(place)] = True
        scores = distance_scores(prediction, truth, (0.5, 1 / 3, 2.0), tolerance=1.0)
        assert scores["hausdorff_distance_95"] == pytest.approx(expected)
        assert scores["average_surface_distance"] == pytest.approx(expected)


@pytest.mark.parametrize("missed", [True, False])
def test_missed_or_false_has_the_diagonal(missed):
    empty, full = np.zeros((30, 40), dtype=bool), np.ones((30, 40), dtype=bool)
    prediction, truth = (empty, full) if missed else (full, empty)
    scores = distance_scores(prediction, truth, (0.1, 0.1), tolerance=100.0)
    assert scores == {
        "hausdorff_distance_95": pytest.approx(5.0),
        "average_surface_distance": pytest.approx(5.0),
        "surface_dice": 0.0,
    }


def test_absent_in_both_is_no_number():
    empty = np.zeros((3, 4), dtype=bool)
    assert np.isnan(list(distance_scores(empty, empty, (1.0, 1.0), 1.0).values())).all()


def test_tolerance_counts_its_own_end():
    truth, prediction = np.zeros((2, 7, 5), dtype=bool)
    truth[1, 1], prediction[3, 1] = True, True
    within = [
        distance_scores(prediction, truth, (0.5, 1.0), tolerance)["surface_dice"]
        for tolerance in (0.99, 1.0)
    ]
    assert within == [0.0, 1.0]


def test_other_shape_is_an_error():
    with pytest.raises(GeometryError, match=r"prediction has shape \(2, 3\), truth \(3, 2\)"):
        distance_scores(np.ones((2, 3), bool), np.ones((3, 2), bool), (1.0, 1.0), 1.0)
