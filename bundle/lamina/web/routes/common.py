"""What all routes share."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from pydantic import BaseModel

from lamina.web.app_state import AppState


class Problem(BaseModel):
    """Why a request could not be done."""

    error: str


class Done(BaseModel):
    """That a request was done."""

    message: str


class Format(StrEnum):
    """What a result can be."""

    overlay = "overlay"
    json = "json"
    png = "png"
    nifti = "nifti"
    nrrd = "nrrd"
    dicomseg = "dicomseg"


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a route that are a `Problem`, for its documentation."""
    reasons = {
        400: "the request can't be done; the error says why",
        404: "there is no such thing (any more)",
        409: "it is not ready, or changed meanwhile",
        413: "the request is too large",
        503: "too much is being done: ask again after Retry-After seconds",
    }
    # Who may ask is checked before any route.
    always = {401: "an access token is needed", 403: "the Host or Origin is not known"}
    texts = always | {status: reasons[status] for status in statuses}
    return {status: {"model": Problem, "description": text} for status, text in texts.items()}


async def _loaded_state(request: Request) -> AppState:
    state: AppState = request.app.state.lamina
    await state.loaded()
    return state


LoadedState = Annotated[AppState, Depends(_loaded_state)]
TaskName = Annotated[
    str | None,
    Query(description="a name from /tasks; without it, the task that is served", max_length=100),
]
