"""Access control: the Host and the Origin of a request, and the access token.

Any web page can make a browser send a form to 127.0.0.1, or give its own name that address (DNS
rebinding): so the name that a request is for, and the page that it comes from, must be our own or
named at the start. Starlette's CORSMiddleware answers the pages that may ask; its
TrustedHostMiddleware refuses in plain text without the name, and nothing of it looks at the Origin
of a request that changes something, or at a token.
"""

import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
COOKIE = "lamina_token"
_ANYWHERE = ("0.0.0.0", "::", "")


@dataclass(frozen=True)
class Access:
    """Who may ask a server.

    Parameters
    ----------
    host
        Where it listens.
    token
        What every request must carry; None on loopback.
    cors
        Origins of other pages that may ask, ``null`` for a page opened from a file.
    command
        What prints the token, for the message of who lacks it.
    """

    host: str = "127.0.0.1"
    token: str | None = None
    cors: tuple[str, ...] = ()
    command: str = "lamina serve"

    @property
    def is_wide(self) -> bool:
        """Whether other machines reach it."""
        return self.host not in LOOPBACK

    def with_token(self) -> "Access":
        """Return the same with the token of LAMINA_TOKEN, or a new one where it is needed.

        The command line has no option for it: other users of the machine see a command line.

        >>> Access().with_token().token, len(Access("0.0.0.0").with_token().token)
        (None, 32)
        """
        token = self.token or os.environ.get("LAMINA_TOKEN") or None
        if token is None and self.is_wide:
            token = secrets.token_urlsafe(24)
        return replace(self, token=token)

    def fits(self, given: str) -> bool:
        """Say whether this is the token."""
        return hmac.compare_digest(given.encode(), (self.token or "").encode())


class Guard:
    """ASGI middleware that answers 403 or 401 to whom it does not know.

    Parameters
    ----------
    app
        What it guards.
    access
        The host that is listened on, the token, and whose pages may ask.
    policy
        Content-Security-Policy of every answer that has none.
    without_token
        Paths that are answered without the token, such as that of the login.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        policy: str | None = None,
        without_token: Sequence[str] = (),
    ) -> None:
        self._app = app
        self._access = access
        self._policy = policy
        self._without_token = without_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        answer = self._app if refusal is None else refusal
        await answer(scope, receive, self._with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(host):
            return _refused(403, f"Host {host!r} is not this server's name")
        origin = headers.get("origin")
        if origin and origin not in self._access.cors and urlsplit(origin).netloc != host:
            return _refused(403, f"pages of {origin} may not ask here; see --cors")
        return self._token_refusal(scope, headers)

    def _is_ours(self, host: str) -> bool:
        name = urlsplit(f"//{host}").hostname or ""
        return self._access.host in _ANYWHERE or name in (*LOOPBACK, self._access.host)

    def _token_refusal(self, scope: Scope, headers: Headers) -> Response | None:
        if self._access.token is None or scope["method"] == "OPTIONS":
            return None
        if scope["path"] in self._without_token:
            return None
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        if self._access.fits(query.pop("token", "")) and scope["method"] == "GET":
            # The browser keeps it from now on, and it no longer stands in the address.
            answer = RedirectResponse(f"{scope['path']}?{urlencode(query)}".rstrip("?"), 303)
            answer.set_cookie(COOKIE, self._access.token, httponly=True, samesite="strict")
            return answer
        bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        if self._access.fits(bearer) or (cookie and self._access.fits(cookie.value)):
            return None
        return _refused(
            401, f"an access token is needed: the one that `{self._access.command}` printed"
        )

    def _with_headers(self, send: Send) -> Send:
        """Add what tells browsers to keep the answer to our own pages."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if self._policy:
                    headers.setdefault("Content-Security-Policy", self._policy)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                shared = "cross-origin" if self._access.cors else "same-origin"
                headers["Cross-Origin-Resource-Policy"] = shared
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        return sending


def _refused(status: int, reason: str) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"error": reason}, status, headers)
