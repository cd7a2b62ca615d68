"""What goes wrong around a real server: a full disk, a kill in the middle, a second server."""

import json
import os
import resource
import shutil
import signal
import time

import numpy as np
import pytest
import requests
from monailabel.client.client import MONAILabelClientException
from tests.label.conftest import read, wait_for_training, write_label, write_volume


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    for seed, name in enumerate("ab"):
        write_volume(folder / "studies" / f"{name}.nii.gz", seed)
    return folder


@pytest.fixture(scope="module")
def words(folder, small_tasks):
    return ["--studies", folder / "studies", "--tasks", small_tasks["balls"]]


@pytest.fixture(scope="module")
def server(serve, folder, words, packed_work):
    """A server with one label and one version of the weights."""
    weights = packed_work.folder / "models" / "balls"
    shutil.copytree(weights, folder / "studies" / "lamina_label" / "models" / "balls")
    server = serve(folder / "server.log", *words)
    ball = write_volume(folder / "same.nii.gz", 0)
    label = write_label(folder / "ball.nii.gz", ball)
    server.client(folder).save_label("a", label, params={"model": "balls"})
    return server


@pytest.fixture
def client(server, tmp_path):
    return server.client(tmp_path)


def full_disk(server):
    """Let no file of the server, and of what it starts, grow: as on a disk without room."""
    return resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (100, -1))


def test_a_full_disk_is_told_and_nothing_is_lost(server, client, tmp_path, folder):
    models = folder / "studies" / "lamina_label" / "models" / "balls"
    before = {path.name: path.read_bytes() for path in models.iterdir()}
    label = read(client.download_label("a", "final"))
    other = write_label(tmp_path / "other.nii.gz", np.ones((34, 46, 30)))
    room = full_disk(server)
    try:
        with pytest.raises(MONAILabelClientException) as caught:
            client.save_label("a", other)
        assert "Status: 507" in caught.value.msg
        assert "make room there" in caught.value.msg
        client.train_start("balls", {"max_epochs": 2})
        done = wait_for_training(client)
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, room)
    assert done["status"] == "ERROR"
    assert "can't be written" in "\n".join(done["details"])
    assert {path.name: path.read_bytes() for path in models.iterdir()} == before
    np.testing.assert_array_equal(read(client.download_label("a", "final")), label)
    assert client.infer("balls", "b", {})[0]


def test_weights_are_neither_sent_nor_removed_by_clients(server):
    for method in ("PUT", "DELETE"):
        answer = requests.request(method, f"{server.url}/model/balls", timeout=10)
        assert answer.status_code == 400
    assert requests.get(f"{server.url}/model/info/balls", timeout=10).json()["checksum"]


def test_parameters_that_are_no_json_are_refused(server):
    answer = requests.post(
        f"{server.url}/infer/balls?image=a", data={"params": "{threshold"}, timeout=10
    )
    assert answer.status_code == 400
    assert "no JSON" in answer.json()["detail"]


def test_studies_are_not_deleted(server, folder):
    answer = requests.delete(f"{server.url}/datastore/image?id=a", timeout=10)
    assert answer.status_code == 400
    assert (folder / "studies" / "a.nii.gz").is_file()


def test_a_server_killed_in_training_goes_on_where_it_was(serve, server, folder, words, tmp_path):
    client = server.client(tmp_path)
    before = client.info()["models"]["balls"]["config"]["model_filename"]
    mask = read(client.infer("balls", "b", {})[0])
    client.train_start("balls", {"max_epochs": 20})
    runs = folder / "studies" / "lamina_label" / "runs" / "balls"
    while client.info()["train_stats"]["balls"].get("epoch", 0) < 3 or not is_new(runs):
        assert client.train_status()["status"] in ("SUBMITTED", "RUNNING")
        time.sleep(0.1)
    server.stop()
    done = json.loads((runs / "history.json").read_text())

    again = serve(folder / "again.log", *words)
    client = again.client(tmp_path)
    assert client.info()["models"]["balls"]["config"]["model_filename"] == before
    np.testing.assert_array_equal(read(client.infer("balls", "b", {})[0]), mask)
    client.train_start("balls", {"max_epochs": 20})
    assert wait_for_training(client)["status"] == "DONE"
    rows = json.loads((runs / "history.json").read_text())
    assert [row["epoch"] for row in rows] == list(range(1, 21))
    # What was done before the kill was not done again: its times stand as they were.
    kept = min(len(done) - 1, 2)
    assert [row["seconds"] for row in rows[:kept]] == [row["seconds"] for row in done[:kept]]
    after = client.info()["models"]["balls"]["config"]["model_filename"]
    assert len(after) == len(before) + 1

    # A server that is stopped takes its training with it.
    client.train_start("balls", {"max_epochs": 5000})
    while client.train_status()["status"] != "RUNNING":
        time.sleep(0.1)
    again.process.terminate()
    assert again.process.wait() == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.killpg(again.process.pid, 0)


def is_new(runs):
    """Say whether the training of 20 epochs has a checkpoint."""
    asked = json.loads((runs / "asked.json").read_text())
    return asked["max_epochs"] == 20 and (runs / "last.pt").is_file()
