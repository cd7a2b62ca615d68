"""Any format through one door: choice of format, finite values, labels."""

import gzip

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from lamina.errors import ConfigError, LaminaError, ReadError
from lamina.readers.images import read_grid, read_image, read_label


def test_every_format_of_volumes_gives_the_same_image(
    tmp_path, write_nifti, write_series, volume, oblique
):
    nifti = write_nifti(tmp_path / "a.nii.gz", volume, oblique)
    image = sitk.ReadImage(str(nifti))
    paths = [str(nifti)]
    for suffix in ("nrrd", "mha", "mhd"):
        paths.append(str(tmp_path / f"a.{suffix}"))
        sitk.WriteImage(image, paths[-1])
    for path in paths:
        values, grid = read_image(path)
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, volume)
        np.testing.assert_allclose(grid.affine, oblique, atol=1e-5)
        np.testing.assert_allclose(read_grid(path).affine, grid.affine)


def test_a_series_equals_its_conversion_by_simpleitk(tmp_path, write_series, volume):
    affine = np.diag([-0.5, -0.75, 2.0, 1.0])
    folder = write_series(tmp_path / "s", volume, affine)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    sitk.WriteImage(reader.Execute(), str(tmp_path / "a.nii.gz"))
    (ours, here), (theirs, there) = read_image(str(folder)), read_image(str(tmp_path / "a.nii.gz"))
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(here.affine, there.affine, atol=1e-5)


def test_a_dicom_file_needs_no_suffix(tmp_path, write_dicom):
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    path = write_dicom(tmp_path / "IM0001", pixels)
    values, grid = read_image(str(path))
    np.testing.assert_array_equal(values, pixels.T)
    assert grid.unit == "px"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_counted(tmp_path, write_nifti, bad):
    voxels = np.zeros((3, 4, 5), np.float32)
    voxels[0, 0, :3] = bad
    path = write_nifti(tmp_path / "a.nii", voxels)
    with pytest.raises(ReadError, match=r"a\.nii: 3 of 60 values are NaN or infinite"):
        read_image(str(path))


def test_values_too_large_for_float32_count_as_infinite(tmp_path, write_nifti):
    path = write_nifti(tmp_path / "a.nii", np.full((1, 1, 1), 1e300))
    with pytest.raises(ReadError, match="1 of 1 values"):
        read_image(str(path))


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nrrd", "a.mha", "a.png", "a.jpg", "a.tif", "IM1"])
def test_an_empty_file_is_named(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(ReadError, match=f"{name}: an empty file"):
        read_image(str(tmp_path / name))


def test_other_files_are_refused_with_what_is_understood(tmp_path):
    (tmp_path / "a.dcm").write_text("not DICOM " * 100)
    with pytest.raises(ReadError, match=r"a\.dcm: neither DICOM nor one of \.bmp, \.gif"):
        read_image(str(tmp_path / "a.dcm"))


@pytest.mark.parametrize("address", ["a.nii.gz", "folder", "folder#1.2.3"])
def test_what_is_not_there_is_named(tmp_path, address):
    with pytest.raises(ReadError, match=f"{address}: no such file or folder"):
        read_grid(str(tmp_path / address))


def test_a_folder_without_dicom_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ReadError, match="no DICOM series of images"):
        read_image(str(tmp_path))


def test_a_volume_has_one_channel(tmp_path, write_nifti, volume):
    path = write_nifti(tmp_path / "a.nii", volume)
    with pytest.raises(ReadError, match=r"a\.nii: 1 channel, expected 3"):
        read_image(str(path), channels=3)


def test_a_label_is_whole_numbers_of_any_file_type(tmp_path, write_nifti, oblique):
    mask = np.arange(60).reshape(3, 4, 5) % 4
    for kind in (np.uint8, np.int16, np.float32, np.float64):
        label, grid = read_label(write_nifti(tmp_path / "m.nii", mask.astype(kind), oblique))
        assert label.dtype == np.int32
        np.testing.assert_array_equal(label, mask)
        np.testing.assert_allclose(grid.affine, oblique, atol=1e-5)


def test_a_label_in_nrrd_is_mapped(tmp_path):
    mask = np.array([[[0, 7]]], np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(mask), str(tmp_path / "m.nrrd"))
    label, _ = read_label(tmp_path / "m.nrrd", {"0": 0, "7": 2})
    assert label.ravel().tolist() == [0, 2]


def test_a_mask_with_nan_is_refused(tmp_path, write_nifti):
    path = write_nifti(tmp_path / "m.nii", np.full((2, 2, 2), np.nan))
    with pytest.raises(ReadError, match=r"m\.nii: a mask with values nan"):
        read_label(path)


def test_colours_need_a_picture(tmp_path, write_nifti):
    path = write_nifti(tmp_path / "m.nii", np.zeros((2, 2, 2), np.uint8))
    with pytest.raises(ReadError, match="no colours"):
        read_label(path, {"#000000": 0})


def test_a_dicom_image_is_no_mask(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "m.dcm", np.zeros((3, 4), np.uint8))
    with pytest.raises(
        ReadError, match=r"m\.dcm: as a mask, CT Image Storage; expected a binary DICOM SEG"
    ):
        read_label(path)


def test_wrong_values_are_the_tasks_fault(tmp_path, write_picture):
    with pytest.raises(ConfigError, match="neither a whole number nor a colour"):
        read_label(write_picture(tmp_path / "m.png"), {"white": 1})


def test_every_odd_real_file_is_read_or_refused_by_name(data):
    paths = [path for path in sorted((data / "odd").rglob("*")) if path.is_file()]
    read = 0
    for path in paths:
        try:
            values, grid = read_image(str(path))
        except LaminaError as error:
            assert str(path) in str(error)
        else:
            assert np.isfinite(values).all()
            assert values.shape == grid.shape
            read += 1
    assert read > 40


def test_a_header_that_claims_more_than_memory_is_refused_at_once(tmp_path):
    header = nib.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape((32767, 32767, 1000))
    header["vox_offset"] = 352
    with (tmp_path / "a.nii").open("wb") as file:
        file.write(header.binaryblock + bytes(4))
        file.truncate(2 * 10**12)  # without a block on the disk
    with pytest.raises(ReadError, match=r"32767×32767×1000 voxels by its header, 4.29e\+03 GB"):
        read_image(str(tmp_path / "a.nii"))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_header_that_claims_more_than_the_file_can_hold_is_refused_at_once(tmp_path, name):
    header = nib.Nifti1Header()
    header.set_data_shape((1000, 1000, 1000))
    header["vox_offset"] = 352
    content = header.binaryblock + bytes(4000)
    packed = gzip.compress(content) if name.endswith(".gz") else content
    (tmp_path / name).write_bytes(packed)
    for read in (read_grid, read_image, read_label):
        with pytest.raises(
            ReadError, match="1000×1000×1000 voxels by its header, 4 GB, more than it can hold"
        ):
            read(str(tmp_path / name))


@pytest.mark.parametrize("kind", [np.int16, np.uint8, np.float64])
def test_values_come_in_c_order_whatever_the_file_has(tmp_path, kind):
    values = np.arange(7 * 8 * 9).reshape(7, 8, 9).astype(kind)
    nib.Nifti1Image(values, np.diag([2, 3, 4, 1])).to_filename(tmp_path / "a.nii.gz")
    found, _ = read_image(str(tmp_path / "a.nii.gz"))
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, values)
