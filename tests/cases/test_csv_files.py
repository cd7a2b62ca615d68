import pytest

from lamina.cases.csv_files import read_csv
from lamina.errors import DataError


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
