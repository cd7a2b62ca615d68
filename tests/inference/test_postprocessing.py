import pytest
import torch

from lamina.errors import ConfigError
from lamina.files import write_json
from lamina.inference.postprocessing import build_steps, find_postprocessing

LARGEST = {
    "_target_": "KeepLargestConnectedComponentd",
    "keys": "pred",
    "applied_labels": [1],
    "is_onehot": False,
}
FILLED = {"_target_": "FillHolesd", "keys": "pred", "applied_labels": [1]}


def test_the_runs_choice_counts_for_its_own_networks_alone(tmp_path):
    assert find_postprocessing(None, tmp_path, [FILLED]) == [FILLED]
    assert find_postprocessing(None, tmp_path, None) == []
    write_json(tmp_path / "postprocessing.json", {"postprocessing": [LARGEST]})
    assert find_postprocessing(None, tmp_path, [FILLED]) == [LARGEST]
    assert find_postprocessing("other.pt", tmp_path, [FILLED]) == [FILLED]
    (tmp_path / "model.pt").write_bytes(b"")
    assert find_postprocessing(None, tmp_path, [FILLED]) == [FILLED]


@pytest.mark.parametrize("content", [[], {}, {"postprocessing": {}}])
def test_a_file_without_steps_is_refused(tmp_path, content):
    write_json(tmp_path / "postprocessing.json", content)
    with pytest.raises(ConfigError, match="no list 'postprocessing'"):
        find_postprocessing(None, tmp_path, None)


def test_a_file_that_is_a_program_is_refused_and_not_run(tmp_path):
    step = {"_target_": "os.mkdir", "path": str(tmp_path / "RAN")}
    write_json(tmp_path / "postprocessing.json", {"postprocessing": [FILLED, step]})
    with pytest.raises(ConfigError, match=r"postprocessing#1: 'os.mkdir' is no post-processing"):
        find_postprocessing(None, tmp_path, None)
    with pytest.raises(ConfigError, match=r"postprocessing#0: 'os.mkdir' is no post-processing"):
        build_steps([step])
    with pytest.raises(ConfigError, match="no expression"):
        build_steps([FILLED | {"applied_labels": f"$open({str(tmp_path / 'RAN')!r}, 'w')"}])
    assert not (tmp_path / "RAN").exists()


def test_arguments_that_a_step_does_not_take_are_named():
    with pytest.raises(ConfigError, match=r"FillHolesd: .*'conectivity'"):
        build_steps([FILLED | {"conectivity": 1}])


def test_a_step_may_be_disabled():
    assert build_steps([FILLED | {"_disabled_": True}]).transforms == ()


def test_steps_are_done_in_their_order():
    label = torch.zeros(1, 9, 9, dtype=torch.uint8)
    label[0, 1:6, 1:6] = 1
    label[0, 3, 3] = 0
    label[0, 8, 8] = 1
    made = build_steps([LARGEST, FILLED])({"pred": label})["pred"]
    assert made.sum() == 25
    assert made[0, 8, 8] == 0
    assert made.dtype == torch.uint8
    assert torch.equal(build_steps([])({"pred": label})["pred"], label)
