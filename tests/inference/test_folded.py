import pytest
import torch
from monai.networks.nets import DynUNet, UNet

from lamina.inference import fold_norms


def trained(network):
    """Let the norms see something, so that they do more than nothing."""
    torch.manual_seed(0)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(2, 1, *[16] * network.dims) * 3 - 1)
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.uniform_(module.bias, -1, 1)
    return network.eval()


def unet(dims, norm="batch"):
    network = UNet(dims, 1, 3, (4, 8, 16), (2, 2), num_res_units=2, norm=norm)
    network.dims = dims
    return trained(network)


def dynunet(dims):
    network = DynUNet(
        dims,
        1,
        3,
        [3] * 3,
        [1, 2, 2],
        [2, 2],
        filters=[4, 8, 16],
        norm_name="batch",
        res_block=True,
    )
    network.dims = dims
    return trained(network)


def norms_left(network):
    kinds = torch.nn.modules.batchnorm._BatchNorm
    return sum(isinstance(module, kinds) for module in network.modules())


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("make", [unet, dynunet])
def test_the_numbers_stay_and_the_norms_go(make, dims):
    network = make(dims)
    x = torch.rand(1, 1, *[16] * dims)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        folded = fold_norms(network)
        torch.testing.assert_close(folded(x), network(x), rtol=1e-4, atol=1e-4)
    assert norms_left(network) > 0 == norms_left(folded)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name])


def test_instance_norms_stay():
    network = unet(3, norm="instance")
    x = torch.rand(1, 1, 16, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(fold_norms(network)(x), network(x))


class Shared(torch.nn.Module):
    """A convolution whose output goes to a norm and past it, and one that is used twice."""

    def __init__(self):
        super().__init__()
        self.branch, self.twice = torch.nn.Conv2d(1, 2, 1), torch.nn.Conv2d(2, 2, 1)
        self.norm, self.other = torch.nn.BatchNorm2d(2), torch.nn.BatchNorm2d(2)
        self.dims = 2

    def forward(self, x):
        x = self.branch(x)
        x = x + self.norm(x)
        return self.twice(self.other(self.twice(x)))


def test_a_convolution_with_two_users_keeps_its_norm():
    network = trained(Shared())
    x = torch.rand(1, 1, 5, 4)
    with torch.no_grad():
        folded = fold_norms(network)
        torch.testing.assert_close(folded(x), network(x))
    assert norms_left(folded) == 2


class Branching(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(1, 1, 1)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else x


def test_a_network_that_can_not_be_followed_stays_as_it_is(caplog):
    with caplog.at_level("DEBUG", "lamina"):
        folded = fold_norms(Branching().eval())
    assert isinstance(folded, Branching)
    assert "can't follow" in caplog.text
