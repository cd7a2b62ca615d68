from dataclasses import replace

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from lamina.errors import GeometryError
from lamina.metrics.measure import MeasureSettings
from lamina.pictures.case_pictures import panel_drawer
from lamina.pictures.panels import (
    ERROR_COLOURS,
    PictureSettings,
    Scene,
    comparison_panels,
    comparison_views,
)
from lamina.tasks.labels import Label

LABELS = [Label(0, "background", (0, 0, 0)), Label(1, "a", (0, 200, 0)), Label(2, "b", (200, 0, 0))]


def panels(reference, prediction, spacing, **more):
    image = np.random.default_rng(0).random(reference.shape)
    return comparison_panels(Scene(image, LABELS, spacing, **more), reference, prediction)


def test_four_panels_of_one_size_and_true_proportions():
    """24 × 3.9 µm voxels: a scan of 100 × 200 of them is 2400 × 780 µm."""
    reference = np.zeros((100, 200), int)
    drawn = panels(reference, reference, (24.0, 3.9))
    assert list(drawn) == ["image", "reference", "prediction", "difference"]
    (size,) = {panel.size for panel in drawn.values()}
    assert size[0] / size[1] == pytest.approx(2400 / 780, rel=0.03)


def test_the_first_axis_runs_to_the_right():
    reference = np.zeros((40, 20), int)
    reference[30:, :] = 1
    drawn = np.asarray(panels(reference, reference, (1.0, 1.0))["reference"].convert("RGB")).astype(
        int
    )
    green = drawn[..., 1] - drawn[..., 0]
    right, left = green[:, int(0.85 * green.shape[1])], green[:, int(0.3 * green.shape[1])]
    assert right.mean() > 40
    assert abs(left.mean()) < 5


def test_the_slice_with_most_foreground_is_drawn():
    reference = np.zeros((20, 24, 9), int)
    reference[5:15, 5:20, 6] = 1
    drawn = np.asarray(
        panels(reference, reference, (1.0, 1.0, 3.0))["reference"].convert("RGB")
    ).astype(int)
    assert (drawn[..., 1] - drawn[..., 0] > 30).mean() > 0.2


@pytest.mark.parametrize(
    ("reference", "prediction", "kind"),
    [(0, 1, "too much"), (1, 0, "missing"), (1, 2, "wrong structure")],
)
def test_each_kind_of_error_has_its_colour(reference, prediction, kind):
    masks = [np.zeros((30, 20), int) for _ in range(2)]
    for mask, value in zip(masks, (reference, prediction), strict=True):
        mask[10:20, 5:15] = value
    drawn = np.asarray(panels(*masks, (1.0, 1.0))["difference"].convert("RGB")).astype(float)
    coloured = drawn[np.ptp(drawn, axis=-1) > 60]
    assert len(coloured) > 0.1 * drawn[..., 0].size
    names = list(ERROR_COLOURS)
    hues = np.array(
        [np.array(ERROR_COLOURS[name]) - np.mean(ERROR_COLOURS[name]) for name in names]
    )
    hues /= np.linalg.norm(hues, axis=1, keepdims=True)
    nearest = ((coloured - coloured.mean(-1, keepdims=True)) @ hues.T).argmax(-1)
    assert {names[i] for i in nearest} == {kind}


def test_masks_of_another_shape_are_refused():
    with pytest.raises(GeometryError):
        panels(np.zeros((4, 5), int), np.zeros((5, 4), int), (1.0, 1.0))


def test_the_panel_for_tensorboard_is_an_rgb_array():
    draw = panel_drawer([{"value": 0, "name": "background", "color": [0, 0, 0]}])
    mask = torch.zeros(1, 20, 30, 4)
    picture = draw({"image": mask, "label": mask, "pred": mask})
    assert picture.ndim == 3
    assert picture.shape[2] == 3


def test_each_view_has_the_panels_of_its_own_slice():
    reference = np.zeros((20, 24, 9), int)
    reference[5:15, 5:20, 6] = 1
    prediction = np.roll(reference, 3, axis=0)
    image = np.random.default_rng(0).random(reference.shape)
    spacing, affine = (1.0, 2.0, 3.0), np.diag([1.0, 2.0, 3.0, 1.0])
    scene = Scene(image, LABELS, spacing, affine)
    views = comparison_views(scene, reference, prediction)
    assert list(views) == ["axial", "coronal", "sagittal"]
    for axis, panels in zip((2, 1, 0), views.values(), strict=True):
        settings = PictureSettings(slice_axis=axis)
        alone = comparison_panels(replace(scene, settings=settings), reference, prediction)
        for title, panel in panels.items():
            np.testing.assert_array_equal(np.asarray(panel), np.asarray(alone[title]))
    with pytest.raises(GeometryError):
        comparison_views(scene, reference, reference[1:])


@pytest.mark.parametrize(("depth_axis", "turned"), [(None, True), (1, False)])
def test_tensorboard_turns_what_is_no_scan_and_keeps_the_proportions(depth_axis, turned):
    """A spot at the patient's left: right in the picture where it is turned."""
    labels = [vars(label) | {"color": list(label.color)} for label in LABELS]
    draw = panel_drawer(labels, MeasureSettings(depth_axis=depth_axis))
    affine = torch.diag(torch.tensor([1.0, 2.0, 5.0, 1.0]))
    mask = torch.zeros(1, 40, 20, 3)
    mask[:, 2:8, 5:15, 1] = 1
    image = MetaTensor(torch.rand(mask.shape), affine=affine)
    picture = draw({"image": image, "label": mask, "pred": mask}).astype(int)
    panel = picture[30:-40, 10 + 370 : 10 + 360 + 370]
    columns = np.nonzero(panel[..., 1] - panel[..., 0] > 40)[1]
    assert (columns.mean() > panel.shape[1] / 2) == turned
    # 40 × 1 mm wide and 20 × 2 mm high is a square.
    assert draw({"image": image, "label": mask, "pred": mask}).shape[1] == 4 * 370 + 10
