"""Time points of NRRD and MetaImage: as SimpleITK takes them out of the whole file."""

import gzip

import numpy as np
import pytest
import SimpleITK as sitk

from lamina.errors import GeometryError, ReadError
from lamina.readers.itk.times import count_itk, read_itk_time, read_itk_time_grid

SUFFIXES = ["nrrd", "mha", "mhd"]
KINDS = {
    "scaled": "kinds: domain domain domain time\nspacings: 0.5 0.7 2 NaN\n",
    "in space": "space: left-posterior-superior\nkinds: space space space list\n"
    "space directions: (0.5,0.1,0) (0,0.7,0) (0,0,-2) none\nspace origin: (1,2,3)\n",
    "with time": "space: right-anterior-superior-time\nkinds: domain domain domain time\n"
    "space directions: (0.5,0.1,0,0) (0,0.7,0,0) (0,0,-2,0) (0,0,0,3)\nspace origin: (1,2,3,9)\n",
}


@pytest.fixture
def times(volume):
    """Three time points of a volume, (x, y, z, t)."""
    return np.stack([volume, volume + 1000, 3 * volume], axis=-1)


@pytest.fixture
def series(times, oblique):
    """The same as an image of ITK, oblique and flipped."""
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ oblique
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    directions = np.eye(4)
    directions[:3, :3] = lps[:3, :3] / spacing
    image = sitk.GetImageFromArray(times.T, isVector=False)
    image.SetSpacing([*spacing.tolist(), 1.5])
    image.SetDirection(directions.ravel().tolist())
    image.SetOrigin([*lps[:3, 3].tolist(), 0.0])
    return image


def write_nrrd(path, stored, fields, encoding="raw", encode=bytes):
    """Write an NRRD file of an array whose first axis is the fastest."""
    sizes = " ".join(map(str, stored.shape))
    head = f"NRRD0005\n# by hand\ntype: short\ndimension: {stored.ndim}\nsizes: {sizes}\n{fields}"
    head += f"endian: little\nencoding: {encoding}\nDWMRI_b-value:=1000\n\n"
    path.write_bytes(head.encode() + encode(stored.astype("<i2").tobytes(order="F")))
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("compressed", [False, True])
def test_each_time_point_lies_where_simpleitk_has_it(
    tmp_path, times, series, oblique, suffix, compressed
):
    path = tmp_path / f"a.{suffix}"
    sitk.WriteImage(series, str(path), compressed)
    assert count_itk(path) == 3
    for number in (1, 2, 3):
        voxels, grid = read_itk_time(path, number)
        assert np.array_equal(voxels, times[..., number - 1])
        assert grid.affine == pytest.approx(oblique)
        assert read_itk_time_grid(path, number).affine == pytest.approx(oblique)
        assert grid.unit == "mm"


@pytest.mark.parametrize("fields", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("raw", bytes), ("gzip", gzip.compress), ("gz", gzip.compress)],
)
def test_nrrd_in_all_ways_to_store_it(tmp_path, times, fields, encoding, encode):
    path = write_nrrd(tmp_path / "a.nrrd", times, fields, encoding, encode)
    alone = write_nrrd(
        tmp_path / "b.nrrd",
        times[..., 1],
        "space: left-posterior-superior\nspace origin: (1,2,3)\n"
        "space directions: (0.5,0.1,0) (0,0.7,0) (0,0,-2)\n",
    )
    voxels, grid = read_itk_time(path, 2)
    assert np.array_equal(voxels, times[..., 1])
    if "space" in fields:
        flip = np.diag([-1.0, -1, 1, 1]) if "right" in fields else np.eye(4)
        assert grid.affine == pytest.approx(flip @ read_itk_time(alone)[1].affine)
    else:
        assert grid.spacing == pytest.approx((0.5, 0.7, 2.0))


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
@pytest.mark.parametrize("encode", [bytes, gzip.compress])
def test_time_may_be_any_axis_of_nrrd(tmp_path, times, axis, encode):
    kinds, directions = ["space"] * 3, ["(0.5,0,0)", "(0,0.7,0)", "(0,0,2)"]
    kinds.insert(axis, "list")
    directions.insert(axis, "none")
    fields = f"space: LPS\nkinds: {' '.join(kinds)}\nspace directions: {' '.join(directions)}\n"
    encoding = "raw" if encode is bytes else "gzip"
    path = write_nrrd(tmp_path / "a.nrrd", np.moveaxis(times, -1, axis), fields, encoding, encode)
    for number in (1, 3):
        voxels, grid = read_itk_time(path, number)
        assert np.array_equal(voxels, times[..., number - 1])
        assert grid.spacing == pytest.approx((0.5, 0.7, 2.0))


def test_pictures_over_time_are_no_volume(tmp_path, volume):
    fields = "kinds: domain domain time\nspacings: 0.5 0.7 40\n"
    path = write_nrrd(tmp_path / "a.nrrd", volume, fields)
    assert count_itk(path) == 9
    voxels, grid = read_itk_time(path, 4)
    assert np.array_equal(voxels, volume[..., 3])
    assert grid.spacing == pytest.approx((0.5, 0.7))


