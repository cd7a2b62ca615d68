"""Multi-page TIFF: volumes, time points and pictures, against what was written."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from lamina.errors import ReadError
from lamina.readers.images import images_in, read_grid, read_image, read_label
from lamina.readers.source import Source
from lamina.readers.tiff_stacks import find_stack, picture_pages


@pytest.fixture
def pages():
    """Three pages of 5 rows and 7 columns, no two pixels alike."""
    return np.arange(3 * 5 * 7, dtype=np.uint16).reshape(3, 5, 7) * 600


def addresses(path):
    return [one.removeprefix(str(path)) for one in images_in(Source(path))]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int16, np.float32])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_grey_pages_of_one_size_are_the_slices_of_a_volume(
    tmp_path, pages, dtype, compression, order
):
    values = (pages // 600).astype(dtype) if dtype is np.uint8 else pages.astype(dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, values, photometric="minisblack", compression=compression, byteorder=order
    )
    assert addresses(path) == [""]
    voxels, grid = read_image(str(path))
    np.testing.assert_array_equal(voxels, values.transpose(2, 1, 0))
    assert (grid.shape, grid.unit) == ((7, 5, 3), "px")
    assert read_grid(str(path)).shape == (7, 5, 3)


def test_a_stack_of_pillow_is_a_volume_too(tmp_path, pages):
    first, *others = [Image.fromarray((page // 600).astype(np.uint8)) for page in pages]
    first.save(tmp_path / "a.tiff", save_all=True, append_images=others, compression="tiff_lzw")
    voxels, _ = read_image(str(tmp_path / "a.tiff"))
    np.testing.assert_array_equal(voxels, pages.transpose(2, 1, 0) // 600)


def test_a_mask_of_several_pages_lies_on_its_image(tmp_path, pages):
    classes = (pages // 600 % 3).astype(np.uint8)
    tifffile.imwrite(tmp_path / "mask.tif", classes, photometric="minisblack")
    tifffile.imwrite(tmp_path / "image.tif", pages, photometric="minisblack")
    label, grid = read_label(tmp_path / "mask.tif")
    np.testing.assert_array_equal(label, classes.transpose(2, 1, 0))
    assert grid.shape == read_grid(str(tmp_path / "image.tif")).shape


def test_white_is_high_in_an_image_and_as_stored_in_a_mask(tmp_path, pages):
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="miniswhite")
    np.testing.assert_array_equal(
        read_image(str(tmp_path / "a.tif"))[0], 65535 - pages.transpose(2, 1, 0).astype(int)
    )
    np.testing.assert_array_equal(read_label(tmp_path / "a.tif")[0], pages.transpose(2, 1, 0))


def test_what_does_not_say_that_it_is_a_volume_is_warned_of(tmp_path, pages, caplog):
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
    read_image(str(tmp_path / "a.tif"))
    texts = [record.getMessage() for record in caplog.records]
    assert [text.partition(": ")[2][:30] for text in texts] == [
        "its 3 pages of one size are ta",
        "it does not say how large its ",
    ]


def test_a_page_can_be_named(tmp_path, pages):
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
    for number in (1, 2, 3):
        values, grid = read_image(f"{tmp_path}/a.tif#page:{number}")
        np.testing.assert_array_equal(values, pages[number - 1].T)
        assert grid.shape == read_grid(f"{tmp_path}/a.tif#page:{number}").shape == (7, 5)
    with pytest.raises(ReadError, match=r"a\.tif#page:4: the file has 3 pages"):
        read_image(f"{tmp_path}/a.tif#page:4")
    with pytest.raises(ReadError, match=r"a\.tif#t:2: the file has 1 volumes"):
        read_grid(f"{tmp_path}/a.tif#t:2")


@pytest.mark.parametrize("program", ["ome", "imagej"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_ome_and_imagej_say_how_large_a_voxel_is(tmp_path, pages, caplog, program, compression):
    if program == "ome":
        sizes = {"PhysicalSizeX": 300, "PhysicalSizeY": 0.2, "PhysicalSizeYUnit": "mm"}
        sizes |= {"PhysicalSizeZ": 1.5, "PhysicalSizeZUnit": "mm"}
        options = {"ome": True, "metadata": {"axes": "ZYX"} | sizes}
    else:
        options = {"imagej": True, "resolution": (1 / 300, 1 / 200)}
        options["metadata"] = {"axes": "ZYX", "spacing": 1500, "unit": "um"}
    tifffile.imwrite(tmp_path / "a.tif", pages, compression=compression, **options)
    voxels, grid = read_image(str(tmp_path / "a.tif"))
    np.testing.assert_array_equal(voxels, pages.transpose(2, 1, 0))
    assert grid.spacing == pytest.approx((0.3, 0.2, 1.5))
    assert (grid.unit, caplog.records) == ("mm", [])


@pytest.mark.parametrize(
    "options",
    [
        {"ome": True, "metadata": {"axes": "ZYX", "PhysicalSizeX": 3, "PhysicalSizeY": 2}},
        {"ome": True, "metadata": {"axes": "ZYX"}},
        {"imagej": True, "resolution": (5, 4), "metadata": {"axes": "ZYX", "unit": "mm"}},
        {"imagej": True, "resolution": (5, 4), "metadata": {"axes": "ZYX", "spacing": 2}},
        {
            "imagej": True,
            "resolution": (5, 4),
            "metadata": {"axes": "ZYX", "spacing": 2, "unit": "pixel"},
        },
    ],
)
def test_a_size_that_is_not_said_is_not_made_up(tmp_path, pages, options):
    tifffile.imwrite(tmp_path / "a.tif", pages, **options)
    assert read_grid(str(tmp_path / "a.tif")).unit == "px"


@pytest.mark.parametrize("program", ["ome", "imagej"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_time_points_of_volumes(tmp_path, pages, program, compression):
    times = np.stack([pages, pages + 1])
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, times, metadata={"axes": "TZYX"}, compression=compression, **{program: True}
    )
    assert addresses(path) == ["#t:1", "#t:2"]
    for number in (1, 2):
        voxels, _ = read_image(f"{path}#t:{number}")
        np.testing.assert_array_equal(voxels, times[number - 1].transpose(2, 1, 0))
    with pytest.raises(ReadError, match=r"a\.tif: 2 volumes .*\n.*#t:1 … .*#t:2"):
        read_image(str(path))


def test_time_within_slices(tmp_path, pages):
    times = np.stack([pages, pages + 1, pages + 2, pages + 3], axis=1)
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, times, metadata={"axes": "ZTYX"})
    for number in (1, 4):
        voxels, _ = read_image(f"{path}#t:{number}")
        np.testing.assert_array_equal(voxels, times[:, number - 1].transpose(2, 1, 0))


def test_one_page_of_imagej_that_stands_for_all(tmp_path, pages):
    times = np.stack([pages, pages + 1])
    tifffile.imwrite(tmp_path / "a.tif", times, imagej=True, metadata={"axes": "TZYX"})
    content = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        first = tiff.pages[0]
        order, end = tiff.byteorder, first.offset + 2 + 12 * len(first.tags)
    assert int.from_bytes(content[end : end + 4], "big" if order == ">" else "little")
    content[end : end + 4] = bytes(4)
    (tmp_path / "a.tif").write_bytes(content)
    for number in (1, 2):
        voxels, _ = read_image(f"{tmp_path}/a.tif#t:{number}")
        np.testing.assert_array_equal(voxels, times[number - 1].transpose(2, 1, 0))


@pytest.mark.parametrize("program", ["ome", "imagej"])
@pytest.mark.parametrize("axes", ["ZCYX", "CYX"])
def test_channels_are_refused_by_name(tmp_path, pages, program, axes):
    values = np.stack([pages, pages], axis=1) if axes == "ZCYX" else pages
    tifffile.imwrite(tmp_path / "a.tif", values, metadata={"axes": axes}, **{program: True})
    with pytest.raises(ReadError, match=rf"a\.tif: axes {axes} of 3×.*\n.*save the channel"):
        read_image(str(tmp_path / "a.tif"))
    assert addresses(tmp_path / "a.tif") == [""]


def test_pictures_over_time_and_in_colours_are_pages(tmp_path, pages):
    tifffile.imwrite(tmp_path / "t.tif", pages, imagej=True, metadata={"axes": "TYX"})
    colours = np.stack([pages // 300] * 3, axis=-1).astype(np.uint8)
    tifffile.imwrite(tmp_path / "c.tif", colours, photometric="rgb")
    for name in ("t.tif", "c.tif"):
        assert addresses(tmp_path / name) == ["#page:1", "#page:2", "#page:3"]
    np.testing.assert_array_equal(read_image(f"{tmp_path}/t.tif#page:2")[0], pages[1].T)
    values, _ = read_image(f"{tmp_path}/c.tif#page:3", channels=3)
    np.testing.assert_array_equal(values, colours[2].swapaxes(0, 1))
    with pytest.raises(ReadError, match=r"c\.tif: 3 pages, expected one image\n.*#page:1"):
        read_image(str(tmp_path / "c.tif"))


def test_pages_of_several_sizes_are_pictures(tmp_path, pages):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for columns in (4, 7, 5):
            writer.write(pages[0][:, :columns])
    assert addresses(tmp_path / "a.tif") == ["#page:1", "#page:2", "#page:3"]
    assert read_image(f"{tmp_path}/a.tif#page:3")[0].shape == (5, 5)


@pytest.mark.parametrize("flagged", [False, True])
def test_a_pyramid_is_its_largest_picture(tmp_path, flagged):
    picture = np.random.default_rng(0).integers(0, 255, (48, 96)).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for step in (1, 2, 4):
            options = {"subfiletype": 1} if flagged and step > 1 else {}
            writer.write(picture[::step, ::step], metadata=None, **options)
    assert addresses(tmp_path / "a.tif") == [""]
    values, grid = read_image(str(tmp_path / "a.tif"))
    np.testing.assert_array_equal(values, picture.T)
    assert grid.shape == (96, 48)


def test_a_thumbnail_is_no_slice(tmp_path, pages):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(pages[0][:2, :3], subfiletype=1, metadata=None)
        for page in pages:
            writer.write(page, metadata=None)
    voxels, _ = read_image(str(tmp_path / "a.tif"))
    np.testing.assert_array_equal(voxels, pages.transpose(2, 1, 0))


def test_a_thumbnail_before_the_picture_is_left_out(tmp_path, pages):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(pages[0][:2, :3], subfiletype=1, metadata=None)
        writer.write(pages[1], metadata=None)
    assert picture_pages(tmp_path / "a.tif") == [2]
    np.testing.assert_array_equal(read_image(str(tmp_path / "a.tif"))[0], pages[1].T)
    assert read_grid(str(tmp_path / "a.tif")).shape == (7, 5)


def test_a_picture_is_no_stack(tmp_path, pages):
    tifffile.imwrite(tmp_path / "a.tif", pages[0])
    assert find_stack(tmp_path / "a.tif") is None
    assert picture_pages(tmp_path / "a.tif") == [1]


def test_a_stack_that_is_stored_turned_is_refused(tmp_path, pages):
    extra = [(274, "H", 1, 6, True)]
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack", extratags=extra)
    with pytest.raises(ReadError, match=r"a\.tif: stored turned \(orientation 6\)"):
        read_image(str(tmp_path / "a.tif"))


@pytest.mark.parametrize("kept", [10, 300, -40])
def test_a_truncated_stack_is_refused_by_name(tmp_path, pages, kept):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pages, photometric="minisblack")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ReadError, match=r"a\.tif: (not a|page|.* bytes)"):
        read_image(str(path))


def test_a_list_of_pages_that_is_broken_off_is_not_taken_for_a_shorter_one(tmp_path, pages):
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack", metadata=None)
    content = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        second = tiff.pages[1]
        at = second.offset + 2 + 12 * len(second.tags)
    content[at : at + 4] = (10**6).to_bytes(4, "little")
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(ReadError, match=r"a\.tif: .*page 3 is missing"):
        read_grid(str(tmp_path / "a.tif"))


def test_pages_in_other_files_are_not_read(tmp_path, pages):
    tifffile.imwrite(tmp_path / "b.tif", pages)
    description = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="7" '
        'SizeY="5" SizeC="1" SizeZ="3" SizeT="1"><TiffData IFD="0" FirstZ="0" PlaneCount="1"/>'
        '<TiffData IFD="1" FirstZ="1" PlaneCount="1"><UUID FileName="b.tif">urn:uuid:2</UUID>'
        "</TiffData></Pixels></Image></OME>"
    )
    tifffile.imwrite(tmp_path / "a.ome.tif", pages[0], description=description, metadata=None)
    with pytest.raises(ReadError, match=r"a\.ome\.tif: .* 3 slices .*\n.*other files"):
        read_image(str(tmp_path / "a.ome.tif"))


def test_a_page_that_is_too_large_is_not_decoded(tmp_path, pages):
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
    with pytest.raises(ReadError, match=r"a\.tif: 7×5 pixels, more than max_pixels 34"):
        read_image(str(tmp_path / "a.tif"), max_pixels=34)


def test_the_real_stacks(data):
    folder = data / "faults" / "layouts" / "tiff_stack"
    for path in sorted((folder / "images").iterdir()):
        values, grid = read_image(str(path))
        expected = np.stack(tifffile.imread(path)).transpose(2, 1, 0)
        np.testing.assert_array_equal(values, expected)
        label, other = read_label(folder / "masks" / path.name)
        assert label.shape == grid.shape == other.shape == (48, 48, 8)
