import json

import pytest

from lamina.errors import ConfigError
from lamina.label import server
from lamina.label.errors import BusyError, UnknownNameError
from lamina.servers.access import Access


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setattr(server, "_known", lambda kind: ["lungs", "two words"])
    monkeypatch.setattr(server, "_require_idle", lambda: None)


@pytest.mark.parametrize("kind", ["train", "infer", "batch/infer", "scoring", "activelearning"])
def test_an_unknown_name_is_refused_before_anything_starts(known, kind):
    server.check_request("POST", f"/{kind}/lungs", enqueue=False)
    server.check_request("POST", f"/{kind}/two words", enqueue=False)
    with pytest.raises(UnknownNameError, match="known are lungs"):
        server.check_request("POST", f"/{kind}/liver", enqueue=False)


def test_other_requests_pass(known):
    for method, path in (("GET", "/train/"), ("POST", "/train/"), ("PUT", "/datastore/label")):
        server.check_request(method, path, enqueue=False)
    server.check_request("GET", "/model/liver", enqueue=False)


def test_a_second_training_waits_only_where_that_is_asked_for(known, monkeypatch):
    def busy():
        raise BusyError("a training is running already")

    monkeypatch.setattr(server, "_require_idle", busy)
    server.check_request("POST", "/train/lungs", enqueue=True)
    with pytest.raises(BusyError):
        server.check_request("POST", "/train/lungs", enqueue=False)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_weights_are_no_business_of_clients(known, method):
    with pytest.raises(ConfigError, match="trainings of this server alone"):
        server.check_request(method, "/model/lungs", enqueue=False)


def test_the_processes_it_starts_know_what_it_serves(monkeypatch, tmp_path):
    environment = {}
    monkeypatch.setattr(server.os, "environ", environment)
    server._settings(tmp_path, "/studies", 8123)
    assert environment["MONAI_LABEL_APP_DIR"] == str(tmp_path)
    assert environment["MONAI_LABEL_STUDIES"] == "/studies"
    origins = json.loads(environment["MONAI_LABEL_CORS_ORIGINS"])
    assert origins == ["http://127.0.0.1:8123"]


def test_it_listens_where_it_was_asked_to(monkeypatch, tmp_path):
    import uvicorn

    called = {}
    access = Access("0.0.0.0", "secret")
    monkeypatch.setattr(server, "_settings", lambda *_: None)
    monkeypatch.setattr(server, "server_app", lambda access: access)
    monkeypatch.setattr(server, "_stop_processes", lambda: called.update(stopped=True))
    monkeypatch.setattr(server.tempfile, "tempdir", None)
    monkeypatch.setattr(server.signal, "signal", lambda *_: None)
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: called.update(options, app=app))
    server.serve(tmp_path, "/studies", access, 8123)
    assert (called["host"], called["port"], called["stopped"]) == ("0.0.0.0", 8123, True)
    assert called["app"] is access
