import pytest

from lamina.annotations.read import read_annotations
from lamina.errors import ReadError


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "line 1: Expecting property name"),
        ("[]", "of no annotation tool that Lamina knows\n.*VIA 1 and 2, labelme, COCO"),
        ("{}", "of no annotation tool"),
        ('{"project": {}, "metadata": {}, "file": {}}', "of no annotation tool"),
        ('{"a": {"filename": "a.png", "regions": [{"shape_attributes": {}}]}}', "KeyError"),
        ('{"shapes": [{"label": "a"}], "imagePath": "a.png"}', "'points'"),
    ],
)
def test_other_files_are_named(save, content, message):
    with pytest.raises(ReadError, match=rf"export\.json[:,] .*{message}"):
        read_annotations(save(content))


def test_a_file_that_is_missing_or_binary(tmp_path):
    with pytest.raises(ReadError, match=r"none\.json: no such file"):
        read_annotations(tmp_path / "none.json")
    (tmp_path / "b.json").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ReadError, match=r"b\.json: neither JSON nor XML"):
        read_annotations(tmp_path / "b.json")


def test_a_byte_order_mark_does_not_matter(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"shapes": [], "imagePath": "ä.png"}', encoding="utf-8-sig")
    assert read_annotations(path)[0].name == "ä.png"
