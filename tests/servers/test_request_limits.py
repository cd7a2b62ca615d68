import asyncio

import pytest

from lamina.servers.request_limits import BodyLimit, RefusedBodyError, RequestLimits

LIMITS = RequestLimits(body=10, bodies=1, silence=0.05, upload=30.0)


async def read_all(scope, receive, send):
    """An app that reads the body and answers with its length."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


class Client:
    """One request whose parts are sent when the test says so."""

    def __init__(self, app, method="POST", headers=()):
        self.parts, self.answers = asyncio.Queue(), []
        scope = {"type": "http", "method": method, "path": "/", "headers": list(headers)}
        self.task = asyncio.create_task(app(scope, self.parts.get, self._answer))

    async def _answer(self, message):
        self.answers.append(message)

    def send(self, body, more=True):
        self.parts.put_nowait({"type": "http.request", "body": body, "more_body": more})

    async def status(self):
        await asyncio.wait_for(self.task, 30)
        starts = [one for one in self.answers if one["type"] == "http.response.start"]
        assert len(starts) == 1
        return starts[0]["status"]


def run(test, app=read_all, limits=LIMITS):
    async def inside():
        await test(BodyLimit(app, limits))

    asyncio.run(inside())


def test_a_body_within_the_limits_passes():
    async def test(app):
        client = Client(app)
        client.send(b"12345")
        client.send(b"67890", more=False)
        assert await client.status() == 200
        assert client.answers[-1]["body"] == b"10"

    run(test)


@pytest.mark.parametrize("length", [b"11", b"99999999999999", b"-1", b"x"])
def test_a_length_that_is_too_large_is_refused_at_once(length):
    async def test(app):
        assert await Client(app, headers=[(b"content-length", length)]).status() == 413

    run(test)


def test_a_body_that_becomes_too_large_is_refused_on_the_way():
    async def test(app):
        client = Client(app)
        client.send(b"12345678")
        client.send(b"9012345")
        assert await client.status() == 413

    run(test)


def test_an_app_that_answers_after_a_refusal_is_not_heard():
    async def stubborn(scope, receive, send):
        try:
            await read_all(scope, receive, send)
        except RefusedBodyError:
            await send({"type": "http.response.start", "status": 400, "headers": []})

    async def test(app):
        client = Client(app)
        client.send(bytes(11))
        assert await client.status() == 413

    run(test, stubborn)


def test_a_silent_client_is_refused():
    async def test(app):
        client = Client(app)
        client.send(b"1")
        assert await client.status() == 408

    run(test)


def test_a_client_that_drips_is_refused_when_its_time_is_over():
    async def test(app):
        client = Client(app)
        client.send(b"1")
        assert await client.status() == 408

    run(test, limits=RequestLimits(silence=30.0, upload=0.05))


def test_too_many_bodies_at_once_are_told_to_come_again():
    async def test(app):
        first, second = Client(app), Client(app)
        await asyncio.sleep(0)
        second.send(b"1", more=False)
        assert await second.status() == 503
        assert (b"retry-after", b"2") in second.answers[0]["headers"]
        first.send(b"1", more=False)
        assert await first.status() == 200
        third = Client(app)
        third.send(b"", more=False)
        assert await third.status() == 200

    run(test, limits=RequestLimits(bodies=1))


def test_a_place_is_free_when_the_body_is_there_though_the_answer_is_not():
    go_on = asyncio.Event()

    async def slow(scope, receive, send):
        await receive()
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def test(app):
        first, second = Client(app), Client(app)
        for client in (first, second):
            await asyncio.sleep(0)
            client.send(b"1", more=False)
        await asyncio.sleep(0.01)
        go_on.set()
        assert [await first.status(), await second.status()] == [200, 200]

    run(test, slow, RequestLimits(bodies=2))


def test_requests_without_a_body_are_not_counted():
    async def test(app):
        Client(app)
        await asyncio.sleep(0)
        reader = Client(app, method="GET")
        reader.send(b"", more=False)
        assert await reader.status() == 200

    run(test)
