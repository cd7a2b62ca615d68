"""The page of a plan: whole in one file, each case once, the defective ones first."""

import re

import nibabel as nib
import numpy as np
import pytest

from lamina.cases.find import find_cases
from lamina.planning import page as plan_page
from lamina.planning.choices import plan_task
from lamina.planning.defects import find_defects
from lamina.planning.page import write_plan_page
from lamina.planning.survey import Defect
from lamina.planning.survey_cases import survey_cases
from lamina.tasks.labels import Label

LABELS = [
    Label(0, "background", (0, 0, 0)),
    Label(1, "Body <b>", (0, 120, 255)),
    Label(2, "Tail", (255, 120, 0)),
]
OBLIQUE = np.array([[0.1, -1.5, 0, 20], [-1.0, 0.05, 0, 30], [0, 0, -3.0, 40], [0, 0, 0, 1]])


def write_cases(root, count, broken=()):
    for index in range(count):
        rng = np.random.default_rng(index)
        label = np.zeros((22, 26, 12), np.uint8)
        label[4:12, 5:13, 3:8], label[12:16, 5:13, 3:8] = 1, 2
        image = rng.random(label.shape, dtype=np.float32) * 100 + 50 * label
        for folder, values in (("images", image), ("masks", label)):
            (root / folder).mkdir(exist_ok=True)
            path = root / folder / f"case_{index}.nii.gz"
            nib.Nifti1Image(values, OBLIQUE).to_filename(path)
            if index in broken and folder == "images":
                path.write_bytes(path.read_bytes()[:300])
    return find_cases(root)


def page_of(dataset, folder, **more):
    survey = survey_cases(dataset.labelled)
    defects = find_defects(survey, dataset.problems)
    write_plan_page(folder / "index.html", survey, LABELS, defects, title="Plan of it", **more)
    return (folder / "index.html").read_text()


def tiles(page):
    return re.findall(r"<figure( class=\"wrong\")?>.*?<figcaption>(\S+?)[ <]", page, re.DOTALL)


def test_it_holds_everything_itself(tmp_path):
    dataset = write_cases(tmp_path, 6)
    page = page_of(dataset, tmp_path / "page")
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "<script" not in page
    assert page.count("data:image/jpeg;base64,") == 6
    assert "Body &lt;b&gt;" in page
    assert "None was found." in page
    assert [name for _, name in tiles(page)] == [f"case_{index}" for index in range(6)]


def test_cases_with_defects_come_first_marked_and_with_their_numbers(tmp_path):
    page = page_of(write_cases(tmp_path, 6, broken=[4]), tmp_path / "page")
    (mark, first), *others = tiles(page)
    assert (mark, first) == (' class="wrong"', "case_4")
    assert all(mark == "" for mark, _ in others)
    assert len(others) == 5
    assert '<a href="#defects">defect 1</a>' in page
    assert "can't be read" in page  # no picture can be shown of it
    assert "not a complete NIfTI file" in page


def test_what_was_chosen_stands_with_its_reason(tmp_path):
    dataset = write_cases(tmp_path, 5)
    survey = survey_cases(dataset.labelled)
    task = plan_task(survey, "it", {1: "Body", 2: "Tail"}, patch_seconds=0.1)
    page = page_of(dataset, tmp_path / "page", task=task, lines=["lamina check it"], modality="MRI")
    for key in ("_desc_patch_size", "_desc_epochs", "_desc_preprocessing"):
        assert str(task[key]).replace("'", "&#39;") in page
    assert "lamina check it" in page
    assert "<dd>MRI</dd>" in page
    assert "NIfTI (5)" in page
    assert "PLI (5)" in page or re.search(r"<dd>[A-Z]{3} \(5\)</dd>", page)


def test_volumes_are_in_cubic_millimetres_and_the_background_s_share_is_told(tmp_path):
    page = page_of(write_cases(tmp_path, 5), tmp_path / "page")
    assert "Size of each structure (mm³)" in page
    voxel = abs(np.linalg.det(OBLIQUE[:3, :3]))  # the axes are not at right angles
    assert f"case_0: {320 * voxel:,.4g}" in page
    share = 1 - 480 / (22 * 26 * 12)
    assert f"{share:.1%} of all voxels are background" in page
    assert "2 times as many as the smallest" in page


def test_many_cases_are_shown_in_part_the_defective_ones_all(tmp_path, monkeypatch):
    monkeypatch.setattr(plan_page, "SHOWN", 4)
    page = page_of(write_cases(tmp_path, 9, broken=[3, 8]), tmp_path / "page")
    shown = tiles(page)
    assert len(shown) == 4
    assert [name for mark, name in shown if mark] == ["case_3", "case_8"]
    assert "4 of 9 cases" in page


def test_a_page_without_any_case_still_tells_the_defects(tmp_path):
    dataset = write_cases(tmp_path, 2, broken=[0, 1])
    survey = survey_cases(dataset.labelled)
    defects = [*find_defects(survey), Defect("a thing", "a remedy")]
    write_plan_page(tmp_path / "p.html", survey, LABELS[:1], defects, title="t")
    page = (tmp_path / "p.html").read_text()
    assert "a thing" in page
    assert "<h2>Structures" not in page


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_no_window_is_too_narrow(tmp_path, width, scheme):
    """In a browser, nothing stands out of the page at the side."""
    import shutil

    sync_api = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium: scripts/install_system_packages.sh installs it")
    page_of(write_cases(tmp_path, 6, broken=[1]), tmp_path / "page")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(
            viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=True
        )
        page.goto((tmp_path / "page" / "index.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
