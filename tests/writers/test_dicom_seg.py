import logging
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.sr._concepts_dict import concepts
from pydicom.sr.codedict import codes

from lamina.errors import DataError, GeometryError
from lamina.readers.dicom_rules import SeriesRules
from lamina.readers.grid import Grid
from lamina.readers.images import read_image, read_label
from lamina.readers.source import Source
from lamina.tasks.catalogue import read_task, task_files
from lamina.tasks.labels import Label, read_labels
from lamina.writers import dicom_seg
from lamina.writers.dicom_seg import describe_segments, write_dicom_seg
from lamina.writers.label_files import write_nifti
from lamina.writers.segmented_case import SegmentedCase

SHAPE = (5, 7, 4)


def world_of(path):
    """Return {segment number: world positions (LPS) of its voxels}, from the file alone."""
    seg = pydicom.dcmread(path)
    frames = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    shared = seg.SharedFunctionalGroupsSequence[0]
    found = {}
    for frame, groups in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        spacing, cosines = (
            np.array(sequence, float)
            for sequence in (
                shared.PixelMeasuresSequence[0].PixelSpacing,
                shared.PlaneOrientationSequence[0].ImageOrientationPatient,
            )
        )
        corner = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float)
        rows, columns = np.nonzero(frame)
        places = (
            corner
            + columns[:, None] * spacing[1] * cosines[:3]
            + rows[:, None] * spacing[0] * cosines[3:]
        )
        number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        found.setdefault(number, []).append(places)
    return {number: np.concatenate(parts) for number, parts in found.items()}


def world_grid(affine):
    indices = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    return nib.affines.apply_affine(affine, indices)


def assert_same_places(found, expected):
    assert found.shape == expected.shape
    order = [np.lexsort(np.round(places, 3).T) for places in (found, expected)]
    np.testing.assert_allclose(found[order[0]], expected[order[1]], atol=1e-4)


@st.composite
def affines(draw):
    """Right-handed affines, as slices along their normal make them."""
    quaternion = draw(st.tuples(*[st.floats(-1, 1, width=16)] * 4))
    w, x, y, z = np.array(quaternion if np.linalg.norm(quaternion) > 0.1 else (1, 0, 0, 0))
    norm = np.linalg.norm([w, x, y, z])
    w, x, y, z = w / norm, x / norm, y / norm, z / norm
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag(draw(st.tuples(*[st.floats(0.5, 4, width=16)] * 3)))
    affine[:3, 3] = draw(st.tuples(*[st.floats(-200, 200, width=16)] * 3))
    return affine


@settings(max_examples=20, deadline=None)
@given(affine=affines(), order=st.permutations(range(SHAPE[2])))
def test_what_is_painted_in_the_world_stays_where_it_is(affine, order, write_series, paint, labels):
    """Wherever the slices lie, in whatever order the files come; in DICOM SEG and in NIfTI."""
    true_world = world_grid(affine)
    # Crooked numbers, so that no voxel lies just on the border of what is painted.
    centre = true_world.reshape(-1, 3).mean(axis=0) + [0.0137, 0.0071, 0.0093]
    radius = 1.5319 * np.linalg.norm(affine[:3, :3], axis=0).max()
    truth = paint(true_world, centre, radius)
    with tempfile.TemporaryDirectory() as folder:
        source = write_series(Path(folder, "ct"), SHAPE, affine, order)
        values, grid = read_image(str(source))
        # Painted where the reader says that the voxels lie.
        label = paint(world_grid(grid.affine), centre, radius)
        case = SegmentedCase(
            "a", str(source), values[None], label, Grid(label.shape, grid.affine), labels
        )
        (seg,), (nifti,) = write_dicom_seg(case, Path(folder)), write_nifti(case, Path(folder))
        found, image = world_of(seg), nib.load(nifti)
        voxels = np.asarray(image.dataobj)
    assert truth.any()
    for value in set(np.unique(truth)) - {0}:
        expected = true_world[truth == value] * [-1, -1, 1]
        assert_same_places(found[value], expected)
        places = nib.affines.apply_affine(image.affine, np.argwhere(voxels == value))
        assert_same_places(places * [-1, -1, 1], expected)


def test_names_codes_colours_and_numbers(write_series, predict, oblique, tmp_path):
    case = predict(write_series(tmp_path / "ct", SHAPE, oblique))
    (path,) = write_dicom_seg(case, tmp_path / "out")
    seg = pydicom.dcmread(path)
    assert path.name == "case.seg.dcm"
    assert seg.SegmentationType == "BINARY"
    assert [one.SegmentNumber for one in seg.SegmentSequence] == [1, 2, 3]
    assert [one.SegmentLabel for one in seg.SegmentSequence] == [
        "anterior",
        "never there",
        "posterior",
    ]
    assert seg.SeriesDescription == "Lamina hippocampus_mr"
    assert seg.ContentLabel == "HIPPOCAMPUS_MR"
    assert seg.SeriesNumber == 1004
    assert seg.StudyInstanceUID == "1.2.3"
    assert seg.FrameOfReferenceUID == "1.2.3.5"
    # Type 2: there, but empty.
    assert seg.ContentCreatorName == ""


