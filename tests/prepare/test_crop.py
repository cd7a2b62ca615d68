import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from lamina.cases.find import find_cases
from lamina.errors import DataError
from lamina.prepare.crop import crop_dataset
from lamina.readers.images import read_image, read_label
from lamina.transforms.region import CropToRegiond


@pytest.fixture
def study(tmp_path):
    """Write image, label and region of a picture, (columns, rows)."""

    def write(name="a", top=255):
        rng = np.random.default_rng(7)
        image = rng.integers(10, top, (30, 20)).astype(np.uint16 if top > 255 else np.uint8)
        label, region = np.zeros((2, 30, 20), np.uint8)
        label[8:12, 5:9], region[5:15, 4:12] = 1, 2
        label[25, 18] = 1
        parts = {"data/images": image, "data/masks": label, "regions": region}
        for part, values in parts.items():
            (tmp_path / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.T).save(tmp_path / part / f"{name}.png")
        return image, label, region

    return write


def crop(tmp_path, margin=0.1):
    return dict(crop_dataset(tmp_path / "data", tmp_path / "regions", tmp_path / "out", margin))


@pytest.mark.parametrize("top", [255, 60000])
def test_images_and_labels_are_cut_alike_and_outside_is_blank(study, tmp_path, top):
    image, label, region = study(top=top)
    assert crop(tmp_path) == {"a": None}
    (case,) = find_cases(tmp_path / "out").cases
    box = (slice(4, 16), slice(3, 13))
    blank = np.where(region > 0, image, image.min())[box]
    np.testing.assert_array_equal(read_image(case.image)[0], blank)
    np.testing.assert_array_equal(read_label(case.label)[0], label[box])


def test_it_is_what_prediction_does_with_the_image(study, tmp_path):
    import torch
    from monai.data import MetaTensor

    image, _, region = study()
    crop(tmp_path, margin=0.2)
    data = {"image": image, "within": region}
    data = {key: MetaTensor(torch.tensor(value[None].astype(float))) for key, value in data.items()}
    cut = CropToRegiond("image", margin=0.2)(data)["image"]
    np.testing.assert_array_equal(read_image(str(tmp_path / "out/images/a.png"))[0], cut[0].numpy())


def test_volumes_stay_where_they_are_in_space(tmp_path):
    affine = np.array([[0, -2.0, 0, 5], [3.0, 0, 0, 6], [0, 0, 4.0, 7], [0, 0, 0, 1]])
    volume = np.arange(10 * 9 * 8, dtype=np.int16).reshape(10, 9, 8) - 300
    mask = np.zeros(volume.shape, np.uint8)
    mask[3:6, 2:5, 4:7] = 1
    for part, values in (("data/images", volume), ("data/masks", mask), ("regions", mask)):
        (tmp_path / part).mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(values, affine), tmp_path / part / "v.nii.gz")
    assert crop(tmp_path, margin=0.0) == {"v": None}
    values, grid = read_image(str(tmp_path / "out/images/v.nii.gz"))
    np.testing.assert_array_equal(values, volume[3:6, 2:5, 4:7])
    np.testing.assert_allclose(grid.affine @ [0, 0, 0, 1], affine @ [3, 2, 4, 1])
    np.testing.assert_allclose(grid.affine[:3, :3], affine[:3, :3])


def test_one_that_is_wrong_leaves_the_others(study, tmp_path):
    study("a")
    study("b")
    study("c")
    (tmp_path / "regions" / "b.png").unlink()
    Image.new("L", (20, 30), 1).save(tmp_path / "regions" / "c.png")
    made = crop(tmp_path)
    assert made["a"] is None
    assert "b.png: no such file" in made["b"]
    assert made["c"].startswith("its region has 20×30 voxels, the image 30×20")


def test_no_labelled_case_is_an_error(study, tmp_path):
    study()
    with pytest.raises(DataError, match="no labelled case"):
        list(crop_dataset(tmp_path / "data" / "images", tmp_path / "regions", tmp_path / "out"))


@pytest.mark.parametrize(
    ("values", "told"),
    [(np.float32([0.25, 0.5]), "from 0.25 to 0.5"), (np.int32([10, 70000]), "from 10 to 70000")],
)
def test_values_that_no_png_holds_are_refused_and_not_rounded(study, tmp_path, values, told):
    image, _, _ = study()
    other = np.where(image > 100, values[0], values[1]).astype(values.dtype)
    (tmp_path / "data/images/a.png").unlink()
    Image.fromarray(other.T).save(tmp_path / "data/images/a.tif")
    problem = crop(tmp_path)["a"]
    assert told in problem
    assert "integers from 0 to 65535" in problem
    assert not (tmp_path / "out/images").exists() or not list((tmp_path / "out/images").iterdir())
