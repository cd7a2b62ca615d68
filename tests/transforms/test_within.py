import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImaged, NormalizeIntensityd, Resized
from PIL import Image

from lamina.cases import CaseReader
from lamina.errors import DataError
from lamina.inference import GridInferer
from lamina.transforms import CutToRegiond, within


def item(*shape, box):
    image = MetaTensor(torch.arange(1.0, 1 + int(np.prod(shape))).reshape(1, *shape))
    region = MetaTensor(torch.zeros(1, *shape))
    region[(0, *box)] = 2
    return {"image": image, "within": region, "case": "a"}


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 5)])
def test_what_lies_in_the_region_stays_and_the_rest_is_blank(shape):
    box = (slice(2, 6), slice(3, 5), slice(1, 4))[: len(shape)]
    data = item(*shape, box=box)
    before = data["image"].clone()
    cut = CutToRegiond("image", margin=0.3)(data)
    assert set(cut) == {"image", "case"}
    wide = tuple(
        slice(max(s.start - g, 0), min(s.stop + g, n))
        for s, g, n in zip(box, (2, 1, 1), shape, strict=False)
    )
    expected = torch.full_like(before, 1.0)
    expected[(0, *box)] = before[(0, *box)]
    assert torch.equal(cut["image"].as_tensor(), expected[(slice(None), *wide)].as_tensor())
    assert torch.equal(data["image"], before)


def test_the_place_in_space_moves_along():
    data = item(9, 7, 5, box=(slice(2, 6), slice(3, 5), slice(1, 4)))
    data["image"].affine = torch.diag(torch.tensor([2.0, 3.0, -4.0, 1.0]))
    cut = CutToRegiond("image", margin=0.0)(data)["image"]
    assert cut.affine[:3, 3].tolist() == [4.0, 9.0, -4.0]


def test_an_empty_region_is_an_error():
    with pytest.raises(DataError, match="the region is empty"):
        CutToRegiond("image")(item(4, 5, box=(slice(0), slice(0))))


class Bright(torch.nn.Module):
    """A network that finds what is bright in the image that it gets."""

    def forward(self, x):
        return torch.cat([torch.full_like(x, 0.5), x], dim=1)


def test_crop_predict_original(tmp_path):
    """What is found in the crop lies where it was in the picture, and nothing outside it."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 100, (60, 45)).astype(np.uint8)  # columns, rows
    spots = np.zeros((60, 45), dtype=bool)
    spots[22:26, 15:19] = spots[50:54, 2:6] = True
    picture[spots] = 250
    region = np.zeros((60, 45), dtype=np.uint8)
    region[15:40, 8:33] = 1
    for name, values in (("image", picture), ("within", region)):
        Image.fromarray(values.T).save(tmp_path / f"{name}.png")
    reader = LoadImaged("image", reader=CaseReader(), ensure_channel_first=True, image_only=True)
    steps = [reader, Resized("image", (64, 48), mode="bilinear"), NormalizeIntensityd("image")]
    whole = Compose(within(steps, str(tmp_path)))
    assert len(whole.transforms) == 5
    data = whole({key: str(tmp_path / f"{key}.png") for key in ("image", "within")})
    assert data["image"].shape == (1, 64, 48)

    inferer = GridInferer([64, 48], preprocessing=whole)
    network = lambda x: Bright()((x > 2).float())
    found = inferer(data["image"][None], network)[0, 0].numpy() > 0
    assert found.shape == (60, 45)
    inside = spots & (region > 0)
    assert (found & ~inside).sum() <= 12  # a border that was resampled
    assert (inside & ~found).sum() <= 4
    assert not found[50:].any()


def test_without_regions_the_preprocessing_is_the_task_s():
    steps = [NormalizeIntensityd("image")]
    assert within(steps, None) is steps
    assert isinstance(within(steps, "/x")[1], CutToRegiond)
