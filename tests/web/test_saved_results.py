import os

import pytest

from lamina.cli import main
from lamina.errors import ReadError
from lamina.files import write_json
from lamina.web.saved_results import describe_saved_result, find_saved_results, saved_file


@pytest.fixture(scope="module")
def results(tiny, picture, tmp_path_factory):
    """What `lamina predict` writes for two pictures, of which one is broken."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "in").mkdir()
    (folder / "in" / "good.png").write_bytes(picture)
    (folder / "in" / "broken.png").write_bytes(picture[:500])
    task, weights, _ = tiny
    words = [str(folder / "in"), "-o", str(folder / "run" / "out"), "--weights", str(weights)]
    assert main(["predict", str(task), *words]) == 1
    (folder / "run" / "evaluation").mkdir()
    (folder / "run" / "evaluation" / "report.html").write_text("<h1>Report</h1>")
    os.utime(folder / "run" / "evaluation" / "report.html", (1, 1))
    return folder / "run"


def test_predictions_and_reports_are_found_the_newest_first(results):
    found = find_saved_results(results)
    assert [(one.name, one.kind) for one in found] == [
        ("run/out", "predictions"),
        ("run/evaluation", "report"),
    ]
    assert find_saved_results(results / "nowhere") == []


def test_a_folder_tells_what_became_of_each_case(results):
    told = describe_saved_result(find_saved_results(results)[0])
    cases = {case["case"]: case for case in told["cases"]}
    assert (cases["good"]["status"], cases["broken"]["status"]) == ("done", "failed")
    assert "not a complete picture" in cases["broken"]["reason"]
    assert {row["structure"] for row in cases["good"]["measurements"]} == {
        "upper",
        "middle",
        "lower",
    }
    assert told["about"]["task"] == "tiny"


def test_only_files_that_are_listed_are_given(results, tmp_path):
    predictions, report = find_saved_results(results)
    assert saved_file(predictions, "good.png") == results / "out" / "good.png"
    assert saved_file(predictions, "overlays/good.png").is_file()
    assert saved_file(report, "report.html").is_file()
    for name in ("../evaluation/report.html", "/etc/passwd", ".cases/good.json", "", "none.png"):
        with pytest.raises(KeyError):
            saved_file(predictions, name)


def test_a_manifest_that_leads_elsewhere_is_not_followed(tmp_path):
    (tmp_path / "secret").write_text("secret")
    case = {"case": "a", "status": "done", "outputs": ["../secret", "link"]}
    write_json(tmp_path / "out" / "manifest.json", {"cases": [case]})
    (tmp_path / "out" / "link").symlink_to(tmp_path / "secret")
    (output,) = find_saved_results(tmp_path / "out")
    for name in ("../secret", "link"):
        with pytest.raises(KeyError):
            saved_file(output, name)


def test_a_broken_manifest_is_told(tmp_path):
    (tmp_path / "manifest.json").write_text("{")
    (output,) = find_saved_results(tmp_path)
    with pytest.raises(ReadError, match=r"manifest.json, line 1"):
        describe_saved_result(output)
