"""Who may ask a real label server: a page of another site, a machine without the token."""

import pytest
import requests
from monailabel.client.client import MONAILabelClientException
from tests.label.conftest import write_volume

MODEL = "hippocampus_mr"


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    write_volume(folder / "a.nii.gz", 0)
    return folder


@pytest.fixture(scope="module")
def server(serve, studies, tmp_path_factory):
    log = tmp_path_factory.mktemp("logs") / "server.log"
    return serve(log, "--studies", studies, "--tasks", MODEL)


@pytest.fixture(scope="module")
def closed(serve, studies, tmp_path_factory):
    """A server that wants a token."""
    folder = tmp_path_factory.mktemp("closed")
    words = ("--studies", studies, "--tasks", MODEL, "--work-dir", folder)
    return serve(folder / "server.log", *words, LAMINA_TOKEN="secret")


REQUESTS = [
    ("get", "/info/"),
    ("get", "/datastore/?output=all"),
    ("put", "/datastore/label?image=a&tag=final"),
    ("post", f"/train/{MODEL}"),
    ("post", f"/infer/{MODEL}?image=a"),
    ("delete", "/datastore/?id=a"),
    ("get", "/logs/"),
]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:8000"}, {"Origin": "null"}]
    + [{"Origin": "http://evil.example"}],
)
def test_other_names_and_other_pages_are_refused(server, studies, method, path, headers):
    answer = requests.request(method, server.url + path, headers=headers, timeout=60)
    assert answer.status_code == 403
    assert "not this server's name" in answer.text or "may not ask here" in answer.text
    assert (studies / "a.nii.gz").is_file()


def test_its_own_page_may_ask(server):
    assert requests.get(f"{server.url}/info/", headers={"Origin": server.url}, timeout=60).ok
    assert requests.get(f"{server.url}/", timeout=60).ok  # Swagger's page, with its own scripts
    headers = requests.get(f"{server.url}/", timeout=60).headers
    assert "Content-Security-Policy" not in headers
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_without_the_token_nobody_gets_anything(closed, method, path):
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = requests.request(method, closed.url + path, headers=headers, timeout=60)
        assert answer.status_code == 401
        assert "the one that `lamina label` printed" in answer.text


def test_the_client_logs_in_with_the_token_as_its_password(closed, tmp_path):
    client = closed.client(tmp_path)
    assert client.auth_enabled()
    with pytest.raises(MONAILabelClientException, match="Status: 401"):
        client.auth_token("anybody", "wrong")
    client.update_auth(client.auth_token("anybody", "secret"))
    assert MODEL in client.info()["models"]
    assert "log in with any name and this password: secret" in closed.told()


def test_no_login_is_asked_for_on_loopback(server, tmp_path):
    assert not server.client(tmp_path).auth_enabled()


def test_a_body_beyond_the_bound_is_refused_before_it_is_sent(server):
    asked = requests.Request("PUT", f"{server.url}/datastore/?image=z", data=b"x").prepare()
    asked.headers["Content-Length"] = str(5 * 2**30)
    answer = requests.Session().send(asked, timeout=60)
    assert answer.status_code == 413
    assert "at most 4295 MB" in answer.text


@pytest.mark.parametrize("value", ["1e400", "-1e400", "NaN", "[]", '"x"', "[" * 5000 + "]" * 5000])
def test_options_that_are_no_numbers_are_named(server, value):
    sizes = requests.get(f"{server.url}/info/", timeout=60).json()["models"][MODEL]["config"]
    for name in (one for one, given in sizes.items() if type(given) in (int, float)):
        form = {"params": f'{{"{name}": {value}}}'}
        answer = requests.post(f"{server.url}/infer/{MODEL}?image=a", data=form, timeout=120)
        assert answer.status_code == 400, (name, answer.text)