def test_it_refers_to_the_images_it_was_made_from(write_series, predict, oblique, tmp_path):
    source = write_series(tmp_path / "ct", SHAPE, oblique, order=[2, 0, 3, 1])
    (path,) = write_dicom_seg(predict(source), tmp_path)
    seg = pydicom.dcmread(path)
    places = {
        image.SOPInstanceUID: image.ImagePositionPatient
        for image in map(pydicom.dcmread, source.iterdir())
    }
    (series,) = seg.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == "1.2.3.4"
    assert {one.ReferencedSOPInstanceUID for one in series.ReferencedInstanceSequence} == set(
        places
    )
    for frame in seg.PerFrameFunctionalGroupsSequence:
        image = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert frame.PlanePositionSequence[0].ImagePositionPatient == places[image]


def test_an_absent_class_is_described_but_has_no_frame(write_series, predict, oblique, tmp_path):
    case = predict(write_series(tmp_path / "ct", SHAPE, oblique))
    (path,) = write_dicom_seg(case, tmp_path)
    assert set(world_of(path)) == set(np.unique(case.label)) - {0} == {1, 3}


def test_where_nothing_was_found_empty_frames_say_so(write_series, predict, oblique, tmp_path):
    case = predict(write_series(tmp_path / "ct", SHAPE, oblique), radius=0)
    assert not case.label.any()
    (path,) = write_dicom_seg(case, tmp_path)
    seg = pydicom.dcmread(path)
    assert seg.NumberOfFrames == 3 * SHAPE[2]
    assert not seg.pixel_array.any()


def test_the_same_result_is_the_same_object(write_series, predict, oblique, tmp_path):
    source = write_series(tmp_path / "ct", SHAPE, oblique)

    def uids(radius):
        (path,) = write_dicom_seg(predict(source, radius=radius), tmp_path)
        seg = pydicom.dcmread(path, stop_before_pixels=True)
        return seg.SOPInstanceUID, seg.SeriesInstanceUID

    assert uids(3) == uids(3)
    assert not set(uids(3)) & set(uids(2))
    assert len(set(uids(3))) == 2


def test_an_x_ray_has_no_place_in_space(write_ct, predict, tmp_path):
    source = write_ct(
        tmp_path / "xray.dcm",
        Modality="CR",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.1",
        FrameOfReferenceUID=None,
        PatientOrientation=["L", "F"],
    )
    case = predict(source, radius=2)
    (path,) = write_dicom_seg(case, tmp_path)
    seg = pydicom.dcmread(path)
    assert case.label.shape == (5, 7)
    assert seg.PatientOrientation == ["L", "F"]
    numbers = [
        frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        for frame in seg.PerFrameFunctionalGroupsSequence
    ]
    for number, frame in zip(numbers, seg.pixel_array.reshape(-1, 7, 5), strict=True):
        np.testing.assert_array_equal(frame.T, case.label == number)


@pytest.mark.parametrize("number", [1, 3])
def test_a_frame_of_a_cine_loop_is_referred_to_by_its_number(write_ct, predict, tmp_path, number):
    pixels = np.arange(3 * 5 * 7, dtype=np.int16)
    path = write_ct(
        tmp_path / "cine.dcm",
        Modality="US",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.3.1",
        NumberOfFrames=3,
        PixelData=pixels.tobytes(),
    )
    case = predict(f"{path}#frames:{number}", radius=2)
    seg = pydicom.dcmread(write_dicom_seg(case, tmp_path)[0])
    for frame in seg.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert source.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.3.1"
        assert source.ReferencedSOPInstanceUID == pydicom.dcmread(path).SOPInstanceUID
        assert source.ReferencedFrameNumber == number
        value = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        at = list(seg.PerFrameFunctionalGroupsSequence).index(frame)
        drawn = seg.pixel_array.reshape(-1, 7, 5)[at]
        np.testing.assert_array_equal(drawn.T, case.label == value)


def test_nothing_of_the_patient_is_printed(write_series, predict, oblique, tmp_path, recwarn):
    source = write_series(tmp_path / "ct", SHAPE, oblique, PatientName="SURNAME")
    write_dicom_seg(predict(source), tmp_path)
    assert not [warning for warning in recwarn if "SURNAME" in str(warning.message)]


