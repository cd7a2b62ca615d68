"""Pictures: modes, depths, order of axes, masks' codes, and what is refused."""

import io
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numbers
from monai.data import PILReader
from PIL import Image

import lamina
from lamina.errors import ReadError
from lamina.readers.pictures import FORMATS, read_codes, read_picture, read_picture_grid

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_grey_pixels_come_as_columns_and_rows(tmp_path, write_picture, suffix):
    pixels, grid = read_picture(write_picture(tmp_path / f"a.{suffix}", GREY))
    assert np.array_equal(pixels, GREY.T)
    assert grid.shape == (4, 3)
    assert grid.unit == "px"


def test_the_order_of_axes_is_that_of_monai(tmp_path, write_picture):
    path = write_picture(tmp_path / "a.png", GREY)
    reader = PILReader()
    expected, _ = reader.get_data(reader.read(path))
    assert np.array_equal(read_picture(path)[0], expected)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_stay_16_bits(tmp_path, write_picture, suffix):
    deep = GREY.astype(np.uint16) * 200
    pixels, _ = read_picture(write_picture(tmp_path / f"a.{suffix}", deep))
    assert np.array_equal(pixels, deep.T)


def test_big_endian_16_bits_are_read(tmp_path):
    """The file is made by hand, byte by byte, after the TIFF 6.0 specification."""
    deep = (GREY.astype(np.uint16) * 200).astype(">u2")
    rows, columns = deep.shape
    data = deep.astype(">u2").tobytes()
    short, long = 3, 4
    tags = [(256, short, columns), (257, short, rows), (258, short, 16), (259, short, 1)]
    tags += [(262, short, 1), (273, long, 8), (277, short, 1), (278, short, rows)]
    tags += [(279, long, len(data))]
    directory = struct.pack(">H", len(tags))
    for tag, kind, value in tags:
        directory += struct.pack(">HHI", tag, kind, 1)
        directory += struct.pack(">HH", value, 0) if kind == short else struct.pack(">I", value)
    header = b"MM" + struct.pack(">HI", 42, 8 + len(data))
    (tmp_path / "a.tif").write_bytes(header + data + directory + bytes(4))
    assert np.array_equal(read_picture(tmp_path / "a.tif")[0], deep.T)


def test_floating_point_tiff_is_read(tmp_path, write_picture):
    fine = GREY.astype(np.float32) / 7
    assert np.array_equal(read_picture(write_picture(tmp_path / "a.tif", fine))[0], fine.T)


def test_colours_become_luminance(tmp_path, write_picture):
    pixels, _ = read_picture(write_picture(tmp_path / "a.png", COLOUR))
    expected = COLOUR @ [0.299, 0.587, 0.114]
    assert np.abs(pixels - expected.T).max() <= 0.51


