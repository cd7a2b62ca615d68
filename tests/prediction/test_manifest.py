import json
import os

from lamina.files import written_whole
from lamina.prediction.manifest import Manifest


def record(case, key="k", **changes):
    made = {"case": case, "status": "done", "key": key, "outputs": [f"{case}.txt"], "warnings": []}
    return made | changes


def test_what_is_done_is_known_in_the_next_run(tmp_path):
    first = Manifest(tmp_path, {"task": "t"})
    assert not first.done("a", "k")
    (tmp_path / "a.txt").touch()
    first.add(record("a"))
    again = Manifest(tmp_path, {})
    assert again.done("a", "k")
    assert not again.done("a", "other settings")
    assert not again.done("b", "k")


def test_a_failed_case_is_not_done(tmp_path):
    Manifest(tmp_path, {}).add(record("a", status="failed", outputs=[]))
    assert not Manifest(tmp_path, {}).done("a", "k")


def test_a_case_whose_file_is_gone_is_not_done(tmp_path):
    Manifest(tmp_path, {}).add(record("a"))
    assert not Manifest(tmp_path, {}).done("a", "k")


def test_two_processes_merge(tmp_path):
    one, two = Manifest(tmp_path, {}), Manifest(tmp_path, {})
    one.add(record("a"))
    two.add(record("b"))
    told = json.loads(one.write().read_text())
    assert [case["case"] for case in told["cases"]] == ["a", "b"]


def test_cases_that_left_are_forgotten(tmp_path):
    manifest = Manifest(tmp_path, {})
    manifest.add(record("a"))
    manifest.add(record("b"))
    manifest.forget_others(["b"])
    assert [case["case"] for case in json.loads(manifest.write().read_text())["cases"]] == ["b"]


def test_a_broken_record_is_done_again(tmp_path, caplog):
    Manifest(tmp_path, {}).add(record("a"))
    (tmp_path / ".cases" / "a.json").write_text("{")
    assert not Manifest(tmp_path, {}).done("a", "k")
    assert "the case is done again" in caplog.text


def test_what_a_dead_process_left_goes_and_what_a_living_one_writes_stays(tmp_path):
    Manifest(tmp_path, {}).add(record("a"))
    with written_whole(tmp_path / ".cases" / "b.json") as alive:
        alive.touch()
        dead = alive.with_name(alive.name.replace(str(os.getpid()), "999999999"))
        dead.touch()
        Manifest(tmp_path, {})
        assert not dead.exists()
        assert alive.exists()


def test_a_process_of_another_container_counts_as_living_for_a_day(tmp_path):
    """Its number says nothing here: it is 999999999, which does not run here."""
    lately, long_ago = tmp_path / ".part-0a1b2c3d-999999999-a", tmp_path / ".part-999999999-b"
    for part in (lately, long_ago):
        part.touch()
    os.utime(long_ago, (0, 0))
    Manifest(tmp_path, {})
    assert lately.exists()
    assert not long_ago.exists()
