"""What predictions and evaluations have left on disk."""

from pathlib import Path as File
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from pydantic import BaseModel

from lamina.web.app_state import Studio
from lamina.web.routes.common import LoadedStudio, problems

router = APIRouter(tags=["results"])

Key = Annotated[str, Path(description="the key of a folder, from /outputs", max_length=64)]
# A report has styles and pictures within it and no scripts; it must not act as our pages do.
_REPORT = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class OutputFolder(BaseModel):
    """A folder with predictions, or with the report of an evaluation."""

    key: str
    name: str
    kind: Literal["predictions", "report"]


class OutputContent(BaseModel):
    """What made the predictions, and what became of each case."""

    about: dict[str, Any]
    cases: list[dict[str, Any]]


@router.get("/outputs", responses=problems(), response_model=list[OutputFolder])
async def outputs(studio: LoadedStudio) -> Any:
    """List the folders with predictions and reports, the newest first."""
    found = await run_in_threadpool(_find, studio)
    return [OutputFolder(key=one.key, name=one.name, kind=one.kind) for one in found]


@router.get("/outputs/{key}", responses=problems(400, 404), response_model=OutputContent)
async def output(studio: LoadedStudio, key: Key) -> Any:
    """Tell what became of each case, and which files there are."""
    from lamina.web.saved_results import describe_output

    return await run_in_threadpool(lambda: describe_output(_one(studio, key)))


@router.get(
    "/outputs/{key}/files/{name:path}",
    responses={
        200: {"content": {"image/png": {}, "text/html": {}, "application/octet-stream": {}}},
        **problems(400, 404),
    },
    response_class=Response,
)
async def output_file(
    studio: LoadedStudio,
    key: Key,
    name: Annotated[str, Path(description="a file that the folder lists", max_length=300)],
) -> Response:
    """Return one of a folder's files."""
    path = await run_in_threadpool(_file, studio, key, name)
    headers = {"Content-Security-Policy": _REPORT} if path.suffix == ".html" else None
    return FileResponse(path, headers=headers)


def _file(studio: Studio, key: str, name: str) -> File:
    from lamina.web.saved_results import output_file

    try:
        return output_file(_one(studio, key), name)
    except (KeyError, ValueError) as error:
        raise HTTPException(404, f"the folder lists no file {name!r}") from error


def _one(studio: Studio, key: str) -> Any:
    for found in _find(studio):
        if found.key == key:
            return found
    raise HTTPException(404, "there is no such folder (any more)")


def _find(studio: Studio) -> Any:
    from lamina.web.saved_results import find_outputs

    return find_outputs(studio.results_dir())
