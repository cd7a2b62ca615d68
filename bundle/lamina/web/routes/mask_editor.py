"""Masks that are drawn for the images of a data set's folder."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Body, Header, HTTPException, Path, Query, Response
from pydantic import BaseModel

from lamina.web.app_state import AppState
from lamina.web.descriptions import ImageState, LabelState, describe_labels
from lamina.web.routes.common import Done, LoadedState, Problem, TaskName, problems

if TYPE_CHECKING:
    from lamina.web.mask_editor import MaskEditor

Result = TypeVar("Result")
router = APIRouter(tags=["draw"])

Key = Annotated[str, Path(description="the key of an image, from /dataset", max_length=64)]
Index = Annotated[int, Path(description="the slice, from 0; 0 of a picture")]
Coding = Annotated[
    Literal["task", "classes", "binary"] | None,
    Query(description="what the file holds: the task's codes, class values, or 0 and 255"),
]
IfMatch = Annotated[
    str, Header(description="the ETag of the mask that the drawing began with", max_length=80)
]
_PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}}}
_CHANGED: dict[int | str, dict[str, Any]] = {
    412: {"model": Problem, "description": "the mask was changed by somebody else"}
}


class Picture(BaseModel):
    """An image of the folder."""

    key: str
    name: str
    has_mask: bool
    is_discarded: bool


class Folder(BaseModel):
    """The data set: its classes, how masks may be stored, and its images."""

    name: str
    labels: list[LabelState]
    codings: list[str]
    pictures: list[Picture]


@router.get("/dataset", responses=problems(400, 404, 503), response_model=Folder)
async def folder(state: LoadedState) -> Any:
    """List the images of the folder that `lamina serve --dataset-dir` was given."""
    return await _edit(state, _folder)


def _folder(editor: "MaskEditor") -> Folder:
    pictures = [
        Picture(
            key=entry.key,
            name=entry.case.name,
            has_mask=entry.case.label is not None,
            is_discarded=entry.is_discarded,
        )
        for entry in editor.entries()
    ]
    return Folder(
        name=str(editor.root),
        labels=describe_labels(editor.labels),
        codings=list(editor.codings),
        pictures=pictures,
    )


@router.get("/dataset/{key}", responses=problems(400, 404, 503), response_model=ImageState)
async def opened(state: LoadedState, key: Key) -> Any:
    """Return how many slices an image has and where its mask goes."""
    return await _edit(state, lambda editor: editor.describe(key))


@router.get(
    "/dataset/{key}/slices/{index}/image",
    responses={**_PNG, **problems(400, 404, 503)},
    response_class=Response,
)
async def image(state: LoadedState, key: Key, index: Index) -> Response:
    """Return a slice in grey; grey values of 8 bits stay as they are."""
    return _png(await _edit(state, lambda editor: editor.image(key, index)))


@router.get(
    "/dataset/{key}/slices/{index}/mask",
    responses={**_PNG, **problems(400, 404, 503)},
    response_class=Response,
)
async def mask(state: LoadedState, key: Key, index: Index, coding: Coding = None) -> Response:
    """Return a slice's class values as grey values, zeros where there is no mask yet.

    Its ETag is what saving a mask must name in If-Match.
    """
    values, version = await _edit(
        state, lambda editor: editor.mask(key, index, _coding(editor, coding))
    )
    return _png(values, {"ETag": f'"{version}"'})


@router.put(
    "/dataset/{key}/slices/{index}/mask",
    responses={**_CHANGED, **problems(400, 404, 413, 503)},
    response_model=Done,
)
async def save(
    state: LoadedState,
    response: Response,
    key: Key,
    index: Index,
    body: Annotated[bytes, Body(media_type="image/png", description="class values as grey values")],
    if_match: IfMatch,
    coding: Coding = None,
) -> Any:
    """Save a slice's mask beside the images, as the data set's layout expects it."""
    from lamina.web.mask_editor import ChangedError

    def work(editor: "MaskEditor") -> str:
        picture = _read_png(body, editor.image(key, index).shape)
        version = if_match.strip('"')
        return editor.save(key, index, picture, _coding(editor, coding), version)

    try:
        version = await _edit(state, work)
    except ChangedError as error:
        raise HTTPException(
            412, f"{error} was changed meanwhile; load it again, and draw anew what is missing"
        ) from error
    response.headers["ETag"] = f'"{version}"'
    return Done(message="Mask saved")


@router.post("/dataset/{key}/keep", responses=problems(400, 404, 503), response_model=Done)
async def keep(state: LoadedState, key: Key, wanted: bool = True) -> Any:
    """Take an image out of the data set (`wanted=false`), or back; its files are only moved."""
    await _edit(state, lambda editor: editor.keep(key, wanted))
    return Done(message="Kept" if wanted else "Discarded")


@router.post(
    "/dataset/{key}/slices/{index}/proposal",
    responses={**_PNG, **problems(400, 404, 503)},
    response_class=Response,
)
async def proposal(state: LoadedState, key: Key, index: Index, task: TaskName = None) -> Response:
    """Return what the model makes of a slice, as class values; nothing is saved."""
    entry = await _edit(state, lambda editor: editor.entry(key))
    values = await state.propose(entry.case.image, task)
    return _png(await _edit(state, lambda editor: editor.view_of(key, values, index)))


async def _edit(state: AppState, work: Callable[["MaskEditor"], Result]) -> Result:
    try:
        return await state.masks.run(lambda: work(state.mask_editor()))
    except KeyError as error:
        raise HTTPException(404, f"there is no {error}") from error


def _coding(editor: "MaskEditor", name: str | None) -> str:
    if name is not None and name not in editor.codings:
        raise KeyError(f"coding {name!r}; there are {', '.join(editor.codings)}")
    return name or next(iter(editor.codings))


def _png(values: Any, headers: dict[str, str] | None = None) -> Response:
    from lamina.web.slice_views import png

    return Response(png(values), media_type="image/png", headers=headers)


def _read_png(content: bytes, expected: tuple[int, ...]) -> Any:
    """Return the grey values of a PNG of an expected size (rows, columns).

    A browser's canvas has colours: all three must hold the value.
    """
    import numpy as np

    from lamina.readers.pictures import open_picture

    try:
        picture = open_picture(io.BytesIO(content), ("PNG",))
        if picture.size != expected[::-1] or picture.mode not in ("L", "RGB", "RGBA"):
            raise HTTPException(
                400,
                f"a PNG of {picture.width}×{picture.height} pixels of kind {picture.mode}, "
                f"expected {expected[1]}×{expected[0]} of 8-bit grey",
            )
        channels = np.atleast_3d(np.asarray(picture))[..., :3]
    except (OSError, SyntaxError, ValueError) as error:
        raise HTTPException(400, f"not a complete PNG: {error}") from error
    if (channels != channels[..., :1]).any():
        raise HTTPException(400, "a PNG in colours, expected class values as grey values")
    return channels[..., 0]
