import ast
import json
import re
import subprocess
import zipfile

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow, verify_metadata

import lamina
from lamina.errors import ConfigError, WeightsError
from lamina.package.pack import ROOMS, check_sums, pack_task


def infer(python, folder, images, output, cwd, *words):
    config = ["--config_file", folder / "configs" / "inference.json"]
    places = ["--input_dir", images / "imagesTr", "--output_dir", output]
    done = python("-m", "monai.bundle", "run", "inference", *config, *places, *words, cwd=cwd)
    assert done.returncode == 0, done.stderr[-3000:]
    return {path.name: np.asarray(nib.load(path).dataobj) for path in output.glob("*.nii.gz")}


def test_the_folder_is_a_bundle_of_the_zoos_form(packed):
    folder, zipped = packed
    for name in ("train.json", "inference.json", "evaluate.json", "metadata.json", "logging.conf"):
        assert (folder / "configs" / name).is_file()
    for name in (
        "LICENSE",
        "docs/README.md",
        "models/model.pt",
        "models/model.ts",
        "lamina/readers/images.py",
        "lamina/tasks/task_schema.json",
    ):
        assert (folder / name).is_file()
    assert zipped.name == f"small_v{lamina.__version__}.zip"
    with zipfile.ZipFile(zipped) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    assert names == {f"small/{path.relative_to(folder)}" for path in folder.rglob("*.*")} | {
        f"small/{name}" for name in ("LICENSE", "SHA256SUMS")
    }


def test_it_carries_the_rooms_of_the_workflows_and_no_others(packed):
    folder, zipped = packed
    with zipfile.ZipFile(zipped) as archive:
        parts = [name.split("/") for name in archive.namelist()]
    rooms = {part[2] for part in parts if part[1] == "lamina" and len(part) > 3}
    assert rooms == set(ROOMS)
    assert not rooms & {"web", "phantoms", "planning", "label", "commands", "package", "prepare"}
    assert not {"cli.py", "bundle_line.py"} & {path.name for path in (folder / "lamina").iterdir()}


