"""Paths with what MONAI's parser takes for references."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lamina.bundle_line import bundle_arguments
from lamina.cli import main
from lamina.errors import ConfigError
from lamina.prediction.segmenter import read_workflow
from lamina.tasks.catalogue import CHECKOUT


@pytest.mark.parametrize("name", ["scan#1", "@#a", "a %#b", "$x"])
def test_a_folder_may_be_called_anything(tmp_path, capsys, name):
    """The task has no weights: the message comes after the folder was read."""
    (tmp_path / name).mkdir()
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / name / "a.png")
    line = ["predict", "lung_cxr", str(tmp_path / name), "--weights", str(tmp_path / name / "w.pt")]
    assert main([*line, "-o", str(tmp_path / name / "out")]) == 1
    assert f"{tmp_path}/{name}/w.pt: there are no weights" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_task_file_that_monai_can_not_be_told_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="MONAI takes a # in a path for an id"):
        bundle_arguments("training", "train.json", Path("/a#b/task.json"), {})


def test_a_workflow_reads_weights_from_any_folder(tmp_path):
    (tmp_path / "b#1" / "configs").mkdir(parents=True)
    config = tmp_path / "b#1" / "configs" / "inference.json"
    config.write_text(
        (CHECKOUT / "configs" / "inference.json")
        .read_text()
        .replace("%configs", f"%{CHECKOUT}/configs")
    )
    assert read_workflow(config, {}).get_parsed_content("bundle_root") == str(tmp_path / "b#1")
