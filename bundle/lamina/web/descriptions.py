"""The answers to clients about models, jobs and results: the fields of their JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

# pydantic, which checks the answers, takes typing's own from Python 3.12 on.
from typing_extensions import TypedDict

if TYPE_CHECKING:
    from lamina.tasks.labels import Label


class LabelState(TypedDict):
    """A class: its value in a label map, its name, and its colour (red, green, blue)."""

    value: int
    name: str
    color: list[int]


def describe_labels(labels: "Sequence[Label]") -> list[LabelState]:
    """Return the classes of a task."""
    return [
        {"value": label.value, "name": label.name, "color": list(label.color)} for label in labels
    ]


class ModelState(TypedDict):
    """Which model a task has now."""

    task: str
    title: str
    origin: str
    weights: str
    hash: str
    spatial_dims: int
    device: str
    labels: list[LabelState]


class TaskState(TypedDict):
    """What can be segmented."""

    name: str
    title: str
    spatial_dims: int
    has_model: bool
    is_default: bool


class Profile(TypedDict):
    """The thickness of each layer in each column, of a volume the mean over its slices."""

    unit: str
    layers: dict[str, list[float | None]]


class CaseState(TypedDict):
    """A segmented image: its size and voxels, and a row of measurements for each structure."""

    case: str
    shape: list[int]
    spacing: list[float]
    unit: str
    measurements: list[dict[str, Any]]
    profile: Profile | None


class PlaneState(TypedDict):
    """A way to look at an image: its slices, and how large a pixel of one is."""

    name: str
    axis: int
    slices: int
    best: int
    wide: float
    high: float


class JobResult(CaseState):
    """What a job ends with: its files, and which formats could not be written, and why."""

    model: ModelState
    planes: list[PlaneState]
    files: list[str]
    missing: list[str]


class JobState(TypedDict):
    """How far a job is, and its result when it is done."""

    id: str
    name: str
    state: Literal["waiting", "running", "done", "failed"]
    progress: float
    error: str | None
    result: JobResult | None


class ImageState(TypedDict):
    """An image to draw on: its slices, a pixel's height to its width, and where its mask goes."""

    slices: int
    aspect: float
    mask: str | None
    problem: str | None


class SavedCase(TypedDict):
    """What a manifest says of one case."""

    case: str
    status: str
    reason: str | None
    warnings: list[str]
    measurements: list[dict[str, Any]]
    files: list[str]


class SavedResultState(TypedDict):
    """What made the predictions, and what became of each case."""

    about: dict[str, Any]
    cases: list[SavedCase]
