import json

import pytest

from lamina.planning.names import class_names


@pytest.mark.parametrize(
    "labels",
    [
        {"0": "background", "1": "Anterior", "2": "Posterior"},
        {"background": 0, "Anterior": 1, "Posterior": 2},
    ],
)
def test_the_decathlon_s_and_nnu_net_s_way(tmp_path, labels):
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    assert class_names(tmp_path, [1, 2, 5]) == {1: "Anterior", 2: "Posterior", 5: "structure 5"}


def test_the_same_name_twice_is_told_apart(tmp_path):
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"1": "rib", "2": "rib"}}))
    assert class_names(tmp_path, [1, 2]) == {1: "rib 1", 2: "rib 2"}


def test_a_file_without_labels_names_nothing(tmp_path):
    (tmp_path / "dataset.json").write_text("{}")
    assert class_names(tmp_path, [3]) == {3: "structure 3"}
