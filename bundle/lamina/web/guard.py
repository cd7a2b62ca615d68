"""Access control: the Host and the Origin of a request, and the access token.

Any web page can make a browser send a form to 127.0.0.1, or give its own name that address (DNS
rebinding): so the name that a request is for, and the page that it comes from, must be our own or
named at the start. Starlette's CORSMiddleware answers the pages that may ask; its
TrustedHostMiddleware refuses in plain text without the name, and nothing of it looks at the Origin
of a request that changes something, or at a token.
"""

import hmac
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lamina.web.settings import LOOPBACK, Settings

COOKIE = "lamina_token"
_ANYWHERE = ("0.0.0.0", "::", "")
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'self'; form-action 'self'; base-uri 'none'; object-src 'none'"
)


class Guard:
    """ASGI middleware that answers 403 or 401 to whom it does not know.

    Parameters
    ----------
    app
        What it guards.
    settings
        The host that is listened on, the token, and whose pages may ask.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        answer = self._app if refusal is None else refusal
        await answer(scope, receive, _with_headers(send, bool(self._settings.cors)))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(host):
            return _refused(403, f"Host {host!r} is not this server's name")
        origin = headers.get("origin")
        if origin and origin not in self._settings.cors and urlsplit(origin).netloc != host:
            return _refused(403, f"pages of {origin} may not ask here; see --cors")
        return self._token_refusal(scope, headers)

    def _is_ours(self, host: str) -> bool:
        name = urlsplit(f"//{host}").hostname or ""
        return self._settings.host in _ANYWHERE or name in (*LOOPBACK, self._settings.host)

    def _token_refusal(self, scope: Scope, headers: Headers) -> Response | None:
        if self._settings.token is None or scope["method"] == "OPTIONS":
            return None
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        if self._fits(query.pop("token", "")) and scope["method"] == "GET":
            # The browser keeps it from now on, and it no longer stands in the address.
            answer = RedirectResponse(f"{scope['path']}?{urlencode(query)}".rstrip("?"), 303)
            answer.set_cookie(COOKIE, self._settings.token, httponly=True, samesite="strict")
            return answer
        bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        if self._fits(bearer) or (cookie and self._fits(cookie.value)):
            return None
        return _refused(
            401, "an access token is needed: open the address that `lamina serve` printed"
        )

    def _fits(self, given: str) -> bool:
        expected = self._settings.token or ""
        return hmac.compare_digest(given.encode(), expected.encode())


def _refused(status: int, reason: str) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"error": reason}, status, headers)


def _with_headers(send: Send, is_shared: bool) -> Send:
    """Add what tells browsers to keep the answer to our own pages."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", _POLICY)
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "no-referrer"
            headers["Cross-Origin-Resource-Policy"] = "cross-origin" if is_shared else "same-origin"
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending
