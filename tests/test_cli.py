import json
import subprocess
import sys

import pytest

from lamina import bundle_line, cli
from lamina.errors import DataError


@pytest.fixture
def lines(monkeypatch):
    """The words for MONAI's runner, which is not run."""
    seen = []
    monkeypatch.setattr(bundle_line, "run_bundle", seen.append)
    return seen


def pairs(words):
    names = [i for i, word in enumerate(words) if word.startswith("--")]
    return {words[i][2:]: words[i + 1] for i in names}


def test_train_becomes_one_line_with_absolute_paths(lines, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "oct_phantom", "--dataset-dir", "d", "--epochs", "3", "--fresh"]) == 0
    (words,) = lines
    given = pairs(words)
    assert words[:2] == ["run", "training"]
    assert given["config_file"].endswith("/configs/train.json")
    assert given["task"].startswith("%/")
    assert given["dataset_dir"] == str(tmp_path / "d")
    assert (given["epochs"], given["fresh"]) == ("3", "True")
    assert "lr" not in given


@pytest.mark.parametrize(
    "words", [["--run-dir", "my_run"], ["--run_dir", "my_run"], ["--run_dir=my_run"]]
)
def test_hyphens_and_underscores_both_do(lines, monkeypatch, tmp_path, words):
    monkeypatch.chdir(tmp_path)
    cli.main(["evaluate", "oct_phantom", *words])
    assert pairs(lines[0])["run_dir"] == str(tmp_path / "my_run")


@pytest.mark.parametrize(
    "words", [["scans", "-o", "out"], ["--input-dir", "scans", "-o", "out"], ["-o", "out", "scans"]]
)
def test_predict_takes_its_input_any_way(lines, monkeypatch, tmp_path, words):
    monkeypatch.chdir(tmp_path)
    cli.main(["predict", "oct_phantom", *words])
    given = pairs(lines[0])
    assert (given["input_dir"], given["output_dir"]) == (
        str(tmp_path / "scans"),
        str(tmp_path / "out"),
    )


def test_released_weights_are_no_path(lines):
    cli.main(["predict", "oct_phantom", "--weights", "released"])
    assert pairs(lines[0])["weights"] == "released"


def test_patch_size_is_a_list(lines, capsys):
    cli.main(["train", "oct_phantom", "--patch-size", "64,32"])
    assert pairs(lines[0])["patch_size"] == "[64, 32]"
    assert cli.main(["train", "oct_phantom", "--patch-size", "big"]) == 1
    assert "--patch-size 'big'\n  → write it as 64,64" in capsys.readouterr().err


def test_a_wrong_task_is_named_with_the_nearest(capsys):
    assert cli.main(["train", "oct_fantom"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(
        "error: task 'oct_fantom' is not known\n  → did you mean oct_phantom?"
    )
    assert "Traceback" not in said.err


def test_a_mistake_wrapped_by_monai_is_its_message(monkeypatch, capsys):
    def fail(words):
        try:
            raise DataError("a.nii.gz: broken", "replace it")
        except DataError as error:
            raise RuntimeError("applying transform") from error

    monkeypatch.setattr(bundle_line, "run_bundle", fail)
    assert cli.main(["train", "oct_phantom"]) == 1
    assert capsys.readouterr().err == "error: a.nii.gz: broken\n  → replace it\n"
    assert cli.main(["train", "oct_phantom", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_shows_its_traceback(monkeypatch, capsys):
    monkeypatch.setattr(bundle_line, "run_bundle", lambda words: 1 / 0)
    assert cli.main(["train", "oct_phantom"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_interrupted_tells_that_it_can_go_on(monkeypatch, capsys):
    def stop(words):
        raise KeyboardInterrupt

    monkeypatch.setattr(bundle_line, "run_bundle", stop)
    assert cli.main(["train", "oct_phantom"]) == 130
    assert "continues where it was" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train", "predict", "evaluate", "tasks", "data"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0
    assert f"example: lamina {command}" in capsys.readouterr().out


def test_tasks_lists_every_task(capsys):
    assert cli.main(["tasks"]) == 0
    shown = capsys.readouterr().out
    assert "oct_phantom        2D    yes" in shown
    assert "hippocampus_mr     3D    no" in shown


def test_data_describes_a_folder(tmp_path, capsys):
    import numpy as np
    from PIL import Image

    for part, value in (("images", 90), ("masks", 1)):
        (tmp_path / part).mkdir()
        Image.fromarray(np.full((4, 6), value, np.uint8)).save(tmp_path / part / "a.png")
    assert cli.main(["data", str(tmp_path), "--task", "oct_phantom"]) == 0
    assert "images in images/, labels in masks/" in capsys.readouterr().out


def test_a_broken_task_file_is_named(tmp_path, capsys):
    task = tmp_path / "t.json"
    task.write_text(json.dumps({"title": "no name"}))
    assert cli.main(["train", str(task)]) == 1
    assert "t.json: not a task" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["train", "oct_phantom", "scans"], ["predict", "a", "b", "c"]])
def test_words_that_nothing_takes_are_refused(words, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(words)
    assert stop.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_a_reader_that_takes_only_the_first_line_ends_it_quietly():
    """As ``lamina tasks | head -1``: the output is larger than the reader takes."""
    code = "import sys; from lamina.cli import main; sys.exit(main(['tasks']))"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as lamina:
        lamina.stdout.close()
        assert lamina.stderr.read() == ""
        assert lamina.wait() == 141
