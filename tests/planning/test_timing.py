import pytest

from lamina.planning.timing import seconds_per_step

NETWORK = {
    "_target_": "UNet",
    "spatial_dims": "@spatial_dims",
    "in_channels": "@task#in_channels",
    "out_channels": "@num_classes",
    "channels": [2, 4],
    "strides": [2],
}


@pytest.mark.parametrize("patch", [[8, 12], [8, 12, 4]])
def test_a_step_is_run_and_timed(patch):
    assert seconds_per_step(NETWORK, patch, 2, 3) > 0
