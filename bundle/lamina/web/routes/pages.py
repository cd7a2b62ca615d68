"""The pages, and the API's documentation with scripts from the package."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from lamina.web.routes.common import problems

STATIC = Path(__file__).parents[1] / "static"
_PAGES = {"/": "try.html", "/draw": "draw.html", "/results": "results.html", "/docs": "docs.html"}

router = APIRouter(include_in_schema=False)


def add_pages(app: FastAPI) -> None:
    """Let an app answer with the pages and what they need."""
    for path, name in _PAGES.items():
        if (STATIC / name).is_file():
            router.add_api_route(path, _page(STATIC / name), responses=problems())
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.mount("/swagger", StaticFiles(directory=_swagger_folder()))


def _page(file: Path) -> Callable[[], FileResponse]:
    def page() -> FileResponse:
        return FileResponse(file, headers={"Cache-Control": "no-cache"})

    return page


def _swagger_folder() -> Path:
    """Return where fastapi-offline keeps Swagger UI; nothing else of it is used."""
    spec = find_spec("fastapi_offline")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "static"
