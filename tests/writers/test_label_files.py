import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from lamina.errors import GeometryError
from lamina.readers.grid import Grid
from lamina.readers.images import read_image, read_label
from lamina.tasks.labels import Label
from lamina.writers.label_files import (
    save_label_image,
    smallest_type,
    write_nifti,
    write_png,
    write_probabilities,
    write_structures,
)
from lamina.writers.segmented_case import SegmentedCase

OBLIQUE = np.array(
    [[-0.7, 0.1, 0.2, 30.0], [0.1, 0.9, -0.3, -12.0], [0.05, 0.4, 2.5, 7.0], [0, 0, 0, 1]]
)


def test_a_volume_keeps_grid_and_values(tmp_path):
    label = np.random.default_rng(0).integers(0, 9, (10, 20, 30))
    path = save_label_image(label, OBLIQUE, tmp_path, "case")
    image = nib.load(path)
    assert path == tmp_path / "case.nii.gz"
    np.testing.assert_array_equal(np.asarray(image.dataobj), label)
    np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-6)
    assert image.get_data_dtype() == np.uint8
    assert image.header.get_xyzt_units()[0] == "mm"


def test_a_picture_lies_as_its_image(tmp_path):
    label = np.zeros((6, 4))
    label[5, 1] = 3
    path = save_label_image(label, np.eye(4), tmp_path, "p")
    assert Image.open(path).size == (6, 4)
    assert np.asarray(Image.open(path))[1, 5] == 3


@pytest.mark.parametrize(
    ("largest", "kind"), [(0, np.uint8), (255, np.uint8), (256, np.uint16), (70000, np.uint32)]
)
def test_the_smallest_type(largest, kind):
    assert smallest_type(largest) is kind


@pytest.mark.parametrize("label", [np.zeros((2, 2, 2, 2)), np.full((3, 3), 300)])
def test_what_fits_no_format_is_refused(tmp_path, label):
    with pytest.raises(GeometryError, match="label map of shape"):
        save_label_image(label, np.eye(4), tmp_path, "x")
    assert not list(tmp_path.iterdir())


def case_of(label, affine=OBLIQUE, unit="mm", **changes):
    labels = (Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255)))
    values = {
        "name": "case",
        "address": "case.nii.gz",
        "image": label[None],
        "label": label,
        "grid": Grid(label.shape, affine, unit),
        "labels": labels,
    }
    return SegmentedCase(**values | changes)


def test_nifti_of_a_case(tmp_path):
    label = np.random.default_rng(0).integers(0, 2, (4, 5, 6)).astype(np.uint8)
    (path,) = write_nifti(case_of(label), tmp_path)
    image = nib.load(path)
    assert path.name == "case.nii.gz"
    np.testing.assert_array_equal(np.asarray(image.dataobj), label)
    np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-6)


def test_nifti_of_a_picture_that_knows_no_millimetres(tmp_path):
    label = np.eye(6, 4).astype(np.uint8)
    (path,) = write_nifti(case_of(label, unit="px", affine=np.eye(4)), tmp_path)
    image = nib.load(path)
    assert image.shape == (6, 4)
    assert image.header.get_xyzt_units()[0] == "unknown"


def test_another_reader_finds_the_same_places(tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    label = np.zeros((4, 5, 6), np.uint8)
    label[1, 3, 2] = 1
    affine = OBLIQUE.copy()
    affine[:3, :3] = np.linalg.qr(OBLIQUE[:3, :3])[0] * [0.5, 0.75, 2]
    (path,) = write_nifti(case_of(label, affine=affine), tmp_path)
    place = sitk.ReadImage(str(path)).TransformIndexToPhysicalPoint((1, 3, 2))
    np.testing.assert_allclose(place, (affine @ [1, 3, 2, 1])[:3] * [-1, -1, 1], atol=1e-4)


def test_png_takes_pictures_only(tmp_path):
    (path,) = write_png(case_of(np.eye(6, 4).astype(np.uint8)), tmp_path)
    assert Image.open(path).size == (6, 4)
    with pytest.raises(GeometryError, match="a volume, which is no PNG picture"):
        write_png(case_of(np.zeros((4, 5, 6), np.uint8), name="other"), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["case.png"]


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 6)])
def test_probabilities_have_the_class_last(tmp_path, shape):
    given = np.random.default_rng(0).random((2, *shape)).astype(np.float16)
    case = case_of(given.argmax(axis=0).astype(np.uint8), probabilities=given)
    (path,) = write_probabilities(case, tmp_path)
    image = nib.load(path)
    assert path.name == "case_probabilities.nii.gz"
    assert image.shape == (*shape, 1, 1)[:2] + ((shape + (1,))[2], 2)
    assert image.get_data_dtype() == np.float32
    np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-6)
    found = np.asarray(image.dataobj)
    np.testing.assert_array_equal(found[..., 1].reshape(shape), given[1])
    np.testing.assert_array_equal(found.argmax(axis=-1).reshape(shape), case.label)


def test_probabilities_that_nobody_asked_for(tmp_path):
    assert write_probabilities(case_of(np.zeros((4, 5, 6), np.uint8)), tmp_path) == []
    assert not list(tmp_path.iterdir())


LABELS = (
    Label(0, "background", (0, 0, 0)),
    Label(1, "GCL+IPL", (255, 0, 0)),
    Label(2, "GCL IPL", (0, 255, 0)),
    Label(3, "none", (0, 0, 255)),
)


