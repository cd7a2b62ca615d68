"""Readers as MONAI calls them, of images and of masks."""

import numpy as np
import pytest
from monai.data import decollate_batch, list_data_collate
from monai.transforms import LoadImaged

from lamina.errors import ConfigError, GeometryError, ReadError
from lamina.readers.dicom_rules import SeriesRules
from lamina.readers.image_reader import CaseReader, LabelReader

ROWS = np.arange(12, dtype=np.uint8).reshape(3, 4)


def image(path, **options):
    return CaseReader(**options).get_data([str(path)])


def label(path, values=None):
    return LabelReader(values).get_data([str(path)])[0]


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_columns_come_first(tmp_path, write_picture, suffix):
    values, meta = image(write_picture(tmp_path / f"a.{suffix}", ROWS))
    np.testing.assert_array_equal(values, ROWS.T)
    assert meta["spacing_unit"] == "px"
    assert meta["spatial_shape"].tolist() == [4, 3]


def test_a_picture_s_pixels_have_the_size_that_is_given(tmp_path, write_picture):
    _, meta = image(write_picture(tmp_path / "a.png", ROWS), pixel_size=(0.5, 0.25))
    assert meta["spacing_unit"] == "mm"
    np.testing.assert_array_equal(meta["affine"], np.diag([0.5, 0.25, 1, 1]))
    with pytest.raises(ConfigError, match="expected a width and a height in mm"):
        CaseReader(pixel_size=(0.5,))


def test_sixteen_bits_are_kept(tmp_path, write_picture):
    deep = (ROWS.astype(np.uint16) + 1) * 5000
    np.testing.assert_array_equal(image(write_picture(tmp_path / "a.png", deep))[0], deep.T)


def test_colours_become_grey_by_luminance(tmp_path, write_picture):
    colours = np.zeros((3, 4, 3), np.uint8)
    colours[..., 1] = 100
    values, _ = image(write_picture(tmp_path / "a.png", colours))
    np.testing.assert_allclose(values, 0.587 * 100, atol=0.6)
    assert image(tmp_path / "a.png", channels=3)[0].shape == (4, 3, 3)


def test_a_picture_above_the_bound_is_not_decoded(tmp_path, write_picture):
    path = write_picture(tmp_path / "a.png", ROWS)
    with pytest.raises(ReadError, match="a.png: 4×3 pixels, more than max_pixels 11"):
        image(path, max_pixels=11)


@pytest.mark.parametrize("content", [b"", b"text", "half"])
def test_broken_pictures_are_named(tmp_path, write_picture, content):
    path = write_picture(
        tmp_path / "a.png", np.random.default_rng(0).integers(0, 255, (30, 40)).astype(np.uint8)
    )
    path.write_bytes(path.read_bytes()[:200] if content == "half" else content)
    with pytest.raises(ReadError, match="a.png"):
        image(path)


class TestLabels:
    def test_values_stand_as_they_are(self, tmp_path, write_picture):
        np.testing.assert_array_equal(label(write_picture(tmp_path / "m.png", ROWS)), ROWS.T)

    def test_grey_codes_are_mapped(self, tmp_path, write_picture):
        mask = np.where(ROWS > 5, 240, 30).astype(np.uint8)
        mapped = label(write_picture(tmp_path / "m.png", mask), {"240": 0, "30": 2})
        np.testing.assert_array_equal(mapped, np.where(ROWS > 5, 0, 2).T)

    def test_an_unmapped_value_names_file_and_value(self, tmp_path, write_picture):
        with pytest.raises(ReadError, match=r"m.png.*\b7\b"):
            label(write_picture(tmp_path / "m.png", np.full((3, 4), 7, np.uint8)), {"0": 0})

    def test_colours_are_mapped(self, tmp_path, write_picture):
        mask = np.zeros((3, 4, 3), np.uint8)
        mask[0] = [255, 0, 0]
        path = write_picture(tmp_path / "m.png", mask)
        mapped = label(path, {"#000000": 0, "#ff0000": 3})
        assert mapped.T[0].tolist() == [3, 3, 3, 3]
        assert mapped.T[1:].max() == 0

    def test_colours_without_a_map_are_refused(self, tmp_path, write_picture):
        mask = np.zeros((3, 4, 3), np.uint8)
        mask[0] = [255, 0, 0]
        with pytest.raises(ReadError, match="label_values"):
            label(write_picture(tmp_path / "m.png", mask))

    def test_three_equal_channels_are_grey(self, tmp_path, write_picture):
        mask = np.repeat(ROWS[..., None], 3, axis=2)
        np.testing.assert_array_equal(label(write_picture(tmp_path / "m.png", mask)), ROWS.T)

    def test_a_nifti_with_fractions_is_no_mask(self, tmp_path, write_nifti):
        path = write_nifti(tmp_path / "m.nii.gz", np.full((3, 4, 5), 0.5, np.float32))
        with pytest.raises(ReadError, match=r"m.nii.gz.*0\.5"):
            label(path)

    def test_real_grey_coded_layers(self, data):
        codes = {"240": 0} | {str(30 * n): n + 1 for n in range(8)}
        for path in sorted((data / "oct_layers" / "masks").iterdir()):
            values = label(path, codes)
            assert values.shape[1] == 1024
            assert set(np.unique(values)) == set(range(9))
            # Background above the nerve fibre layer, and again at the bottom.
            assert values[:, 0].max() == 0
            assert values[:, -1].max() == 0


