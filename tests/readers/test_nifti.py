"""NIfTI: voxels and affine as nibabel gives them, and what is refused."""

import gzip
import struct

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from lamina.errors import GeometryError, ReadError
from lamina.readers.nifti import read_nifti, read_nifti_grid


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_voxels_and_affine_are_what_was_written(tmp_path, write_nifti, volume, oblique, name):
    voxels, grid = read_nifti(write_nifti(tmp_path / name, volume, oblique))
    assert np.array_equal(voxels, volume)
    assert grid.shape == (5, 7, 9)
    assert grid.affine == pytest.approx(oblique, abs=1e-5)
    assert grid.unit == "mm"


def test_the_header_alone_gives_the_same_grid(tmp_path, write_nifti, volume, oblique):
    path = write_nifti(tmp_path / "a.nii.gz", volume, oblique)
    alone, whole = read_nifti_grid(path), read_nifti(path)[1]
    assert alone.shape == whole.shape
    assert np.array_equal(alone.affine, whole.affine)


def test_agrees_with_simpleitk(tmp_path, write_nifti, volume, oblique):
    path = write_nifti(tmp_path / "a.nii.gz", volume, oblique)
    voxels, grid = read_nifti(path)
    other = sitk.ReadImage(str(path))
    assert np.array_equal(voxels, sitk.GetArrayFromImage(other).T)
    for index in [(0, 0, 0), (4, 0, 0), (0, 6, 8), (4, 6, 8)]:
        lps = other.TransformIndexToPhysicalPoint(index)
        assert (grid.affine @ [*index, 1])[:3] == pytest.approx(
            [-lps[0], -lps[1], lps[2]], abs=1e-4
        )


def test_slope_and_intercept_are_applied(tmp_path, volume):
    image = nibabel.Nifti1Image(volume, np.eye(4))
    image.header.set_slope_inter(2.5, -100)
    # nibabel divides what it writes by the slope; the raw integers are put in by hand.
    path = tmp_path / "a.nii"
    nibabel.save(image, path)
    stored = np.asarray(nibabel.load(path).dataobj.get_unscaled())
    slope, intercept = struct.unpack("<2f", path.read_bytes()[112:120])
    assert (slope, intercept) == (2.5, -100)
    assert read_nifti(path)[0] == pytest.approx(stored * 2.5 - 100)


@pytest.mark.parametrize("extra", [(1,), (1, 1)])
def test_trailing_axes_of_one_are_dropped(tmp_path, write_nifti, volume, extra):
    voxels, grid = read_nifti(write_nifti(tmp_path / "a.nii", volume.reshape(5, 7, 9, *extra)))
    assert voxels.shape == grid.shape == (5, 7, 9)
    assert np.array_equal(voxels, volume)


def test_one_slice_stays_a_volume(tmp_path, write_nifti, volume):
    assert read_nifti_grid(write_nifti(tmp_path / "a.nii", volume[:, :, :1])).shape == (5, 7, 1)


def test_a_two_dimensional_file_is_a_picture(tmp_path, write_nifti, volume):
    voxels, grid = read_nifti(write_nifti(tmp_path / "a.nii", volume[:, :, 0]))
    assert voxels.shape == grid.shape == (5, 7)


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000), ("micron", 0.001), ("mm", 1)])
def test_the_unit_of_length_becomes_mm(tmp_path, volume, oblique, unit, factor):
    image = nibabel.Nifti1Image(volume, oblique)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "a.nii")
    grid = read_nifti_grid(tmp_path / "a.nii")
    assert grid.affine[:3] == pytest.approx(oblique[:3] * factor, rel=1e-5)
    assert grid.affine[3] == pytest.approx([0, 0, 0, 1])


def test_an_unknown_unit_counts_as_mm(tmp_path, volume, oblique):
    image = nibabel.Nifti1Image(volume, oblique)
    image.header.set_xyzt_units("unknown")
    nibabel.save(image, tmp_path / "a.nii")
    assert read_nifti_grid(tmp_path / "a.nii").affine == pytest.approx(oblique, abs=1e-5)


def test_time_points_are_refused(tmp_path, write_nifti):
    path = write_nifti(tmp_path / "a.nii", np.zeros((3, 4, 5, 2), np.uint8))
    with pytest.raises(ReadError, match=r"a\.nii: size 3×4×5×2, expected one volume"):
        read_nifti_grid(path)


@pytest.mark.parametrize("kind", [np.complex64, [("R", "u1"), ("G", "u1"), ("B", "u1")]])
def test_complex_numbers_and_colours_are_refused(tmp_path, write_nifti, kind):
    path = write_nifti(tmp_path / "a.nii", np.zeros((3, 4, 5), kind))
    with pytest.raises(ReadError, match="expected one number each"):
        read_nifti(path)


@pytest.mark.parametrize("kept", [0, 10, 100, 400, -40, -1])
def test_a_truncated_file_is_refused_by_name(tmp_path, write_nifti, volume, kept):
    path = write_nifti(tmp_path / "a.nii", volume)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ReadError, match=r"a\.nii: not a complete NIfTI file"):
        read_nifti(path)