def make(label):
    return SegmentedCase(
        "eye", "eye.png", label[None], label, Grid(label.shape, np.eye(4), "px"), LABELS
    )


def test_each_structure_is_a_picture(tmp_path):
    label = np.zeros((7, 5), np.uint8)
    label[3, 1], label[4:6, 2] = 1, 2
    files = write_structures(make(label), tmp_path)
    assert {path.parent.name for path in files} == {"eye_structures"}
    assert len({path.name for path in files}) == 3
    assert files[2].name == "none.png"
    for value, path in enumerate(files, 1):
        pixels = np.asarray(Image.open(path)).T
        np.testing.assert_array_equal(pixels, 255 * (label == value))


def test_a_volume_is_refused(tmp_path):
    with pytest.raises(GeometryError, match="eye: a volume"):
        write_structures(make(np.zeros((3, 4, 5), np.uint8)), tmp_path)
    assert not any(tmp_path.iterdir())


def sheared_header(code, other):
    """Return a header whose qform and sform say different places, oblique and flipped."""
    header = nib.Nifti1Header()
    header.set_data_shape((5, 7, 9))
    header.set_zooms((0.5, 0.75, 2))
    q = np.array([[0, -0.75, 0, 3], [0.5, 0, 0, -4], [0, 0, -2, 5], [0, 0, 0, 1.0]])
    s = np.array([[-0.5, 0, 0, 13], [0, 0.75, 0, -14], [0, 0.1, 2, 15], [0, 0, 0, 1.0]])
    header.set_qform(q, code=code)
    header.set_sform(s, code=other)
    header["qform_code"], header["sform_code"] = code, other
    return header


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("unit", ["mm", "micron"])
@pytest.mark.parametrize(("code", "other"), [(0, 0), (1, 0), (0, 2), (1, 4), (2, 1)])
def test_a_label_lies_on_its_scan_for_every_program(tmp_path, labels, kind, unit, code, other):
    values = np.random.default_rng(0).integers(0, 900, (5, 7, 9)).astype(np.int16)
    header = sheared_header(code, other)
    header.set_xyzt_units(unit)
    scan = kind(values, None, kind.header_class.from_header(header))
    for name in ("qform_code", "sform_code", "pixdim", "srow_x", "srow_y", "srow_z"):
        scan.header[name] = header[name]
    for name in ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"):
        scan.header[name] = header[name]
    nib.save(scan, tmp_path / "scan.nii.gz")
    image, grid = read_image(str(tmp_path / "scan.nii.gz"))
    label = (values > 400).astype(np.uint8)
    case = SegmentedCase(
        "a",
        str(tmp_path / "scan.nii.gz"),
        image[None],
        label,
        Grid(label.shape, grid.affine),
        labels,
    )
    (path,) = write_nifti(case, tmp_path / "out")
    written, source = nib.load(path), nib.load(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(np.asarray(written.dataobj), label)
    np.testing.assert_array_equal(written.affine, source.affine)
    np.testing.assert_array_equal(written.get_qform(), source.get_qform())
    np.testing.assert_array_equal(written.get_sform(), source.get_sform())
    assert (written.header["qform_code"], written.header["sform_code"]) == (code, other)
    np.testing.assert_allclose(read_label(str(path))[1].affine, grid.affine)
    sitk = pytest.importorskip("SimpleITK")
    if kind is nib.Nifti1Image and (code or other != 2):
        here, there = (sitk.ReadImage(str(one)) for one in (path, tmp_path / "scan.nii.gz"))
        assert here.GetDirection() == there.GetDirection()
        assert (here.GetOrigin(), here.GetSpacing()) == (there.GetOrigin(), there.GetSpacing())


@pytest.mark.parametrize("number", [1, 3])
def test_a_label_lies_on_its_time_point_for_every_program(tmp_path, labels, number):
    times = np.random.default_rng(0).integers(0, 900, (5, 7, 9, 3)).astype(np.int16)
    affine = np.array([[0, -0.75, 0, 3], [0.5, 0, 0, -4], [0, 0, -2, 5], [0, 0, 0, 1.0]])
    scan = nib.Nifti1Image(times, affine)
    scan.header.set_xyzt_units("mm", "sec")
    scan.header["pixdim"][4] = 2.5
    nib.save(scan, tmp_path / "scan.nii.gz")
    address = f"{tmp_path / 'scan.nii.gz'}#t:{number}"
    image, grid = read_image(address)
    case = SegmentedCase("a", address, image[None], (image > 400).astype(np.uint8), grid, labels)
    (path,) = write_nifti(case, tmp_path / "out")
    written = nib.load(path)
    np.testing.assert_array_equal(np.asarray(written.dataobj), times[..., number - 1] > 400)
    np.testing.assert_array_equal(written.affine, nib.load(tmp_path / "scan.nii.gz").affine)
    sitk = pytest.importorskip("SimpleITK")
    whole = sitk.ReadImage(str(tmp_path / "scan.nii.gz"))
    one = sitk.Extract(whole, (5, 7, 9, 0), (0, 0, 0, number - 1))
    label = sitk.ReadImage(str(path))
    corners = [image.TransformIndexToPhysicalPoint((4, 6, 8)) for image in (one, label)]
    np.testing.assert_allclose(corners[0], corners[1])
