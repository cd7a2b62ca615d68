"""Files of every format with a few bytes changed: none ends the process, hangs, or fills memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.mutated_files import mutants, write_seeds

from lamina.cli import main
from lamina.readers.images import read_image

READ_ALL = """
import json, logging, resource, sys, time, warnings
from pathlib import Path
from lamina.errors import LaminaError
from lamina.readers.images import read_grid, read_image, read_label

warnings.simplefilter("ignore")
logging.disable(logging.ERROR)
for path in sorted(Path(sys.argv[1]).iterdir()):
    print(json.dumps({"file": path.name}), flush=True)
    begun = time.process_time()
    for read in (read_grid, read_image, read_label):
        try:
            read(str(path))
        except LaminaError as error:
            assert str(path) in str(error), error
    used = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = time.process_time() - begun
    print(json.dumps({"file": path.name, "seconds": seconds, "kilobytes": max(used)}), flush=True)
"""


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    return write_seeds(tmp_path_factory.mktemp("seeds"))


def test_the_whole_files_are_read(seeds):
    assert len(seeds) >= 25
    for path in seeds:
        assert read_image(str(path))[0].any(), path


def read_all(seeds, folder, count, seed):
    """Read mutated files in a process of their own, then look at all of them as a user does."""
    folder.mkdir()
    for name, content in mutants(seeds, count, seed):
        (folder / name).write_bytes(content)
    line = [sys.executable, "-c", READ_ALL, str(folder)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=3000)
    rows = [json.loads(line) for line in done.stdout.splitlines()[1::2] if line.startswith("{")]
    last = done.stdout.splitlines()[-1:]
    assert done.returncode == 0, f"{done.returncode} at {last}: {done.stderr[-3000:]}"
    assert len(rows) == count
    assert max(rows, key=lambda row: row["seconds"])["seconds"] < 10
    assert max(rows, key=lambda row: row["kilobytes"])["kilobytes"] < 2_000_000


def account_for_all(folder, capsys):
    assert main(["scan", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    seen = {file for case in told["cases"] for file in case["files"]}
    seen |= {case["address"] for case in told["cases"]} | {one["path"] for one in told["left_out"]}
    assert {str(path) for path in folder.iterdir()} <= seen
    assert main(["data", str(folder)]) == 0


def test_some_mutated_files(seeds, tmp_path, capsys):
    read_all(seeds, tmp_path / "mutated", 54, seed=1)
    account_for_all(tmp_path / "mutated", capsys)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_a_thousand_mutated_files(seeds, tmp_path, capsys, seed):
    read_all(seeds, tmp_path / "mutated", 260, seed)
    account_for_all(tmp_path / "mutated", capsys)


def test_mutants_are_the_same_for_the_same_seed_and_differ_from_their_files(seeds):
    first, again = (list(mutants(seeds, 52, seed=7)) for _ in range(2))
    assert first == again
    whole = {path.name: path.read_bytes() for path in seeds}
    changed = [content != whole[Path(name).name.split("_", 1)[1]] for name, content in first]
    assert sum(changed) > 45
