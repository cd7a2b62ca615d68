import numpy as np
from PIL import Image

from lamina import cli
from lamina.phantoms import write_chest_pictures


def test_the_raw_layout_becomes_what_the_phantoms_hold(tmp_path, capsys):
    made = write_chest_pictures(tmp_path / "cxr", cases=2, size=(40, 50), sides=True)
    raw = made.parent / "raw"
    parts = [str(raw / part) for part in ("CXR_png", "ManualMask/leftMask", "ManualMask/rightMask")]
    words = ["prepare", "merge-masks", *parts, "-o", str(tmp_path / "out"), "--sides"]
    assert cli.main(words) == 0
    assert "2 pictures with masks, 0 left out" in capsys.readouterr().out
    for name in ("cxr_000.png", "cxr_001.png"):
        mine, theirs = (
            np.asarray(Image.open(x / "masks" / name)) for x in (tmp_path / "out", made)
        )
        np.testing.assert_array_equal(mine, theirs)


def test_what_is_left_out_makes_the_status_one(tmp_path, capsys):
    made = write_chest_pictures(tmp_path / "cxr", cases=2, size=(40, 50))
    raw = made.parent / "raw"
    (raw / "ManualMask/leftMask/cxr_001.png").unlink()
    parts = [str(raw / part) for part in ("CXR_png", "ManualMask/leftMask", "ManualMask/rightMask")]
    assert cli.main(["prepare", "merge-masks", *parts, "-o", str(tmp_path / "out")]) == 1
    assert "left out: cxr_001: no left mask of that name" in capsys.readouterr().out
