import pydicom
import pytest

from lamina.errors import DataError
from lamina.writers.seg_sources import read_sources


def headers_of(address):
    return read_sources(address).headers


def test_they_stand_in_the_order_of_the_last_axis(write_series, oblique, tmp_path):
    source = write_series(tmp_path, (5, 7, 4), oblique, order=[3, 1, 0, 2])
    assert [header.InstanceNumber for header in headers_of(str(source))] == [3, 2, 4, 1]


def test_no_pixels_are_read(write_series, oblique, tmp_path):
    source = write_series(tmp_path, (5, 7, 4), oblique)
    assert not any("PixelData" in header for header in headers_of(str(source)))


def test_what_may_be_empty_is_added_empty(write_series, oblique, tmp_path):
    source = write_series(tmp_path, (5, 7, 2), oblique, StudyID=None, PatientBirthDate=None)
    for header in headers_of(str(source)):
        assert header.StudyID == header.PatientBirthDate == ""
        assert header.PatientID == "7"


def test_an_empty_character_set_goes(write_series, oblique, tmp_path):
    source = write_series(tmp_path, (5, 7, 2), oblique, SpecificCharacterSet="")
    assert not any("SpecificCharacterSet" in header for header in headers_of(str(source)))


@pytest.mark.parametrize("missing", ["StudyInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"])
@pytest.mark.parametrize("value", [None, ""])
def test_identity_is_never_made_up(write_series, oblique, tmp_path, missing, value):
    source = write_series(tmp_path, (5, 7, 2), oblique, **{missing: value})
    with pytest.raises(DataError) as caught:
        headers_of(str(source))
    assert str(caught.value) == (
        f"{source}/000: no DICOM SEG can refer to it, since it has no {missing}\n"
        "  → take another format, or export the series again with its UIDs"
    )


def test_an_image_without_a_place_needs_no_frame_of_reference(write_ct, tmp_path):
    path = write_ct(tmp_path / "xray.dcm", FrameOfReferenceUID=None)
    assert len(headers_of(str(path))) == 1


def test_dates_and_times_that_are_none_are_emptied(write_series, oblique, tmp_path):
    wrong = {"StudyTime": "14:04:38", "StudyDate": "***", "AcquisitionDateTime": "yesterday"}
    source = write_series(tmp_path, (5, 7, 2), oblique, SeriesDate="20200102", **wrong)
    for header in headers_of(str(source)):
        assert [header.get(name) for name in wrong] == ["", "", ""]
        assert header.SeriesDate == "20200102"


def test_the_default_repertoire_has_its_name(write_series, oblique, tmp_path):
    sets = ["", "ISO 2022 IR 87"]
    source = write_series(tmp_path, (5, 7, 2), oblique, SpecificCharacterSet=sets)
    for header in headers_of(str(source)):
        assert list(header.SpecificCharacterSet) == ["ISO 2022 IR 6", "ISO 2022 IR 87"]


def test_all_have_the_first_ones_orientation(write_series, oblique, tmp_path):
    source = write_series(tmp_path, (5, 7, 4), oblique)
    path = source / "002"
    image = pydicom.dcmread(path)
    cosines = [float(cosine) + 6e-8 for cosine in image.ImageOrientationPatient]
    image.ImageOrientationPatient = cosines
    image.save_as(path)
    headers = headers_of(str(source))
    assert len({tuple(map(float, header.ImageOrientationPatient)) for header in headers}) == 1


def test_two_frames_of_reference_are_refused(write_series, oblique, tmp_path):
    source = write_series(tmp_path, (5, 7, 3), oblique)
    image = pydicom.dcmread(source / "001")
    image.FrameOfReferenceUID = "1.2.3.98"
    image.save_as(source / "001")
    with pytest.raises(DataError, match="its slices name 2 frames of reference, expected one"):
        read_sources(str(source))
