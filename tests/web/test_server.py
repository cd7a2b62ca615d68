"""`lamina serve` as a process of its own, and many clients at once."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest

from lamina.errors import ConfigError
from lamina.web.server import serve
from lamina.web.settings import Limits, Settings

from .conftest import running

BOUNDARY = "b0undary"


def multipart(content, field="file", name="a.png"):
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"'
    body = f"{head}\r\n\r\n".encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def ask(address, path, method="GET", body=None, headers=None):
    """Return status, headers and body of one request."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=600)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def predict(address, picture):
    body, headers = multipart(picture)
    return ask(address, "/predict", "POST", body, headers)


def wait_until_ready(address):
    for _ in range(1200):
        with contextlib.suppress(OSError):
            if json.loads(ask(address, "/health")[2])["status"] == "ready":
                return
        time.sleep(0.1)
    raise AssertionError("the server was not ready after two minutes")


@contextlib.contextmanager
def started(tiny, folder, *words, **environment):
    """Run `lamina serve` as a process; yield it and what it printed."""
    task, weights, _ = tiny
    line = [sys.executable, "-m", "lamina.cli", "serve", "--task", str(task), "--port", "0"]
    line += ["--weights", str(weights), *words]
    settings = os.environ | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"} | environment
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=settings
    )
    said = ""
    while "Lamina is at" not in said:
        said += process.stdout.readline()
    try:
        yield process, said
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_it_starts_answers_and_leaves_nothing_behind(tiny, picture, tmp_path):
    with started(tiny, tmp_path) as (process, said):
        address = re.search(r"http://127.0.0.1:\d+", said)[0]
        assert b"<title>Lamina: try a model</title>" in ask(address, "/")[2]
        wait_until_ready(address)
        assert predict(address, picture)[0] == 200
        assert list(tmp_path.glob("lamina-temporary-*"))
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert not list(tmp_path.glob("lamina-temporary-*"))
    assert "warning" not in said


def test_control_c_ends_it_without_a_word(tiny, tmp_path):
    with started(tiny, tmp_path) as (process, said):
        wait_until_ready(re.search(r"http://127.0.0.1:\d+", said)[0])
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stdout.read().strip() == ""
    assert not list(tmp_path.glob("lamina-temporary-*"))


def test_bound_wider_it_warns_and_wants_a_token(tiny, tmp_path):
    words = ("--host", "0.0.0.0")
    with started(tiny, tmp_path, *words, LAMINA_TOKEN="my-token") as (_, said):
        assert "0.0.0.0 can be reached from other machines" in said
        port = re.search(r":(\d+)/\?token=my-token", said)[1]
        address = f"http://127.0.0.1:{port}"
        assert ask(address, "/health")[0] == 401
        assert ask(address, "/health", headers={"Authorization": "Bearer my-token"})[0] == 200
        status, headers, _ = ask(address, "/?token=my-token")
        assert status == 303
        assert ask(address, "/", headers={"Cookie": headers["Set-Cookie"].split(";")[0]})[0] == 200


def test_on_loopback_a_token_is_wanted_where_one_was_set(tiny, tmp_path):
    with started(tiny, tmp_path, LAMINA_TOKEN="mine") as (_, said):
        address = re.search(r"http://127.0.0.1:\d+", said)[0]
        assert said.startswith(f"Lamina is at {address}/?token=mine ")
        assert ask(address, "/health")[0] == 401


def test_a_model_that_is_not_there_ends_it_with_the_reason(tiny, tmp_path):
    task, _, _ = tiny
    line = [sys.executable, "-m", "lamina.cli", "serve", "--task", str(task), "--port", "0"]
    made = subprocess.run(
        [*line, "--weights", str(tmp_path / "none.pt")], capture_output=True, text=True, check=False
    )
    assert made.returncode == 1
    assert "none.pt: there are no weights" in made.stderr
    assert "Traceback" not in made.stderr


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"nothing can listen at 127.0.0.1:{port}"):
            serve(Settings(port=port))


def hammer(address, picture, seconds):
    """Let 16 clients ask for predictions; return the statuses."""
    statuses, until = [], time.monotonic() + seconds

    def client():
        while time.monotonic() < until:
            status, headers, body = predict(address, picture)
            statuses.append(status)
            assert status != 200 or body.startswith(b"\x89PNG")
            assert status != 503 or headers["Retry-After"]

    threads = [threading.Thread(target=client) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def test_16_clients_for_ten_seconds(settings, picture):
    with running(settings) as address:
        wait_until_ready(address)
        statuses = hammer(address, picture, 10)
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > 16


@pytest.mark.slow
def test_16_clients_for_a_minute_leave_the_memory_as_it_was(tiny, picture, tmp_path):
    with started(tiny, tmp_path) as (process, said):
        address = re.search(r"http://127.0.0.1:\d+", said)[0]
        wait_until_ready(address)
        hammer(address, picture, 5)
        before = psutil.Process(process.pid).memory_info().rss
        statuses = hammer(address, picture, 60)
        after = psutil.Process(process.pid).memory_info().rss
        assert not list(tmp_path.rglob("image*"))
    assert set(statuses) <= {200, 503}
    print(f"{statuses.count(200)} done, {statuses.count(503)} refused, {before} → {after} bytes")
    assert abs(after - before) < 0.1 * before


def test_a_slow_client_does_not_hold_up_others(settings, picture):
    patient = replace(settings, limits=Limits(silence=1.0))
    with running(patient) as address:
        wait_until_ready(address)
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as slow:
            head = f"POST /predict HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 1000\r\n"
            kind = f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
            slow.sendall((head + kind + "--").encode())
            assert predict(address, picture)[0] == 200
            assert slow.recv(1000).startswith(b"HTTP/1.1 408")


def test_a_client_that_leaves_does_no_harm(settings, picture):
    with running(settings) as address:
        wait_until_ready(address)
        host, port = address.removeprefix("http://").split(":")
        for _ in range(5):
            with socket.create_connection((host, int(port))) as gone:
                gone.sendall(
                    f"POST /predict HTTP/1.1\r\nHost: {host}:{port}\r\n"
                    "Content-Length: 100\r\n\r\nab".encode()
                )
        assert predict(address, picture)[0] == 200
