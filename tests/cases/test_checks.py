"""What must hold before a training starts, and that nothing is invented."""

import logging

import numpy as np
import pytest

from lamina.cases import checks
from lamina.cases.case import Case, DataSet
from lamina.cases.checks import bounded, check_cases, format_values, read_facts, require_usable
from lamina.cases.find import find_cases
from lamina.errors import DataError
from lamina.tasks.labels import Label

LABELS = [Label(value, str(value), (value, 0, 0)) for value in range(3)]


@pytest.fixture
def make(tmp_path, write_nifti, oblique):
    """Maker of a data set of volumes; changes are given by case as image=, label=, affine=."""

    def make(**changes):
        for name in ("a", "b", "c"):
            change = changes.get(name, {})
            image = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
            label = (np.arange(60).reshape(3, 4, 5) % 3).astype(np.uint8)
            write_nifti(tmp_path / "images" / f"{name}.nii.gz", change.get("image", image), oblique)
            write_nifti(
                tmp_path / "masks" / f"{name}.nii.gz",
                change.get("label", label),
                change.get("affine", oblique),
            )
        return find_cases(tmp_path)

    return make


def test_nothing_is_found_where_nothing_is_wrong(make):
    assert check_cases(make().cases, LABELS) == []
    require_usable(make(), LABELS)


def test_another_size_is_named_with_both(make):
    (problem,) = check_cases(make(b={"label": np.ones((3, 4, 6), np.uint8)}).cases, LABELS)
    assert "masks/b.nii.gz: not on the grid of" in problem
    assert "images/b.nii.gz: size 3×4×6 against 3×4×5 of the image" in problem
    assert "→ resample the label" in problem


def test_another_affine_is_named_with_both(make, oblique):
    moved = oblique.copy()
    moved[0, 3] += 2
    dataset = make(b={"affine": moved})
    (problem,) = check_cases(dataset.cases, LABELS)
    assert "voxels lie up to 2 mm apart: affine" in problem
    assert check_cases(dataset.cases, LABELS, grid_tolerance=10) == []


def test_unknown_values_are_named_with_the_file(make):
    (problem,) = check_cases(make(c={"label": np.full((3, 4, 5), 7, np.uint8)}).cases, LABELS)
    assert "masks/c.nii.gz: values 7, expected 0, 1, 2" in problem
    assert '"label_values": {"0": 0, "255": 1}' in problem


def test_values_may_be_mapped(make):
    dataset = make()
    values = {"0": 0, "1": 2, "2": 1}
    assert check_cases(dataset.cases, LABELS, values) == []
    problems = check_cases(dataset.cases, LABELS, {"0": 0, "1": 1})
    assert len(problems) == 3
    assert "values 2 are not among 0, 1" in problems[0]


def test_no_foreground_at_all_is_one_problem(make):
    empty = {"label": np.zeros((3, 4, 5), np.uint8)}
    (problem,) = check_cases(make(a=empty, b=empty, c=empty).cases, LABELS)
    assert problem.startswith("no foreground in any of 3 labels")
    assert check_cases(make(a=empty, b=empty).cases, LABELS) == []


def test_broken_values_are_found_where_images_are_read_whole(make):
    image = np.zeros((3, 4, 5), np.float32)
    image[1, 1, 1] = np.nan
    dataset = make(a={"image": image})
    (problem,) = check_cases(dataset.cases, LABELS)
    assert "images/a.nii.gz: 1 of 60 values are NaN or infinite" in problem
    assert check_cases(dataset.cases, LABELS, read_whole_below=0) == []


def test_a_broken_image_does_not_hide_its_broken_label(make, tmp_path):
    dataset = make()
    (tmp_path / "images" / "a.nii.gz").write_bytes(b"")
    (tmp_path / "masks" / "a.nii.gz").write_bytes(b"")
    first, second = check_cases(dataset.cases, LABELS)
    assert "images/a.nii.gz: an empty file" in first
    assert "masks/a.nii.gz: an empty file" in second


def test_fractions_in_a_label_are_named(make):
    (problem,) = check_cases(make(a={"label": np.full((3, 4, 5), 0.5)}).cases, LABELS)
    assert "a mask with values 0.5, expected whole numbers" in problem


def test_an_image_without_a_label_is_checked_alone(make):
    case = make().cases[0]
    unlabelled = Case(case.name, case.image, None, case.patient)
    assert check_cases([unlabelled], LABELS) == []
    assert "no such file" in check_cases([Case("x", "none.nii", None, "x")], LABELS)[0]


