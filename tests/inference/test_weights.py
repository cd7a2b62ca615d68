import os

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


KINDS = {
    "NaN": lambda t: t * float("nan"),
    "one infinity": lambda t: t.index_fill(0, torch.tensor([0]), float("inf")),
    "too large for float32": lambda t: t.double() + 1e300,
    "complex": lambda t: t.to(torch.complex64),
    "sparse": lambda t: t.to_sparse(),
    "meta": lambda t: t.to("meta"),
    "integers": lambda t: t.long(),
    "bytes": lambda t: t.to(torch.uint8),
    "booleans": lambda t: t > 0,
    "quantized": lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8),
}
FINE = {
    "half": lambda t: t.half(),
    "bfloat16": lambda t: t.bfloat16(),
    "double": lambda t: t.double(),
    "a parameter": torch.nn.Parameter,
    "a view": lambda t: torch.stack([t, t])[1],
}


@pytest.mark.parametrize("inside", [False, True], ids=["state_dict", "checkpoint"])
@pytest.mark.parametrize("key", ["0.weight", "0.bias", "1.running_var"])
@pytest.mark.parametrize("kind", KINDS)
def test_tensors_that_are_no_weights_are_named_and_not_loaded(tmp_path, kind, key, inside):
    state = network().state_dict()
    state[key] = KINDS[kind](state[key])
    torch.save({"network": state} if inside else state, tmp_path / "m.pt")
    loaded = network()
    before = {name: value.clone() for name, value in loaded.state_dict().items()}
    with pytest.raises(WeightsError, match="m.pt") as error:
        load_weights(loaded, tmp_path / "m.pt")
    assert key in str(error.value) or "not a whole checkpoint" in str(error.value)
    assert all(torch.equal(value, before[name]) for name, value in loaded.state_dict().items())


@pytest.mark.parametrize("kind", FINE)
def test_other_kinds_of_numbers_are_weights(tmp_path, kind):
    source = network()
    state = {
        k: FINE[kind](v) if v.is_floating_point() else v for k, v in source.state_dict().items()
    }
    torch.save(state, tmp_path / "m.pt")
    loaded = load_weights(network(), tmp_path / "m.pt")
    assert torch.allclose(loaded[0].weight, source[0].weight, atol=0.01)


@pytest.mark.parametrize("kind", [torch.int32, torch.int64, torch.float32])
def test_counters_may_be_of_any_kind(tmp_path, kind):
    state = network().state_dict()
    state["1.num_batches_tracked"] = torch.tensor(7, dtype=kind)
    torch.save(state, tmp_path / "m.pt")
    assert load_weights(network(), tmp_path / "m.pt")[1].num_batches_tracked == 7


@pytest.mark.parametrize("value", [3, "text", [1.0], None, {"a": 1}])
def test_what_is_no_tensor_is_named(tmp_path, value):
    torch.save(network().state_dict() | {"0.bias": value}, tmp_path / "m.pt")
    with pytest.raises(WeightsError, match=r"0.bias is a \w+, expected \(3,\)"):
        load_weights(network(), tmp_path / "m.pt")


def test_a_tensor_of_tensors_is_named(tmp_path):
    nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
    torch.save(network().state_dict() | {"0.bias": nested}, tmp_path / "m.pt")
    with pytest.raises(WeightsError, match=r"m\.pt"):
        load_weights(network(), tmp_path / "m.pt")


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_change_to_a_file_is_loaded_whole_or_refused(tmp_path, data):
    torch.save(network().state_dict(), tmp_path / "w.pt")
    content = bytearray((tmp_path / "w.pt").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "m.pt").write_bytes(content)
    try:
        loaded = load_weights(network(), tmp_path / "m.pt")
    except WeightsError as error:
        assert "m.pt" in str(error)
    else:
        assert all(torch.isfinite(value).all() for value in loaded.state_dict().values())
