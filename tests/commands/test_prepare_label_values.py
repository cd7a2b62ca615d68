import json

import pytest

from lamina import cli
from lamina.phantoms import write_oct_pictures
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
