from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from lamina.servers.access import COOKIE, Access, Guard


def ask(access=None, base_url="http://127.0.0.1:5000", **options):
    async def answer(request):
        return PlainTextResponse("hello")

    app = Starlette(routes=[Route("/x", answer, methods=["GET", "POST"])])
    app.add_middleware(Guard, access=access or Access(), policy="default-src 'self'")
    return TestClient(app, base_url=base_url, follow_redirects=False, **options)


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "localhost:5000", "localhost", "[::1]:5000"])
def test_our_own_names_are_let_in(host):
    assert ask().get("/x", headers={"Host": host}).text == "hello"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "10.0.0.1:5000"])
def test_other_names_are_refused(host):
    answer = ask().get("/x", headers={"Host": host})
    assert answer.status_code == 403
    assert "is not this server's name" in answer.json()["error"]


def test_the_host_that_is_listened_on_is_a_name_of_ours():
    wide = Access(host="lamina.example")
    assert ask(wide).get("/x", headers={"Host": "lamina.example:5000"}).status_code == 200
    assert ask(Access(host="0.0.0.0")).get("/x", headers={"Host": "any"}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8080"])
def test_pages_of_others_may_not_post(origin):
    answer = ask().post("/x", headers={"Origin": origin})
    assert answer.status_code == 403
    assert origin in answer.json()["error"]
    named = Access(cors=(origin,))
    assert ask(named).post("/x", headers={"Origin": origin}).status_code == 200


def test_our_own_page_may_post():
    assert ask().post("/x", headers={"Origin": "http://127.0.0.1:5000"}).status_code == 200


@pytest.fixture
def closed():
    return ask(replace(Access(host="0.0.0.0"), token="secret"))


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Cookie": "a=b"}])
def test_without_the_token_nobody_is_let_in(closed, headers):
    answer = closed.get("/x", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "hello" not in answer.text


def test_with_the_token_a_program_is_let_in(closed):
    assert closed.post("/x", headers={"Authorization": "Bearer secret"}).text == "hello"


def test_a_browser_keeps_the_token_as_a_cookie(closed):
    answer = closed.get("/x?token=secret&case=7")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/x?case=7"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert closed.cookies[COOKIE] == "secret"
    assert closed.get("/x").text == "hello"
    assert closed.get("/x?token=wrong", headers={"Cookie": ""}).status_code == 401


def test_a_token_in_an_address_does_not_let_a_form_in(closed):
    assert closed.post("/x?token=secret").status_code == 401


def test_browsers_are_told_to_keep_answers_to_our_pages():
    headers = ask().get("/x").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    shared = ask(Access(cors=("http://a.example",))).get("/x").headers
    assert shared["Cross-Origin-Resource-Policy"] == "cross-origin"
