import json

import numpy as np
import pytest
from PIL import Image

from lamina import cli
from lamina.cases.find import find_cases

LABELS = [
    {"value": 0, "name": "background", "color": [0, 0, 0]},
    {"value": 1, "name": "NFL", "color": [255, 0, 0]},
    {"value": 2, "name": "INL", "color": [0, 0, 255]},
]


def region(label, x, y, width, height):
    form = {"name": "rect", "x": x, "y": y, "width": width, "height": height}
    return {"shape_attributes": form, "region_attributes": {"layer": label}}


@pytest.fixture
def study(tmp_path):
    """Two pictures, of which one is annotated, a VIA file and a task."""
    (tmp_path / "images").mkdir()
    for name in ("a.JPG", "b.png"):
        Image.fromarray(np.full((30, 40), 90, np.uint8)).save(tmp_path / "images" / name)
    (tmp_path / "task.json").write_text(json.dumps({"name": "layers", "labels": LABELS}))

    def run(*regions, name="a.jpg", more=()):
        via = {name: {"filename": name, "size": 1, "regions": list(regions)}}
        (tmp_path / "via.json").write_text(json.dumps(via))
        return cli.main(
            ["annotations", "convert", str(tmp_path / "via.json"), "--images"]
            + [str(tmp_path / "images"), "--labels", str(tmp_path / "task.json")]
            + ["-o", str(tmp_path / "masks"), *more]
        )

    return run


def test_masks_overlays_and_an_account(study, tmp_path, capsys):
    assert study(region("NFL", 2, 3, 10, 5), region("inl", 5, 5, 2, 2)) == 0
    mask = np.asarray(Image.open(tmp_path / "masks" / "a.png"))
    assert (mask.shape, mask[3, 2], mask[5, 5], mask[0, 0]) == ((30, 40), 1, 2, 0)
    assert (tmp_path / "masks" / "overlays" / "a.png").is_file()
    said = capsys.readouterr().out
    assert "NFL                         1        1        1         46" in said
    assert "warning: a.jpg: upper and lower case differ: the file is called a.JPG" in said
    assert "1 picture(s) in" in said
    assert "1 of 1 annotated pictures have a mask" in said


def test_the_folder_is_a_data_set_at_once(study, tmp_path):
    study(region("NFL", 2, 3, 10, 5))
    cases = [case for case in find_cases(tmp_path).cases if case.label]
    assert [case.label for case in cases] == [str(tmp_path / "masks" / "a.png")]


def test_one_that_is_wrong_makes_the_status_one(study, tmp_path, capsys):
    assert study(region("NFI", 2, 3, 10, 5)) == 1
    assert "no mask: a.jpg: 1 shape(s) with the label 'NFI'" in capsys.readouterr().out
    assert not (tmp_path / "masks").exists()
    assert (
        study(region("NFL", 0, 0, 5, 5), region("note", 0, 0, 2, 2), more=["--ignore", "note"]) == 0
    )


def test_wrong_options_are_named(study, capsys):
    assert study(region("NFL", 0, 0, 5, 5), more=["--order", "NFL,IPL"]) == 1
    assert "--order: IPL" in capsys.readouterr().err
    assert study(region("NFL", 0, 0, 5, 5), more=["--line-width", "0"]) == 1
    assert "--line-width 0" in capsys.readouterr().err


def test_a_stated_order(study, tmp_path):
    shapes = region("INL", 0, 0, 9, 9), region("NFL", 0, 0, 9, 9)
    assert study(*shapes, more=["--order", "NFL,INL"]) == 0
    assert Image.open(tmp_path / "masks" / "a.png").getpixel((4, 4)) == 2


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit):
        cli.main(["annotations", "convert", "--help"])
    assert "example: lamina annotations convert" in capsys.readouterr().out
