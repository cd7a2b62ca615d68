import pytest
import torch

from lamina.errors import DataError
from lamina.transforms import RandPatchd, RegionOfCased


def test_a_labelled_case_has_its_region_beside_its_image(tmp_path):
    for folder in ("images", "rois"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.nii.gz").touch()
    item = {"image": str(tmp_path / "images" / "a.nii.gz"), "label": "l.nii.gz"}
    made = RegionOfCased("rois")(item)
    assert made["region"] == str(tmp_path / "rois" / "a.nii.gz")
    assert "region" not in item


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
    with pytest.raises(DataError, match="region of interest is empty"):
        RandPatchd(["image", "label"], [1, 1], foreground=0.0)(item)
