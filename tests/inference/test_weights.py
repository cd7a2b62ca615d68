import os

import pytest
import torch

from lamina.errors import WeightsError
from lamina.inference.weights import find_weights, load_weights


@pytest.fixture
def folders(tmp_path):
    run, released = tmp_path / "run", tmp_path / "models" / "model.pt"
    run.mkdir()
    released.parent.mkdir()
    return run, released


def network(width=3):
    return torch.nn.Sequential(torch.nn.Conv2d(1, width, 3), torch.nn.BatchNorm2d(width))


def test_the_finished_run_comes_before_the_released_model(folders):
    run, released = folders
    released.touch()
    assert find_weights(None, str(run), str(released)) == released
    for name in ("run.json", "best.pt"):  # begun, but not finished: nothing else in its place
        (run / name).touch()
        with pytest.raises(WeightsError, match=f"{run} is not finished"):
            find_weights(None, str(run), str(released))
    (run / "model.pt").touch()
    assert find_weights(None, str(run), str(released)) == run / "model.pt"
    assert find_weights("released", str(run), str(released)) == released
    assert find_weights(str(run / "best.pt"), str(run), str(released)) == run / "best.pt"


def test_no_weights_say_what_to_do(folders):
    run, released = folders
    with pytest.raises(WeightsError, match="there are no weights\n.*train first"):
        find_weights(None, str(run), str(released))
    (run / "best.pt").touch()
    with pytest.raises(WeightsError, match=f"not finished\n.*--weights {run}/best.pt"):
        find_weights(None, str(run), str(released))
    with pytest.raises(WeightsError, match="nowhere.pt: there are no weights"):
        find_weights("nowhere.pt", str(run), str(released))


def test_state_dict_and_checkpoint_both_load(tmp_path):
    source = network()
    torch.save(source.state_dict(), tmp_path / "bare.pt")
    torch.save({"network": source.state_dict(), "epoch": 3}, tmp_path / "last.pt")
    for name in ("bare.pt", "last.pt"):
        loaded = load_weights(network().train(), tmp_path / name)
        assert not loaded.training
        assert torch.equal(loaded[0].weight, source[0].weight)


def test_another_network_is_refused_and_nothing_is_loaded(tmp_path):
    torch.save(network(5).state_dict(), tmp_path / "wide.pt")
    narrow = network(3)
    before = narrow[0].weight.clone()
    with pytest.raises(WeightsError, match=r"0.weight is \(5, 1, 3, 3\), expected \(3, 1, 3, 3\)"):
        load_weights(narrow, tmp_path / "wide.pt")
    assert torch.equal(narrow[0].weight, before)


def test_missing_and_unknown_names_are_told(tmp_path):
    state = network().state_dict()
    state["other.weight"] = state.pop("0.bias")
    torch.save(state, tmp_path / "m.pt")
    with pytest.raises(WeightsError, match="0.bias is missing; other.weight is not part"):
        load_weights(network(), tmp_path / "m.pt")


class Evil:
    def __reduce__(self):
        return os.mkdir, (os.environ["LAMINA_EVIL"],)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("LAMINA_EVIL", str(tmp_path / "evil"))
    torch.save({"network": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError, match="evil.pt is not a whole checkpoint"):
        load_weights(network(), tmp_path / "evil.pt")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 broken"])
def test_broken_files_are_named(tmp_path, content):
    (tmp_path / "b.pt").write_bytes(content)
    with pytest.raises(WeightsError, match="b.pt is not a whole checkpoint"):
        load_weights(network(), tmp_path / "b.pt")


def test_a_list_is_no_state_dict(tmp_path):
    torch.save([torch.ones(2)], tmp_path / "l.pt")
    with pytest.raises(WeightsError, match="it holds a list"):
        load_weights(network(), tmp_path / "l.pt")