def test_data_in_a_file_of_its_own(tmp_path, times):
    (tmp_path / "a.bin").write_bytes(b"skipped" + times.astype("<i2").tobytes(order="F"))
    fields = "NDims = 4\nDimSize = 5 7 9 3\nElementSpacing = 1 2 3 4\nHeaderSize = 7\n"
    path = tmp_path / "a.mhd"
    path.write_text(f"ObjectType = Image\n{fields}ElementType = MET_SHORT\nElementDataFile = a.bin")
    assert np.array_equal(read_itk_time(path, 3)[0], times[..., 2])
    path.write_text(path.read_text().replace("= 7\n", "= -1\n"))
    assert np.array_equal(read_itk_time(path, 3)[0], times[..., 2])


def test_a_file_that_lacks_a_volume_is_refused(tmp_path, times):
    path = write_nrrd(tmp_path / "a.nrrd", times, KINDS["scaled"])
    path.write_bytes(path.read_bytes()[: -2 * 5 * 7 * 9])
    for time in (2, 3):
        with pytest.raises(ReadError, match=r"a\.nrrd: .*bytes of data, at least 1890"):
            read_itk_time(path, time)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_of_several_must_be_named(tmp_path, series, suffix):
    path = tmp_path / f"a.{suffix}"
    sitk.WriteImage(series, str(path))
    with pytest.raises(ReadError, match=rf"a\.{suffix}: 3 volumes .*\n.*#t:1 … .*#t:3"):
        read_itk_time(path)
    with pytest.raises(ReadError, match=r"#t:4: the file has 3 volumes"):
        read_itk_time_grid(path, 4)


def test_a_volume_has_one_time_point(tmp_path, volume):
    sitk.WriteImage(sitk.GetImageFromArray(volume.T), str(tmp_path / "a.mha"))
    assert count_itk(tmp_path / "a.mha") == 1
    assert np.array_equal(read_itk_time(tmp_path / "a.mha", 1)[0], volume)
    with pytest.raises(ReadError, match="the file has 1 volumes"):
        read_itk_time(tmp_path / "a.mha", 2)


@pytest.mark.parametrize("kind", ["vector", "RGB-color", "3-vector", "covariant-vector", "scalar"])
@pytest.mark.parametrize("suffix", [".nrrd", ".seg.nrrd"])
def test_vectors_colours_and_layers_are_no_time(tmp_path, times, kind, suffix):
    kind = "list" if suffix == ".seg.nrrd" else kind
    fields = f"kinds: {kind} domain domain domain\nspacings: NaN 1 1 1\n"
    path = write_nrrd(tmp_path / f"a{suffix}", np.moveaxis(times, -1, 0), fields)
    assert count_itk(path) == 1
    with pytest.raises(ReadError, match=r"expected|can't read"):
        read_itk_time(path)


def test_channels_of_metaimage_are_no_time(tmp_path, times):
    image = sitk.GetImageFromArray(np.moveaxis(times, -1, 0).T, isVector=True)
    sitk.WriteImage(image, str(tmp_path / "a.mha"))
    assert count_itk(tmp_path / "a.mha") == 1
    with pytest.raises(ReadError, match="3 channels, expected 1"):
        read_itk_time(tmp_path / "a.mha")


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_space_that_moves_with_time_is_refused(tmp_path, series, suffix):
    c, s = np.cos(0.2), np.sin(0.2)
    moving = np.array(series.GetDirection()).reshape(4, 4)
    moving = moving @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, c, -s], [0, 0, s, c]])
    series.SetDirection(moving.ravel().tolist())
    sitk.WriteImage(series, str(tmp_path / f"a.{suffix}"))
    with pytest.raises(GeometryError, match=rf"a\.{suffix}: .* mix space and time"):
        read_itk_time(tmp_path / f"a.{suffix}", 1)


def test_an_error_names_the_file_and_not_the_copy_that_is_read(tmp_path, times):
    fields = KINDS["in space"] + 'space units: "furlong" "furlong" "furlong"\n'
    path = write_nrrd(tmp_path / "a.nrrd", times, fields)
    with pytest.raises(GeometryError) as caught:
        read_itk_time_grid(path, 1)
    assert str(caught.value).startswith(f"{path}: lengths in furlong")


@pytest.mark.parametrize(
    ("fields", "warned"), [(KINDS["scaled"], 0), (KINDS["in space"], 1), ("spacings: 1 1 1 1\n", 1)]
)
def test_an_axis_that_does_not_say_that_it_is_time_is_warned_of(
    tmp_path, times, caplog, fields, warned
):
    read_itk_time(write_nrrd(tmp_path / "a.nrrd", times, fields), 1)
    assert len(caplog.records) == warned


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("encoding: raw", "encoding: ascii", "stored as ascii, expected raw or gzip"),
        ("type: short", "type: block", "voxels of type block"),
        ("dimension: 4", "dimension: many", "header can't be understood"),
        ("sizes: 5 7 9 3", "sizes: 5 7 9", "header can't be understood"),
        ("encoding: raw", "line skip: 2\nencoding: raw", "lines before its data"),
    ],
)
def test_what_can_not_be_told_apart_is_refused(tmp_path, times, old, new, reason):
    path = write_nrrd(tmp_path / "a.nrrd", times, KINDS["scaled"])
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))
    with pytest.raises(ReadError, match=rf"a\.nrrd: .*{reason}"):
        read_itk_time(path, 1)
