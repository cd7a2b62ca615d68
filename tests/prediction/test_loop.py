import json
import logging
import threading

import numpy as np
import pytest
from monai.data import Dataset

from lamina.errors import DataError, WriteError
from lamina.prediction import loop
from lamina.prediction.loop import CaseLoop
from lamina.prediction.read_case import ReadCase
from lamina.readers.grid import pixel_grid
from lamina.tasks.labels import Label
from lamina.writers.segmented_case import SegmentedCase

LABELS = (Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 0, 255)))

logger = logging.getLogger("lamina")


class FakeSegmenter:
    """Reads and segments at once; ``read`` and ``segment`` are called with a case's name."""

    task = "fake"

    def __init__(self, read=lambda name: None, segment=lambda name: None):
        self.about = {"task": "fake"}
        self._on_read, self._on_segment = read, segment

    def read(self, item):
        self._on_read(item["case"])
        return ReadCase(item, None, True, 0, 0.25)

    def segment_read(self, item, read):
        self._on_segment(item["case"])
        label = np.zeros((6, 7), np.uint8)
        label[2:4, 3:5] = 1
        values = {"name": item["case"], "address": item["image"], "image": label[None] * 1.0}
        return SegmentedCase(**values, label=label, labels=LABELS, grid=pixel_grid(label.shape))


@pytest.fixture
def run(tmp_path):
    """Runner over cases a and b; returns their records by name."""
    items = []
    for name in "ab":
        (tmp_path / f"{name}.png").write_text(name)
        items.append({"case": name, "image": str(tmp_path / f"{name}.png")})

    def run(segmenter, **options):
        cases = CaseLoop(segmenter, Dataset(items), str(tmp_path / "o"), progress=False, **options)
        try:
            cases.run()
        finally:
            manifest = json.loads((tmp_path / "o" / "manifest.json").read_text())
            run.records = {record["case"]: record for record in manifest["cases"]}
        return run.records

    return run


def test_a_record_says_what_became_of_a_case(run, tmp_path):
    record = run(FakeSegmenter())["a"]
    assert record["status"] == "done"
    assert record["outputs"] == ["a.png", "overlays/a.png"]
    assert record["measurements"][0]["area_px2"] == 4
    assert record["uncertainty"] is None
    assert record["warnings"] == []
    assert record["seconds"].keys() == {"read", "network", "write"}
    assert record["seconds"]["read"] == 0.25
    assert record["input"]["files"] == [str(tmp_path / "a.png")]
    assert record["input"].keys() == {"address", "files", "hash"}


def test_a_warning_stands_at_the_case_that_it_is_about(run):
    """The second case is read, and warns, while the first one is being segmented."""
    first_runs, second_is_read = threading.Event(), threading.Event()

    def read(name):
        if name == "b":
            assert first_runs.wait(10)
            logger.warning("slices of b are missing")
            second_is_read.set()

    def segment(name):
        if name == "a":
            first_runs.set()
            assert second_is_read.wait(10)
        logger.warning("%s is segmented without a GPU", name)

    records = run(FakeSegmenter(read, segment), workers=1)
    assert records["a"]["warnings"] == ["a is segmented without a GPU"]
    assert records["b"]["warnings"] == ["slices of b are missing", "b is segmented without a GPU"]


def test_a_case_that_can_not_be_read_keeps_its_warnings(run):
    def read(name):
        if name == "b":
            logger.warning("b is strange")
            raise DataError("b is too strange")

    with pytest.raises(DataError, match="1 case.* could not be segmented\nb: b is too strange"):
        run(FakeSegmenter(read))
    assert run.records["a"]["status"] == "done"
    assert run.records["b"]["warnings"] == ["b is strange"]
    assert (run.records["b"]["status"], run.records["b"]["outputs"]) == ("failed", [])


def refuse(case, folder):
    raise WriteError(f"{case.name}: the disk is full")


def test_a_format_that_can_not_be_written_is_a_warning(run, monkeypatch):
    monkeypatch.setitem(loop.FORMATS, "nrrd", refuse)
    record = run(FakeSegmenter(), formats="nrrd,png")["a"]
    assert (record["status"], record["outputs"][0]) == ("done", "a.png")
    assert record["warnings"] == ["a: no nrrd: a: the disk is full"]


def test_a_case_of_which_no_format_can_be_written_has_failed(run, monkeypatch):
    for name in ("nrrd", "nifti"):
        monkeypatch.setitem(loop.FORMATS, name, refuse)
    with pytest.raises(DataError, match="2 case"):
        run(FakeSegmenter(), formats="nrrd,nifti")
    record = run.records["a"]
    assert record["status"] == "failed"
    assert record["reason"] == "none of the formats nrrd, nifti could be written"
    assert record["outputs"] == []
    assert record["warnings"][1] == "a: no nifti: a: the disk is full"


@pytest.mark.parametrize("rank", [0, 1])
def test_broken_files_stand_in_the_manifest_whichever_process_ends_last(
    run, tmp_path, monkeypatch, rank
):
    monkeypatch.setattr(loop.idist, "get_world_size", lambda: 2)
    monkeypatch.setattr(loop.idist, "get_rank", lambda: rank)
    with pytest.raises(DataError, match=r"/in/x\.nii: cut"):
        run(FakeSegmenter(), broken=[("/in/x.nii", "cut")])
    told = json.loads((tmp_path / "o" / "manifest.json").read_text())
    assert told["broken"] == [{"path": "/in/x.nii", "reason": "cut"}]
    assert list(run.records) == ["ab"[rank]]
