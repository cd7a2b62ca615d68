import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.planning import budget
from lamina.planning.budget import (
    EPOCHS,
    SMALLEST_BATCH,
    STEPS,
    Budget,
    schedule,
    seconds_per_patch,
)


@given(
    patches=st.integers(1, 5000),
    most=st.integers(1, 32),
    dims=st.sampled_from([2, 3]),
    seconds=st.floats(1e-4, 30),
    minutes=st.floats(0.1, 1000),
)
def test_a_schedule_keeps_its_bounds(patches, most, dims, seconds, minutes):
    found = schedule(patches, most, dims, seconds, Budget(minutes), patches)
    assert 1 <= found.batch <= most
    assert EPOCHS[0] <= found.epochs <= EPOCHS[1]
    assert 0.001 <= found.rate <= 0.004
    taken = found.epochs * patches * seconds
    assert taken <= Budget(minutes).seconds or found.epochs == EPOCHS[0]


def test_little_time_makes_small_batches_not_few_steps():
    short, long = (schedule(100, 16, 2, 0.5, Budget(minutes), 100) for minutes in (10, 200))
    assert short.batch == SMALLEST_BATCH[2]
    assert long.batch == 16
    steps = [one.epochs * 100 / one.batch for one in (short, long)]
    assert min(steps) > STEPS * 0.4


def test_a_batch_is_no_larger_than_an_epoch():
    assert schedule(5, 32, 2, 0.001, Budget(60), 5).batch == 5


@pytest.mark.parametrize(("batch", "rate"), [(2, 0.0015), (8, 0.003), (32, 0.004)])
def test_larger_batches_take_larger_steps(batch, rate):
    assert schedule(1000, batch, 3, 1e-4, Budget(60), 1000).rate == rate


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
    monkeypatch.setattr(budget.time, "perf_counter", lambda: next(ticks))
    assert seconds_per_patch(NETWORK, [8, 12], batch, 3, 1) == 6 / patches