@given(numbers.arrays(np.uint8, (2, 3)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_a_grey_picture_stored_in_colour_keeps_its_values(tmp_path, write_picture, grey):
    path = write_picture(tmp_path / "a.png", np.stack([grey] * 3, axis=-1))
    assert np.array_equal(read_picture(path)[0], grey.T)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_ignored(tmp_path, mode):
    picture = Image.fromarray(GREY).convert(mode)
    picture.putalpha(0)
    picture.save(tmp_path / "a.png")
    assert np.array_equal(read_picture(tmp_path / "a.png")[0], GREY.T)


def palette_picture(path):
    picture = Image.fromarray(np.array([[0, 1, 2], [2, 2, 0]], np.uint8), "P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 90, 90, 90])
    picture.save(path)
    return path


def test_a_palette_is_looked_up(tmp_path):
    pixels, _ = read_picture(palette_picture(tmp_path / "a.png"))
    assert pixels.tolist() == [[0, 90], [76, 90], [90, 0]]


def test_one_bit_is_black_and_white(tmp_path, write_picture):
    path = write_picture(tmp_path / "a.png", np.array([[0, 255, 0]], np.uint8), mode="1")
    assert read_picture(path)[0].tolist() == [[0], [255], [0]]


def test_cmyk_jpeg_is_read(tmp_path, write_picture):
    path = write_picture(tmp_path / "a.jpg", np.full((8, 16, 3), 200, np.uint8), mode="CMYK")
    assert np.abs(read_picture(path)[0].astype(int) - 200).max() <= 2


def test_three_channels_keep_the_colours(tmp_path, write_picture):
    pixels, grid = read_picture(write_picture(tmp_path / "a.png", COLOUR), channels=3)
    assert np.array_equal(pixels, COLOUR.swapaxes(0, 1))
    assert grid.shape == (4, 3)


def test_a_grey_picture_fills_three_channels(tmp_path, write_picture):
    pixels, _ = read_picture(write_picture(tmp_path / "a.png", GREY), channels=3)
    assert pixels.shape == (4, 3, 3)
    assert (pixels == GREY.T[..., None]).all()


def write_png16(path, values):
    """Write (rows, columns[, bands]) as a PNG of 16 bits, which Pillow writes of grey alone."""
    rows, columns = values.shape[:2]
    color = {1: 0, 2: 4, 3: 2, 4: 6}[values.shape[2] if values.ndim == 3 else 1]
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)

    def chunk(name, content):
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", columns, rows, 16, color, 0, 0, 0)
    chunks = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


WIDE = np.random.default_rng(3).integers(0, 65536, (3, 5, 4)).astype(np.uint16)


@pytest.mark.parametrize("bands", [3, 4])
def test_colours_of_16_bits_keep_them(tmp_path, bands):
    colours = WIDE[..., :3].swapaxes(0, 1)
    for path in (
        write_png16(tmp_path / "a.png", WIDE[..., :bands]),
        write_tiff(tmp_path / "a.tif", WIDE[..., :bands], photometric="rgb"),
        write_tiff(tmp_path / "b.tif", WIDE[..., :bands], photometric="rgb", compression="lzw"),
        write_tiff(
            tmp_path / "c.tif",
            np.moveaxis(WIDE[..., :bands], -1, 0),
            photometric="rgb",
            planarconfig="separate",
        ),
    ):
        np.testing.assert_array_equal(read_picture(path, channels=3)[0], colours)
        luminance = colours @ [0.299, 0.587, 0.114]
        np.testing.assert_allclose(read_picture(path)[0], luminance)


def test_grey_of_16_bits_with_transparency_keeps_them(tmp_path):
    path = write_png16(tmp_path / "a.png", WIDE[..., :2])
    np.testing.assert_array_equal(read_picture(path)[0], WIDE[..., 0].T)
    np.testing.assert_array_equal(read_codes(path, colors=False)[0], WIDE[..., 0].T)


def test_a_mask_of_three_equal_channels_of_16_bits(tmp_path):
    path = write_png16(tmp_path / "a.png", np.stack([WIDE[..., 0]] * 3, axis=-1))
    np.testing.assert_array_equal(read_codes(path, colors=False)[0], WIDE[..., 0].T)
    with pytest.raises(ReadError, match="a mask in colours"):
        read_codes(write_png16(tmp_path / "b.png", WIDE[..., :3]), colors=False)


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_where_the_smallest_is_white_images_are_inverted_and_masks_are_not(tmp_path, kind):
    largest = np.iinfo(kind).max
    stored = np.array([[0, 1, 7], [largest, 100, 3]], kind)
    path = write_tiff(tmp_path / "a.tif", stored, photometric="miniswhite")
    np.testing.assert_array_equal(read_picture(path)[0], largest - stored.astype(np.int64).T)
    np.testing.assert_array_equal(read_codes(path, colors=False)[0], stored.T)


def test_32_bits_without_a_sign_stay_positive(tmp_path):
    stored = np.array([[0, 2**31, 2**32 - 1]], np.uint32)
    path = write_tiff(tmp_path / "a.tif", stored, photometric="minisblack")
    np.testing.assert_array_equal(read_picture(path)[0], stored.T)


def write_tiff(path, values, **how):
    tifffile.imwrite(path, values, **how)
    return path


def test_the_header_alone_gives_the_same_grid(tmp_path, write_picture):
    path = write_picture(tmp_path / "a.png", COLOUR)
    assert read_picture_grid(path).shape == read_picture(path)[1].shape


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
def test_truncated_pictures_are_refused_by_name(tmp_path, write_picture, suffix):
    noise = np.random.default_rng(0).integers(0, 255, (40, 50), np.uint8)
    path = write_picture(tmp_path / f"a.{suffix}", noise)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ReadError, match=rf"a\.{suffix}: not a"):
        read_picture(path)


@pytest.mark.parametrize("content", [b"", b"not a picture"])
def test_other_content_is_refused_by_name(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ReadError, match=r"a\.png: not a picture that can be read"):
        read_picture_grid(tmp_path / "a.png")


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, write_picture):
    path = write_picture(tmp_path / "a.png", GREY)
    assert read_picture_grid(path, max_pixels=12).shape == (4, 3)
    with pytest.raises(ReadError, match="4×3 pixels, more than max_pixels 11"):
        read_picture(path, max_pixels=11)


