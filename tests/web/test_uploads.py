import io
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian

from lamina.errors import ReadError
from lamina.web.settings import Limits
from lamina.web.uploads import Upload, named, open_upload, store

LIMITS = Limits()


def opened(name, content, folder, limits=LIMITS):
    return open_upload(store([(name, io.BytesIO(content))], folder), name, limits)


def zipped(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.fixture
def slices(tmp_path):
    """The bytes of a CT series of three slices of 5 × 7 pixels, by name."""
    made = {}
    for number in range(3):
        image = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm"))
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}"
        image.ImagePositionPatient = [0, 0, 2.5 * number]
        file = io.BytesIO()
        image.save_as(file)
        made[f"slice {number}"] = file.getvalue()
    return made


def test_a_picture_is_no_volume(picture, tmp_path):
    upload = opened("My scan.PNG", picture, tmp_path)
    assert (upload.name, upload.shape, upload.is_volume) == ("My_scan", (96, 70), False)
    assert Path(upload.address).name == "image.png"


def test_a_volume_is_one(volume, tmp_path):
    upload = opened("scan.nii.gz", volume.read_bytes(), tmp_path)
    assert (upload.shape, upload.is_volume) == ((40, 66, 7), True)
    assert not Upload("a", "a", "a", (5, 6, 1)).is_volume


@pytest.mark.parametrize(
    "name", ["../../etc/evil.png", "/etc/evil.png", "..", "a\0b.png", "x" * 300]
)
def test_a_name_is_never_a_path(picture, tmp_path, name):
    folder = tmp_path / "in" / "here"
    folder.mkdir(parents=True)
    upload = opened(name, picture, folder)
    assert upload.address == str(folder / "image.png")
    assert "/" not in upload.name
    assert len(upload.name) <= 80
    assert [path.name for path in tmp_path.rglob("*.png")] == ["image.png"]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif"])
def test_a_file_without_suffix_is_known_by_its_beginning(tmp_path, suffix):
    file = io.BytesIO()
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(
        file, {".jpg": "jpeg", ".tif": "tiff"}.get(suffix, suffix[1:])
    )
    assert opened("blob", file.getvalue(), tmp_path).address.endswith(suffix)


def test_a_zip_with_one_series_is_a_volume(slices, tmp_path):
    upload = opened("series.zip", zipped(slices), tmp_path)
    assert upload.shape == (128, 128, 3)
    assert upload.name == "series"


def test_the_slices_of_a_series_may_come_as_files(slices, tmp_path):
    files = [(name, io.BytesIO(content)) for name, content in slices.items()]
    upload = open_upload(store(files, tmp_path), "slice 0", LIMITS)
    assert upload.shape == (128, 128, 3)


def test_a_zip_with_several_images_is_refused_with_their_names(picture, tmp_path):
    with pytest.raises(ReadError, match=r"two.zip: 2 images \(a, b\), expected one image"):
        opened("two.zip", zipped({"a.png": picture, "b.png": picture}), tmp_path)


@pytest.mark.parametrize("name", ["../out.png", "/out.png"])
def test_a_zip_that_leads_elsewhere_is_refused(picture, tmp_path, name):
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(ReadError, match="leads out of the zip"):
        opened("a.zip", zipped({name: picture}), folder)
    assert not list(tmp_path.glob("*.png"))


def test_a_zip_bomb_is_refused_unpacked(tmp_path):
    bomb = zipped({"a.nii": bytes(150_000_000)})
    assert len(bomb) < 1_000_000
    with pytest.raises(ReadError, match=r"bomb.zip: unpacks to 0.15 GB"):
        opened("bomb.zip", bomb, tmp_path)
    assert not list(tmp_path.rglob("*.nii"))


def test_a_picture_of_too_many_pixels_is_refused_by_its_header(tmp_path):
    file = io.BytesIO()
    Image.new("1", (9000, 8000)).save(file, "png")
    with pytest.raises(ReadError, match="big.png: 9000×8000 pixels, more than max_pixels 40000000"):
        opened("big.png", file.getvalue(), tmp_path)


def test_a_volume_of_too_many_voxels_is_refused_by_its_header(tmp_path):
    content = nib.Nifti1Image(np.zeros((5, 7, 9), np.uint8), np.eye(4)).to_bytes()
    with pytest.raises(ReadError, match="large.nii: 5×7×9 voxels, at most 314"):
        opened("large.nii", content, tmp_path, replace(LIMITS, voxels=314))
    opened("other.nii", content, tmp_path, replace(LIMITS, voxels=315))


def test_deflated_dicom_is_refused_unread(slices, tmp_path):
    image = pydicom.dcmread(io.BytesIO(slices["slice 0"]))
    image.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    file = io.BytesIO()
    image.save_as(file)
    with pytest.raises(ReadError, match="a.dcm: deflated DICOM is not taken here"):
        opened("a.dcm", file.getvalue(), tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", zlib.compress(b"x"), b"\x89PNG\r\n\x1a\n" + bytes(30)]
)
def test_what_is_no_image_is_named_as_the_client_does(tmp_path, content):
    with pytest.raises(ReadError, match="^holiday.jpeg: ") as caught:
        opened("holiday.jpeg", content, tmp_path)
    assert str(tmp_path) not in str(caught.value)


def test_a_header_that_points_elsewhere_is_refused(tmp_path):
    header = b"NRRD0004\ntype: uchar\ndimension: 2\nsizes: 5 6\nencoding: raw\n"
    with pytest.raises(ReadError, match="a.nrrd"):
        opened("a.nrrd", header + b"data file: /etc/hostname\n", tmp_path)


def test_a_bug_keeps_its_kind(tmp_path):
    with pytest.raises(KeyError), named(tmp_path, "a"):
        raise KeyError("x")
