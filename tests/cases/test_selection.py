import json
import re
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from lamina.cases import describe, find_cases, fingerprint, hash_files, split_cases
from lamina.cases.case import Case
from lamina.cases.selection import chosen_cases, evaluation_items, held_out_items, make_splits
from lamina.cases.splits import write_splits
from lamina.cli import main
from lamina.errors import ConfigError, DataError
from lamina.files import write_json
from lamina.tasks.labels import Label
from lamina.tensors import carrying, save_checkpoint

HOW = {"labels": [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 0, 255))], "seed": 0}
HOW["fractions"] = (0.5, 0.2, 0.3)


@pytest.fixture
def folder(tmp_path, write_picture):
    for number in range(30):
        image = np.full((3, 4), number, np.uint8)
        write_picture(tmp_path / "data" / "images" / f"c{number}.png", image)
        write_picture(tmp_path / "data" / "masks" / f"c{number}.png", np.eye(3, 4, dtype=np.uint8))
    return tmp_path / "data"


def names(cases):
    return {case.name for case in cases}


def test_without_a_folder_it_says_which_option():
    with pytest.raises(DataError, match="--dataset-dir FOLDER"):
        make_splits(None, **HOW)


def test_splits_do_not_overlap_and_all_is_everybody(folder, tmp_path):
    parts = [
        names(chosen_cases(folder, tmp_path, s, **HOW)) for s in ("training", "validation", "test")
    ]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 30
    assert names(chosen_cases(folder, tmp_path, "all", **HOW)) == set.union(*parts)


def test_the_runs_own_division_counts_whatever_seed_is_given(folder, tmp_path):
    splits = make_splits(folder, **HOW)
    write_splits(tmp_path / "splits.json", splits)
    other = HOW | {"seed": 7}
    assert names(make_splits(folder, **other)["test"]) != names(splits["test"])
    chosen = names(chosen_cases(folder, tmp_path, "test", **other))
    assert chosen == names(splits["test"])


def test_the_division_of_another_folder_does_not(folder, tmp_path):
    other = [Case("x", "/elsewhere/x.png", "/elsewhere/m.png", "x")]
    write_splits(tmp_path / "splits.json", {"training": other, "validation": [], "test": other})
    assert names(chosen_cases(folder, tmp_path, "test", **HOW)) == names(
        make_splits(folder, **HOW)["test"]
    )


def test_unknown_and_empty_splits(folder, tmp_path):
    with pytest.raises(ConfigError, match="split: 'tests'"):
        chosen_cases(folder, tmp_path, "tests", **HOW)
    with pytest.raises(DataError, match="no case in the test split"):
        chosen_cases(folder, tmp_path, "test", **HOW | {"fractions": (0.8, 0.2, 0.0)})


def test_items_for_each_workflow(folder, tmp_path):
    (first, *_) = evaluation_items(folder, tmp_path, "test", **HOW)
    assert set(first) == {"image", "raw", "truth", "case"}
    assert first["image"] == first["raw"]
    assert {tuple(item) for item in held_out_items(folder, tmp_path, **HOW)} == {("image", "case")}


def test_the_fingerprint_sees_a_changed_voxel_and_nothing_else(folder):
    splits = make_splits(folder, **HOW)
    before = fingerprint(splits)
    victim = splits["training"][0]
    path = folder / "masks" / f"{victim.name}.png"
    content = path.read_bytes()
    path.touch()
    assert fingerprint(splits) == before
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    after = fingerprint(splits)
    changed = {
        name for name in before["training"] if before["training"][name] != after["training"][name]
    }
    assert changed == {victim.name}


def test_the_fingerprint_of_a_series_is_that_of_its_files(tmp_path, write_series, volume, oblique):
    folder = write_series(tmp_path / "s", volume, oblique)
    splits = {"training": [Case("s", f"{folder}#1.2.3", None, "s")], "validation": [], "test": []}
    before = fingerprint(splits)
    assert (
        before["training"]["s"]
        == fingerprint(splits | {"training": [Case("s", str(folder), None, "s")]})["training"]["s"]
    )
    (folder / "000.dcm").write_bytes(b"other")
    assert fingerprint(splits) != before


