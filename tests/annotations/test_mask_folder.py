import numpy as np
from PIL import Image

from lamina.annotations import Converted, MaskFolder, Pictures


def test_masks_lie_like_their_pictures(tmp_path, picture):
    path = picture("left/Eye.1.JPG")
    folder = MaskFolder(tmp_path / "masks", Pictures(tmp_path / "images"))
    mask = np.zeros((40, 30), dtype=np.uint8)
    mask[31, 2] = 5
    written = folder.write(Converted("x", picture=path, mask=mask))
    assert written == tmp_path / "masks" / "left" / "Eye.1.png"
    assert Image.open(written).getpixel((31, 2)) == 5
    assert Image.open(written).size == (40, 30)


def test_no_mask_takes_the_place_of_another_or_of_its_picture(tmp_path, picture):
    pictures = Pictures(tmp_path / "images")
    mask = np.zeros((40, 30), dtype=np.uint8)
    first, second = picture("a.png"), picture("a.jpg")
    folder = MaskFolder(tmp_path / "masks", pictures)
    assert folder.write(Converted("a.png", picture=first, mask=mask))
    again = Converted("a.jpg", picture=second, mask=mask)
    assert folder.write(again) is None
    assert "a second picture whose mask would be" in again.problem
    before = first.read_bytes()
    onto = Converted("a.png", picture=first, mask=mask)
    assert MaskFolder(tmp_path / "images", pictures).write(onto) is None
    assert "its mask would replace" in onto.problem
    assert first.read_bytes() == before


def test_nothing_is_written_where_nothing_was_drawn(tmp_path):
    folder = MaskFolder(tmp_path / "masks", Pictures(tmp_path / "images"))
    assert folder.write(Converted("a", problem="missing")) is None
    assert not (tmp_path / "masks").exists()
