import numpy as np
import pytest

from lamina.cases.find import find_cases
from lamina.planning.survey_cases import survey_cases

from .conftest import FLIPPED, volume, write_case


def test_axes_are_in_ras_order_with_their_spacing(volumes, survey_of):
    survey = survey_of(volumes)
    assert survey.dims == 3
    for one in survey.cases:
        assert one.shape == (26, 22, 12)  # the file's y lies along x
        np.testing.assert_allclose(one.spacing, (1.5008, 1.0050, 3.0), atol=1e-3)
        assert one.unit == "mm"


def test_structures_are_counted_and_placed(volumes, survey_of):
    one = survey_of(volumes).cases[0]
    assert one.structures.keys() == {1, 2}
    assert (one.structures[1].voxels, one.structures[1].components) == (8 * 8 * 5, 1)
    # x of the file runs backwards along y: its indices 12 … 15 of 22 come first there.
    assert one.structures[2].centre[1] == pytest.approx((22 - 1 - 13.5) / 22)
    assert one.structures[2].centre[2] == pytest.approx((12 - 1 - 5) / 12)


def test_intensities_inside_are_those_under_the_label(volumes, survey_of):
    one = survey_of(volumes).cases[0]
    image, label = volume(0)
    assert one.inside.mean() == pytest.approx(image[label > 0].mean(), rel=1e-5)
    assert one.everywhere.mean() == pytest.approx(image.mean(), rel=1e-5)


def test_pictures_have_no_millimetres(pictures, survey_of):
    survey = survey_of(pictures)
    assert survey.dims == 2
    assert survey.values == [255]
    assert {one.unit for one in survey.cases} == {"px"}
    assert survey.cases[1].shape == (90, 70)


def test_another_background_is_no_structure(pictures, survey_of):
    survey = survey_of(pictures, 255)
    assert survey.values == [0]


def test_a_case_that_does_not_fit_is_a_problem_and_no_case(volumes):
    image, _ = volume(3)
    write_case(volumes, "odd", image, np.zeros((5, 6, 7), np.uint8))
    survey = survey_cases(find_cases(volumes).labelled)
    assert len(survey.cases) == 10
    (one,) = survey.unusable
    assert "odd.nii.gz: not on the grid of" in one.reason


def test_values_that_only_lie_on_edges_are_found(tmp_path, survey_of):
    image, label = volume(1)
    soft = (label > 0).astype(np.uint8) * 200
    soft[5:13, 4, 3:8] = 100
    write_case(tmp_path, "soft", image, soft, FLIPPED)
    write_case(tmp_path, "hard", image + 1, (label > 0).astype(np.uint8) * 200, FLIPPED)
    by_name = {one.files.name: one for one in survey_of(tmp_path).cases}
    assert by_name["soft"].between == (100,)
    assert by_name["hard"].between == ()


def test_the_edge_tells_the_background(pictures, volumes, survey_of):
    assert survey_of(volumes).edge == 0
    assert survey_of(pictures, 255).edge == 0


def test_thin_layers_are_no_edges(tmp_path, survey_of):
    """A layer of one voxel between two others, as in the retina, is a structure."""
    image, label = volume(2)
    label[:] = 0
    label[:, 10], label[:, 11], label[:, 12] = 2, 1, 3
    write_case(tmp_path, "layers", image, label)
    assert survey_of(tmp_path).cases[0].between == ()
