import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.errors import ConfigError
from lamina.inference import GridInferer
from lamina.inference.mirrored import mirrored


def network_of(dims):
    torch.manual_seed(2)
    return {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[dims](1, 3, 3, padding=1).requires_grad_(False)


@settings(deadline=None)
@given(axes=st.sets(st.sampled_from([0, 1, 2])))
def test_the_mean_turns_with_the_image(axes):
    run = mirrored(network_of(3), sorted(axes))
    x = torch.rand(1, 1, 4, 5, 6)
    for axis in axes:
        torch.testing.assert_close(run(x.flip(axis + 2)), run(x).flip(axis + 2))


def test_without_axes_it_is_the_network_itself():
    network = network_of(2)
    assert mirrored(network, []) is network


def test_each_mirroring_counts_once():
    seen = []
    mirrored(lambda x: seen.append(x.flatten().tolist()) or x, [0, 1])(
        torch.arange(4.0).reshape(1, 1, 2, 2)
    )
    assert sorted(seen) == [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]]


@pytest.mark.parametrize("axes", [[3], [-1], [0, 0]])
def test_other_axes_are_refused(axes):
    with pytest.raises(ConfigError, match="mirror_axes"):
        mirrored(network_of(3), axes)


def test_labels_of_a_mirrored_image_are_mirrored():
    x = torch.rand(1, 1, 20, 12, 9)
    inferer = GridInferer((20, 12, 9), mirror_axes=[0])
    network = network_of(3)
    assert (inferer(x.flip(2), network) == inferer(x, network).flip(2)).float().mean() > 0.999
