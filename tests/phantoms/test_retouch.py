import numpy as np
import pytest

from lamina.errors import ConfigError, DataError
from lamina.phantoms.retouch import DEVICES, write_retouch_volumes
from lamina.readers.images import read_image, read_label

SMALL = {"cases": 2, "columns": 40, "slices": 3, "fluid": 5.0}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return write_retouch_volumes(tmp_path_factory.mktemp("retouch") / "r", **SMALL)


def test_it_lies_as_the_challenge_hands_it_out(prepared):
    raw = prepared.parent / "raw"
    assert {path.name for path in raw.iterdir()} == {"Cirrus", "Spectralis", "Topcon"}
    for case in raw.glob("*/*"):
        names = {path.name for path in case.iterdir()}
        assert names == {"oct.mhd", "oct.raw", "reference.mhd", "reference.raw"}


def test_heights_and_voxels_are_the_vendors(prepared):
    found = {}
    for path in (prepared.parent / "raw").glob("*/*/oct.mhd"):
        _, grid = read_image(str(path))
        assert grid.shape[::2] == (40, 3)
        found[path.parts[-3], grid.shape[1]] = grid.spacing
    assert set(found) == {(device.vendor, device.rows) for device in DEVICES}
    for device in DEVICES:
        expected = [size / 1000 for size in device.spacing]
        np.testing.assert_allclose(found[device.vendor, device.rows], expected, rtol=1e-5)
        assert 1.8 < device.rows * expected[1] < 2.4  # all are about two millimetres high


def test_fluid_is_dark_and_of_three_kinds(prepared):
    kinds = set()
    for path in (prepared.parent / "raw").glob("Cirrus/*/reference.mhd"):
        truth, _ = read_label(path)
        values, _ = read_image(str(path.with_name("oct.mhd")))
        kinds |= set(np.unique(truth))
        assert values[truth > 0].mean() < values[truth == 0].max() / 3
    assert kinds <= {0, 1, 2, 3}
    assert len(kinds) >= 3


def test_detachment_lies_below_fluid_below_the_retina_below_cysts(prepared):
    for path in (prepared.parent / "raw").glob("*/*/reference.mhd"):
        truth, _ = read_label(path)
        row = np.arange(truth.shape[1])[None, :, None]
        for above, below in ((1, 2), (2, 3), (1, 3)):
            lowest = np.where(truth == above, row, -1).max(axis=1)
            highest = np.where(truth == below, row, truth.shape[1]).min(axis=1)
            assert (lowest < highest).all()


def test_a_second_call_does_nothing_and_another_is_refused(prepared, tmp_path):
    before = (prepared / "cases.csv").stat().st_mtime_ns
    assert write_retouch_volumes(prepared.parent, **SMALL) == prepared
    assert (prepared / "cases.csv").stat().st_mtime_ns == before
    with pytest.raises(DataError, match="other parameters: seed 0, not 3"):
        write_retouch_volumes(prepared.parent, seed=3, **SMALL)
    with pytest.raises(ConfigError, match="expected cases from 1"):
        write_retouch_volumes(tmp_path / "x", cases=0)
