"""Series from headers: what is DICOM, what is an image, what belongs together."""

from struct import pack

import numpy as np
import pydicom
import pytest
from scipy.spatial.transform import Rotation

from lamina.cases.find import find_images
from lamina.errors import ReadError
from lamina.readers.dicom_file import is_dicom
from lamina.readers.dicom_series import find_series
from lamina.readers.dicom_slices import read_slices
from lamina.readers.images import read_grid, read_image
from lamina.readers.source import Source

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
PLACED = {
    "ImagePositionPatient": [1, 2, 3],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "PixelSpacing": [0.5, 0.25],
    "SliceThickness": 2,
}


def read_slice(path):
    (only,) = read_slices(path)
    return only


def test_dicom_is_known_by_content_not_by_name(tmp_path, write_dicom):
    assert is_dicom(write_dicom(tmp_path / "a.jpg.txt", PIXELS))
    (tmp_path / "a.dcm").write_text("text " * 100)
    assert not is_dicom(tmp_path / "a.dcm")


@pytest.mark.parametrize("size", [0, 1, 131, 132])
def test_short_files_are_not_dicom(tmp_path, size):
    (tmp_path / "a.dcm").write_bytes(b"x" * size)
    assert not is_dicom(tmp_path / "a.dcm")


def test_a_data_set_without_preamble_is_dicom(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, **PLACED)
    path.write_bytes(path.read_bytes()[132:])
    assert is_dicom(path)
    assert read_slice(path).size == (4, 3)


def test_a_slice_knows_its_place(tmp_path, write_dicom):
    one = read_slice(write_dicom(tmp_path / "a.dcm", PIXELS, SeriesInstanceUID="1.2", **PLACED))
    assert one.uid == "1.2"
    assert one.size == (4, 3)
    assert one.position.tolist() == [1, 2, 3]
    assert one.orientation.tolist() == [1, 0, 0, 0, 1, 0]
    assert one.spacing.tolist() == [0.5, 0.25]
    assert one.thickness.tolist() == [2]


def test_what_the_header_lacks_is_none(tmp_path, write_dicom):
    one = read_slice(write_dicom(tmp_path / "a.dcm", PIXELS))
    assert (one.uid, one.position, one.orientation) == ("", None, None)
    assert (one.spacing, one.thickness) == (None, None)


def test_empty_elements_count_as_absent(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, **dict.fromkeys(PLACED, ""))
    assert read_slice(path).position is None


def test_the_spacing_of_an_x_ray_may_be_that_of_its_detector(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, ImagerPixelSpacing=[0.2, 0.1])
    assert read_slice(path).spacing.tolist() == [0.2, 0.1]
    path = write_dicom(
        tmp_path / "b.dcm", PIXELS, ImagerPixelSpacing=[0.2, 0.1], PixelSpacing=[0.4, 0.3]
    )
    assert read_slice(path).spacing.tolist() == [0.4, 0.3]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("ImagePositionPatient", [1, 2]), ("PixelSpacing", [1, 2, 3])],
)
def test_a_wrong_count_of_numbers_is_refused(tmp_path, write_dicom, keyword, value):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, **PLACED | {keyword: value})
    with pytest.raises(ReadError, match=rf"a\.dcm: its DICOM header can't be read \({keyword}"):
        read_slice(path)


@pytest.mark.parametrize("changes", [{"SOPClassUID": SEGMENTATION}, {"Rows": 0}, {"Columns": None}])
def test_objects_without_an_image_are_refused(tmp_path, write_dicom, changes):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, **changes)
    with pytest.raises(ReadError, match=r"a\.dcm: a DICOM object without an image"):
        read_slice(path)


def test_more_frames_than_the_file_can_hold_are_refused(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, NumberOfFrames=2_000_000)
    with pytest.raises(ReadError, match=r"a\.dcm: 2000000 frames by its header, which need"):
        read_slice(path)


def test_one_series_has_its_folder_as_address(tmp_path, write_series, volume, oblique):
    folder = write_series(tmp_path / "s", volume, oblique)
    (series,), problems = find_series(folder.iterdir())
    assert series.address == str(folder)
    assert len(series.slices) == 9
    assert problems == []


