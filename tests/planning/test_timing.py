import pytest

from lamina.planning import timing
from lamina.planning.timing import seconds_per_patch

NETWORK = {
    "_target_": "UNet",
    "spatial_dims": "@spatial_dims",
    "in_channels": "@task#in_channels",
    "out_channels": "@num_classes",
    "channels": [2, 4],
    "strides": [2],
}


@pytest.mark.parametrize(("patch", "channels"), [([8, 12], 1), ([8, 12, 4], 3)])
def test_a_step_is_run_and_timed(patch, channels):
    assert seconds_per_patch(NETWORK, patch, 2, 3, channels) > 0


@pytest.mark.parametrize(("batch", "patches"), [(1, 1), (2, 2), (32, 2)])
def test_it_is_the_time_of_one_patch(monkeypatch, batch, patches):
    """Each step seems to take 6 seconds, and is of two patches at most."""
    ticks = iter(range(0, 600, 6))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(ticks))
    assert seconds_per_patch(NETWORK, [8, 12], batch, 3, 1) == 6 / patches
