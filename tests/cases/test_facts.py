"""What the files of cases hold."""

import numpy as np
import pytest

from lamina.cases import facts
from lamina.cases.case import Case
from lamina.cases.facts import read_facts


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
    whole = facts.read_image
    monkeypatch.setattr(facts, "read_image", lambda path: read.append(path) or whole(path))
    paths = [write_picture(tmp_path / f"{n}.png") for n in range(2)]
    read_facts([Case(p.stem, str(p), None, p.stem) for p in paths], read_whole_below=bound)
    assert len(read) == calls


def test_the_files_of_a_series_count_together(tmp_path, write_series, volume, monkeypatch):
    folder = write_series(tmp_path / "s", volume, np.diag([1.0, 1.0, -1.0, 1.0]))
    size = sum(path.stat().st_size for path in folder.iterdir())
    whole = facts.read_image
    for address in (str(folder), f"{folder}#1.2.3"):
        for bound, expected in ((size, 1), (size - 1, 0)):
            read = []
            monkeypatch.setattr(
                facts, "read_image", lambda path, read=read: read.append(path) or whole(path)
            )
            read_facts([Case("s", address, None, "s")], read_whole_below=bound)
            assert len(read) == expected