def test_all_problems_come_in_one_error(make):
    dataset = make(
        a={"label": np.full((3, 4, 5), 7, np.uint8)}, b={"label": np.ones((3, 4, 6), np.uint8)}
    )
    with pytest.raises(
        DataError, match=r"problems: 2\n.*a\.nii\.gz: values 7(?s:.*)b\.nii\.gz: not on"
    ):
        require_usable(dataset, LABELS)


def test_files_without_a_partner_are_warnings_if_the_rest_can_be_used(make, tmp_path, caplog):
    make()
    (tmp_path / "masks" / "b.nii.gz").unlink()
    with caplog.at_level(logging.WARNING):
        require_usable(find_cases(tmp_path), LABELS)
    assert "images/b.nii.gz: an image without a label" in caplog.text


def test_a_data_set_without_labels_is_refused(make, tmp_path):
    make()
    for path in (tmp_path / "masks").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="no image has a label(?s:.*)no labels found"):
        require_usable(find_cases(tmp_path), LABELS)


def test_long_lists_are_bounded(tmp_path):
    cases = tuple(Case(str(n), f"{n}.nii", f"{n}.nii", str(n)) for n in range(40))
    with pytest.raises(DataError) as caught:
        require_usable(DataSet(tmp_path, "made", cases), LABELS)
    lines = str(caught.value).splitlines()
    assert "problems: 80" in lines[0]
    assert lines[-1] == "… and 60 more"
    assert len(lines) == 22


def test_bounds():
    assert bounded([], 2) == []
    assert bounded(["a", "b"], 2) == ["a", "b"]
    assert format_values([1, 2, 3]) == "1, 2, 3"


def test_real_hippocampus_has_no_problem(data):
    assert check_cases(find_cases(data / "hippocampus").cases[::10], LABELS) == []


def test_real_oct_codes_need_a_mapping(data):
    dataset = find_cases(data / "oct_layers")
    labels = [Label(value, str(value), (value, 0, 0)) for value in range(9)]
    assert len(check_cases(dataset.labelled, labels)) == 3
    codes = {"240": 0} | {str(30 * n): n + 1 for n in range(8)}
    assert check_cases(dataset.labelled, labels, codes) == []


def test_grid_and_values_are_those_of_the_files(tmp_path, write_nifti, volume, oblique):
    image = write_nifti(tmp_path / "a.nii.gz", volume, oblique)
    label = write_nifti(tmp_path / "m.nii.gz", (volume % 2 * 4).astype(np.uint8), oblique)
    (one,) = read_facts([Case("a", str(image), str(label), "a")])
    assert one.grid.shape == (5, 7, 9)
    assert one.values == (0, 4)
    assert one.problems == ()


def test_values_are_those_after_the_mapping(tmp_path, write_picture):
    image = write_picture(tmp_path / "a.png")
    label = write_picture(tmp_path / "m.png", np.diag([255, 255, 255, 255]).astype(np.uint8)[:3])
    (one,) = read_facts([Case("a", str(image), str(label), "a")], {"0": 0, "255": 1})
    assert one.values == (0, 1)


def test_what_can_not_be_read_is_none_with_its_reason(tmp_path, write_picture):
    label = write_picture(tmp_path / "m.png")
    (one,) = read_facts([Case("a", str(tmp_path / "none.png"), str(label), "a")])
    assert one.grid is None
    assert one.values == (0,)
    assert "none.png: no such file" in one.problems[0]


def test_without_a_label_there_are_no_values(tmp_path, write_picture):
    (one,) = read_facts([Case("a", str(write_picture(tmp_path / "a.png")), None, "a")])
    assert (one.values, one.problems) == ((), ())


@pytest.mark.parametrize(("bound", "calls"), [(0, 0), (10**6, 2)])
def test_images_are_read_whole_up_to_a_bound(tmp_path, write_picture, monkeypatch, bound, calls):
    read = []
    whole = checks.read_image
    monkeypatch.setattr(checks, "read_image", lambda path: read.append(path) or whole(path))
    paths = [write_picture(tmp_path / f"{n}.png") for n in range(2)]
    read_facts([Case(p.stem, str(p), None, p.stem) for p in paths], read_whole_below=bound)
    assert len(read) == calls


def test_the_files_of_a_series_count_together(tmp_path, write_series, volume, monkeypatch):
    folder = write_series(tmp_path / "s", volume, np.diag([1.0, 1.0, -1.0, 1.0]))
    size = sum(path.stat().st_size for path in folder.iterdir())
    whole = checks.read_image
    for address in (str(folder), f"{folder}#1.2.3"):
        for bound, expected in ((size, 1), (size - 1, 0)):
            read = []
            monkeypatch.setattr(
                checks, "read_image", lambda path, read=read: read.append(path) or whole(path)
            )
            read_facts([Case("s", address, None, "s")], read_whole_below=bound)
            assert len(read) == expected
