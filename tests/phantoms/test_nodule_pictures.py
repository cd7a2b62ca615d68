import numpy as np
import pytest
from PIL import Image

from lamina.cases.find import find_cases
from lamina.cases.regions import without_holes
from lamina.errors import ConfigError, DataError
from lamina.phantoms.chest import make_chest_xray
from lamina.phantoms.nodule_pictures import rough_region, write_nodule_pictures

SMALL = {"cases": 3, "size": (90, 100)}


def read(path):
    """The picture as (columns, rows)."""
    return np.asarray(Image.open(path)).T


def test_raw_pictures_and_what_is_cut_of_them(tmp_path):
    made = write_nodule_pictures(tmp_path / "x", **SMALL)
    raw = made.parent / "raw"
    assert [case.name for case in find_cases(made).labelled] == ["cxr_000", "cxr_001", "cxr_002"]
    for number in range(3):
        name = f"cxr_{number:03d}.png"
        lungs = read(raw / "lungs" / name)
        truth = make_chest_xray((100, number), lungs.shape)
        np.testing.assert_array_equal(lungs, truth.left + 2 * truth.right)
        np.testing.assert_array_equal(read(raw / "masks" / name), truth.nodules)
        found = read(raw / "found" / name) > 0
        inside = without_holes(found)
        assert read(made / "masks" / name).sum() == (truth.nodules & inside).sum()
        assert read(made / "images" / name).size < lungs.size


def test_lungs_are_found_more_or_less_well(tmp_path):
    made = write_nodule_pictures(tmp_path / "x", cases=8, size=(90, 100), error=0.03)
    raw, scores = made.parent / "raw", []
    for path in sorted((raw / "lungs").iterdir()):
        lungs, found = read(path) > 0, read(raw / "found" / path.name) > 0
        scores.append(2 * (lungs & found).sum() / (lungs.sum() + found.sum()))
    assert 0.75 < min(scores) < 0.95
    assert max(scores) > min(scores) + 0.03
    exact = write_nodule_pictures(tmp_path / "y", cases=1, size=(90, 100), error=0.0).parent / "raw"
    lungs, found = (read(exact / part / "cxr_000.png") > 0 for part in ("lungs", "found"))
    np.testing.assert_array_equal(lungs, found)


def test_chests_may_be_given(tmp_path):
    made = write_nodule_pictures(tmp_path / "x", variety={"nodules": 0}, **SMALL)
    assert not any(read(path).any() for path in (made / "masks").iterdir())
    with pytest.raises(DataError, match="made with other parameters: variety"):
        write_nodule_pictures(tmp_path / "x", **SMALL)
    with pytest.raises(ConfigError, match="cases 0"):
        write_nodule_pictures(tmp_path / "y", cases=0)


def disk(size=(120, 140), radius=40):
    x, y = np.indices(size)
    return np.hypot(x - size[0] / 2, y - size[1] / 2) < radius


def edge_distances(rough, region):
    """How far the rough edge lies outside (+) or inside (-) of the disk's."""
    x, y = np.indices(region.shape)
    distance = np.hypot(x - region.shape[0] / 2, y - region.shape[1] / 2)
    edge = rough & ~np.roll(rough, 1, 0) | rough & ~np.roll(rough, 1, 1)
    return distance[edge] - 40


def test_no_error_changes_nothing():
    region = disk()
    np.testing.assert_array_equal(rough_region(np.random.default_rng(0), region, 0.0), region)


@pytest.mark.parametrize("error", [0.01, 0.03])
def test_the_error_is_that_of_the_edge_in_parts_of_the_width(error):
    region = disk()
    rough = [rough_region(np.random.default_rng(seed), region, error) for seed in range(20)]
    off = np.concatenate([edge_distances(one, region) for one in rough])
    assert off.std() == pytest.approx(error * 120, rel=0.4)
    assert off.min() < -error * 120
    assert off.max() > error * 120


def test_it_depends_on_the_generator_alone():
    region = disk((60, 50), 20)
    first, again, other = (
        rough_region(np.random.default_rng(seed), region, 0.03) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
