from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.uid import JPEGLosslessSV1
from scipy.spatial.transform import Rotation

from lamina.errors import GeometryError, ReadError
from lamina.readers.dicom import read_dicom
from lamina.readers.dicom_rules import SeriesRules
from lamina.readers.source import Source

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def sitk_affine(image):
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) @ np.diag(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return LPS @ affine


def read_with_sitk(folder, uid=""):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), uid))
    image = reader.Execute()
    return sitk.GetArrayFromImage(image).transpose(2, 1, 0), sitk_affine(image)


def same_in_space(first, second):
    """The same voxels at the same places; the slices may be stored in either order."""
    (voxels, affine), (others, other) = first, second
    if (affine[:3, 2] @ other[:3, 2]) < 0:
        flip = np.diag([1.0, 1.0, -1.0, 1.0])
        flip[2, 3] = others.shape[2] - 1
        others, other = others[:, :, ::-1], other @ flip
    np.testing.assert_allclose(affine, other, atol=2e-3)
    np.testing.assert_allclose(voxels, others, atol=1e-3)


@pytest.mark.parametrize("study", ["Study1", "Study2", "Study3"])
def test_real_series_equal_simpleitk(data, study):
    (folder,) = (data / "hippocampus_dicom" / study).iterdir()
    voxels, grid = read_dicom(str(folder))
    same_in_space((voxels, grid.affine), read_with_sitk(folder))


def test_real_prostate_series_equal_simpleitk(data):
    from lamina.cases.inputs import find_inputs

    cases = find_inputs(data / "dicom" / "prostate_mr").cases
    compared = 0
    for case in cases:
        folder, _, uid = case.image.partition("#")
        if ":" in uid:
            continue  # SimpleITK does not divide a series by plane
        try:
            voxels, grid = read_dicom(case.image)
        except GeometryError:
            continue
        if len(grid.shape) == 3 and grid.shape[2] > 1:
            same_in_space((voxels, grid.affine), read_with_sitk(folder, uid))
            compared += 1
    assert compared >= 3


def test_a_real_series_with_a_missing_slice_is_refused_with_both_distances(data):
    folder = str(data / "dicom" / "prostate_mr_missing_slice")
    with pytest.raises(GeometryError, match=r"slices 3 mm apart, but 6 mm between 1-0[57].dcm"):
        read_dicom(folder, SeriesRules(missing_slices="refuse"))


def test_a_real_series_with_a_missing_slice_is_filled_and_told(data, caplog):
    folder = str(data / "dicom" / "prostate_mr_missing_slice")
    voxels, grid = read_dicom(folder)
    files = [path for path in Path(folder).iterdir() if path.is_file()]
    assert grid.shape[2] == voxels.shape[2] == len(files) + 1
    assert "the volume is interpolated to" in caplog.text


@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.2, 5.0)] * 3),
    origin=st.tuples(*[st.floats(-300, 300)] * 3),
    order=st.permutations(range(6)),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_orientation_spacing_and_file_order_come_back(
    tmp_path_factory, write_series, angles, spacing, origin, order
):
    """DICOM stores right-handed volumes: its third axis is the normal of the first two."""
    lps = np.eye(4)
    lps[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * spacing
    lps[:3, 3] = origin
    affine = LPS @ lps
    voxels = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    folder = write_series(
        tmp_path_factory.mktemp("s"), voxels, affine, names=[f"{n}.dcm" for n in order]
    )
    read, grid = read_dicom(str(folder))
    np.testing.assert_array_equal(read, voxels)
    np.testing.assert_allclose(grid.affine, affine, atol=1e-3)
    assert grid.shape == (4, 5, 6)


@pytest.fixture
def regular():
    affine = np.diag([-0.7, -0.8, 3.0, 1.0])
    return np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6), affine


def test_headers_alone_give_the_same_grid(tmp_path, write_series, regular):
    folder = str(write_series(tmp_path / "s", *regular))
    np.testing.assert_allclose(Source(folder).plan.grid.affine, read_dicom(folder)[1].affine)


def test_rescale_slope_and_intercept_are_applied(tmp_path, write_series, regular):
    folder = write_series(tmp_path / "s", *regular, RescaleSlope=2.5, RescaleIntercept=-1024)
    np.testing.assert_allclose(read_dicom(str(folder))[0], regular[0] * 2.5 - 1024)


def test_jpeg_lossless_is_read_to_the_digit(tmp_path, write_series, regular):
    """What GDCM writes in SimpleITK, with both ends of 16 bits."""
    voxels, affine = regular[0].copy(), regular[1]
    voxels[0, :2, 0] = -32768, 32767
    series = write_series(tmp_path / "series", voxels, affine)
    for z, path in enumerate(sorted(series.iterdir())):
        image = pydicom.dcmread(path)
        image.PixelData = compressed(voxels[:, :, z], tmp_path / "one.dcm")
        image.file_meta.TransferSyntaxUID = JPEGLosslessSV1
        image.save_as(path)
    np.testing.assert_array_equal(read_dicom(str(series))[0], voxels)