def test_a_label_map_of_another_size_is_refused(write_series, predict, oblique, tmp_path):
    case = predict(write_series(tmp_path / "ct", SHAPE, oblique))
    other = SegmentedCase(**vars(case) | {"label": case.label[:, :, 1:]})
    with pytest.raises(GeometryError, match="of 5×7×3 voxels for images of 5×7×4"):
        write_dicom_seg(other, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_images_without_uids_are_refused(write_series, predict, oblique, tmp_path):
    source = write_series(tmp_path / "ct", SHAPE, oblique, StudyInstanceUID=None)
    with pytest.raises(DataError, match="no DICOM SEG can refer to it, since it has no Study"):
        write_dicom_seg(predict(source), tmp_path / "out")
    assert not (tmp_path / "out").exists()


BACKGROUND = Label(0, "background", (0, 0, 0))


def test_the_background_is_no_segment_and_numbers_are_class_values(labels):
    segments = describe_segments(labels, "hippocampus_mr")
    assert [one.segment_number for one in segments] == [label.value for label in labels[1:]]
    assert [one.segment_label for one in segments] == [label.name for label in labels[1:]]
    assert {one.SegmentAlgorithmName for one in segments} == {"Lamina hippocampus_mr"}
    assert {one.SegmentAlgorithmType for one in segments} == {"AUTOMATIC"}


def test_the_code_with_its_modifier(labels):
    anterior, _, posterior = describe_segments(labels)
    kind = anterior.SegmentedPropertyTypeCodeSequence[0]
    assert anterior.segmented_property_type == codes.SCT.Hippocampus
    assert anterior.segmented_property_category == codes.SCT.AnatomicalStructure
    modifier = kind.SegmentedPropertyTypeModifierCodeSequence[0]
    assert (modifier.CodeValue, modifier.CodeMeaning) == ("255549009", "Anterior")
    kind = posterior.SegmentedPropertyTypeCodeSequence[0]
    assert "SegmentedPropertyTypeModifierCodeSequence" not in kind


def test_a_category_of_its_own():
    code = {
        "value": "40388003",
        "scheme": "SCT",
        "meaning": "Implant",
        "category": {"value": "260787004", "scheme": "SCT", "meaning": "Physical object"},
    }
    (segment,) = describe_segments([BACKGROUND, Label(1, "array", (255, 0, 0), code)])
    assert segment.segmented_property_category == codes.SCT.PhysicalObject


@pytest.mark.parametrize(
    ("colour", "expected"),
    # CIELab of the sRGB primaries, D50 (http://www.brucelindbloom.com): L, a, b.
    [((255, 255, 255), (100, 0, 0)), ((0, 0, 0), (0, 0, 0)), ((255, 0, 0), (54.3, 80.8, 69.9))],
)
def test_the_colour(colour, expected):
    (segment,) = describe_segments([BACKGROUND, Label(1, "a", colour)])
    light, a, b = segment.RecommendedDisplayCIELabValue
    # PS3.3, C.10.7.1.1: 16 bits for L from 0 to 100, a and b from -128 to 127.
    found = (light / 65535 * 100, a / 65535 * 255 - 128, b / 65535 * 255 - 128)
    assert found == pytest.approx(expected, abs=4)


def test_a_label_without_a_code_is_told_once(caplog):
    labels = [BACKGROUND, Label(1, "one", (1, 2, 3)), Label(2, "two", (1, 2, 3))]
    with caplog.at_level(logging.WARNING):
        segments = describe_segments(labels)
    assert [record.message.split(",")[0] for record in caplog.records] == ["DICOM SEG calls one"]
    assert {one.segmented_property_type for one in segments} == {codes.SCT.AnatomicalStructure}


def test_the_codes_of_every_task_are_ones_that_dicom_knows():
    known = {value for keyword in concepts["SCT"].values() for value in keyword}
    # In SNOMED CT, but in no context group of DICOM.
    known.add("45950005")
    for path in task_files():
        labels = read_labels(read_task(path)["labels"])
        assert all(label.code for label in labels[1:]), path
        assert {label.code["value"] for label in labels[1:]} <= known


def test_what_highdicom_raises_is_told_with_the_address(write_series, predict, oblique, tmp_path):
    source = write_series(tmp_path / "ct", SHAPE, oblique)
    case = predict(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dicom_seg.hd.seg, "Segmentation", lambda **_: 1 / 0)
        with pytest.raises(
            DataError, match=r"ct: no DICOM SEG can refer to it \(ZeroDivisionError"
        ):
            write_dicom_seg(case, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_rules_that_an_image_was_read_by_hold_for_its_segmentation(
    write_series, predict, oblique, tmp_path
):
    folder = write_series(tmp_path / "ct", SHAPE, oblique)
    image = pydicom.dcmread(folder / "001")
    image.SOPInstanceUID = "1.2.3.99"
    image.save_as(folder / "other")
    source = Source(folder, rules=SeriesRules(duplicates="accept"))
    case = predict(source)
    (path,) = write_dicom_seg(case, tmp_path / "out")
    np.testing.assert_array_equal(read_label(Source(path, image=source))[0], case.label)
