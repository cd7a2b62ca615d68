import json

import pytest

from lamina.package.configs import packed_workflows, rewrite
from lamina.tasks.catalogue import CHECKOUT

TASK = {"name": "a", "title": "A"}


@pytest.fixture
def workflows():
    return packed_workflows(CHECKOUT / "configs", TASK)


def test_each_workflow_is_there(workflows):
    assert {"train.json", "inference.json", "evaluate.json"} <= set(workflows)


def test_the_task_is_written_into_them(workflows):
    for name in ("train.json", "inference.json", "evaluate.json"):
        assert workflows[name]["task"] == TASK | {"phantoms": None}


def test_what_a_workflow_takes_from_another_is_written_out(workflows):
    assert '"%' not in json.dumps(workflows)
    evaluate, inference = workflows["evaluate.json"], workflows["inference.json"]
    for name in ("inferer", "reading", "overlap", "series_rules"):
        assert evaluate[name] == inference[name]


def test_a_bundle_makes_no_phantoms_and_names_no_schema():
    task = TASK | {"phantoms": {"_target_": "lamina.phantoms.write"}, "$schema": "../s.json"}
    packed = packed_workflows(CHECKOUT / "configs", task)["train.json"]["task"]
    assert packed == TASK | {"phantoms": None}


def test_no_expression_names_the_package_without_bringing_it(workflows):
    text = json.dumps(workflows)
    assert "$lamina." not in text
    assert "(lamina." not in text
    assert "$import lamina" not in text


def test_the_word_import_stands_in_no_expression_with_a_reference(workflows):
    """MONAI would parse such an expression as plain Python, and fail."""

    def expressions(node):
        if isinstance(node, dict):
            node = list(node.values())
        if isinstance(node, list):
            for value in node:
                yield from expressions(value)
        elif isinstance(node, str) and node.startswith("$") and "@" in node:
            yield node

    assert not [text for text in expressions(workflows) if "import" in text]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("$lamina.a(lamina.b())", "$@lamina.a(@lamina.b())"),
        ("$[lamina.a]", "$[@lamina.a]"),
        ("$@lamina.a", "$@lamina.a"),
        ("$x.lamina.a", "$x.lamina.a"),
        ("$'lamina.a'", "$'lamina.a'"),
        ("lamina.a", "lamina.a"),
        ({"a": ["$lamina.b", 3]}, {"a": ["$@lamina.b", 3]}),
    ],
)
def test_rewriting(given, wanted):
    assert rewrite(given) == wanted


def test_released_weights_are_the_bundles_own(workflows):
    assert workflows["inference.json"]["released"] == "$@bundle_root + '/models/model.pt'"
