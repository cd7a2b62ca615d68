import json

import pytest

from lamina.cli import main
from lamina.tasks.catalogue import CHECKOUT


def test_a_shipped_task_is_right(capsys):
    assert main(["check", "oct_phantom"]) == 0
    assert capsys.readouterr().out == "oct_phantom: nothing wrong (6 workflows were looked at)\n"


@pytest.mark.parametrize("name", ["train", "inference", "evaluate"])
def test_a_shipped_config_is_right_from_any_folder(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["check", str(CHECKOUT / "configs" / f"{name}.json")]) == 0
    assert "nothing wrong (1 workflows" in capsys.readouterr().out


def test_mistakes_are_listed_once(capsys, tmp_path):
    task = json.loads((CHECKOUT / "configs" / "tasks" / "oct_phantom.json").read_text())
    task["loss"]["sigmod"] = True
    task["labels"][3]["color"] = [1, 2]
    (tmp_path / "mine.json").write_text(json.dumps(task))
    assert main(["check", str(tmp_path / "mine.json")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "task#labels#3#color (INL): [1, 2], expected three whole numbers" in lines[0]
    assert "did you mean 'sigmoid'?" in lines[1]


def test_a_data_set_is_checked_too(capsys, real_data):
    words = ["check", "hippocampus_mr", "--dataset-dir", str(real_data / "hippocampus")]
    assert main(words) == 0
    assert "147 training, 14 validation, 43 test" in capsys.readouterr().out


def test_a_folder_that_is_not_there(capsys, tmp_path):
    assert main(["check", "oct_phantom", "--dataset-dir", str(tmp_path / "none")]) == 1
    assert "none: no such folder" in capsys.readouterr().out


def test_a_file_that_is_not_there(capsys):
    assert main(["check", "not_here.json"]) == 1
    assert "not_here.json: there is no such file" in capsys.readouterr().err
