"""Which model is used, and exchanging it."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel

import lamina
from lamina.web.app_state import Studio
from lamina.web.routes.common import Done, LoadedStudio, TaskName, problems

router = APIRouter(tags=["model"])


class Health(BaseModel):
    """How the server is."""

    status: str
    version: str
    model: dict[str, Any] | None
    problem: str | None
    most_bytes: int


class Task(BaseModel):
    """What can be segmented."""

    name: str
    title: str
    spatial_dims: int
    has_model: bool
    is_default: bool


@router.get("/health", responses=problems(), response_model=Health)
def health(request: Request) -> Health:
    """Tell whether the model is there (`ready`, `loading` or `failed`), and which one it is."""
    studio: Studio = request.app.state.studio
    status = "failed" if studio.problem else "ready" if studio.described else "loading"
    return Health(
        status=status,
        version=lamina.__version__,
        model=studio.described,
        problem=studio.problem,
        most_bytes=studio.settings.limits.body,
    )


@router.get("/tasks", responses=problems(), response_model=list[Task])
async def tasks(studio: LoadedStudio) -> Any:
    """List what can be segmented, and which of it has a trained model."""
    return await run_in_threadpool(studio.models.list_tasks)


class ModelState(BaseModel):
    """Which model a task has now."""

    task: str
    title: str
    origin: str
    weights: str
    hash: str
    spatial_dims: int
    device: str
    labels: list[dict[str, Any]]


@router.get("/model", responses=problems(400, 503), response_model=ModelState)
async def model_state(studio: LoadedStudio, task: TaskName = None) -> Any:
    """Tell which model a task has now: `released model`, `finished run`, `file` or `uploaded`."""
    return (await studio.pictures.run(studio.models.get, task)).describe()


@router.post(
    "/upload_model",
    responses={
        200: {
            "content": {"application/json": {"example": {"message": "Model uploaded successfully"}}}
        },
        **problems(400, 413, 503),
    },
    response_model=Done,
)
async def upload_model(
    studio: LoadedStudio,
    model: Annotated[
        UploadFile | None, File(description="weights that torch.save wrote: a state_dict")
    ] = None,
    task: TaskName = None,
) -> Any:
    """Let other weights take the place of the model, until they are reverted or the server ends.

    A bare state_dict and Lamina's own checkpoints both do. What does not fit the task's network is
    refused with what differs, and the model that was there goes on.
    """
    if model is None or not (model.filename or model.size):
        return JSONResponse({"error": "No model file uploaded"}, 400)
    shown = (model.filename or "model.pth")[-100:]
    await studio.pictures.run(studio.upload, task, model.file, shown)
    return Done(message="Model uploaded successfully")


@router.post(
    "/revert_model",
    responses={
        200: {
            "content": {"application/json": {"example": {"message": "Reverted to default model"}}}
        },
        **problems(400, 503),
    },
    response_model=Done,
)
async def revert_model(studio: LoadedStudio, task: TaskName = None) -> Any:
    """Go back to the model of the start; uploaded weights are forgotten."""
    await studio.pictures.run(studio.revert, task)
    return Done(message="Reverted to default model")
