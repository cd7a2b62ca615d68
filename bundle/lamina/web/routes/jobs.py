"""Images that take longer than a request should: volumes, and all that the page shows."""

import shutil
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, HTTPException, Path, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse

from lamina.web.app_state import AppState
from lamina.web.descriptions import JobState
from lamina.web.jobs import Job
from lamina.web.routes.common import LoadedState, TaskName, problems

router = APIRouter(tags=["jobs"])

Key = Annotated[str, Path(description="the id that the job was given", max_length=64)]


@router.post("/jobs", status_code=202, responses=problems(400, 413, 503), response_model=JobState)
async def create_job(
    state: LoadedState,
    file: Annotated[
        list[UploadFile] | None,
        File(description="an image, a zip with one DICOM series, or its slices"),
    ] = None,
    task: TaskName = None,
) -> Any:
    """Segment an image or a volume, and look at the result later."""
    files = [sent for sent in file or [] if sent.filename or sent.size]
    if not files:
        return JSONResponse({"error": "No file uploaded"}, 400)
    folder = state.new_folder()
    try:
        named = [(sent.filename or "image", sent.file) for sent in files]
        upload = await state.uploads.run(state.store_upload, named, folder)
        job = await state.submit(upload, task, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return JSONResponse(job.describe(), 202, {"Location": f"/jobs/{job.id}"})


@router.get("/jobs/{key}", responses=problems(404), response_model=JobState)
async def job_state(state: LoadedState, key: Key) -> Any:
    """Tell how far a job is; when it is done, the measurements and the files that there are."""
    return _job(state, key).describe()


@router.delete("/jobs/{key}", status_code=204, responses=problems(404))
async def remove_job(state: LoadedState, key: Key) -> Response:
    """Forget a job, its result and its files."""
    _job(state, key)
    state.jobs.remove(key)
    return Response(status_code=204)


@router.get(
    "/jobs/{key}/files/{name}",
    responses={
        200: {"content": {"application/octet-stream": {}, "image/png": {}}},
        **problems(404, 409),
    },
    response_class=Response,
)
async def job_file(
    state: LoadedState,
    key: Key,
    name: Annotated[str, Path(description="one of the result's files", max_length=200)],
) -> Response:
    """Download a file of a result: the mask, the overlay, a DICOM SEG."""
    job = _finished(_job(state, key))
    if name not in job.files:
        raise HTTPException(404, f"the result has no file {name!r}")
    return FileResponse(job.files[name], filename=name)


@router.get(
    "/jobs/{key}/slices/{plane}/{index}/{layer}",
    responses={200: {"content": {"image/png": {}}}, **problems(404, 409)},
    response_class=Response,
)
async def job_slice(
    state: LoadedState,
    key: Key,
    plane: Annotated[str, Path(description="a name from the result's planes", max_length=40)],
    index: Annotated[int, Path(description="from 0")],
    layer: Literal["image", "mask"],
) -> Response:
    """Look at a slice: the image in grey, or the mask's class values as grey values."""
    job = _finished(_job(state, key))
    try:
        content = await run_in_threadpool(_slice, job, plane, index, layer)
    except (KeyError, IndexError) as error:
        raise HTTPException(404, f"there is no slice {index} in a plane {plane!r}") from error
    # A result never changes.
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(content, media_type="image/png", headers=headers)


def _slice(job: Job, plane: str, index: int, layer: str) -> bytes:
    import numpy as np

    assert job.views is not None
    array = np.load(job.folder / f"{layer}.npy", mmap_mode="r")
    return job.views.show(array, plane, index)


def _job(state: AppState, key: str) -> Job:
    try:
        return state.jobs.get(key)
    except KeyError as error:
        raise HTTPException(404, "there is no such job (any more)") from error


def _finished(job: Job) -> Job:
    if job.state != "done":
        raise HTTPException(409, f"the job is {job.state}")
    return job
