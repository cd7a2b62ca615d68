"""Masks that are drawn for the images of a data set's folder."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Body, Header, HTTPException, Path, Query, Response
from pydantic import BaseModel

from lamina.web.app_state import Studio
from lamina.web.routes.common import Done, LoadedStudio, Problem, TaskName, problems

if TYPE_CHECKING:
    from lamina.web.mask_editor import Drawing

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
    labels: list[dict[str, Any]]
    codings: list[str]
    pictures: list[Picture]


class Opened(BaseModel):
    """One image: how many slices, how high a pixel is to its width, and where its mask goes."""

    slices: int
    aspect: float
    mask: str | None
    problem: str | None


@router.get("/dataset", responses=problems(400, 404, 503), response_model=Folder)
async def folder(studio: LoadedStudio) -> Any:
    """List the images of the folder that `lamina serve --dataset-dir` was given."""
    return await _draw(studio, _folder)


def _folder(drawing: "Drawing") -> Folder:
    pictures = [
        Picture(
            key=one.key,
            name=one.case.name,
            has_mask=one.case.label is not None,
            is_discarded=one.is_discarded,
        )
        for one in drawing.entries()
    ]
    labels = [
        {"value": one.value, "name": one.name, "color": list(one.color)} for one in drawing.labels
    ]
    return Folder(
        name=str(drawing.root), labels=labels, codings=list(drawing.codings), pictures=pictures
    )


@router.get("/dataset/{key}", responses=problems(400, 404, 503), response_model=Opened)
async def opened(studio: LoadedStudio, key: Key) -> Any:
    """Tell of one image how many slices it has and where its mask goes."""
    return await _draw(studio, lambda drawing: drawing.open(key))


@router.get(
    "/dataset/{key}/slices/{index}/image",
    responses={**_PNG, **problems(400, 404, 503)},
    response_class=Response,
)
async def image(studio: LoadedStudio, key: Key, index: Index) -> Response:
    """Return a slice in grey; grey values of 8 bits stay as they are."""
    return _png(await _draw(studio, lambda drawing: drawing.image(key, index)))


@router.get(
    "/dataset/{key}/slices/{index}/mask",
    responses={**_PNG, **problems(400, 404, 503)},
    response_class=Response,
)
async def mask(studio: LoadedStudio, key: Key, index: Index, coding: Coding = None) -> Response:
    """Return a slice's class values as grey values, zeros where there is no mask yet.

    Its ETag is what saving a mask must name in If-Match.
    """
    values, version = await _draw(
        studio, lambda drawing: drawing.mask(key, index, _coding(drawing, coding))
    )
    return _png(values, {"ETag": f'"{version}"'})


@router.put(
    "/dataset/{key}/slices/{index}/mask",
    responses={**_CHANGED, **problems(400, 404, 413, 503)},
    response_model=Done,
)
async def save(
    studio: LoadedStudio,
    response: Response,
    key: Key,
    index: Index,
    body: Annotated[bytes, Body(media_type="image/png", description="class values as grey values")],
    if_match: IfMatch,
    coding: Coding = None,
) -> Any:
    """Save a slice's mask beside the images, as the data set's layout expects it."""
    from lamina.web.mask_editor import ChangedError

    def work(drawing: "Drawing") -> str:
        picture = _read_png(body, drawing.image(key, index).shape)
        version = if_match.strip('"')
        return drawing.save(key, index, picture, _coding(drawing, coding), version)

    try:
        version = await _draw(studio, work)
    except ChangedError as error:
        raise HTTPException(
            412, f"{error} was changed meanwhile; load it again, and draw anew what is missing"
        ) from error
    response.headers["ETag"] = f'"{version}"'
    return Done(message="Mask saved")


@router.post("/dataset/{key}/keep", responses=problems(400, 404, 503), response_model=Done)
async def keep(studio: LoadedStudio, key: Key, wanted: bool = True) -> Any:
    """Take an image out of the data set (`wanted=false`), or back; its files are only moved."""
    await _draw(studio, lambda drawing: drawing.keep(key, wanted))
    return Done(message="Kept" if wanted else "Discarded")


@router.post(
    "/dataset/{key}/slices/{index}/proposal",
    responses={**_PNG, **problems(400, 404, 503)},
    response_class=Response,
)
async def proposal(studio: LoadedStudio, key: Key, index: Index, task: TaskName = None) -> Response:
    """Return what the model makes of a slice, as class values; nothing is saved."""
    entry = await _draw(studio, lambda drawing: drawing.entry(key))
    values = await studio.propose(entry.case.image, task)
    return _png(await _draw(studio, lambda drawing: drawing.view_of(key, values, index)))


async def _draw(studio: Studio, work: Callable[["Drawing"], Result]) -> Result:
    try:
        return await studio.drawing.run(lambda: work(studio.open_drawing()))
    except KeyError as error:
        raise HTTPException(404, f"there is no {error}") from error


def _coding(drawing: "Drawing", name: str | None) -> str:
    if name is not None and name not in drawing.codings:
        raise KeyError(f"coding {name!r}; there are {', '.join(drawing.codings)}")
    return name or next(iter(drawing.codings))


def _png(values: Any, headers: dict[str, str] | None = None) -> Response:
    from lamina.web.slice_views import png

    return Response(png(values), media_type="image/png", headers=headers)


def _read_png(content: bytes, expected: tuple[int, ...]) -> Any:
    """Return the grey values of a PNG of an expected size (rows, columns).

    A browser's canvas has colours: all three must hold the value.
    """
    import numpy as np
    from PIL import Image

    try:
        picture = Image.open(io.BytesIO(content), formats=["png"])
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
