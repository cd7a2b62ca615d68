"""What predictions and evaluations have left on disk."""

from pathlib import Path as File
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from pydantic import BaseModel

from lamina.web.app_state import AppState
from lamina.web.descriptions import SavedResultState
from lamina.web.routes.common import LoadedState, problems

if TYPE_CHECKING:
    from lamina.web.saved_results import SavedResult

router = APIRouter(tags=["results"])

Key = Annotated[str, Path(description="the key of a folder, from /outputs", max_length=64)]
# A report has styles and pictures within it and no scripts; it must not act as our pages do.
_REPORT = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class SavedResultFolder(BaseModel):
    """A folder with predictions, or with the report of an evaluation."""

    key: str
    name: str
    kind: Literal["predictions", "report"]


@router.get("/outputs", responses=problems(), response_model=list[SavedResultFolder])
async def outputs(state: LoadedState) -> Any:
    """List the folders with predictions and reports, the newest first."""
    results = await run_in_threadpool(_find, state)
    return [
        SavedResultFolder(key=result.key, name=result.name, kind=result.kind) for result in results
    ]


@router.get("/outputs/{key}", responses=problems(400, 404), response_model=SavedResultState)
async def output(state: LoadedState, key: Key) -> Any:
    """Tell what became of each case, and which files there are."""
    from lamina.web.saved_results import describe_saved_result

    return await run_in_threadpool(lambda: describe_saved_result(_result(state, key)))


@router.get(
    "/outputs/{key}/files/{name:path}",
    responses={
        200: {"content": {"image/png": {}, "text/html": {}, "application/octet-stream": {}}},
        **problems(400, 404),
    },
    response_class=Response,
)
async def output_file(
    state: LoadedState,
    key: Key,
    name: Annotated[str, Path(description="a file that the folder lists", max_length=300)],
) -> Response:
    """Return one of a folder's files."""
    path = await run_in_threadpool(_file, state, key, name)
    headers = {"Content-Security-Policy": _REPORT} if path.suffix == ".html" else None
    return FileResponse(path, headers=headers)


def _file(state: AppState, key: str, name: str) -> File:
    from lamina.web.saved_results import saved_file

    try:
        return saved_file(_result(state, key), name)
    except (KeyError, ValueError) as error:
        raise HTTPException(404, f"the folder lists no file {name!r}") from error


def _result(state: AppState, key: str) -> "SavedResult":
    for result in _find(state):
        if result.key == key:
            return result
    raise HTTPException(404, "there is no such folder (any more)")


def _find(state: AppState) -> "list[SavedResult]":
    from lamina.web.saved_results import find_saved_results

    return find_saved_results(state.results_dir())
