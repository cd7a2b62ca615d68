import numpy as np
import pytest

from lamina.cases import CaseReader, LabelReader
from lamina.errors import ReadError

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
