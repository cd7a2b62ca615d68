"""NRRD and MetaImage: as SimpleITK reads them, and what is refused."""

import numpy as np
import pytest
import SimpleITK as sitk

from lamina.errors import GeometryError, LaminaError, ReadError
from lamina.readers.itk.headers import read_itk_header
from lamina.readers.itk.volumes import data_file, read_itk, read_itk_grid

SUFFIXES = ["nrrd", "mha", "mhd"]


def sitk_image(voxels, affine):
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image = sitk.GetImageFromArray(voxels.T)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("compressed", [False, True])
def test_voxels_and_affine_are_what_was_written(tmp_path, volume, oblique, suffix, compressed):
    path = tmp_path / f"a.{suffix}"
    sitk.WriteImage(sitk_image(volume, oblique), str(path), compressed)
    voxels, grid = read_itk(path)
    assert np.array_equal(voxels, volume)
    assert grid.shape == (5, 7, 9)
    assert grid.affine == pytest.approx(oblique)
    assert grid.unit == "mm"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_header_alone_gives_the_same_grid(tmp_path, volume, oblique, suffix):
    path = tmp_path / f"a.{suffix}"
    sitk.WriteImage(sitk_image(volume, oblique), str(path))
    assert np.array_equal(read_itk_grid(path).affine, read_itk(path)[1].affine)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pictures_have_two_axes_and_a_4x4_affine(tmp_path, volume, suffix):
    image = sitk.GetImageFromArray(volume[:, :, 0].T)
    image.SetSpacing([0.25, 0.5])
    sitk.WriteImage(image, str(tmp_path / f"a.{suffix}"))
    voxels, grid = read_itk(tmp_path / f"a.{suffix}")
    assert voxels.shape == grid.shape == (5, 7)
    assert np.array_equal(voxels, volume[:, :, 0])
    assert grid.affine.shape == (4, 4)
    assert grid.spacing == pytest.approx((0.25, 0.5))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("compressed", [False, True])
def test_truncated_data_is_refused_by_name(tmp_path, suffix, compressed):
    noise = np.random.default_rng(0).integers(0, 255, (5, 7, 9)).astype(np.uint8)
    path = tmp_path / f"a.{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(noise), str(path), compressed)
    holder = next(tmp_path.glob("*raw"), path)
    holder.write_bytes(holder.read_bytes()[:-60])
    with pytest.raises(ReadError, match=rf"a\.{suffix}: ITK can't read it"):
        read_itk(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"no header\n\n"])