@pytest.fixture
def load():
    """The loader as a task's JSON declares it."""

    def load(path, reader):
        transform = LoadImaged(
            keys="image", reader=reader, ensure_channel_first=True, image_only=True
        )
        return transform({"image": str(path)})["image"]

    return load


class TestWithinMonai:
    def test_a_volume_gets_a_channel_and_keeps_its_affine(
        self, tmp_path, write_nifti, volume, oblique, load
    ):
        image = load(write_nifti(tmp_path / "a.nii.gz", volume, oblique), CaseReader())
        assert image.shape == (1, 5, 7, 9)
        np.testing.assert_array_equal(image[0].numpy(), volume)
        np.testing.assert_allclose(image.affine, oblique, atol=1e-5)
        assert image.meta["spacing_unit"] == "mm"
        assert image.meta["space"] == "RAS"
        assert image.meta["filename_or_obj"] == str(tmp_path / "a.nii.gz")

    def test_it_equals_monais_own_reader(self, tmp_path, write_nifti, volume, oblique, load):
        path = write_nifti(tmp_path / "a.nii.gz", volume, oblique)
        ours, theirs = load(path, CaseReader()), load(path, "NibabelReader")
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        np.testing.assert_allclose(ours.affine, theirs.affine)
        np.testing.assert_allclose(ours.meta["original_affine"], theirs.meta["original_affine"])
        assert ours.meta["spatial_shape"].tolist() == theirs.meta["spatial_shape"].tolist()

    def test_a_picture_equals_monais_own_reader(self, tmp_path, write_picture, load):
        path = write_picture(tmp_path / "a.png", ROWS)
        ours, theirs = load(path, CaseReader()), load(path, "PILReader")
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        np.testing.assert_allclose(ours.affine, theirs.affine)

    def test_colours_become_channels(self, tmp_path, write_picture, load):
        path = write_picture(tmp_path / "a.png", np.stack([ROWS, ROWS + 1, ROWS + 2], axis=-1))
        image = load(path, CaseReader(channels=3))
        assert image.shape == (3, 4, 3)
        np.testing.assert_array_equal(image[2].numpy(), ROWS.T + 2)

    def test_a_series_is_read_by_folder_and_by_uid(
        self, tmp_path, write_series, volume, oblique, load
    ):
        folder = write_series(tmp_path / "s", volume, oblique)
        whole, named = load(folder, CaseReader()), load(f"{folder}#1.2.3", CaseReader())
        assert whole.shape == (1, 5, 7, 9)
        np.testing.assert_array_equal(whole.numpy(), named.numpy())

    def test_labels_come_as_class_values(self, tmp_path, write_picture, load):
        path = write_picture(tmp_path / "m.png", np.where(ROWS > 5, 255, 0).astype(np.uint8))
        mask = load(path, LabelReader({"0": 0, "255": 1}))
        assert mask.shape == (1, 4, 3)
        assert mask.unique().tolist() == [0, 1]

    @pytest.mark.parametrize("reader", [CaseReader(), LabelReader()])
    def test_the_reason_of_a_failure_is_not_swallowed(self, tmp_path, load, reader):
        (tmp_path / "a.nii.gz").write_bytes(b"")
        with pytest.raises((ReadError, RuntimeError)) as caught:
            load(tmp_path / "a.nii.gz", reader)
        assert "an empty file" in str(caught.value)
        assert "suitable reader" not in str(caught.value)

    def test_batches_can_be_made(self, tmp_path, write_nifti, volume, oblique, load):
        paths = [write_nifti(tmp_path / f"{n}.nii.gz", volume + n, oblique) for n in range(2)]
        batch = list_data_collate([load(path, CaseReader()) for path in paths])
        assert batch.shape == (2, 1, 5, 7, 9)
        assert [one.meta["spacing_unit"] for one in decollate_batch(batch)] == ["mm", "mm"]

    def test_the_metadata_is_not_shared_with_the_grid(self, tmp_path, write_nifti, volume):
        path = write_nifti(tmp_path / "a.nii.gz", volume)
        meta = image(path)[1]
        meta["affine"][0, 3] = 99
        assert meta["original_affine"][0, 3] == 0


def test_several_files_are_no_image(tmp_path):
    with pytest.raises(ReadError, match="several files, expected one image"):
        CaseReader().get_data(CaseReader().read(("a.nii", "b.nii")))


def test_reading_is_put_off_until_errors_can_be_seen():
    assert CaseReader().read("does/not/exist.nii") == ["does/not/exist.nii"]
    assert CaseReader().verify_suffix("any.thing")


def test_the_slice_tolerance_reaches_the_series(tmp_path, write_series, volume):
    affine = np.diag([-0.5, -0.75, 2.0, 1.0])
    shifted = {4: {"ImagePositionPatient": [0, 0, 8.5]}}
    folder = write_series(tmp_path / "s", volume, affine, changes=shifted)
    with pytest.raises(GeometryError, match="2.5 mm between"):
        image(folder, rules={"missing_slices": "refuse"})
    for rules in ({"tolerance": 0.3}, SeriesRules(tolerance=0.3)):
        assert image(folder, rules=rules)[0].shape == (5, 7, 9)
