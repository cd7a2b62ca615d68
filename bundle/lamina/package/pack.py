"""One task as a folder and a zip that any MONAI user can take."""

import hashlib
import shutil
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from monai.bundle import ConfigParser, ckpt_export

import lamina
from lamina.errors import ConfigError
from lamina.files import read_json, write_json, written_whole
from lamina.inference.weights import load_weights
from lamina.package.configs import packed_workflows
from lamina.package.metadata import bundle_card, packed_metadata
from lamina.tasks.catalogue import CHECKOUT, read_task
from lamina.tasks.check import check_config
from lamina.tasks.config_text import literal
from lamina.tasks.labels import read_labels
from lamina.tasks.write_task import compact_json
from lamina.tensors import carrying, load_checkpoint, save_checkpoint, trained_on_of

ROOMS = (
    "tasks",
    "readers",
    "cases",
    "metrics",
    "transforms",
    "training",
    "inference",
    "writers",
    "pictures",
    "prediction",
    "evaluation",
)
"""What the workflows import, and what that imports."""
_COMMAND_LINE = ("cli.py", "bundle_line.py")
_AS_THEY_ARE = ("logging.conf", "metadata_schema.json")
_SUMS = "SHA256SUMS"


def pack_task(
    task_file: Path, weights: Path | None, output_dir: Path, checkout: Path = CHECKOUT
) -> tuple[Path, Path]:
    """Write a task's bundle as ``NAME/`` and ``NAME_vVERSION.zip``; both are whole or absent.

    Parameters
    ----------
    task_file
        The task.
    weights
        Its weights (a state_dict, or Lamina's ``last.pt``); None packs a bundle to be trained.
    output_dir
        Where folder and zip go. A bundle of that name that Lamina packed before is replaced.
    checkout
        Where Lamina's own configs lie.

    Returns
    -------
    The folder and the zip.

    Raises
    ------
    WeightsError
        If the weights are of another network.
    ConfigError
        If the task has mistakes, or something else than a packed bundle stands in the folder's place.
    """
    task = read_task(task_file)
    check_config({"task": task})
    target = output_dir.absolute() / task["name"]
    _refuse_other(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
        folder = Path(beside) / target.name
        version = _fill(folder, task, weights, checkout)
        zipped = _zip(folder, Path(beside) / f"{target.name}_v{version}.zip")
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
        zipped = zipped.replace(target.parent / zipped.name)
    return target, zipped


def _refuse_other(target: Path) -> None:
    if target.exists() and not (target / _SUMS).is_file():
        raise ConfigError(
            f"{target} is there already, and no packed bundle", "choose another folder with -o"
        )


def _fill(folder: Path, task: Mapping[str, Any], weights: Path | None, checkout: Path) -> str:
    """Write everything that the bundle holds; return its version."""
    labels = read_labels(task["labels"])
    configs = folder / "configs"
    for name, config in packed_workflows(checkout / "configs", task).items():
        with written_whole(configs / name) as part:
            part.write_text(compact_json(config), encoding="utf-8")
    for name in _AS_THEY_ARE:
        shutil.copyfile(checkout / "configs" / name, configs / name)
    base = read_json(checkout / "configs" / "metadata.json")
    metadata = packed_metadata(base, task, labels)
    write_json(configs / "metadata.json", metadata)
    shutil.copyfile(checkout / "LICENSE", folder / "LICENSE")
    _copy_package(folder / "lamina")
    (folder / "docs").mkdir()
    card = checkout / "models" / task["name"] / "README.md"
    model_card = card.read_text(encoding="utf-8") if weights and card.is_file() else None
    readme = bundle_card(task, labels, lamina.__version__, model_card)
    (folder / "docs" / "README.md").write_text(readme, encoding="utf-8")
    if weights is not None:
        _export(folder, weights)
    (folder / _SUMS).write_text(check_sums(folder), encoding="utf-8")
    return str(metadata["version"])


def _copy_package(target: Path) -> None:
    """Copy the rooms that a workflow needs, and what lies beside them."""
    package = Path(lamina.__file__).parent
    target.mkdir()
    for file in package.glob("*.py"):
        if file.name not in _COMMAND_LINE:
            shutil.copyfile(file, target / file.name)
    for room in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(package / room, target / room, ignore=ignored)


def _export(folder: Path, weights: Path) -> None:
    """Write ``model.pt``, bare, and ``model.ts``, after checking that the weights fit."""
    parser = ConfigParser()
    parser.read_config(str(folder / "configs" / "inference.json"))
    parser["bundle_root"] = literal(str(folder))
    network = load_weights(parser.get_parsed_content("network_def"), weights)
    model = folder / "models" / "model.pt"
    trained_on = trained_on_of(load_checkpoint(weights))
    save_checkpoint(model, carrying(network.state_dict(), trained_on))
    warnings.filterwarnings("ignore", message="The TorchScript type system")
    ckpt_export(
        net_id="network_def",
        filepath=str(folder / "models" / "model.ts"),
        ckpt_file=str(model),
        meta_file=str(folder / "configs" / "metadata.json"),
        config_file=str(folder / "configs" / "inference.json"),
        bundle_root=literal(str(folder)),
    )


def check_sums(folder: Path) -> str:
    """Return what ``sha256sum`` prints for every file below a folder, by name.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a").write_text("")
    ...     check_sums(Path(folder))[:16], check_sums(Path(folder))[-4:]
    ('e3b0c44298fc1c14', '  a\\n')
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _SUMS)
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in files
    )


def _zip(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, Path(folder.name, file.relative_to(folder)))
    return path
