"""NIfTI: voxels and affine as nibabel gives them, and what is refused."""

import gzip
import struct

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from lamina.errors import GeometryError, ReadError
from lamina.readers.nifti import count_nifti, read_nifti, read_nifti_grid


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


@pytest.fixture
def times(volume):
    """Three time points of a volume, (x, y, z, t)."""
    return np.stack([volume, volume + 1000, 3 * volume], axis=-1)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("shape", [(5, 7, 9, 3), (5, 7, 9, 1, 3), (5, 7, 9, 3, 1)])
def test_each_time_point_is_read_by_itself(tmp_path, write_nifti, times, oblique, name, shape):
    path = write_nifti(tmp_path / name, times.reshape(shape), oblique)
    assert count_nifti(path) == 3
    for number in (1, 2, 3):
        voxels, grid = read_nifti(path, number)
        assert np.array_equal(voxels, times[..., number - 1])
        assert grid.shape == (5, 7, 9)
        assert grid.affine == pytest.approx(oblique, abs=1e-5)
        assert read_nifti_grid(path, number).affine == pytest.approx(grid.affine)


def test_a_time_point_is_scaled_and_lies_where_simpleitk_has_it(tmp_path, times, oblique):
    image = nibabel.Nifti1Image(times, oblique)
    image.header.set_slope_inter(2.0, -7.0)
    nibabel.save(image, tmp_path / "a.nii.gz")
    voxels, grid = read_nifti(tmp_path / "a.nii.gz", 2)
    whole = sitk.ReadImage(str(tmp_path / "a.nii.gz"))
    one = sitk.Extract(whole, (5, 7, 9, 0), (0, 0, 0, 1))
    assert voxels == pytest.approx(sitk.GetArrayFromImage(one).T)
    corner = one.TransformIndexToPhysicalPoint((4, 6, 8))
    assert (grid.affine @ [4, 6, 8, 1])[:3] == pytest.approx(
        np.array(corner) * [-1, -1, 1], abs=1e-4
    )


def test_a_file_that_lacks_a_volume_is_refused(tmp_path, write_nifti, times):
    path = write_nifti(tmp_path / "a.nii", times)
    path.write_bytes(path.read_bytes()[: -2 * 5 * 7 * 9])
    for time in (2, 3):
        with pytest.raises(ReadError, match="not a complete NIfTI file"):
            read_nifti(path, time)


def test_one_of_several_time_points_must_be_named(tmp_path, write_nifti, times):
    path = write_nifti(tmp_path / "a.nii", times)
    with pytest.raises(ReadError, match=r"a\.nii: 3 volumes .*\n.*a\.nii#t:1 … .*a\.nii#t:3"):
        read_nifti_grid(path)
    with pytest.raises(ReadError, match=r"a\.nii#t:4: the file has 3 volumes"):
        read_nifti(path, 4)


@pytest.mark.parametrize("shape", [(3, 4, 5, 2, 6), (3, 4, 5, 0), (7,)])
def test_more_axes_than_one_of_time_are_refused(tmp_path, write_nifti, shape):
    path = write_nifti(tmp_path / "a.nii", np.zeros(shape, np.uint8))
    with pytest.raises(ReadError, match=r"a\.nii: (size|not a complete)"):
        read_nifti_grid(path, 1)


@pytest.mark.parametrize("intent", ["vector", "displacement vector", "symmetric matrix"])
def test_vectors_are_no_time_points(tmp_path, times, intent):
    image = nibabel.Nifti1Image(times[:, :, :, None], np.eye(4))
    image.header.set_intent(intent, (3,) if "matrix" in intent else ())
    nibabel.save(image, tmp_path / "a.nii")
    with pytest.raises(ReadError, match=rf"3 values a voxel \({intent}\), expected one"):
        read_nifti(tmp_path / "a.nii", 1)


@pytest.mark.parametrize(
    ("unit", "step", "warned"), [("sec", 2.5, 0), ("msec", 40, 0), ("sec", 1, 1), ("unknown", 2, 1)]
)
def test_an_axis_that_does_not_say_that_it_is_time_is_warned_of(
    tmp_path, times, caplog, unit, step, warned
):
    image = nibabel.Nifti1Image(times, np.eye(4))
    image.header.set_xyzt_units("mm", unit)
    image.header["pixdim"][4] = step
    nibabel.save(image, tmp_path / "a.nii")
    read_nifti(tmp_path / "a.nii", 3)
    assert len(caplog.records) == warned
    assert all("a.nii#t:3: its header does not say" in one.getMessage() for one in caplog.records)


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
    with pytest.raises(ReadError, match=rf"{name}: (not a complete NIfTI file|size .*, expected )"):
        read_nifti(path)
    if min(dim) < 0:
        with pytest.raises(ReadError, match=rf"{name}: not a complete NIfTI file"):
            read_nifti_grid(path)


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


@pytest.mark.parametrize("offset", [0, 100, 347])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_voxels_that_begin_within_the_header_are_refused(tmp_path, offset, suffix):
    path = tmp_path / f"a{suffix}"
    nibabel.save(nibabel.Nifti1Image(np.ones((4, 5, 6), np.int16), np.eye(4)), path)
    content = bytearray(
        gzip.decompress(path.read_bytes()) if suffix != ".nii" else path.read_bytes()
    )
    struct.pack_into("<f", content, 108, offset)
    path.write_bytes(gzip.compress(content) if suffix != ".nii" else content)
    # nibabel itself refuses what is not 0.
    with pytest.raises(ReadError, match="begin at byte 0 by its header|offset .* too low"):
        read_nifti(path)


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("code", [0, 1])
def test_voxels_of_no_size_are_refused_and_not_taken_for_1_mm(tmp_path, axis, code):
    path = tmp_path / "a.nii"
    for sform, shape in ((0, (4, 5, 6)), (1, (4, 5, 6)), (0, (4, 5, 1))):
        image = nibabel.Nifti1Image(np.ones(shape, np.int16), np.eye(4))
        image.set_sform(np.eye(4), sform)
        image.set_qform(np.eye(4), code)
        nibabel.save(image, path)
        content = bytearray(path.read_bytes())
        struct.pack_into("<f", content, 76 + 4 * axis, 0)
        path.write_bytes(content)
        if sform or shape[axis - 1] == 1:
            assert read_nifti_grid(path).spacing == (1.0, 1.0, 1.0)
            continue
        with pytest.raises(GeometryError, match="its voxels have the size .*0"):
            read_nifti_grid(path)