def test_two_series_have_their_uids_as_address(tmp_path, write_series, volume, oblique):
    for uid in ("1.2.3", "1.2.4"):
        names = [f"{z}-{uid}.dcm" for z in range(9)]
        write_series(tmp_path / "s", volume, oblique, names=names, SeriesInstanceUID=uid)
    series, _ = find_series((tmp_path / "s").iterdir())
    assert [one.address for one in series] == [f"{tmp_path / 's'}#1.2.3", f"{tmp_path / 's'}#1.2.4"]
    assert [len(one.slices) for one in series] == [9, 9]


def test_images_without_a_position_are_one_case_each(tmp_path, write_dicom):
    paths = [write_dicom(tmp_path / name, PIXELS, SeriesInstanceUID="1.2") for name in ("a", "b")]
    series, _ = find_series(paths)
    assert [one.address for one in series] == [str(path) for path in paths]


def test_what_is_no_image_is_named_beside_the_series(tmp_path, write_series, write_dicom, volume):
    folder = write_series(tmp_path / "s", volume, np.eye(4))
    write_dicom(folder / "seg.dcm", PIXELS, SOPClassUID=SEGMENTATION)
    (series,), problems = find_series(folder.iterdir())
    assert len(series.slices) == 9
    assert len(problems) == 1
    assert "seg.dcm: a DICOM object without an image (Segmentation Storage)" in problems[0].text


def test_the_order_of_files_does_not_matter(tmp_path, write_series, volume, oblique):
    files = sorted(write_series(tmp_path / "s", volume, oblique).iterdir())
    forth, back = find_series(files)[0], find_series(files[::-1])[0]
    assert [one.path for one in forth[0].slices] == [one.path for one in back[0].slices]


@pytest.fixture(params=range(3), ids=["axial", "sagittal, flipped", "oblique"])
def plane(request, oblique):
    """Affines of three planes, of which the slices are stored in rising and falling order."""
    axial = np.diag([-1.0, -2.0, 3.0, 1.0])
    turned = axial[:, [1, 2, 0, 3]] @ np.diag([1, 1, -1, 1])
    return (axial, turned, oblique)[request.param]


def placed(voxels, affine):
    """Return which voxel of a made series lies where a read one says, as a set of both."""
    indices = np.argwhere(np.ones(voxels.shape, bool))
    world = indices @ affine[:3, :3].T + affine[:3, 3]
    values = voxels.ravel()
    return {(*np.round(place, 2) + 0.0, value) for place, value in zip(world, values, strict=True)}


