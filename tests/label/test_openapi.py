"""MONAI Label's own description of the server: no request that it allows is answered with a bug."""

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from tests.label.conftest import write_volume

schemathesis = pytest.importorskip("schemathesis")

MODEL = "hippocampus_mr"
FEW = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    write_volume(folder / "a.nii.gz", 0)
    return serve(folder / "server.log", "--studies", folder, "--tasks", MODEL)


def test_no_request_meets_a_bug(server):
    document = requests.get(f"{server.url}/openapi.json", timeout=60).json()
    met = []
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()

        @FEW
        @given(case=operation.as_strategy())
        def ask(case):
            answer = case.call(base_url=server.url, timeout=60)
            if answer.status_code >= 500:
                met.append((case.method, case.formatted_path, answer.status_code, answer.text))

        ask()
    assert met == []


@pytest.mark.parametrize("params", ["1", "[]", "null", '"x"', "{", "[" * 9000])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/datastore/image?image=b"),
        ("PUT", "/datastore/label?image=a"),
        ("PUT", "/datastore/image/info?image=a"),
        ("POST", f"/infer/{MODEL}?image=a"),
        ("POST", f"/train/{MODEL}"),
        ("POST", "/activelearning/first"),
        ("POST", f"/batch/infer/{MODEL}"),
    ],
)
def test_parameters_that_are_no_object_are_no_bug(server, method, path, params):
    content = {"data": {"params": params, "info": params}}
    if "/datastore/" in path and "info" not in path:
        content["files"] = {"file": ("b.nii.gz", b"x"), "label": ("b.nii.gz", b"x")}
    if path.startswith(("/train", "/active", "/batch")):
        content = {"data": params, "headers": {"Content-Type": "application/json"}}
    answer = requests.request(method, server.url + path, **content, timeout=120)
    assert answer.status_code < 500, answer.text
    if params == "{":
        # A training that runs already is told first.
        assert answer.status_code in (400, 422, 429)


def test_the_whole_log_is_sent_while_it_grows(server):
    for turn in range(20):
        answer = requests.get(f"{server.url}/logs/?lines=0", timeout=60)
        assert "GET /logs/?lines=0" in answer.text or turn == 0


def test_whole_slides_are_not_served(server):
    answer = requests.post(f"{server.url}/infer/wsi_v2/{MODEL}", json={}, timeout=60)
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        f"/infer/wsi_v2/{MODEL}: whole slides are not served",
    )