def test_a_copy_of_the_data_set_is_divided_as_the_run_did(folder, tmp_path):
    splits = make_splits(folder, **HOW)
    write_splits(tmp_path / "splits.json", splits)
    write_json(tmp_path / "run.json", {"data": fingerprint(splits)})
    copied = tmp_path / "copy"
    shutil.copytree(folder, copied)
    assert len(set(fingerprint(splits)["training"].values())) == len(splits["training"])
    chosen = names(chosen_cases(copied, tmp_path, "test", **(HOW | {"seed": 7})))
    trained = names(splits["training"])
    assert not chosen & trained


def test_measuring_on_what_was_trained_on_is_told(folder, tmp_path, caplog):
    with caplog.at_level("WARNING", "lamina"):
        chosen_cases(folder, tmp_path, "test", **HOW)
        assert "trained on" not in caplog.text
        chosen_cases(folder, tmp_path, "all", **HOW)
    assert "of these cases were trained on" in caplog.text


def test_folds_share_their_test_set_and_validate_everybody_once(folder):
    parts = [make_splits(folder, **HOW, fold=fold, folds=3) for fold in range(3)]
    assert len({frozenset(names(part["test"])) for part in parts}) == 1
    validated = [name for part in parts for name in names(part["validation"])]
    assert len(validated) == len(set(validated)) == 30 - len(parts[0]["test"])


def test_a_pattern_keeps_patients_together(folder):
    splits = make_splits(folder, **HOW, patient_pattern=r"^c(\d)")
    tens = [{name[1] for name in names(part)} for part in splits.values()]
    assert sum(map(len, tens)) == len(set.union(*tens))


def test_of_two_equal_images_the_one_that_was_trained_on_counts(folder, tmp_path):
    splits = make_splits(folder, **HOW)
    data = fingerprint(splits)
    twin, original = splits["test"][0], splits["training"][0]
    data["test"][twin.name] = data["training"][original.name]
    write_splits(tmp_path / "splits.json", splits)
    write_json(tmp_path / "run.json", {"data": data})
    copied = tmp_path / "copy"
    shutil.copytree(folder, copied)
    assert original.name not in names(chosen_cases(copied, tmp_path, "test", **HOW))


def grow(folder, write_picture, numbers):
    for number in numbers:
        write_picture(folder / "images" / f"c{number}.png", np.full((3, 4), number, np.uint8))
        write_picture(folder / "masks" / f"c{number}.png", np.eye(3, 4, dtype=np.uint8))


def test_test_cases_of_a_run_stay_when_files_are_added(folder, tmp_path, write_picture):
    """Of these seeds some let the added name take a test case's place where no run is known."""
    moved = 0
    seeds = {seed: make_splits(folder, **HOW | {"seed": seed}) for seed in range(15)}
    grow(folder, write_picture, [30])
    for seed, before in seeds.items():
        write_splits(tmp_path / "splits.json", before)
        how = HOW | {"seed": seed}
        moved += not names(before["test"]) <= names(make_splits(folder, **how)["test"])
        after = make_splits(folder, **how, run_dir=tmp_path)
        assert names(before["test"]) == names(after["test"])
        assert [len(part) for part in after.values()] == [16, 6, 9]
    assert moved


def test_a_run_that_goes_on_keeps_its_division_whole(folder, tmp_path, write_picture):
    """Also one that was made by another rule, as earlier versions had."""
    made = split_cases(find_cases(folder).cases, seed=5, fractions=(0.9, 0.05, 0.05))
    write_splits(tmp_path / "splits.json", made)
    here = HOW | {"run_dir": tmp_path, "fresh": False}
    assert names(make_splits(folder, **here)["training"]) != names(made["training"])  # no weights
    (tmp_path / "last.pt").touch()
    assert make_splits(folder, **here) == made
    assert make_splits(folder, **here | {"fresh": True}) != made
    assert make_splits(folder, **here, patient_pattern=r"^(c\d)") != made
    grow(folder, write_picture, [30])
    assert len(make_splits(folder, **here)["training"]) == 16


def test_structures_are_in_every_part_as_the_labels_say(folder, write_picture):
    labels = [*HOW["labels"], Label(2, "nodule", (9, 9, 9))]
    for number in (4, 5, 6):
        mask = 2 * np.eye(3, 4, dtype=np.uint8)
        write_picture(folder / "masks" / f"c{number}.png", mask)
    splits = make_splits(folder, **HOW | {"labels": labels})
    assert all(names(part) & {"c4", "c5", "c6"} for part in splits.values())
    text = describe(find_cases(folder), labels, seed=0, fractions=HOW["fractions"])
    assert "15 training, 6 validation, 9 test" in text
    assert "in no test case" not in text