@pytest.mark.parametrize("folders", [lambda z: z % 2, lambda z: z // 5, lambda z: min(z, 2)])
def test_a_series_over_several_folders_is_one_volume(
    tmp_path, write_series, volume, plane, folders
):
    write_series(tmp_path / "all", volume, plane)
    for z, path in enumerate(sorted((tmp_path / "all").iterdir())):
        target = tmp_path / "study" / f"f{folders(z)}" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    (source,) = find_images(tmp_path / "study").sources
    assert source == f"{tmp_path / 'study'}#1.2.3"
    for address in (source, str(source)):
        values, grid = read_image(address)
        assert placed(values, grid.affine) == placed(volume.astype(np.float32), plane)


def test_copies_and_stacks_apart_of_one_uid_stay_apart(tmp_path, write_series, volume):
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    apart = affine.copy()
    apart[2, 3] += 100
    write_series(tmp_path / "a", volume, affine)
    write_series(tmp_path / "b", volume, affine)
    write_series(tmp_path / "c", volume, apart)
    found = find_images(tmp_path).sources
    assert found == tuple(str(tmp_path / name) for name in "abc")
    assert [read_image(one)[0].shape for one in found] == [volume.shape] * 3


@pytest.mark.parametrize(
    ("shift", "elements"),
    [(0.6, {}), (1.0, {"PatientID": "other"}), (1.0, {"StudyInstanceUID": "1.2.99"})],
    ids=["uneven steps", "another patient", "another study"],
)
def test_series_that_an_anonymiser_gave_one_uid_stay_apart(
    tmp_path, write_series, volume, shift, elements
):
    """Their slices lie between each other, as those of two patients may."""
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    between = affine.copy()
    between[2, 3] += shift
    write_series(tmp_path / "a", volume, affine, PatientID="one", StudyInstanceUID="1.2.9")
    about = {"PatientID": "one", "StudyInstanceUID": "1.2.9"} | elements
    write_series(tmp_path / "b", volume, between, **about)
    found = find_images(tmp_path).sources
    assert found == (str(tmp_path / "a"), str(tmp_path / "b"))
    assert [read_image(one)[0].shape for one in found] == [volume.shape] * 2


def test_two_patients_of_one_uid_in_one_folder_have_addresses_of_their_own(
    tmp_path, write_series, volume
):
    for number, patient in enumerate(("one", "other")):
        names = [f"{patient}{z}" for z in range(9)]
        write_series(tmp_path / "s", volume + number, np.eye(4), names=names, PatientID=patient)
    found = find_images(tmp_path).sources
    assert found == (f"{tmp_path / 's'}#1.2.3:1", f"{tmp_path / 's'}#1.2.3:2")
    for number, source in enumerate(found):
        for address in (source, str(source)):
            np.testing.assert_array_equal(read_image(address)[0], volume + number)


@pytest.mark.parametrize("angle", np.linspace(0.004, 0.006, 9))
def test_jitter_of_the_orientation_never_divides_a_series(tmp_path, write_series, volume, angle):
    """Wherever the cosines lie: rounding to two digits has a border at each half of a hundredth."""
    affine = np.diag([-1.0, -2.0, 3.0, 1.0])
    affine[:3, :3] = Rotation.from_rotvec([0, 0, angle]).as_matrix() @ affine[:3, :3]
    folder = write_series(tmp_path / "s", volume, affine)
    for z, path in enumerate(sorted(folder.iterdir())):
        image = pydicom.dcmread(path)
        cosines = np.array(image.ImageOrientationPatient, float)
        image.ImageOrientationPatient = [float(c) for c in (cosines + 2e-5 * (-1) ** z).round(9)]
        image.save_as(path)
    (one,) = find_series(folder.iterdir())[0]
    assert len(one.slices) == volume.shape[2]


def test_two_spacings_of_one_uid_are_two_images(tmp_path, write_series, volume):
    for spacing, name in ((1.0, "a"), (0.5, "b")):
        names = [f"{name}{z}" for z in range(9)]
        write_series(tmp_path / "s", volume, np.diag([-spacing, -spacing, 2, 1]), names=names)
    assert [len(one.slices) for one in find_series((tmp_path / "s").iterdir())[0]] == [9, 9]


def test_a_copy_of_a_file_is_read_once_and_told(tmp_path, write_series, volume):
    folder = write_series(tmp_path / "s", volume, np.eye(4))
    (folder / "003 (1).dcm").write_bytes((folder / "003.dcm").read_bytes())
    (one,), unread = find_series(folder.iterdir())
    assert len(one.slices) == 9
    assert [(file.path.name, file.broken) for file in unread] == [("003.dcm", False)]
    assert unread[0].reason == "a copy of 003 (1).dcm, which is read once"


@pytest.mark.parametrize("element", ["EchoTime", "TemporalPositionIdentifier", "ImageType"])
def test_a_part_that_lacks_a_slice_is_named_and_the_others_are_read(
    tmp_path, write_series, volume, element
):
    values = {"ImageType": [["A", "M"], ["A", "P"]]}.get(element, [10, 20])
    for number, value in enumerate(values):
        names = [f"{number}-{z}" for z in range(9)]
        write_series(tmp_path / "s", volume + number, np.eye(4), names=names, **{element: value})
    (tmp_path / "s" / "1-4").unlink()
    (one,), unread = find_series((tmp_path / "s").iterdir())
    np.testing.assert_array_equal(read_image(Source(one.address, one.slices))[0], volume)
    assert {file.path.name for file in unread} == {f"1-{z}" for z in range(9) if z != 4}
    assert all(f"of {element} " in file.reason for file in unread)
    assert all("there are 8 slices, of others 9" in file.reason for file in unread)


def test_directions_of_one_b_value_are_volumes(tmp_path, write_series, volume):
    for number, (b, direction) in enumerate([(0, None), (800, [1, 0, 0]), (800, [0, 1, 0])]):
        elements = {"DiffusionBValue": b} | (
            {"DiffusionGradientOrientation": direction} if direction else {}
        )
        names = [f"{number}-{z}" for z in range(9)]
        write_series(tmp_path / "s", volume + number, np.eye(4), names=names, **elements)
    series, unread = find_series((tmp_path / "s").iterdir())
    assert ([len(one.slices) for one in series], unread) == ([9, 9, 9], [])
    for one in series:
        assert np.ptp(read_image(Source(one.address, one.slices))[0] - volume) == 0


def test_an_unplaced_image_of_the_same_uid_is_an_image_of_its_own(
    tmp_path, write_series, write_dicom, volume
):
    folder = write_series(tmp_path / "s", volume, np.eye(4))
    write_dicom(folder / "report.dcm", PIXELS, SeriesInstanceUID="1.2.3")
    found = find_images(tmp_path).sources
    assert set(found) == {f"{folder}#1.2.3", str(folder / "report.dcm")}
    for source in found:
        assert read_image(source)[0].size == read_image(str(source))[0].size > 0


@pytest.mark.parametrize("kind", ["MOSAIC", "VFRAME", "mosaic"])
def test_a_mosaic_is_refused_by_name(tmp_path, write_dicom, kind):
    path = write_dicom(tmp_path / "m.dcm", PIXELS, ImageType=["ORIGINAL", "M", kind], **PLACED)
    write_dicom(tmp_path / "alone.dcm", PIXELS, ImageType=kind, **PLACED)
    with pytest.raises(ReadError, match="a mosaic"):
        read_slices(tmp_path / "alone.dcm")
    series, (unread,) = find_series([path])
    assert series == []
    assert f"a mosaic ({kind.upper()})" in unread.reason
    assert unread.broken


def csa_header(tiles):
    """Return what stands in Siemens' own header of a picture of tiles, "" for any other."""
    items = b"".join(pack("<4i", *[len(tiles)] * 4) + tiles for _ in range(6 * bool(tiles)))
    name = b"NumberOfImagesInMosaic".ljust(64, b"\0")
    return b"SV10\4\3\2\1" + name + pack("<i4siii", 1, b"US", 6, 6 * bool(tiles), 77) + items


@pytest.mark.parametrize(
    ("elements", "mosaic"),
    [
        ([(0x00190010, "LO", "SIEMENS MR HEADER"), (0x0019100A, "US", 9)], True),
        ([(0x00190010, "LO", "SIEMENS MR HEADER"), (0x0019100A, "UN", b"\x09\0")], True),
        ([(0x00190010, "LO", "another"), (0x0019100A, "US", 9)], False),
        ([(0x00650010, "LO", "Image Private Header"), (0x00651050, "DS", "9")], True),
        ([(0x00650010, "LO", "Image Private Header"), (0x00651050, "DS", "1")], False),
        (
            [(0x00290010, "LO", "SIEMENS CSA HEADER"), (0x00291010, "OB", csa_header(b"9\0\0\0"))],
            True,
        ),
        ([(0x00290010, "LO", "SIEMENS CSA HEADER"), (0x00291010, "OB", csa_header(b""))], False),
    ],
)
def test_a_mosaic_is_known_by_what_its_scanner_counts(tmp_path, write_dicom, elements, mosaic):
    """Also where an anonymiser took ImageType away."""
    path = write_dicom(tmp_path / "m.dcm", PIXELS, **PLACED)
    image = pydicom.dcmread(path)
    for tag, kind, value in elements:
        image.add_new(tag, kind, value)
    image.save_as(path)
    series, unread = find_series([path])
    assert len(series) == 1 - mosaic
    assert all("a mosaic (" in file.reason and "9" in file.reason for file in unread)


def test_one_slice_without_a_thickness_has_the_spacing_between_slices(tmp_path, write_dicom):
    elements = PLACED | {"SliceThickness": "", "SpacingBetweenSlices": 4.0}
    path = write_dicom(tmp_path / "a.dcm", PIXELS, **elements)
    assert read_grid(str(path)).spacing == pytest.approx((0.25, 0.5, 4.0))


def test_real_folders(data):
    found = {}
    for folder in sorted((data / "dicom").rglob("*")):
        if folder.is_dir():
            files = [path for path in folder.iterdir() if path.is_file() and is_dicom(path)]
            series, problems = find_series(files)
            found[folder.name] = ([len(one.slices) for one in series], len(problems))
    assert found["ct_jpeg2000"] == ([20], 0)
    assert found["ct_liver"] == ([3], 0)
    assert found["image"] == ([3], 0)
    assert found["multiframe"] == ([3], 0)
    assert found["t2tsetra"] == ([19], 0)
