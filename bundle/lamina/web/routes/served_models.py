"""Which model is used, and exchanging it."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel

import lamina
from lamina.web.app_state import AppState
from lamina.web.descriptions import ModelState, TaskState
from lamina.web.routes.common import Done, LoadedState, TaskName, problems

router = APIRouter(tags=["model"])


class Health(BaseModel):
    """How the server is."""

    status: str
    version: str
    model: ModelState | None
    problem: str | None
    most_bytes: int


@router.get("/health", responses=problems(), response_model=Health)
def health(request: Request) -> Health:
    """Tell whether the model is there (`ready`, `loading` or `failed`), and which one it is."""
    state: AppState = request.app.state.lamina
    status = "failed" if state.problem else "ready" if state.model else "loading"
    return Health(
        status=status,
        version=lamina.__version__,
        model=state.model,
        problem=state.problem,
        most_bytes=state.settings.limits.body,
    )


@router.get("/tasks", responses=problems(), response_model=list[TaskState])
async def tasks(state: LoadedState) -> Any:
    """List what can be segmented, and which of it has a trained model."""
    return await run_in_threadpool(state.models.list_tasks)


@router.get("/model", responses=problems(400, 503), response_model=ModelState)
async def model_state(state: LoadedState, task: TaskName = None) -> Any:
    """Tell which model a task has now: `released model`, `finished run`, `file` or `uploaded`."""
    return (await state.pictures.run(state.models.get, task)).describe()


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
    state: LoadedState,
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
    await state.pictures.run(state.upload_weights, task, model.file, shown)
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
async def revert_model(state: LoadedState, task: TaskName = None) -> Any:
    """Go back to the model of the start; uploaded weights are forgotten."""
    await state.pictures.run(state.revert_weights, task)
    return Done(message="Reverted to default model")
