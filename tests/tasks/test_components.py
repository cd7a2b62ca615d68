"""What a stranger's file may use: what is let through is evaluated, and must touch nothing."""

import re
import sys

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from monai.bundle import ConfigParser

import lamina.tasks
from lamina.tasks.catalogue import read_task, task_files
from lamina.tasks.components import (
    find_target,
    postprocessing_problems,
    postprocessing_target,
    program_parts,
)

TOUCHED = []
WATCHED = re.compile(r"open|import|os\.|subprocess|socket|shutil|ctypes|exec|urllib|pickle")
HARMLESS = {"exec"}  # what eval itself says


def _note(event, arguments):
    # Python looks for the source of what it can't parse.
    if TOUCHED and WATCHED.match(event) and event not in HARMLESS and "<unknown>" not in arguments:
        TOUCHED.append((event, arguments))


sys.addaudithook(_note)


@pytest.mark.parametrize("path", task_files(), ids=lambda path: path.stem)
def test_the_tasks_that_come_along_calculate_and_no_more(path):
    assert list(program_parts(read_task(path))) == []


TARGETS = [
    "os.system", "subprocess.run", "eval", "exec", "builtins.eval", "open", "numpy.load",
    "torch.load", "torch.hub.load", "monai.bundle.run", "monai.apps.download_url", "SaveImaged",
    "LoadImaged", "monai.transforms.Lambdad", "Lambda", "lamina.files.os.system", "ConfigParser",
    "torch.nn.modules.module.torch.hub.load", "lamina.tasks.components.locate", "run_eval",
    "lamina.phantoms.write_oct_dataset", "lamina.transforms.patch.torch.load", "this", "antigravity",
    "monai.transforms.io.array.SaveImage", "lamina.files.write_json", "torch.nn.os.system",
    "monai.data.PILReader", "monai.networks.nets.TorchVisionFCModel", "pydoc.locate", "TorchIO",
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "wrap", [lambda x: x, lambda x: [x], lambda x: {"_target_": "UNet", "a": x}]
)
def test_components_that_reach_out_are_named_wherever_they_stand(target, wrap):
    config = {"measure": wrap({"_target_": target, "folder": "/tmp", "command": "ls"})}
    assert any(repr(target) in text for text in program_parts(config))


@pytest.mark.parametrize("target", ["this", "antigravity"])
def test_a_name_is_not_imported_to_look_what_it_is(target):
    list(program_parts({"_target_": target}))
    list(program_parts({"_target_": f"{target}.x"}))
    assert target not in sys.modules


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": "UNet", "_mode_": "debug"},
        {"_target_": "$open"},
        {"_target_": ["os.system"]},
        {"_target_": None},
        {"_target_": "UNet", "pretrained": True},
        {"_target_": "LoadImaged", "reader": {"_target_": "monai.data.NumpyReader"}},
        {
            "_target_": "lamina.phantoms.write_oct_dataset",
            "folder": "$@bundle_root + '/data/../..'",
        },
        {"a": "%/etc/passwd.json"},
        {"a": ["$import os"]},
    ],
)
def test_other_ways_out(node):
    assert list(program_parts(node))


PIECES = st.sampled_from(
    ["1", "2", "@a", "@task#lr", "[", "]", "(", ")", "{", "}", ",", ":", "+", "-", "*", "/", "//"]
    + ["%", "**", "==", "if", "else", "and", "or", "not", "lambda", "x", ".", "'a'", "for", "in"]
    + ["list(", "range(", "len(", "max(", "open(", "eval(", "__import__(", "str(", "print(", "'"]
    + ["torch.uint8", "torch.load(", ".system", "().__class__", "lamina.tasks.__class__", "await"]
    + ["lamina.tasks.for_dims(", ":=", "\\\n", "#", ";", '"', "@if", "@or", "@a.b"]
)


@settings(deadline=None, max_examples=1000)
@given(st.lists(PIECES, max_size=9).map(" ".join))
@example("'@a and open(1) or @a'")
@example("{@a:open('/')}")
@example("'@if' + open('/') + '@or'")
def test_an_expression_that_is_let_through_touches_nothing(text):
    if list(program_parts({"a": f"${text}"})):
        return
    parser = ConfigParser({"a": 2, "task": {"lr": 1}, "e": f"${text}"})
    parser.globals |= {"torch": torch, "lamina": lamina}
    parser.parse()
    TOUCHED.append("watching")
    try:
        parser.get_parsed_content("e")
    except (RuntimeError, SyntaxError, ValueError, KeyError) as error:  # it may be nonsense
        assert not isinstance(error.__cause__, ImportError | OSError)
    finally:
        touched = list(TOUCHED)
        TOUCHED.clear()
    assert touched == ["watching"]


@pytest.mark.parametrize(
    "text",
    [
        "$lamina.tasks.for_dims(@task#strides, @spatial_dims, 'strides')",
        "$@spatial_dims == 2",
        "$list(range(@spatial_dims))",
        "$torch.uint8",
        "$'slices' if @spatial_dims == 2 else 'volumes'",
    ],
)
def test_what_tasks_need_is_let_through(text):
    assert list(program_parts({"a": text})) == []


def test_find_target_finds_what_monai_finds():
    assert find_target("UNet").__name__ == "UNet"
    assert find_target("torch.nn.Conv2d") is torch.nn.Conv2d
    assert find_target("NoSuchThing") is None


@pytest.mark.parametrize("target", [*TARGETS, "UNet", "Compose", None, 3, ["FillHolesd"]])
def test_post_processing_is_a_list_of_few(target):
    problems = list(postprocessing_problems([{"_target_": target}], "p"))
    assert len(problems) == 1
    assert "p#0" in problems[0]
    assert "expected one of monai.transforms.FillHolesd" in problems[0]


@pytest.mark.parametrize("value", ["$1", "@x", "%a.json", ["$1"], {"a": ["$1"]}])
def test_post_processing_holds_no_expressions(value):
    steps = [{"_target_": "FillHolesd", "keys": "pred", "applied_labels": value}]
    assert "no expression" in next(postprocessing_problems(steps, "p"))


def test_post_processing_may_be_named_short_or_whole():
    whole = "lamina.transforms.RemoveSmallComponentsd"
    assert postprocessing_target(whole) == whole
    assert postprocessing_target("FillHolesd") == "monai.transforms.FillHolesd"
