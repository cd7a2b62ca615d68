"""A data set with ten planted defects: each is named, and nothing that is not there."""

import numpy as np

from lamina.cases.find import find_cases
from lamina.planning.defects import find_defects

from .conftest import write_case

AFFINE = np.array(
    [[0.05, -1.2, 0.0, 20], [-1.0, 0.05, 0.1, 30], [0, 0.1, 1.5, -40], [0, 0, 0, 1.0]]
)
SHAPE = (24, 28, 20)


def scene(seed):
    rng = np.random.default_rng(seed)
    label = np.zeros(SHAPE, np.uint8)
    x, y, z = rng.integers(0, 3, 3)
    label[3 + x : 9 + x, 4 + y : 11 + y, 2 + z : 8 + z] = 1
    label[9 + x : 13 + x, 4 + y : 11 + y, 2 + z : 8 + z] = 2
    return (300 + 40.0 * label + rng.normal(0, 15, SHAPE)).astype(np.float32), label


def plant(root):
    """Write 20 cases that are right, and ten that are not; return {case: what is said of it}."""
    for seed in range(20):
        write_case(root, f"right_{seed:02}", *scene(seed), AFFINE)
    made = {}

    def add(name, text, seed, change=lambda image, label: (image, label), affine=AFFINE):
        write_case(root, name, *change(*scene(seed)), affine)
        made[name] = text

    add("01_cut", "size 24×28×19 against 24×28×20 voxels", 50, lambda i, l: (i, l[..., 1:].copy()))
    add("02_empty", "no structure, all is background", 51, lambda i, l: (i, 0 * l))
    add("03_flipped", "flipped", 52, lambda i, l: (i, l[:, ::-1].copy()))
    add("04_again", "the same image, of different patients", 3)
    add("05_rare", "value 9 is in 1 of", 54, lambda i, l: (i, with_corner(l, 9)))
    add("06_coarse", "the voxel's size is", 55, affine=AFFINE @ np.diag([3.0, 3.0, 3.0, 1]))
    add("07_bright", "the spread of intensities is", 56, lambda i, l: (i * 500, l))
    add("08_moved", "origin 8 mm", 57)
    move_label(root, "08_moved", scene(57)[1])
    add("09_broken", "not a complete NIfTI file", 58)
    broken = root / "imagesTr" / "09_broken.nii.gz"
    broken.write_bytes(broken.read_bytes()[:900])
    add("10_alone", "a label without an image", 59)
    (root / "imagesTr" / "10_alone.nii.gz").unlink()
    return made


def with_corner(label, value):
    label[-3:, -3:, -3:] = value
    return label


def move_label(root, name, label):
    import nibabel as nib

    affine = AFFINE.copy()
    affine[2, 3] += 8
    nib.Nifti1Image(label, affine).to_filename(root / "labelsTr" / f"{name}.nii.gz")


def test_each_of_ten_is_named_and_nothing_else(tmp_path, survey_of):
    planted = plant(tmp_path)
    found = find_defects(survey_of(tmp_path), find_cases(tmp_path).problems)
    for name, text in planted.items():
        about = [one for one in found if name in one.text]
        assert len(about) == 1, (name, [str(one) for one in found])
        assert text in about[0].text
        assert about[0].remedy
    assert len(found) == len(planted)


def test_real_defects_and_no_others(real_data, survey_of):
    root = real_data / "hippocampus_unpaired"
    found = find_defects(survey_of(root), find_cases(root).problems)
    assert {(one.text.split("/")[-1]) for one in found} == {
        "hippocampus_010.nii.gz: a label without an image",
        "hippocampus_118.nii.gz: an image without a label",
        "hippocampus_281.nii.gz: a label without an image",
    }


def test_odd_files_never_end_a_survey(real_data, tmp_path, survey_of):
    """Images and labels of all kinds that are broken or strange: each is a case or a reason."""
    import shutil

    odd = [path for path in sorted((real_data / "odd").rglob("*")) if path.is_file()]
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for number, path in enumerate(odd):
        for folder in ("images", "masks"):
            shutil.copy(path, tmp_path / folder / f"{number:03}{path.suffix}")
    dataset = find_cases(tmp_path)
    survey = survey_of(tmp_path)
    assert len(survey.cases) + len(survey.unusable) == len(dataset.labelled) > 5
    assert all(one.reason for one in survey.unusable)
    assert find_defects(survey, dataset.problems)
