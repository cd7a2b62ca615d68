import re

import torch.distributed as dist
import torch.multiprocessing as mp
from ignite.engine import Engine

from lamina.evaluation.processes import CaseProgress, gather
from lamina.training.ranks import is_main


def test_one_process_has_its_own_cases_alone():
    cases = {"a": 1, "b": 2}
    assert gather(cases) == cases
    assert is_main()


def test_the_bar_counts_to_the_last_case(capsys):
    engine = Engine(lambda engine, batch: [{"case": batch}])
    CaseProgress("evaluation").attach(engine)
    engine.run(["a", "b", "c"])
    assert re.search(r"evaluation: \[3/3\] 100%", capsys.readouterr().err.rpartition("\r")[2])


def _run(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    gathered = gather([{"a": 1, "shared": 3}, {"b": 2, "shared": 3}][rank])
    (folder / f"{rank}.txt").write_text(f"{sorted(gathered.items())} {is_main()}")
    dist.destroy_process_group()


def test_two_processes_have_all_cases_each_once(tmp_path):
    mp.spawn(_run, args=(tmp_path,), nprocs=2)
    expected = "[('a', 1), ('b', 2), ('shared', 3)]"
    assert (tmp_path / "0.txt").read_text() == f"{expected} True"
    assert (tmp_path / "1.txt").read_text() == f"{expected} False"
