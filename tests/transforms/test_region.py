import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import Compose, CropForegroundd, LoadImaged, NormalizeIntensityd, Resized
from PIL import Image
from skimage.filters import threshold_otsu

from lamina.errors import DataError
from lamina.inference.grid_inferer import GridInferer
from lamina.readers.image_reader import CaseReader
from lamina.transforms import crop_to_region
from lamina.transforms.patch import RandPatchd
from lamina.transforms.region import CropToRegiond, RegionOfCased, above_otsu


def test_a_labelled_case_has_its_region_beside_its_image(tmp_path):
    for folder in ("images", "rois"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.nii.gz").touch()
    item = {"image": str(tmp_path / "images" / "a.nii.gz"), "label": "l.nii.gz"}
    made = RegionOfCased("rois")(item)
    assert made["region"] == str(tmp_path / "rois" / "a.nii.gz")
    assert "region" not in item
    read = MetaTensor(torch.zeros(1, 2, 2), meta={"filename_or_obj": item["image"]})
    assert RegionOfCased("rois")(item | {"image": read})["region"] == made["region"]


def test_a_missing_region_is_told_and_an_unlabelled_case_needs_none(tmp_path):
    item = {"image": str(tmp_path / "images" / "a.nii.gz")}
    assert RegionOfCased()(item) == item
    with pytest.raises(DataError, match="no region of interest in .*regions/a.nii.gz"):
        RegionOfCased()(item | {"label": "x"})


@pytest.mark.parametrize("share", [0.3, 0.001])
def test_patches_have_their_centre_in_the_region(share):
    shape = (20, 60, 9)
    region = torch.zeros(1, *shape)
    if share > 0.1:
        region[:, 5:15, 30:50, 2:6] = 1
    else:
        region[0, 12, 33, 4] = 1
    image = torch.stack(torch.meshgrid(*map(torch.arange, shape), indexing="ij")).float()
    cut = RandPatchd(["image", "label"], [1, 1], foreground=0.0)
    cut.set_random_state(0)
    for _ in range(40):
        made = cut({"image": image, "label": torch.zeros(1, *shape), "region": region})
        assert set(made) == {"image", "label"}
        place = tuple(int(value) for value in made["image"].flatten())
        assert region[0][place] == 1


def test_foreground_comes_first_and_an_empty_region_is_told():
    label = torch.zeros(1, 8, 9)
    label[0, 7, 8] = 2
    item = {"image": label, "label": label, "region": torch.zeros(1, 8, 9)}
    made = RandPatchd(["image", "label"], [1, 1], foreground=1.0)(item)
    assert made["label"].item() == 2
    with pytest.raises(DataError, match="no annotated voxel in a region of interest"):
        RandPatchd(["image", "label"], [1, 1], foreground=0.0)(item)


@given(st.integers(0, 2**32 - 1), st.floats(0.5, 4000), st.floats(-2000, 2000))
def test_scale_and_shift_do_not_matter(seed, scale, shift):
    image = torch.as_tensor(np.random.default_rng(seed).normal(size=(1, 9, 7)) > 0.4).double()
    image = image + 0.2 * torch.as_tensor(np.random.default_rng(seed).random((1, 9, 7)))
    assert torch.equal(above_otsu(image), above_otsu(image * scale + shift))


def test_it_is_scikit_images_threshold():
    image = torch.as_tensor(np.random.default_rng(0).gamma(2, 3, (1, 20, 30)))
    assert torch.equal(above_otsu(image), image > threshold_otsu(image.numpy()))


def test_an_image_of_one_value_is_kept_whole():
    image = MetaTensor(torch.full((1, 5, 7), 3.0), affine=torch.eye(4))
    assert above_otsu(image).all()
    crop = CropForegroundd(["image"], source_key="image", select_fn=above_otsu, margin=1)
    assert crop({"image": image})["image"].shape[1:] >= (5, 7)


@pytest.mark.parametrize("shape", [(31, 22), (31, 22, 19)])
def test_a_crop_is_undone_on_the_images_own_grid(shape):
    box = tuple(slice(4 + 2 * i, 11 + 2 * i) for i in range(len(shape)))
    image = torch.zeros(1, *shape)
    image[(0, *box)] = 100
    crop = CropForegroundd(
        ["image"], source_key="image", select_fn=above_otsu, margin=2, allow_smaller=True
    )
    small = crop(
        {"image": MetaTensor(image, affine=torch.diag(torch.tensor([0.5, 2.0, 3.0, 1.0])))}
    )
    assert small["image"].shape[1:] == (11,) * len(shape)

    def network(windows):
        return torch.cat([50 - windows, windows - 50], 1)

    labels = GridInferer([16] * len(shape))(small["image"][None], network)[0, 0]
    assert torch.equal(labels.bool(), image[0] > 50)


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
    cut = CropToRegiond("image", margin=0.3)(data)
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
    cut = CropToRegiond("image", margin=0.0)(data)["image"]
    assert cut.affine[:3, 3].tolist() == [4.0, 9.0, -4.0]


def test_an_empty_region_is_an_error():
    with pytest.raises(DataError, match="the region is empty"):
        CropToRegiond("image")(item(4, 5, box=(slice(0), slice(0))))


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
    whole = Compose(crop_to_region(steps, str(tmp_path)))
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
    assert crop_to_region(steps, None) is steps
    assert isinstance(crop_to_region(steps, "/x")[1], CropToRegiond)