def test_a_real_jpeg_lossless_picture_is_read(data):
    path = data / "odd" / "pydicom" / "test_files" / "SC_rgb_jpeg_gdcm.dcm"
    (colours,) = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    grey = np.asarray(Image.fromarray(colours).convert("L"))
    np.testing.assert_array_equal(read_dicom(str(path))[0], grey.T)


def compressed(pixels, path):
    """Pixels (columns, rows) as GDCM compresses them."""
    writer = sitk.ImageFileWriter()
    writer.SetFileName(str(path))
    writer.UseCompressionOn()
    writer.SetCompressor("JPEG")
    writer.Execute(sitk.GetImageFromArray(pixels.T.copy()))
    written = pydicom.dcmread(path)
    assert written.file_meta.TransferSyntaxUID == JPEGLosslessSV1
    return written.PixelData


def test_monochrome1_is_turned(tmp_path, write_series, regular):
    folder = write_series(tmp_path / "s", *regular, PhotometricInterpretation="MONOCHROME1")
    voxels = read_dicom(str(folder))[0]
    assert voxels[0, 0, 0] > voxels[-1, -1, -1]
    np.testing.assert_array_equal(np.diff(voxels.ravel()), -np.diff(regular[0].ravel()))


def test_a_missing_slice_names_the_files(tmp_path, write_series, regular):
    folder = write_series(tmp_path / "s", *regular)
    (folder / "003.dcm").unlink()
    with pytest.raises(GeometryError, match=r"slices 3 mm apart, but 6 mm between 002.dcm and 004"):
        read_dicom(str(folder), SeriesRules(missing_slices="refuse"))


def test_a_position_that_stands_twice_names_the_files(tmp_path, write_series, regular):
    folder = write_series(tmp_path / "s", *regular)
    image = pydicom.dcmread(folder / "002.dcm")
    image.SOPInstanceUID = "1.2.3.99"
    image.save_as(folder / "copy.dcm")
    with pytest.raises(
        GeometryError, match=r"002.dcm.* at the same position|copy.dcm.* at the same"
    ):
        read_dicom(str(folder))


def test_two_series_in_a_folder_need_a_uid(tmp_path, write_series, regular):
    voxels, affine = regular
    for uid, factor in (("1.2.3", 1), ("1.2.4", 2)):
        names = [f"{uid}-{z}.dcm" for z in range(6)]
        write_series(tmp_path / "s", voxels * factor, affine, names=names, SeriesInstanceUID=uid)
    with pytest.raises(ReadError, match=r"1\.2\.3"):
        read_dicom(str(tmp_path / "s"))
    np.testing.assert_array_equal(read_dicom(f"{tmp_path / 's'}#1.2.4")[0], voxels * 2)


def test_other_files_in_the_folder_do_no_harm(tmp_path, write_series, regular):
    folder = write_series(tmp_path / "s", *regular)
    (folder / "notes.txt").write_text("not an image")
    assert read_dicom(str(folder))[0].shape == (4, 5, 6)


def test_broken_pixels_name_the_file(tmp_path, write_series, regular):
    folder = write_series(tmp_path / "s", *regular)
    whole = (folder / "004.dcm").read_bytes()
    (folder / "004.dcm").write_bytes(whole[:-20])
    with pytest.raises(ReadError, match="004.dcm"):
        read_dicom(str(folder))


def test_an_x_ray_without_a_position_is_a_picture(tmp_path, write_dicom):
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)
    path = write_dicom(tmp_path / "x.dcm", pixels, PixelSpacing=[0.2, 0.1])
    values, grid = read_dicom(str(path))
    np.testing.assert_array_equal(values, pixels.T)
    assert grid.unit == "mm"
    np.testing.assert_allclose(np.diag(grid.affine)[:2], [0.1, 0.2])


@pytest.mark.parametrize(("bits", "signed"), [(16, True), (16, False), (12, True), (12, False)])
def test_where_the_smallest_is_white_values_are_mirrored_in_their_range(
    tmp_path, write_dicom, bits, signed
):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    stored = np.array(
        [[low, low + 1, 0, 7], [high, high - 1, 1, 9]], np.int16 if signed else np.uint16
    )
    path = write_dicom(
        tmp_path / "x.dcm",
        stored,
        PhotometricInterpretation="MONOCHROME1",
        BitsStored=bits,
        HighBit=bits - 1,
    )
    expected = low + high - stored.astype(np.int64)
    assert (expected.min(), expected.max()) == (low, high)
    np.testing.assert_array_equal(read_dicom(str(path))[0], expected.T)
