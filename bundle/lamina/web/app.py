"""The FastAPI application."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

import lamina
from lamina.errors import LaminaError, WriteError
from lamina.servers.access import Guard
from lamina.servers.request_limits import BodyLimit, busy
from lamina.web.app_state import AppState
from lamina.web.routes import jobs, mask_editor, prediction, saved_results, served_models
from lamina.web.routes.pages import add_pages
from lamina.web.settings import Settings
from lamina.web.worker import BusyError

_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'self'; form-action 'self'; base-uri 'none'; object-src 'none'"
)


def create_app(
    settings: Settings, on_failure: Callable[[LaminaError], None] | None = None
) -> FastAPI:
    """Return the application; its model is loaded in the background once it runs.

    Parameters
    ----------
    settings
        What is served, and to whom.
    on_failure
        Called with the reason if the model can't be loaded.

    Examples
    --------
    >>> app = create_app(Settings(task="oct_phantom"))
    >>> "/predict" in app.openapi()["paths"]
    True
    """
    app = FastAPI(
        title="Lamina",
        version=lamina.__version__,
        description="Segments medical images with a U-Net. Not a medical device.",
        lifespan=_lifespan(settings, on_failure),
        docs_url=None,
        redoc_url=None,
    )
    for routes in (prediction, served_models, jobs, mask_editor, saved_results):
        app.include_router(routes.router)
    add_pages(app)
    _add_handlers(app)
    _describe_as_it_is(app)
    # The last middleware is the outermost.
    app.add_middleware(BodyLimit, limits=settings.limits)
    app.add_middleware(Guard, access=settings.access, policy=_POLICY)
    if settings.cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
        )
    return app


def _lifespan(settings: Settings, on_failure: Callable[[LaminaError], None] | None) -> Any:
    """Return what is there for as long as the app runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.lamina = AppState(settings, on_failure)
        app.state.lamina.start()
        try:
            yield
        finally:
            app.state.lamina.close()

    return lifespan


def _add_handlers(app: FastAPI) -> None:
    """Answer every problem with {"error": …}."""

    @app.exception_handler(LaminaError)
    async def _user_error(_: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, 507 if isinstance(error, WriteError) else 400)

    @app.exception_handler(BusyError)
    async def _busy(_: Request, __: Exception) -> Response:
        return busy()

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = getattr(error, "headers", None)
        return JSONResponse({"error": str(error.detail)}, error.status_code, headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        missing = {"/predict": "file", "/jobs": "file", "/upload_model": "model"}
        field = missing.get(request.url.path)
        if field and any(field in problem["loc"] for problem in error.errors()):
            what = "file" if field == "file" else "model file"
            return JSONResponse({"error": f"No {what} uploaded"}, 400)
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        return JSONResponse({"error": problems}, 400)


def _describe_as_it_is(app: FastAPI) -> None:
    """Leave FastAPI's own 422 out of the OpenAPI document: what is wrong is answered with 400."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        for path in document["paths"].values():
            for operation in path.values():
                refused = operation["responses"].pop("422", None)
                if refused is not None:
                    wrong = operation["responses"].get("401", refused)
                    operation["responses"].setdefault(
                        "400", wrong | {"description": "the request is wrong; the error says why"}
                    )
        return document

    app.openapi = openapi  # type: ignore[method-assign]