def imported(file):
    """The rooms and modules of Lamina that a file imports, in functions too."""
    for node in ast.walk(ast.parse(file.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        yield from (name.split(".")[1] for name in names if name.startswith("lamina."))


def test_what_it_carries_imports_only_what_it_carries(packed):
    package = packed[0] / "lamina"
    carried = {path.stem for path in package.iterdir()}
    needed = {name for file in package.rglob("*.py") for name in imported(file)}
    assert needed <= carried
    configs = " ".join(path.read_text() for path in (packed[0] / "configs").glob("*.json"))
    assert set(re.findall(r"(?<![\w/.-])lamina\.([a-z]+)\.", configs)) <= carried


def test_nothing_refers_to_a_path_outside(packed):
    for path in (packed[0] / "configs").iterdir():
        text = path.read_text()
        assert '"%' not in text
        assert str(lamina.__file__).rsplit("/", 3)[0] not in text


def test_the_sums_are_those_of_sha256sum(packed):
    line = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
    assert subprocess.run(line, cwd=packed[0], check=False).returncode == 0
    assert check_sums(packed[0]) == (packed[0] / "SHA256SUMS").read_text()


def test_the_metadata_follow_the_shipped_schema(packed):
    configs = packed[0] / "configs"
    metadata, schema = configs / "metadata.json", configs / "metadata_schema.json"
    verify_metadata(meta_file=str(metadata), filepath=str(schema))
    content = json.loads(metadata.read_text())
    assert content["name"] == "small"
    assert content["network_data_format"]["outputs"]["pred"]["num_channels"] == 9


def test_torchscript_and_checkpoint_are_the_same_network(packed, small_task):
    state = torch.load(packed[0] / "models" / "model.pt", weights_only=True)
    given = torch.load(small_task[1], weights_only=True)
    assert state.keys() == given.keys()
    assert all(torch.equal(state[name], given[name]) for name in given)
    script = torch.jit.load(packed[0] / "models" / "model.ts")
    assert script(torch.zeros(1, 1, 16, 64)).shape == (1, 9, 16, 64)


def test_it_runs_where_lamina_is_not_installed(packed, images, without_lamina, tmp_path):
    assert without_lamina("-c", "import lamina", cwd=tmp_path).returncode != 0
    near = infer(without_lamina, packed[0], images, tmp_path / "near", packed[0])
    root = ("--bundle_root", packed[0])
    far = infer(without_lamina, packed[0], images, tmp_path / "far", tmp_path, *root)
    assert len(near) == 4
    for name, label in near.items():
        np.testing.assert_array_equal(label, far[name])


def test_it_gives_the_masks_of_lamina_itself(packed, small_task, images, without_lamina, tmp_path):
    from lamina.cli import main

    near = infer(without_lamina, packed[0], images, tmp_path / "packed", packed[0])
    task, weights = map(str, small_task)
    words = [str(images / "imagesTr"), "-o", str(tmp_path / "own"), "--weights", weights]
    assert main(["predict", task, *words]) == 0
    for name, label in near.items():
        own = nib.load(tmp_path / "own" / name)
        np.testing.assert_array_equal(np.asarray(own.dataobj), label)


def test_it_trains_and_leaves_its_model_alone(packed, images, without_lamina, tmp_path):
    before = (packed[0] / "models" / "model.pt").read_bytes()
    config = ["--config_file", "configs/train.json", "--dataset_dir", images]
    words = ["run", "training", *config, "--run_dir", tmp_path / "run", "--batch_size", 2]
    done = without_lamina("-m", "monai.bundle", *words, cwd=packed[0])
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "run" / "model.pt").is_file()
    assert (packed[0] / "models" / "model.pt").read_bytes() == before


def test_it_evaluates(packed, images, without_lamina, tmp_path):
    config = ["--config_file", "configs/evaluate.json", "--dataset_dir", images, "--split", "all"]
    places = ["--run_dir", tmp_path / "run", "--output_dir", tmp_path / "evaluation"]
    words = ["run", "evaluating", *config, *places, "--series_rules#tilt", "refuse"]
    done = without_lamina("-m", "monai.bundle", *words, cwd=packed[0])
    assert done.returncode == 0, done.stderr[-3000:]
    summary = json.loads((tmp_path / "evaluation" / "summary.json").read_text())
    assert len(summary["cases"]) == 4


@pytest.mark.parametrize("name", ["train.json", "inference.json"])
def test_from_python_all_properties_are_there(packed, images, tmp_path, name):
    workflow = ConfigWorkflow(
        config_file=str(packed[0] / "configs" / name),
        logging_file=False,
        workflow_type="train" if name == "train.json" else "infer",
        bundle_root=str(packed[0]),
        dataset_dir=str(images),
        run_dir=str(tmp_path / "run"),
    )
    workflow.initialize()
    assert not workflow.check_properties()
    workflow.finalize()


def test_another_version_of_the_package_is_told(packed, images, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(lamina, "__version__", "9.9.9")
    workflow = ConfigWorkflow(
        config_file=str(packed[0] / "configs" / "inference.json"),
        logging_file=False,
        workflow_type="infer",
        bundle_root=str(packed[0]),
        input_dir=str(images / "imagesTr"),
        output_dir=str(tmp_path),
    )
    workflow.initialize()
    assert "lamina 9.9.9 serves a bundle that was packed with" in caplog.text


def test_a_bundle_without_weights_says_so(small_task, tmp_path):
    folder, _ = pack_task(small_task[0], None, tmp_path)
    assert not (folder / "models").exists()
    assert "no weights in it yet" in (folder / "docs" / "README.md").read_text()


def test_packing_again_replaces_the_bundle(small_task, tmp_path):
    folder, _ = pack_task(small_task[0], None, tmp_path)
    (folder / "old.txt").write_text("old")
    pack_task(*small_task, tmp_path)
    assert not (folder / "old.txt").exists()
    assert (folder / "models" / "model.pt").is_file()


def test_a_folder_of_other_files_is_left_alone(small_task, tmp_path):
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="no packed bundle"):
        pack_task(small_task[0], None, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["small"]


def test_a_task_of_an_earlier_version_is_not_packed(small_task, tmp_path):
    task = json.loads(small_task[0].read_text())
    task["preprocessing"].insert(0, {"_target_": "LoadImaged", "keys": "image"})
    (tmp_path / "old.json").write_text(json.dumps(task))
    with pytest.raises(ConfigError, match="the workflow reads image and label now"):
        pack_task(tmp_path / "old.json", None, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_of_another_network_leave_nothing(small_task, tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="another network"):
        pack_task(small_task[0], tmp_path / "other.pt", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


TWO = """
import sys
import nibabel as nib
from monai.bundle import ConfigWorkflow

def infer(root, images, output):
    workflow = ConfigWorkflow(
        config_file=f"{root}/configs/inference.json", logging_file=False, workflow_type="infer",
        bundle_root=root, input_dir=images, output_dir=output, progress=False,
    )
    workflow.initialize()
    workflow.run()

first, second, images, output = sys.argv[1:]
infer(first, images, f"{output}/first")
infer(second, images, f"{output}/second")
import lamina
assert lamina.__file__.startswith(first), lamina.__file__
"""


def test_two_bundles_in_one_process_keep_apart(
    packed, small_task, images, without_lamina, tmp_path
):
    """The first import of the package serves both, and each has its own task and weights."""
    task = json.loads(small_task[0].read_text())
    task |= {"name": "other", "labels": task["labels"][:4]}
    (tmp_path / "other.json").write_text(json.dumps(task))
    torch.manual_seed(1)
    parts = {"task": task, "spatial_dims": 2, "num_classes": 4, "net": "@task#network_def"}
    network = ConfigParser(parts).get_parsed_content("net")
    torch.save(network.state_dict(), tmp_path / "other.pt")
    other, _ = pack_task(tmp_path / "other.json", tmp_path / "other.pt", tmp_path / "packed")
    one = images / "imagesTr"
    done = without_lamina("-c", TWO, packed[0], other, one, tmp_path / "both", cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    for folder, name in ((packed[0], "first"), (other, "second")):
        alone = infer(without_lamina, folder, images, tmp_path / "alone" / name, folder)
        for file, label in alone.items():
            both = nib.load(tmp_path / "both" / name / file)
            np.testing.assert_array_equal(np.asarray(both.dataobj), label)