def test_a_decompression_bomb_is_refused(tmp_path):
    # The header of a PNG of 20,000×20,000 pixels, without any.
    small = io.BytesIO()
    Image.new("1", (8, 8)).save(small, "png")
    content = bytearray(small.getvalue())
    content[16:24] = (20_000).to_bytes(4) * 2
    content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4)
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ReadError, match=r"a\.png"):
        read_picture(tmp_path / "a.png")


def test_several_pages_are_refused(tmp_path):
    page = Image.fromarray(GREY)
    page.save(tmp_path / "a.tif", save_all=True, append_images=[page, page])
    with pytest.raises(ReadError, match="3 pages, expected one"):
        read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize(("turn", "accepted"), [(1, True), (3, False), (6, False)])
def test_pictures_stored_turned_are_refused(tmp_path, turn, accepted):
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(GREY).save(tmp_path / "a.jpg", exif=exif)
    if accepted:
        assert read_picture(tmp_path / "a.jpg")[1].shape == (4, 3)
    else:
        with pytest.raises(ReadError, match=f"EXIF orientation {turn}"):
            read_picture(tmp_path / "a.jpg")


def test_codes_of_a_grey_mask_are_its_values(tmp_path, write_picture):
    codes, grid = read_codes(write_picture(tmp_path / "a.png", GREY), colors=False)
    assert np.array_equal(codes, GREY.T)
    assert grid.shape == (4, 3)


def test_codes_of_a_palette_are_its_indices(tmp_path):
    codes, _ = read_codes(palette_picture(tmp_path / "a.png"), colors=False)
    assert codes.tolist() == [[0, 2], [1, 2], [2, 0]]


def test_codes_of_one_bit_are_0_and_1(tmp_path, write_picture):
    path = write_picture(tmp_path / "a.png", np.array([[0, 255, 0]], np.uint8), mode="1")
    assert read_codes(path, colors=False)[0].tolist() == [[0], [1], [0]]


def test_equal_channels_count_as_grey(tmp_path, write_picture):
    path = write_picture(tmp_path / "a.png", np.stack([GREY] * 3, axis=-1))
    assert np.array_equal(read_codes(path, colors=False)[0], GREY.T)


def test_colours_without_a_mapping_are_refused(tmp_path, write_picture):
    with pytest.raises(ReadError, match=r"a\.png: a mask in colours(?s:.*)map them in the task"):
        read_codes(write_picture(tmp_path / "a.png", COLOUR), colors=False)