def test_other_content_is_refused_by_name(tmp_path, suffix, content):
    (tmp_path / f"a.{suffix}").write_bytes(content)
    with pytest.raises(ReadError, match=rf"a\.{suffix}"):
        read_itk_grid(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_several_channels_are_refused(tmp_path, suffix):
    colours = sitk.GetImageFromArray(np.zeros((3, 4, 5, 3), np.uint8), isVector=True)
    sitk.WriteImage(colours, str(tmp_path / f"a.{suffix}"))
    with pytest.raises(ReadError, match="3 channels, expected 1"):
        read_itk(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_time_points_are_refused(tmp_path, suffix):
    series = sitk.GetImageFromArray(np.zeros((2, 3, 4, 5), np.uint8), isVector=False)
    sitk.WriteImage(series, str(tmp_path / f"a.{suffix}"))
    with pytest.raises(ReadError, match="size 5×4×3×2, expected a picture or a volume"):
        read_itk(tmp_path / f"a.{suffix}")


def metaimage(path, *lines, data="a.raw"):
    header = ["ObjectType = Image", "NDims = 3", "DimSize = 2 3 4", *lines]
    path.write_text("\n".join([*header, "ElementType = MET_UCHAR", f"ElementDataFile = {data}\n"]))
    (path.parent / "a.raw").write_bytes(bytes(24))
    return path


def test_metaimage_without_spacing_has_no_physical_size(tmp_path):
    assert read_itk_grid(metaimage(tmp_path / "a.mhd")).unit == "px"


@pytest.mark.parametrize("name", ["ElementSpacing", "ElementSize"])
def test_metaimage_with_spacing_lies_in_mm(tmp_path, name):
    grid = read_itk_grid(metaimage(tmp_path / "a.mhd", f"{name} = 1 2 3"))
    assert grid.unit == "mm"
    assert grid.spacing == pytest.approx((1, 2, 3))


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.raw", "sub/a.raw", "LIST", "a%d.raw 1 4 1"])
def test_data_elsewhere_is_refused_without_being_opened(tmp_path, name):
    path = metaimage(tmp_path / "a.mhd", data=name)
    with pytest.raises(ReadError, match=r"a\.mhd: its data is said to lie in"):
        read_itk(path)


def test_detached_nrrd_data_elsewhere_is_refused(tmp_path):
    header = (
        "NRRD0004\ntype: uchar\ndimension: 2\nsizes: 2 3\nencoding: raw\ndata file: /etc/passwd\n\n"
    )
    (tmp_path / "a.nrrd").write_text(header)
    with pytest.raises(ReadError, match="'/etc/passwd', expected one file beside it"):
        read_itk(tmp_path / "a.nrrd")


def test_a_missing_data_file_is_named(tmp_path):
    path = metaimage(tmp_path / "a.mhd", data="b.raw")
    with pytest.raises(ReadError, match=r"a\.mhd: its data file 'b\.raw' is missing"):
        read_itk(path)


def test_nrrd_without_spacing_has_no_physical_size(tmp_path):
    header = "NRRD0004\ntype: uchar\ndimension: 2\nsizes: 2 3\nencoding: raw\n\n"
    (tmp_path / "a.nrrd").write_bytes(header.encode() + bytes(range(6)))
    voxels, grid = read_itk(tmp_path / "a.nrrd")
    assert grid.unit == "px"
    assert voxels.tolist() == [[0, 2, 4], [1, 3, 5]]


def test_nrrd_in_ras_space_is_not_turned(tmp_path):
    header = (
        "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 3 4\nencoding: raw\n"
        "space: right-anterior-superior\nspace origin: (5,6,7)\n"
        "space directions: (1,0,0) (0,2,0) (0,0,3)\n\n"
    )
    (tmp_path / "a.nrrd").write_bytes(header.encode() + bytes(24))
    expected = np.diag([1.0, 2.0, 3.0, 1.0])
    expected[:3, 3] = [5, 6, 7]
    assert read_itk_grid(tmp_path / "a.nrrd").affine == pytest.approx(expected)


def test_a_singular_direction_is_refused(tmp_path):
    path = metaimage(
        tmp_path / "a.mhd", "TransformMatrix = 1 0 0 1 0 0 0 0 1", "ElementSpacing = 1 1 1"
    )
    with pytest.raises((GeometryError, ReadError), match=r"a\.mhd"):
        read_itk(path)


def test_real_odd_files_are_read_as_simpleitk_reads_them_or_refused_by_name(data):
    read = 0
    for path in sorted((data / "odd" / "panimg").glob("*.mhd")):
        try:
            voxels, grid = read_itk(path)
        except LaminaError as error:
            assert str(path) in str(error)
            continue
        other = sitk.ReadImage(str(path))
        assert np.array_equal(voxels, sitk.GetArrayFromImage(other).T.astype(np.float32))
        assert grid.shape == other.GetSize()
        if grid.unit == "mm":
            assert grid.spacing == pytest.approx(other.GetSpacing())
        read += 1
    assert read == 6


def nrrd(path, units, field="space units"):
    lines = ["NRRD0004", "type: uint8", "dimension: 3", "space: left-posterior-superior"]
    lines += ["sizes: 4 3 2", "space directions: (2,0,0) (0,3,0) (0,0,4)", "encoding: raw"]
    lines += [f"{field}: {units}"] if units else []
    path.write_bytes("\n".join([*lines, "", ""]).encode() + bytes(range(24)))
    return path


@pytest.mark.parametrize(
    ("units", "factor"),
    [(None, 1), ('"mm" "mm" "mm"', 1), ('"um" "um" "um"', 1e-3), ('"cm" "cm" "cm"', 10)],
)
def test_lengths_of_nrrd_become_mm(tmp_path, units, factor):
    grid = read_itk_grid(nrrd(tmp_path / "a.nrrd", units))
    assert grid.spacing == pytest.approx((2 * factor, 3 * factor, 4 * factor))
    voxels, same = read_itk(tmp_path / "a.nrrd")
    np.testing.assert_allclose(same.affine, grid.affine)
    assert voxels.shape == (4, 3, 2)


@pytest.mark.parametrize("units", ['"inch" "inch" "inch"', '"mm" "mm" "um"'])
def test_a_unit_in_doubt_is_refused(tmp_path, units):
    with pytest.raises(GeometryError, match=r"a\.nrrd: lengths in .*, expected one of mm, cm"):
        read_itk_grid(nrrd(tmp_path / "a.nrrd", units))


def header(path, data):
    path.write_bytes(f"ObjectType = Image\nDimSize = 2 2\nElementDataFile = {data}\n".encode())
    return path


def test_data_behind_the_header_is_no_file_and_not_part_of_it(tmp_path):
    path = header(tmp_path / "a.mha", "LOCAL")
    path.write_bytes(path.read_bytes() + b"ElementDataFile = b.raw")
    assert data_file(path) is None
    assert read_itk_header(path).text.endswith(b"LOCAL")


def test_data_beside_the_header_is_found(tmp_path):
    (tmp_path / "b.raw").write_bytes(b"data")
    assert data_file(header(tmp_path / "a.mhd", "b.raw")) == tmp_path / "b.raw"
    nrrd = tmp_path / "a.nhdr"
    nrrd.write_bytes(b"NRRD0004\ntype: uint8\nData File: b.raw\n\n")
    assert data_file(nrrd) == tmp_path / "b.raw"


@pytest.mark.parametrize("data", ["../b.raw", "LIST", "slice_%03d.raw"])
def test_data_in_other_places_is_refused(tmp_path, data):
    with pytest.raises(ReadError, match=r"a\.mhd: its data is said to lie in"):
        data_file(header(tmp_path / "a.mhd", data))


def test_missing_data_is_named(tmp_path):
    with pytest.raises(ReadError, match=r"a\.mhd: its data file 'b\.raw' is missing"):
        data_file(header(tmp_path / "a.mhd", "b.raw"))


@pytest.mark.parametrize("suffix", ["mha", "mhd", "nrrd"])
@pytest.mark.parametrize("damage", ["other bytes", "end is missing", "no such stream"])
def test_broken_deflated_data_are_refused(tmp_path, suffix, damage):
    """ITK returns what it has till then, or what lay in memory."""
    path = tmp_path / f"a.{suffix}"
    voxels = np.random.default_rng(3).integers(0, 999, (20, 21, 22)).astype(np.int16)
    sitk.WriteImage(sitk.GetImageFromArray(voxels), path, useCompression=True)
    np.testing.assert_array_equal(read_itk(path)[0], voxels.T)
    packed = path if suffix != "mhd" else next(tmp_path.glob("*raw*"))
    content = packed.read_bytes()
    broken = {
        "other bytes": content[:-3000] + b"\xff" * 300 + content[-2700:],
        "end is missing": content[:-3000],
        "no such stream": content[:-12000] + bytes(12000),
    }
    packed.write_bytes(broken[damage])
    with pytest.raises(ReadError, match="ITK can't read it"):
        read_itk(path)