def test_what_a_part_lacks_is_told(folder, write_picture):
    write_picture(folder / "masks" / "c4.png", 2 * np.eye(3, 4, dtype=np.uint8))
    text = describe(find_cases(folder), fractions=HOW["fractions"])
    assert "in no validation case: value 2" in text
    assert "in no test case: value 2" in text
    assert "in no training case" not in text


@pytest.mark.parametrize("count", [6, 13, 20, 30])
def test_all_commands_tell_one_division(count, tmp_path, capsys, write_picture):
    folder = tmp_path / "pictures"
    for number in range(count):
        image = np.random.default_rng(number).integers(0, 99, (40, 48)).astype(np.uint8)
        mask = np.zeros((40, 48), np.uint8)
        mask[9:25, 9:30] = 1
        mask[30:36, 30:36] = 2 * (number % 5 == 0)
        write_picture(folder / "images" / f"c{number}.png", image + 100 * mask)
        write_picture(folder / "masks" / f"c{number}.png", mask)
    task = str(tmp_path / "mine.json")
    words = ["-o", task, "--report", str(tmp_path / "page"), "--name", "mine_of_a_test"]
    divided = []
    for line in (
        ["data", str(folder)],
        ["plan", str(folder), *words],
        ["data", str(folder), "--task", task],
        ["check", task, "--dataset-dir", str(folder)],
    ):
        main(line)
        divided += re.findall(r"\d+ training, \d+ validation, \d+ test", capsys.readouterr().out)
    fractions = json.loads((tmp_path / "mine.json").read_text())["fractions"]
    labels = [Label(value, str(value), (9, 9, 9)) for value in range(3)]
    splits = make_splits(folder, labels=labels, fractions=fractions)
    told = ", ".join(f"{len(part)} {name}" for name, part in splits.items())
    assert divided == [told] * 4


def save_weights(path, splits):
    images = {part: [hash_files(case.image) for case in splits[part]] for part in splits}
    save_checkpoint(path, carrying({"w": torch.zeros(2)}, images))
    return path


def test_each_case_is_to_the_weights_what_it_was_to_their_training(folder, tmp_path, caplog):
    """Wherever it lies, whatever seed is given, and also where its label was drawn anew."""
    splits = make_splits(folder, **HOW | {"seed": 3})
    weights = save_weights(tmp_path / "model.pt", splits)
    copied = tmp_path / "copy"
    shutil.copytree(folder, copied)
    for mask in (copied / "masks").iterdir():
        Image.fromarray(np.ones((3, 4), np.uint8)).save(mask)
    for part, cases in splits.items():
        chosen = chosen_cases(copied, tmp_path / "none", part, weights=[weights], **HOW)
        assert names(chosen) == names(cases)
    assert "never saw" not in caplog.text


def test_a_data_set_that_the_weights_never_saw_is_measured_whole(folder, tmp_path, caplog):
    caplog.set_level("INFO")
    other = {"training": [], "validation": [], "test": []}
    weights = save_weights(tmp_path / "model.pt", other | {"training": make_case(tmp_path)})
    for split in ("test", "all"):
        assert len(chosen_cases(folder, tmp_path / "none", split, weights=[weights], **HOW)) == 30
    assert "the weights never saw 30 of these cases" in caplog.text
    assert "trained on" not in caplog.text


def make_case(tmp_path):
    (tmp_path / "x.png").write_bytes(b"another image")
    return [Case("x", str(tmp_path / "x.png"), None, "x")]


def test_what_one_of_several_networks_was_trained_on_is_no_test_case(folder, tmp_path):
    parts = [make_splits(folder, **HOW | {"seed": seed}) for seed in (0, 1)]
    files = [save_weights(tmp_path / f"{n}.pt", part) for n, part in enumerate(parts)]
    chosen = names(chosen_cases(folder, tmp_path / "none", "test", weights=files, **HOW))
    assert chosen == names(parts[0]["test"]) & names(parts[1]["test"])


def test_weights_that_do_not_say_it_are_told(folder, tmp_path, caplog):
    save_checkpoint(tmp_path / "old.pt", {"w": torch.zeros(2)})
    chosen = chosen_cases(folder, tmp_path / "none", "test", weights=[tmp_path / "old.pt"], **HOW)
    assert names(chosen) == names(make_splits(folder, **HOW)["test"])
    assert "old.pt: what it was trained on is not recorded" in caplog.text
