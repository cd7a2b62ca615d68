import pytest
import torch
from monai.data import MetaTensor
from monai.inferers import Inferer
from monai.transforms import Compose, Rotated

from lamina.errors import ConfigError, WeightsError
from lamina.inference.backends import BackendInferer
from lamina.inference.ensemble import Ensemble, member_iterator, single
from lamina.inference.grid_inferer import GridInferer
from lamina.inference.weights import find_members
from lamina.inference.windows import WindowInferer


def network(seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    return torch.nn.Conv3d(1, 4, 3, padding=1).requires_grad_(False).eval()


@pytest.fixture
def files(tmp_path):
    for seed in range(3):
        torch.save(network(seed).state_dict(), tmp_path / f"{seed}.pt")
    return [str(tmp_path / f"{seed}.pt") for seed in range(3)]


class Mean(torch.nn.Module):
    """The reference: all networks at once, on the whole image."""

    def __init__(self, files):
        super().__init__()
        self.all = torch.nn.ModuleList(network(seed) for seed in range(len(files)))

    def forward(self, images):
        return sum(one(images) for one in self.all) / len(self.all)


def image(shape=(1, 1, 40, 23, 31)):
    torch.manual_seed(7)
    return torch.rand(shape)


@pytest.mark.parametrize("backend", ["torch", "openvino"])
@pytest.mark.parametrize("mirror_axes", [[], [1]])
def test_the_ensemble_is_the_mean_of_its_members(files, backend, mirror_axes):
    size = {"roi_size": (16, 12, 16), "overlap": 0.25, "sw_batch_size": 3}
    several = GridInferer(**size, mirror_axes=mirror_axes, probabilities=True)
    found = BackendInferer(several, backend, files)(image(), network(9))
    one = GridInferer(**size, mirror_axes=mirror_axes, probabilities=True)
    torch.testing.assert_close(found, one(image(), Mean(files)), atol=1e-5, rtol=1e-4)


def test_labels_come_out_as_from_the_mean_at_once(files):
    found = BackendInferer(GridInferer((16, 12, 16)), "torch", files)(image(), network(9))
    expected = GridInferer((16, 12, 16))(image(), Mean(files))
    assert (found == expected).float().mean() > 0.9999
    assert found.unique().numel() > 1


def test_where_the_way_back_mixes_axes(files):
    turned = Compose([Rotated("image", angle=[0.3, 0, 0], mode="bilinear")])
    scan = turned({"image": MetaTensor(image((1, 18, 22, 26)))})["image"][None]
    inferer = GridInferer((16, 12, 16), preprocessing=turned, probabilities=True)
    found = BackendInferer(inferer, "torch", files)(scan, network(9))
    torch.testing.assert_close(found, inferer(scan, Mean(files)), atol=1e-5, rtol=1e-4)


def test_one_network_is_loaded_at_a_time_and_seldom(files, monkeypatch):
    members = []
    load = Ensemble.iterate

    def counted(self):
        for member in load(self):
            members.append(self.member)
            yield member

    monkeypatch.setattr(Ensemble, "iterate", counted)
    BackendInferer(GridInferer((8, 8, 8), sw_batch_size=4), "torch", files)(image(), network(9))
    assert members[:4] == [*files, files[0]]
    assert len(members) < 30  # of hundreds of windows


def test_one_file_is_the_network_as_it_is(files):
    inferer = BackendInferer(GridInferer((16, 12, 16)), "torch", files[:1])
    mine = network(5)
    assert torch.equal(inferer(image(), mine), GridInferer((16, 12, 16))(image(), mine))


def test_a_network_alone_has_one_member():
    assert member_iterator(network(0)) is single


def test_members_are_named_with_commas(files, tmp_path):
    assert [str(p) for p in find_members(",".join(files), "runs", "none")] == files
    with_comma = tmp_path / "a,b.pt"
    with_comma.write_bytes(b"")
    assert find_members(str(with_comma), "runs", "none") == [with_comma]
    with pytest.raises(WeightsError, match="9.pt: there are no weights"):
        find_members(f"{files[0]},{tmp_path}/9.pt", "runs", "none")


def test_another_inferer_averages_image_by_image(files):
    found = BackendInferer(WindowInferer((16, 12, 16)), "torch", files)(image(), network(9))
    expected = WindowInferer((16, 12, 16))(image(), Mean(files))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


class Labels(Inferer):
    """Returns labels, which have no mean."""

    def __call__(self, inputs, network):
        return network(inputs).argmax(dim=1)


def test_an_inferer_without_scores_is_refused(files):
    with pytest.raises(ConfigError, match="3 files, but Labels returns no class scores"):
        BackendInferer(Labels(), "torch", files)(image(), network(9))
    assert BackendInferer(Labels(), "torch", files[:1])(image(), network(9)).dtype == torch.int64