@given(st.tuples(*[st.integers(0, 255)] * 3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_colours_are_packed_as_people_write_them(tmp_path, write_picture, colour):
    path = write_picture(tmp_path / "a.png", np.array([[colour]], np.uint8))
    code = int(read_codes(path, colors=True)[0][0, 0])
    assert f"{code:06x}" == "".join(f"{part:02x}" for part in colour)


def test_real_x_rays_of_every_mode_are_read(data):
    paths = sorted((data / "chest_xray" / "images").iterdir(), key=lambda p: p.stat().st_size)[:12]
    for path in paths:
        pixels, grid = read_picture(path)
        assert pixels.shape == grid.shape == read_picture_grid(path).shape
        assert pixels.max() > 100


OTHERS = ["EPS", "TGA", "PCX", "ICO", "WEBP", "PDF", "XBM", "SGI", "MSP", "IM", "DDS"]


@pytest.fixture
def no_ghostscript(monkeypatch):
    """Fail where Pillow would start Ghostscript."""
    called = []
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *a, **b: called.append(a))
    yield
    assert not called


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
@pytest.mark.parametrize("kind", OTHERS)
def test_a_format_that_is_not_named_is_not_opened(tmp_path, no_ghostscript, kind, suffix):
    picture = Image.new("1" if kind in ("XBM", "MSP") else "L", (16, 16), 1)
    picture.save(tmp_path / "w", kind)
    path = (tmp_path / "w").rename(tmp_path / f"a{suffix}")
    for read in (read_picture, read_picture_grid):
        with pytest.raises(ReadError, match=rf"a\{suffix}: .*no picture in PNG, JPEG, TIFF, BMP, "):
            read(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_may_have_another_suffix_than_its_own(tmp_path, kind, suffix):
    Image.new("L", (16, 9), 7).save(tmp_path / "w", kind)
    path = (tmp_path / "w").rename(tmp_path / f"a{suffix}")
    assert read_picture(path)[0].shape == (16, 9)


def test_pillow_is_asked_at_one_place():
    """Any other would open any format."""
    package = Path(lamina.__file__).parent
    opens = [path for path in package.rglob("*.py") if "Image.open(" in path.read_text()]
    assert opens == [package / "readers" / "pictures.py"]


RAMP = np.arange(4 * 5, dtype=np.uint16).reshape(4, 5) * 200


def pnm(kind, values, largest, gap=b"\n"):
    """Return a PGM or PPM (2 and 3 as text) of (rows, columns[, 3])."""
    head = b"P%d" % kind + gap + b"%d %d" % values.shape[1::-1] + gap + b"%d\n" % largest
    if kind in (2, 3):
        return head + b" ".join(b"%d" % value for value in values.ravel())
    return head + values.astype(">u2" if largest > 255 else "u1").tobytes()


@pytest.mark.parametrize("largest", [65535, 4095, 3802])
@pytest.mark.parametrize("kind", [2, 3, 5, 6])
@pytest.mark.parametrize("gap", [b"\n", b" ", b"\n# by hand 7\n"])
def test_pnm_keeps_its_values_whatever_the_largest(tmp_path, kind, largest, gap):
    values = np.stack([RAMP, RAMP + 1, RAMP + 2], -1) if kind in (3, 6) else RAMP
    path = tmp_path / ("a.ppm" if kind in (3, 6) else "a.pgm")
    path.write_bytes(pnm(kind, values, largest, gap))
    pixels, grid = read_picture(path, 3 if kind in (3, 6) else 1)
    np.testing.assert_array_equal(pixels, values.swapaxes(0, 1))
    assert grid.shape == read_picture_grid(path).shape == (5, 4)
    if kind in (2, 5):
        np.testing.assert_array_equal(read_codes(path, False)[0], values.T)


@pytest.mark.parametrize("largest", [255, 200, 7])
@pytest.mark.parametrize("kind", [2, 5])
def test_small_values_of_pnm_are_not_stretched(tmp_path, kind, largest):
    values = (RAMP // 200 % (largest + 1)).astype(np.uint8)
    (tmp_path / "a.pnm").write_bytes(pnm(kind, values, largest))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.pnm")[0], values.T)


def test_a_truncated_pnm_is_refused_by_name(tmp_path):
    (tmp_path / "a.pgm").write_bytes(pnm(5, RAMP, 4095)[:-3])
    with pytest.raises(ReadError, match=r"a\.pgm: not a complete picture"):
        read_picture(tmp_path / "a.pgm")


@pytest.mark.parametrize("name", ["a.jp2", "a.j2k"])
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("bands", [1, 3])
def test_jpeg_2000_keeps_its_values(tmp_path, name, bits, bands):
    values = RAMP // 20 if bits == 8 else RAMP
    values = values.astype(np.uint8 if bits == 8 else np.uint16)
    values = values if bands == 1 else np.stack([values, values + 1, values + 2], -1)
    codec = name.rpartition(".")[2]
    (tmp_path / name).write_bytes(
        imagecodecs.jpeg2k_encode(values, level=0, bitspersample=bits, codecformat=codec)
    )
    pixels, _ = read_picture(tmp_path / name, bands)
    np.testing.assert_array_equal(pixels, values.swapaxes(0, 1))


def test_one_frame_of_gif_is_a_picture(tmp_path):
    grey = (RAMP // 20).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.gif")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.gif")[0], grey.T)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.gif", 3)[0][..., 1], grey.T)


@pytest.mark.parametrize("suffix", ["gif", "png"])
def test_moving_pictures_are_refused_by_name_but_for_the_frame_that_is_named(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    frames = [Image.fromarray((RAMP // 20 + 9 * at).astype(np.uint8)) for at in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.raises(ReadError, match=rf"a\.{suffix}: 3 pages, expected one.*\n.*#page:1 … "):
        read_picture(path)
    for number in (1, 3):
        pixels, _ = read_picture(path, page=number)
        np.testing.assert_array_equal(pixels, np.asarray(frames[number - 1]).T)
    with pytest.raises(ReadError, match="#page:4: the file has 3 pages"):
        read_picture(path, page=4)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8"])
def test_grey_tiff_keeps_its_values_in_all_depths(tmp_path, order, compression, photometric, kind):
    """Pillow swaps the bytes of some of them, and does not know others."""
    values = np.random.default_rng(5).integers(1, 100, (7, 5)).astype(kind)
    values = values * 250 if values.itemsize > 1 else values
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, values, byteorder=order, compression=compression, photometric=photometric
    )
    limits = {"u": 2.0 ** (8 * values.itemsize) - 1, "i": -1, "f": values.max()}
    grey = values.astype(float)
    expected = grey if photometric == "minisblack" else limits[values.dtype.kind] - grey
    pixels = read_picture(path)[0].astype(np.float32)
    np.testing.assert_array_equal(pixels, expected.T.astype(np.float32))
    assert read_picture_grid(path).shape == (5, 7)
    codes, _ = read_codes(path, colors=False)
    np.testing.assert_array_equal(codes, values.T)


def test_what_only_tifffile_knows_is_refused_where_it_is_turned_or_too_large(tmp_path):
    path = tmp_path / "a.tif"
    values = np.ones((7, 5))
    tifffile.imwrite(path, values, extratags=[(274, "H", 1, 6, True)])
    with pytest.raises(ReadError, match="stored turned"):
        read_picture(path)
    tifffile.imwrite(path, values)
    with pytest.raises(ReadError, match="more than max_pixels 30"):
        read_picture(path, max_pixels=30)


def test_wide_colours_that_are_no_rgb_are_refused_by_name(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((7, 5, 4), np.uint16), photometric="separated")
    with pytest.raises(ReadError, match=r"neither grey nor RGB \(PhotometricInterpretation 5\)"):
        read_picture(path)