@pytest.mark.parametrize("kept", [0, 5, 60, -60])
def test_truncated_gzip_is_refused_by_name(tmp_path, write_nifti, kept):
    noise = np.random.default_rng(0).integers(0, 255, (5, 7, 9), np.uint8)
    path = write_nifti(tmp_path / "a.nii.gz", noise)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ReadError, match=r"a\.nii\.gz: not a complete NIfTI file"):
        read_nifti(path)


def test_a_text_file_named_nifti_is_refused(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(b"not an image" * 100))
    with pytest.raises(ReadError, match="not a complete NIfTI file"):
        read_nifti_grid(path)


@pytest.mark.parametrize("bad", [0.0, np.nan])
def test_a_singular_or_infinite_affine_is_refused(tmp_path, write_nifti, volume, bad):
    path = write_nifti(tmp_path / "a.nii", volume)
    content = bytearray(path.read_bytes())
    content[280:328] = struct.pack("<12f", 1, 0, 0, 0, 0, bad, 0, 0, 0, 0, 1, 0)
    path.write_bytes(content)
    with pytest.raises(GeometryError, match=r"a\.nii: the affine .* does not say where"):
        read_nifti_grid(path)


def test_real_volumes_agree_with_simpleitk(data):
    for path in sorted((data / "hippocampus" / "imagesTr").glob("*.nii.gz"))[::40]:
        voxels, grid = read_nifti(path)
        other = sitk.ReadImage(str(path))
        assert np.array_equal(voxels, sitk.GetArrayFromImage(other).T)
        assert grid.spacing == pytest.approx(other.GetSpacing())
        assert grid.affine[:3, 3] * [-1, -1, 1] == pytest.approx(other.GetOrigin())


def test_a_unit_that_nifti_does_not_know_is_refused(tmp_path, volume, oblique):
    image = nibabel.Nifti1Image(volume, oblique)
    image.header["xyzt_units"] = 5
    nibabel.save(image, tmp_path / "a.nii")
    with pytest.raises(GeometryError, match=r"a\.nii: its unit of length has the code 5"):
        read_nifti(tmp_path / "a.nii")


def write_fields(path, volume, **fields):
    """Write a NIfTI file whose header says something else than its data; .gz by the suffix."""
    nibabel.save(nibabel.Nifti1Image(volume.astype(np.int16), np.eye(4)), path.with_name("w.nii"))
    content = bytearray(path.with_name("w.nii").read_bytes())
    header = np.frombuffer(content, nibabel.Nifti1Header.template_dtype, count=1)
    for name, value in fields.items():
        header[name] = value
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(
    "dim",
    [
        [-1, 5, 7, 9, 1, 1, 1, 1],
        [99, 5, 7, 9, 1, 1, 1, 1],
        [3, 32767, 32767, 32767, 1, 1, 1, 1],
        [3, -5, -7, 9, 1, 1, 1, 1],
        [7, 32767, 32767, 32767, 32767, 32767, 32767, 32767],
        [3, 5, 7, -32768, 1, 1, 1, 1],
    ],
)
def test_lengths_that_the_file_can_not_hold_are_refused(tmp_path, volume, name, dim):
    path = write_fields(tmp_path / name, volume, dim=dim)
    for read in (read_nifti, read_nifti_grid):
        with pytest.raises(ReadError, match=rf"{name}: not a complete NIfTI file"):
            read(path)


@pytest.mark.parametrize("offset", [np.nan, np.inf, -1e30, 1e30, -352, 2.0**62])
def test_data_that_begin_nowhere_are_refused(tmp_path, volume, offset):
    with pytest.raises(ReadError, match=r"a\.nii: not a complete NIfTI file"):
        read_nifti(write_fields(tmp_path / "a.nii", volume, vox_offset=offset))


def test_no_mutated_header_raises_anything_else(tmp_path, volume):
    rng = np.random.default_rng(0)
    kinds = [nibabel.Nifti1Image, nibabel.Nifti2Image]
    numbers = [-1, 0, 1, 2, 99, 255, 32767, -32768, 2**31 - 1, 2**40, 2**62, -(2**62)]
    outcomes = {"read": 0, "refused": 0}
    for index in range(600):
        path = tmp_path / ["a.nii", "a.nii.gz"][index // 2 % 2]
        nibabel.save(kinds[index % 2](volume.astype(np.int16), np.eye(4)), tmp_path / "w.nii")
        content = bytearray((tmp_path / "w.nii").read_bytes())
        for _ in range(int(rng.integers(1, 4))):
            width = int(rng.choice([1, 2, 4, 8]))
            at = int(rng.integers(0, 352 // width)) * width
            value = int(rng.choice(numbers)) % (1 << 8 * width)
            content[at : at + width] = value.to_bytes(width, "little")
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        try:
            read_nifti(path)
            outcomes["read"] += 1
        except (ReadError, GeometryError) as error:
            assert str(path) in str(error)
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 60
