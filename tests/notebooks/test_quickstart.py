"""The notebook's cells, run in order in one namespace, with few epochs and small pictures."""

import json

import pytest

from lamina.tasks.catalogue import CHECKOUT

NOTEBOOK = CHECKOUT / "docs" / "notebooks" / "quickstart.ipynb"


@pytest.fixture(scope="module")
def cells():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


def test_it_is_a_notebook_without_outputs(cells):
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert len({cell["id"] for cell in cells}) == len(cells)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in code) == 1


def write_small_task(folder):
    """The notebook's task with a small network on small pictures."""
    task = json.loads((CHECKOUT / "configs" / "tasks" / "lung_cxr.json").read_text())
    network = task["network_def"] | {"channels": [4, 8, 8], "strides": [2, 2], "num_res_units": 0}
    size = {"2": [64, 64]}
    task |= {"network_def": network, "strides": None, "patch_size": size, "window_size": size}
    (folder / "small.json").write_text(json.dumps(task))
    return folder / "small.json"


def test_every_cell_runs(cells, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    changed = {
        "TASK": str(write_small_task(tmp_path)),
        "CASES": 6,
        "SIZE": (60, 70),
        "EPOCHS": 2,
        "WORK": str(tmp_path / "work"),
    }
    space = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), space)  # noqa: S102
        if "parameters" in cell["metadata"].get("tags", []):
            assert set(changed) <= set(space)
            space |= changed
    work = tmp_path / "work"
    assert len(json.loads((work / "run" / "history.json").read_text())) == 2
    assert (work / "run" / "evaluation" / "report.html").is_file()
    assert len(list((work / "found").glob("*.png"))) == 6
    assert "lungs" in capsys.readouterr().out
