import pytest
import torch
from monai.bundle import ConfigParser

from lamina.planning import sizes
from lamina.planning.geometry import Sizes, network_def


def chosen(patch, spacing=None):
    strides = sizes.pooling(patch, spacing or [1.0] * len(patch))
    patch = sizes.rounded(patch, sizes.multiples(strides))
    return Sizes(None, patch, patch, strides, False, 4)


@pytest.mark.parametrize(
    ("patch", "spacing", "kind"),
    [
        ([112, 96], None, "DynUNet"),
        ([256, 512], None, "UNet"),
        ([640, 640], None, "UNet"),
        ([32, 48, 32], None, "DynUNet"),
        ([96, 96, 16], [0.5, 0.5, 3.0], "DynUNet"),
    ],
)
def test_the_network_takes_its_patch_and_gives_a_score_a_class(patch, spacing, kind):
    sizes_ = chosen(patch, spacing)
    network, why = network_def(sizes_, "batch")
    assert network["_target_"] == kind
    assert ("half of their resolution" in why) == (kind == "UNet")
    config = {"n": network, "spatial_dims": len(patch), "num_classes": 5}
    parser = ConfigParser(config | {"task": {"in_channels": 3}})
    with torch.device("meta"):
        scores = parser.get_parsed_content("n").eval()(torch.zeros(1, 3, *sizes_.patch))
    assert scores.shape == (1, 5, *sizes_.patch)
