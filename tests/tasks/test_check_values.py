import pytest

from lamina.tasks.check_values import label_problems, value_of, value_problems

TASK = {"lr": 0.1, "epochs": {"2": 40, "3": 75}, "spatial_dims": 3}


@pytest.mark.parametrize("mark", ["#", "::"])
def test_an_id_stands_for_the_tasks_value_in_its_dimension(mark):
    config = {
        "task": TASK,
        "spatial_dims": f"@task{mark}spatial_dims",
        "epochs": f"$lamina.tasks.for_dims(@task{mark}epochs, @spatial_dims, 'epochs')",
        "lr": f"$lamina.tasks.for_dims(@task{mark}lr, @spatial_dims, 'lr')",
        "seed": 3,
        "device": "$torch.device('cpu')",
    }
    assert value_of(config, "spatial_dims") == 3
    assert value_of(config, "epochs") == 75
    assert value_of(config | {"spatial_dims": 2}, "epochs") == 40
    assert value_of(config, "lr") == 0.1
    assert value_of(config, "seed") == 3
    assert value_of(config, "nothing") is None
    assert value_of(config, "device") == "$torch.device('cpu')"


def test_nothing_is_wrong_with_what_can_be_meant():
    right = {
        "epochs": 1,
        "lr": 1e-5,
        "num_workers": 0,
        "overlap": 0,
        "fractions": [1, 0, 0],
        "spatial_dims": 2,
        "patch_size": [1, 7],
        "patience": None,
        "cache_gb": 0.5,
        "weights": "released",
    }
    assert list(value_problems(right)) == []


def test_each_wrong_value_is_one_line():
    wrong = {"epochs": True, "lr": 0, "overlap": 1, "weights": "/no/model.pt"}
    assert list(value_problems(wrong)) == [
        "epochs: True, expected a whole number from 1",
        "lr: 0, expected a number above 0",
        "overlap: 1, expected a number from 0 to below 1",
        "weights: /no/model.pt: there are no weights",
    ]


def test_files_that_are_there_are_right(tmp_path):
    (tmp_path / "model.pt").touch()
    places = {"dataset_dir": str(tmp_path), "weights": str(tmp_path / "model.pt")}
    assert list(value_problems(places)) == []


def test_codes_of_labels_are_classes():
    labels = [
        {"value": 0, "name": "background", "color": [0, 0, 0]},
        {"value": 1, "name": "lung", "color": [0, 0, 255]},
    ]
    assert list(label_problems({"labels": labels, "label_values": {"0": 0, "255": 1}})) == []
    (problem,) = label_problems({"labels": labels, "label_values": {"255": 2}})
    assert "expected classes from 0 to 1" in problem
