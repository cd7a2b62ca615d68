import pytest

from lamina.annotations.find_picture import Pictures
from lamina.errors import DataError, ReadError


def test_folders_and_case_may_differ(tmp_path, picture):
    path = picture("deep/Y16.JPG")
    pictures = Pictures(tmp_path / "images")
    for name in ("Y16.JPG", "Y16.jpg", "other folder/y16.jpg", "C:\\eyes\\Y16.JPG"):
        assert pictures.find(name) == path


def test_folders_decide_between_pictures_of_one_name(tmp_path, picture):
    left, right = picture("left/a.png"), picture("right/a.png")
    pictures = Pictures(tmp_path / "images")
    assert pictures.find("left/a.png") == left
    assert pictures.find("images\\Right\\a.png") == right
    with pytest.raises(DataError, match=r"several pictures of that name: left/a\.png, right/a"):
        pictures.find("a.png")


def test_case_decides_between_pictures_in_one_folder(tmp_path, picture):
    upper, lower = picture("A.PNG"), picture("a.png")
    pictures = Pictures(tmp_path / "images")
    assert (pictures.find("A.PNG"), pictures.find("a.png")) == (upper, lower)


@pytest.mark.parametrize("name", ["b.png", "../../etc/passwd", "/etc/passwd", ""])
def test_names_lead_nowhere_else(tmp_path, picture, name):
    picture()
    with pytest.raises(DataError, match="no such picture in"):
        Pictures(tmp_path / "images").find(name)


def test_has_tells_of_one_or_several(tmp_path, picture):
    picture("left/a.png")
    picture("right/a.png")
    pictures = Pictures(tmp_path / "images")
    assert pictures.has("C:\\x\\A.png")
    assert not pictures.has("b.png")


def test_another_format_of_the_name_is_told_and_not_taken(tmp_path, picture):
    picture("a.png")
    with pytest.raises(DataError, match=r"a\.png exists, but may be another picture"):
        Pictures(tmp_path / "images").find("a.jpg")


def test_others_are_counted_and_overlays_are_none(tmp_path, picture):
    used, _, _ = picture("a.png"), picture("b.png"), picture("overlays/c.png")
    assert Pictures(tmp_path / "images").others({used}) == 1


def test_an_embedded_picture_is_written_under_a_plain_name(tmp_path, picture):
    data = picture("source.png").read_bytes()
    pictures = Pictures(tmp_path / "new")
    path = pictures.write("../../eye 1.PNG", data)
    assert path == tmp_path / "new" / "eye_1.PNG"
    assert path.read_bytes() == data
    assert pictures.find("eye_1.png") == path
    assert pictures.write("scan", data) == tmp_path / "new" / "scan.png"
    with pytest.raises(ReadError, match=r"a\.png: the embedded picture can't be read"):
        pictures.write("a.png", b"no picture")
    assert not (tmp_path / "new" / "a.png").exists()
