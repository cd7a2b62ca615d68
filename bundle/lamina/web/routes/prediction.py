"""One image in, its segmentation out."""

import shutil
from typing import Annotated, Any

from fastapi import APIRouter, File, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse

from lamina.web.routes.common import Format, LoadedState, TaskName, problems

router = APIRouter(tags=["predict"])

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the picture with the coloured prediction over it, or what `format` says",
        "content": {
            "image/png": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {
                "example": {
                    "case": "scan",
                    "shape": [512, 256],
                    "unit": "px",
                    "measurements": [{"structure": "RNFL", "area_px2": 5120}],
                }
            },
            "application/gzip": {"schema": {"type": "string", "format": "binary"}},
            "application/dicom": {"schema": {"type": "string", "format": "binary"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    },
    202: {
        "description": "a volume: its result comes at /jobs/{id}",
        "content": {"application/json": {"example": {"id": "Zk3…", "state": "waiting"}}},
    },
}


@router.post("/predict", responses={**_ANSWERS, **problems(400, 413, 503)}, response_class=Response)
async def predict(
    request: Request,
    state: LoadedState,
    file: Annotated[
        UploadFile | None, File(description="PNG, JPEG, TIFF, BMP, DICOM, NIfTI …")
    ] = None,
    task: TaskName = None,
    form: Annotated[Format | None, Query(alias="format", description="default: overlay")] = None,
) -> Response:
    """Segment an image.

    A picture is answered at once: with the prediction over it, with its measurements
    (`format=json`, or `Accept: application/json`), or with the mask (`png`, `nifti`, `nrrd`,
    `dicomseg`). A volume is answered with a job.
    """
    if file is None or not (file.filename or file.size):
        return JSONResponse({"error": "No file uploaded"}, 400)
    folder = state.new_folder()
    is_kept = False
    try:
        named = [(file.filename or "image", file.file)]
        upload = await state.uploads.run(state.store_upload, named, folder)
        if upload.is_volume:
            job = await state.submit(upload, task, folder)
            is_kept = True
            return JSONResponse(job.describe(), 202, {"Location": f"/jobs/{job.id}"})
        wanted = form or _by_accept(request.headers.get("accept", ""))
        result = await state.pictures.run(state.segment_picture, upload, task, wanted.value, folder)
    finally:
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)
    return Response(
        result.content, media_type=result.media_type, headers=_disposition(result.name, wanted)
    )


def _by_accept(accept: str) -> Format:
    """Return what the Accept header asks for: JSON where it is named before any picture.

    >>> _by_accept("application/json"), _by_accept("image/png, application/json;q=0.5")
    (<Format.json: 'json'>, <Format.overlay: 'overlay'>)
    """
    first = accept.split(",")[0].split(";")[0].strip()
    return Format.json if first == "application/json" else Format.overlay


def _disposition(name: str, form: Format) -> dict[str, str]:
    shown = form in (Format.overlay, Format.json)
    # HTTP headers are Latin-1.
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return {"Content-Disposition": f'{"inline" if shown else "attachment"}; filename="{plain}"'}
