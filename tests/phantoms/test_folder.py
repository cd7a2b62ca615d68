import json

import pytest

from lamina.errors import ConfigError, DataError
from lamina.phantoms.folder import RECIPE_FILE, make_once, require_numbers


def fill(folder):
    (folder / "deep").mkdir()
    (folder / "deep" / "a.txt").write_text("a")


def make(folder, **parameters):
    return make_once(folder, parameters or {"seed": 1}, ["deep/a.txt"], fill)


def test_the_folder_holds_files_and_parameters(tmp_path):
    made = make(tmp_path / "new" / "set", seed=1, size=(3, 4))
    assert (made / "deep" / "a.txt").read_text() == "a"
    assert json.loads((made / RECIPE_FILE).read_text()) == {"seed": 1, "size": [3, 4]}
    assert [path.name for path in made.parent.iterdir()] == ["set"]


def test_a_second_call_writes_nothing(tmp_path):
    make(tmp_path / "set", size=(3, 4))
    again = make_once(tmp_path / "set", {"size": [3, 4]}, ["deep/a.txt"], pytest.fail)
    assert again == tmp_path / "set"


def test_an_empty_folder_is_filled(tmp_path):
    assert (make(tmp_path) / "deep" / "a.txt").exists()


def test_other_parameters_are_named(tmp_path):
    make(tmp_path / "set", seed=1)
    with pytest.raises(DataError, match="other parameters: seed 1, not 2"):
        make(tmp_path / "set", seed=2)


def test_a_folder_of_other_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="found other files"):
        make(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_missing_file_is_named(tmp_path):
    (make(tmp_path / "set") / "deep" / "a.txt").unlink()
    with pytest.raises(DataError, match=r"1 files of the phantoms are missing, deep/a\.txt"):
        make(tmp_path / "set")


def test_a_recipe_that_is_no_json_is_told(tmp_path):
    (make(tmp_path / "set") / RECIPE_FILE).write_text("{")
    with pytest.raises(DataError, match="not JSON"):
        make(tmp_path / "set")


def test_a_failure_leaves_nothing(tmp_path):
    def fail(folder):
        fill(folder)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        make_once(tmp_path / "set", {}, [], fail)
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_which_nothing_can_be_made_are_refused():
    require_numbers(cases=1, step=1, seed=0)
    for given in ({"cases": 0, "seed": 0}, {"cases": 1, "seed": -1}):
        with pytest.raises(ConfigError, match="expected cases from 1, seed from 0"):
            require_numbers(**given)
