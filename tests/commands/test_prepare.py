import json

import numpy as np
import pytest
from PIL import Image

from lamina import cli
from lamina.phantoms.chest_pictures import write_chest_pictures
from lamina.phantoms.oct_pictures import write_oct_pictures
from lamina.tasks.catalogue import find_task, read_task

CODES = [0, 11, 22, 33, 44, 55, 66, 77, 88, 99, 110, 121, 132, 143]


def test_learned_values_stand_in_a_task_of_its_own(tmp_path, capsys):
    made = write_oct_pictures(
        tmp_path / "oct", train=2, test=1, size=(20, 400), spacing=(12.0, 2.4), codes=CODES
    )
    target = tmp_path / "mine.json"
    words = ["prepare", "label-values", str(made), "--task", "ioct_layers", "-o", str(target)]
    assert cli.main(words) == 0
    task = json.loads(target.read_text())
    assert task["label_values"] == {str(code): value for value, code in enumerate(CODES)}
    assert task["name"] == "mine"
    assert task["labels"] == read_task(find_task("ioct_layers"))["labels"]
    said = capsys.readouterr().out
    assert "3 masks" in said
    assert "lamina train" in said


def test_too_few_values_are_told_and_nothing_is_written(tmp_path, capsys):
    made = write_oct_pictures(tmp_path / "oct", train=1, test=0, size=(20, 400), membrane=0)
    target = tmp_path / "mine.json"
    words = ["prepare", "label-values", str(made), "--task", "ioct_layers", "-o", str(target)]
    assert cli.main(words) == 1
    assert "13 different values" in capsys.readouterr().err
    assert not target.exists()


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit):
        cli.main(["prepare", "label-values", "--help"])
    assert "example: lamina prepare label-values" in capsys.readouterr().out


def test_the_raw_layout_becomes_what_the_phantoms_hold(tmp_path, capsys):
    made = write_chest_pictures(tmp_path / "cxr", cases=2, size=(40, 50), sides=True)
    raw = made.parent / "raw"
    parts = [str(raw / part) for part in ("CXR_png", "ManualMask/leftMask", "ManualMask/rightMask")]
    words = ["prepare", "merge-masks", *parts, "-o", str(tmp_path / "out"), "--sides"]
    assert cli.main(words) == 0
    assert "2 pictures with masks, 0 left out" in capsys.readouterr().out
    for name in ("cxr_000.png", "cxr_001.png"):
        mine, theirs = (
            np.asarray(Image.open(x / "masks" / name)) for x in (tmp_path / "out", made)
        )
        np.testing.assert_array_equal(mine, theirs)


def test_what_is_left_out_makes_the_status_one(tmp_path, capsys):
    made = write_chest_pictures(tmp_path / "cxr", cases=2, size=(40, 50))
    raw = made.parent / "raw"
    (raw / "ManualMask/leftMask/cxr_001.png").unlink()
    parts = [str(raw / part) for part in ("CXR_png", "ManualMask/leftMask", "ManualMask/rightMask")]
    assert cli.main(["prepare", "merge-masks", *parts, "-o", str(tmp_path / "out")]) == 1
    assert "left out: cxr_001: no left mask of that name" in capsys.readouterr().out
