"""A task's network with its weights, run as `lamina predict` runs it."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from monai.bundle import ConfigParser

from lamina.errors import WeightsError
from lamina.inference.weights import dims_of_run, find_weights, load_weights
from lamina.prediction.loop import CaseLoop
from lamina.tasks.catalogue import CHECKOUT, read_task
from lamina.tasks.check import check_config
from lamina.writers.segmented_case import SegmentedCase

Watch = Callable[[float], None]
Origin = Literal["finished run", "released model", "file", "uploaded"]


@dataclass(frozen=True)
class Source:
    """Where weights come from, and what people call that."""

    path: Path
    origin: Origin
    name: str
    spatial_dims: int | None = None


def find_source(name: str, run_dir: str | None, weights: str | None) -> Source:
    """Return the model that `lamina predict` would take; raises ``WeightsError`` as it does.

    Parameters
    ----------
    name
        The task's name.
    run_dir, weights
        As for `lamina predict`.
    """
    run = str(Path(run_dir).expanduser().resolve()) if run_dir else str(CHECKOUT / "runs" / name)
    released = CHECKOUT / "models" / name / "model.pt"
    path = find_weights(weights, run, str(released))
    if weights is not None and weights != "released":
        return Source(path, "file", path.name)
    if path == released:
        return Source(path, "released model", f"models/{name}/model.pt", *dims_of_run(run).values())
    shown = path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path
    return Source(path, "finished run", str(shown), *dims_of_run(run).values())


class Model:
    """What segments an image.

    It holds the network twice, so that a volume, which takes long, and pictures do not wait for
    each other; each of the two is used by one thread.

    Parameters
    ----------
    task
        The task file.
    source
        Where the weights are.

    Raises
    ------
    WeightsError
        If they are broken or of another network.
    ConfigError
        If the task file is wrong.
    """

    def __init__(self, task: Path, source: Source) -> None:
        self.task = read_task(task)
        self.source = source
        self._loops = {kind: _case_loop(self.task, source) for kind in ("picture", "volume")}
        loop = self._loops["picture"]
        self.labels = loop.labels
        self.about = dict(loop.about)

    def predict(
        self, address: str, name: str, kind: str = "picture", watch: Watch | None = None
    ) -> SegmentedCase:
        """Return an image and its label map, which equals that of `lamina predict`.

        Parameters
        ----------
        address
            A file, a folder with one DICOM series, or folder#SeriesInstanceUID.
        name
            The case's name, safe as a file name.
        kind
            Which of the two networks: "picture" or "volume".
        watch
            Is told the share that is done.
        """
        loop = self._loops[kind]
        _grid_inferer(loop).watch = watch
        return loop.predict({"image": address, "case": name})

    def describe(self) -> dict[str, Any]:
        """Return what clients are told of it."""
        return {
            "task": self.task["name"],
            "title": self.task["title"],
            "origin": self.source.origin,
            "weights": self.source.name,
            "hash": self.about["weights_hash"],
            "spatial_dims": self.about["spatial_dims"],
            "device": self.about["device"],
            "labels": [
                {"value": one.value, "name": one.name, "color": list(one.color)}
                for one in self.labels
            ],
        }


def check_size(path: Path, most: int) -> None:
    """Refuse weights that would unpack to more than ``most`` bytes.

    Raises
    ------
    WeightsError
        Before anything of it is read.
    """
    size = path.stat().st_size
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = max(size, sum(entry.file_size for entry in archive.infolist()))
    if size > most:
        raise WeightsError(
            f"{path}: {size / 1e9:.3g} GB of weights, at most {most / 1e9:.3g} GB are taken",
            "give it to `lamina serve --weights` if it is meant so",
        )


def _case_loop(task: dict[str, Any], source: Source) -> CaseLoop:
    config = ConfigParser.load_config_file(CHECKOUT / "configs" / "inference.json")
    config |= {"task": task, "bundle_root": str(CHECKOUT), "weights": str(source.path)}
    config |= {"progress": False, "output_dir": ""}
    config["dataset"]["data"] = []
    if source.spatial_dims is not None:
        config["spatial_dims"] = source.spatial_dims
    check_config(config)
    loop: CaseLoop = ConfigParser(config).get_parsed_content("cases")
    load_weights(loop.evaluator.network, source.path)
    return loop


def _grid_inferer(loop: CaseLoop) -> Any:
    """Return the innermost inferer, which knows how far it is."""
    inferer = loop.evaluator.inferer
    while hasattr(inferer, "inferer"):
        inferer = inferer.inferer
    return inferer
