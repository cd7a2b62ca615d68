import json

import numpy as np
import pytest
from PIL import Image

from lamina.cases.find import find_cases
from lamina.errors import ConfigError, DataError
from lamina.phantoms.anatomy import EIGHT_LAYERS
from lamina.phantoms.oct import make_oct_volume
from lamina.phantoms.oct_annotations import via_regions, write_oct_annotations

SMALL = {"cases": 2, "size": (50, 400), "spacing": (60.0, 3.0)}


def read(path):
    """The picture as (columns, rows)."""
    return np.asarray(Image.open(path)).T


def truth(seed):
    steps = (*SMALL["spacing"], 120.0)
    return make_oct_volume(seed, shape=(*SMALL["size"], 1), spacing=steps)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_oct_annotations(tmp_path_factory.mktemp("oct") / "octid", **SMALL)


def test_raw_material_and_masks(folder):
    found = find_cases(folder)
    assert [case.name for case in found.cases] == ["octid_000", "octid_001"]
    assert all(case.label for case in found.cases)
    assert found.problems == ()
    annotated = json.loads((folder / "via_region_data.json").read_text())
    assert [one["filename"] for one in annotated.values()] == ["octid_000.jpg", "octid_001.jpg"]


def test_pictures_are_those_of_the_volume_but_for_jpeg(folder):
    image = read(folder / "images" / "octid_001.jpg").astype(int)
    assert np.abs(image - truth((0, 1)).image[0, :, :, 0]).mean() < 6


def test_drawn_masks_are_the_truth_to_within_a_pixel(folder):
    drawn = read(folder / "masks" / "octid_001.png")
    label = truth((0, 1)).label[0, :, :, 0]
    assert set(np.unique(drawn)) == set(range(9))
    assert (drawn == label).mean() > 0.96
    for value in range(1, 9):
        error = (drawn == value).sum(axis=1) - (label == value).sum(axis=1)
        assert np.abs(error).mean() < 3
        assert abs(error.mean()) < 1


def test_layers_lie_on_each_other_without_a_gap(folder):
    for path in (folder / "masks").iterdir():
        mask = read(path).astype(int)
        steps = np.diff(mask, axis=1)
        inside = (mask[:, :-1] > 0) & (mask[:, 1:] > 0)
        assert (steps[inside] >= 0).all()


def test_corners_are_whole_pixels_within_the_picture(folder):
    annotated = json.loads((folder / "via_region_data.json").read_text())
    for one in annotated.values():
        assert [region["region_attributes"]["layer"] for region in one["regions"]] == [
            *EIGHT_LAYERS
        ]
        for region in one["regions"]:
            form = region["shape_attributes"]
            assert set(form["all_points_x"]) <= {*range(0, 50, 8), 50}
            assert all(isinstance(y, int) and 0 <= y <= 400 for y in form["all_points_y"])


def test_a_boundary_halfway_between_centres_is_a_corner():
    boundaries = np.array([[0.5, 0.5], [2.5, 2.5], [99.0, -9.0]])
    upper, lower = via_regions(boundaries, ["a", "b"], rows=20, step=1)
    assert upper["shape_attributes"]["all_points_y"] == [1, 1, 1, 3, 3, 3]
    assert lower["shape_attributes"]["all_points_y"] == [3, 3, 3, 0, 0, 20]


def test_other_parameters_are_refused(folder, tmp_path):
    assert write_oct_annotations(folder, **SMALL) == folder
    with pytest.raises(DataError, match="step 8, not 4"):
        write_oct_annotations(folder, step=4, **SMALL)
    with pytest.raises(ConfigError, match="step 0"):
        write_oct_annotations(tmp_path / "x", step=0)
