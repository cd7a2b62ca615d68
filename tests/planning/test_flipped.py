"""Flipped labels: found where they were planted, and never where they were not."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lamina.cases.find import find_cases
from lamina.phantoms.chest_pictures import write_chest_pictures
from lamina.phantoms.oct_annotations import write_oct_annotations
from lamina.planning.defects import find_defects
from lamina.planning.flipped import MOST, _agrees_mirrored, find_flipped, mirror_losses
from lamina.planning.survey import Survey
from lamina.planning.survey_cases import structures_in, survey_cases

from .conftest import read_in_ras, write_case

AXES = ("left-right", "back-front", "foot-head")


def scene(seed):
    """A volume whose two structures lie beside its middle along each axis, a little elsewhere."""
    rng = np.random.default_rng(seed)
    label = np.zeros((24, 28, 20), np.uint8)
    x, y, z = rng.integers(0, 3, 3)
    label[3 + x : 9 + x, 4 + y : 11 + y, 2 + z : 8 + z] = 1
    label[9 + x : 13 + x, 4 + y : 11 + y, 2 + z : 8 + z] = 2
    image = 40 * label + rng.normal(0, 15, label.shape)
    return image.astype(np.float32), label


@pytest.mark.parametrize("axis", range(3))
def test_a_planted_flip_is_named_with_its_axis_and_nothing_else_is(tmp_path, survey_of, axis):
    for seed in range(12):
        image, label = scene(seed)
        write_case(tmp_path, f"c{seed:02}", image, label, np.eye(4))
    image, label = scene(12)
    write_case(tmp_path, "flipped", image, np.flip(label, axis).copy(), np.eye(4))
    ((one, name),) = find_flipped(survey_of(tmp_path))
    assert (one.files.name, name) == ("flipped", AXES[axis])
    (defect,) = find_defects(survey_of(tmp_path))
    assert f"flipped {AXES[axis]} against its image" in defect.text
    assert defect.cases == ("flipped",)


def test_a_case_that_is_mirrored_as_a_whole_is_not_a_flipped_label(tmp_path, survey_of):
    for seed in range(12):
        image, label = scene(seed)
        turn = slice(None, None, -1 if seed == 5 else 1)
        write_case(tmp_path, f"c{seed:02}", image[turn].copy(), label[turn].copy(), np.eye(4))
    assert find_flipped(survey_of(tmp_path)) == []


def test_few_cases_tell_nothing(tmp_path, survey_of):
    for seed in range(5):
        image, label = scene(seed)
        write_case(tmp_path, f"c{seed}", image, label[::-1].copy() if seed == 2 else label)
    assert find_flipped(survey_of(tmp_path)) == []


@pytest.mark.parametrize(
    "write",
    [
        lambda root: write_chest_pictures(root, cases=12, size=(90, 100), sides=True),
        lambda root: write_oct_annotations(root, cases=10, size=(96, 80), spacing=(60.0, 20.0)),
    ],
    ids=["chest", "oct"],
)
def test_nothing_is_called_flipped_in_made_up_pictures(tmp_path, write):
    survey = survey_cases(find_cases(write(tmp_path / "it")).labelled)
    assert len(survey.cases) >= 10
    assert find_flipped(survey) == []


def mirrored(one, image, label, axis):
    """What a survey would say of a case if its label were mirrored."""
    label = np.flip(label, axis).copy()
    return dataclasses.replace(
        one, structures=structures_in(label, 0), mirror_losses=mirror_losses(image, label)
    )


def test_real_volumes_have_none_and_show_planted_ones(real_data):
    cases = find_cases(real_data / "hippocampus").labelled[:40]
    survey = survey_cases(cases)
    assert find_flipped(survey) == []
    found = 0
    for at in range(0, 40, 5):
        image, label = read_in_ras(cases[at])
        for axis in (1, 2):
            planted = mirrored(survey.cases[at], image, label, axis)
            others = (*survey.cases[:at], planted, *survey.cases[at + 1 :])
            flipped = find_flipped(Survey(others))
            assert {one.files.name for one, _ in flipped} <= {planted.files.name}
            found += flipped == [(planted, AXES[axis])]
    assert found >= 14  # of 16


def test_a_slight_advantage_of_the_mirror_image_is_none():
    rng = np.random.default_rng(0)
    losses = rng.normal(4.0, 1.0, (40, 1))
    losses[:2, 0] = -0.8, -4.0
    assert _agrees_mirrored(losses).tolist()[:3] == [False, True, False]


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
