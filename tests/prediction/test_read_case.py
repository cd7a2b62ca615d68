import logging

import nibabel as nib
import numpy as np
import pytest
from monai.transforms import Compose, EnsureChannelFirstd, Lambdad, LoadImaged, ScaleIntensityd
from PIL import Image

from lamina.prediction import read_case as module
from lamina.prediction.read_case import CaseWarnings, content_hash, read_case, source_files
from lamina.readers.image_reader import CaseReader
from lamina.readers.images import read_image

AFFINE = np.array([[0, -2.0, 0.1, 4], [1.5, 0, 0, 5], [0, 0.1, 3, 6], [0, 0, 0, 1]])


@pytest.fixture
def volume(tmp_path):
    values = np.random.default_rng(0).integers(-900, 900, (6, 7, 8)).astype(np.int16)
    nib.Nifti1Image(values, AFFINE).to_filename(tmp_path / "a.nii.gz")
    return str(tmp_path / "a.nii.gz")


def case(path, *steps, channels=1, first=True):
    load = LoadImaged("image", reader=CaseReader(channels=channels), ensure_channel_first=first)
    steps = steps if first else [EnsureChannelFirstd("image"), *steps]
    return Compose([load, *steps]), {"image": path}, "any"


def test_the_image_is_not_read_twice(volume, monkeypatch):
    read = read_case(*case(volume, ScaleIntensityd("image")))
    expected, grid = read_image(volume)
    monkeypatch.setattr(module, "read_image", lambda *_: pytest.fail("read again"))
    values, found = read.original(volume)
    np.testing.assert_array_equal(values, expected[None])
    np.testing.assert_allclose(found.affine, grid.affine)
    assert (found.shape, found.unit) == (grid.shape, grid.unit)
    assert float(read.item["image"].max()) == 1


def test_an_image_that_a_transform_wrote_into_is_read_again(volume):
    read = read_case(*case(volume, Lambdad("image", lambda x: x.mul_(2))))
    values, grid = read.original(volume)
    np.testing.assert_array_equal(values, read_image(volume)[0][None])
    assert grid.shape == (6, 7, 8)


def test_a_transform_of_another_kind_works_too(volume):
    read = read_case(lambda item: item | {"seen": True}, {"image": volume}, "any")
    assert read.item["seen"]
    np.testing.assert_array_equal(read.original(volume)[0], read_image(volume)[0][None])


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_come_with_their_channels_first(tmp_path, channels, first):
    colours = np.random.default_rng(1).integers(0, 255, (5, 9, 3)).astype(np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.png")
    path = str(tmp_path / "a.png")
    values, grid = read_case(*case(path, channels=channels, first=first)).original(path)
    assert values.shape == (channels, 9, 5)
    assert (grid.shape, grid.unit) == ((9, 5), "px")
    if channels == 3:
        np.testing.assert_array_equal(values, colours.T)


def test_it_says_how_long_it_took(volume):
    assert read_case(*case(volume)).seconds > 0


def test_the_hash_follows_the_content_not_the_name(tmp_path):
    for name, text in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / name).write_text(text)
    a, b, c = (content_hash({"image": str(tmp_path / name)}) for name in "abc")
    assert a == b != c


def test_a_file_that_is_gone_has_a_reason_for_its_hash(tmp_path):
    assert "No such file" in content_hash({"image": str(tmp_path / "gone")})


@pytest.mark.parametrize("name", ["a.nii.gz", "b.png"])
def test_a_file_is_its_own_source(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    path = str(tmp_path / name)
    assert source_files(path) == {"address": path, "files": [path]}


def test_an_image_without_its_data_has_the_reason_for_its_hash(tmp_path):
    """It fails when it is read, by itself, and not before the others are begun."""
    header = tmp_path / "a.mhd"
    header.write_text("ObjectType = Image\nElementDataFile = a.raw\n")
    assert "data file 'a.raw' is missing" in content_hash({"image": str(header)})
    (tmp_path / "a.raw").write_bytes(b"1")
    first = content_hash({"image": str(header)})
    (tmp_path / "a.raw").write_bytes(b"2")
    assert content_hash({"image": str(header)}) != first


logger = logging.getLogger("test_case_warnings")


def test_only_warnings_and_only_within():
    heard = []
    logger.warning("before")
    with CaseWarnings(heard, logger):
        logger.info("a note")
        logger.warning("two\nlines of %d", 7)
        logger.error("an error")
        logging.getLogger("test_case_warnings.inner").warning("from within")
    logger.warning("behind")
    assert heard == ["two lines of 7", "from within"]


def test_it_ends_with_an_exception_too():
    heard = []
    with pytest.raises(RuntimeError), CaseWarnings(heard, logger):
        raise RuntimeError
    logger.warning("behind")
    assert heard == []
    assert not logger.handlers
