"""How much a client may send, how slowly, and how many at a time."""

import asyncio
import time
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class RequestLimits:
    """How much one client may send.

    Parameters
    ----------
    body
        Bytes of one request.
    bodies
        Requests whose body is being received; further ones get 503.
    silence, upload
        Seconds without a byte, and for the whole body, after which a client gets 408.
    """

    body: int = 512 * 2**20
    bodies: int = 16
    silence: float = 20.0
    upload: float = 600.0


class RefusedBodyError(Exception):
    """A body that is too large or too slow, and was answered."""


class BodyLimit:
    """ASGI middleware that bounds the bodies of requests.

    413 for one that is too large, 408 for one that is too slow, 503 with Retry-After where too
    many are being received.

    Parameters
    ----------
    app
        What gets the requests.
    limits
        How much, how slowly, how many.
    """

    def __init__(self, app: ASGIApp, limits: RequestLimits) -> None:
        self._app = app
        self._limits = limits
        self._receiving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on as its body comes in."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        body = _Body(receive, send, scope, self._limits)
        if not length.isdigit() or int(length) > self._limits.body:
            await too_large(self._limits)(scope, receive, send)
        elif self._receiving >= self._limits.bodies:
            await body.drain()
            await busy()(scope, receive, send)
        else:
            await self._receive(scope, body)

    async def _receive(self, scope: Scope, body: "_Body") -> None:
        self._receiving += 1
        body.when_complete = self._received
        try:
            await self._app(scope, body.receive, body.send)
        except RefusedBodyError:
            pass
        finally:
            body.complete()

    def _received(self) -> None:
        self._receiving -= 1


class _Body:
    """The body of one request on its way in, and the answer on its way out."""

    def __init__(self, receive: Receive, send: Send, scope: Scope, limits: RequestLimits) -> None:
        self._receive = receive
        self._send = send
        self._scope = scope
        self._limits = limits
        self._size = 0
        self._until = time.monotonic() + limits.upload
        self._is_refused = False
        self._is_complete = False
        self.when_complete = lambda: None

    def complete(self) -> None:
        """Say that nothing more is expected; counts once."""
        if not self._is_complete:
            self._is_complete = True
            self.when_complete()

    async def receive(self) -> Message:
        """Return the next part of the body."""
        if self._is_complete:
            return await self._receive()
        seconds = min(self._limits.silence, self._until - time.monotonic())
        try:
            message = await asyncio.wait_for(self._receive(), max(seconds, 0))
        except TimeoutError:
            await self._refuse(_problem(408, "the request came too slowly; send it again"))
        self._size += len(message.get("body", b""))
        if self._size > self._limits.body:
            await self._refuse(too_large(self._limits))
        if not message.get("more_body", False):
            self.complete()
        return message

    async def drain(self) -> None:
        """Read the rest and keep nothing: a client may only read an answer when it has sent all."""
        try:
            while not self._is_complete:
                await self.receive()
        except RefusedBodyError:
            pass

    async def _refuse(self, answer: Response) -> None:
        if not self._is_refused:
            await answer(self._scope, self._receive, self._send)
        self._is_refused = True
        self.complete()
        raise RefusedBodyError

    async def send(self, message: Message) -> None:
        """Pass an answer on, if none was given."""
        if not self._is_refused:
            await self._send(message)


def busy() -> Response:
    """Return what a client gets beyond capacity."""
    answer = _problem(503, "too much is being done; ask again in a moment")
    answer.headers["Retry-After"] = "2"
    return answer


def too_large(limits: RequestLimits) -> Response:
    """Return what a client gets whose request is too large, or does not say how large it is."""
    return _problem(413, f"at most {limits.body / 1e6:.0f} MB are taken in one request")


def _problem(status: int, reason: str) -> Response:
    # The connection can't be used again where the rest of the body was not read.
    headers = {"Connection": "close"} if status != 503 else None
    return JSONResponse({"error": reason}, status, headers)
