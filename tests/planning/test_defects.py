import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.cases.find import find_cases
from lamina.planning.defects import far_from_the_rest, find_defects

from .conftest import FLIPPED, volume, write_case


def defects(root, survey_of):
    return [str(one) for one in find_defects(survey_of(root), find_cases(root).problems)]


def test_nothing_is_invented(volumes, pictures, survey_of):
    assert defects(volumes, survey_of) == []
    assert defects(pictures, survey_of) == []


def duplicate(root):
    write_case(root, "case_9", *volume(8))


def empty(root):
    image, label = volume(30)
    write_case(root, "case_30", image, 0 * label)


def rare(root):
    image, label = volume(31)
    label[0:3, 0:3, 0:3] = 7
    write_case(root, "case_31", image, label)


def interpolated(root):
    image, label = volume(32)
    soft = (label > 0).astype(np.uint8) * 4
    soft[5:13, 4, 3:8] = 2
    soft[5:13, 13, 3:8] = 2
    write_case(root, "case_32", image, soft)


def spacing(root):
    write_case(root, "case_33", *volume(33), FLIPPED @ np.diag([2.5, 2.5, 2.5, 1]))


def size(root):
    write_case(root, "case_34", *volume(34, (60, 70, 40)))


def intensity(root):
    write_case(root, "case_35", *volume(35, scale=90_000))


def grid(root):
    image, label = volume(36)
    write_case(root, "case_36", image, label[:, :, :-1].copy())


def broken(root):
    write_case(root, "case_37", *volume(37))
    path = root / "imagesTr" / "case_37.nii.gz"
    path.write_bytes(path.read_bytes()[:400])


def unpaired(root):
    (root / "labelsTr" / "case_5.nii.gz").unlink()


@pytest.mark.parametrize(
    ("plant", "case", "text"),
    [
        (duplicate, "case_9", "the same image, of different patients"),
        (empty, "case_30", "no structure, all is background"),
        (rare, "case_31", "value 7 is in 1 of 11 labels"),
        (interpolated, "case_32", "values 2 only lie along edges"),
        (spacing, "case_33", "the voxel's size is"),
        (size, "case_34", "the number of voxels is"),
        (intensity, "case_35", "the spread of intensities is"),
        (grid, "case_36", "not on the grid of"),
        (broken, "case_37", "not a complete NIfTI file"),
        (unpaired, "case_5", "label"),
    ],
)
def test_each_planted_defect_is_named_with_its_file_and_a_remedy(
    volumes, survey_of, plant, case, text
):
    plant(volumes)
    found = defects(volumes, survey_of)
    about = [line for line in found if text in line]
    assert about, found
    assert case in about[0]
    assert "→" in about[0]
    others = [line for line in found if line not in about and case not in line]
    assert others == []


def test_many_of_a_kind_share_a_line(volumes, survey_of):
    for seed in range(40, 44):
        write_case(volumes, f"case_{seed}", *volume(seed, scale=90_000))
    (line,) = defects(volumes, survey_of)
    assert line.startswith("4 images: the spread of intensities")
    assert "case_41" in line


def test_a_structure_that_one_of_many_lacks_is_told(tmp_path, survey_of):
    for seed in range(21):
        image, label = volume(seed)
        if seed == 4:
            label[label == 2] = 0
        write_case(tmp_path, f"c{seed:02}", image, label)
    (line,) = defects(tmp_path, survey_of)
    assert "c04.nii.gz: value 2 is missing, which 20 of 21 labels have → check whether" in line
    for seed in (7, 9):
        image, label = volume(seed)
        write_case(tmp_path, f"c{seed:02}", image, label * (label == 1))
    assert defects(tmp_path, survey_of) == []  # three of 21 may well have none


@pytest.mark.parametrize(
    ("low", "text"), [(0, "a plan scales each image by itself"), (-1000, "in Hounsfield units")]
)
def test_what_to_do_with_odd_intensities_depends_on_their_unit(tmp_path, survey_of, low, text):
    for seed in range(6):
        write_case(tmp_path, f"c{seed}", *volume(seed, low=low))
    write_case(tmp_path, "odd", *volume(9, low=low, scale=90_000))
    (line,) = defects(tmp_path, survey_of)
    assert "odd.nii.gz: the spread of intensities" in line
    assert text in line


@given(values=st.lists(st.floats(0.9, 1.1), min_size=5, max_size=20), factor=st.floats(10, 1e6))
def test_one_far_value_is_found_wherever_it_stands(values, factor):
    place = len(values) // 2
    values[place] = factor
    assert place in far_from_the_rest(values)


@given(values=st.lists(st.floats(1, 1.5), min_size=5, max_size=20))
def test_values_within_half_again_are_never_far(values):
    assert far_from_the_rest(values) == []
