import json
import math

import numpy as np
import pytest

from lamina.errors import DataError, ReadError
from lamina.files import (
    read_csv,
    read_json,
    write_json,
    written_whole,
)


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with written_whole(path) as part:
            part.write_text("ha")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_the_suffix_stays_for_libraries_that_look_at_it(tmp_path):
    with written_whole(tmp_path / "new" / "a.nii.gz") as part:
        assert part.name.endswith("a.nii.gz")
        part.write_text("x")
    assert (tmp_path / "new" / "a.nii.gz").read_text() == "x"


def test_json_has_no_nan_and_no_infinity(tmp_path):
    content = {"a": math.nan, "b": [1, -math.inf, {"c": (math.inf, 2.5)}], "d": np.float64("nan")}
    write_json(tmp_path / "a.json", content)
    text = (tmp_path / "a.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert json.loads(text) == {"a": None, "b": [1, None, {"c": [None, 2.5]}], "d": None}


def test_json_comes_back_and_its_faults_have_a_line(tmp_path):
    write_json(tmp_path / "a.json", {"µm": [1, 2]})
    assert read_json(tmp_path / "a.json") == {"µm": [1, 2]}
    (tmp_path / "b.json").write_text('{\n"a": 1,,\n}')
    with pytest.raises(ReadError, match=r"b.json, line 2: .*\n.*correct the file"):
        read_json(tmp_path / "b.json")


@pytest.mark.parametrize("divider", [",", ";"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_commas_semicolons_and_a_mark_of_utf8(tmp_path, divider, mark):
    path = tmp_path / "a.csv"
    text = f"case{divider}patient\r\nä{divider}P1\r\n\r\nb{divider}P2"
    path.write_bytes(mark + text.encode())
    assert read_csv(path) == [{"case": "ä", "patient": "P1"}, {"case": "b", "patient": "P2"}]


def test_the_divider_that_is_more_frequent_in_the_head_counts(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a;"b,c";d\n1;2;3\n')
    assert read_csv(path) == [{"a": "1", "b,c": "2", "d": "3"}]


def test_another_encoding_is_told_by_name(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes("case,patient\nä,P1\n".encode("latin-1"))
    with pytest.raises(
        DataError, match=r"latin\.csv: not CSV in UTF-8 .*\n.*save it as CSV, UTF-8"
    ):
        read_csv(path)


def test_an_empty_file_has_no_lines(tmp_path):
    (tmp_path / "a.csv").write_text("")
    assert read_csv(tmp_path / "a.csv") == []
