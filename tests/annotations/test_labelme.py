import base64
import io

import numpy as np
import pytest
from PIL import Image

from lamina.annotations.read import read_annotations
from lamina.errors import ReadError


def png(mask):
    """Bytes of a picture given as (columns, rows)."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(mask).T.astype(np.uint8) * 255).save(buffer, "PNG")
    return buffer.getvalue()


def document(*shapes, data=None, **changes):
    return {
        "version": "5.4.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": "..\\images\\a.png",
        "imageData": data,
        "imageHeight": 30,
        "imageWidth": 40,
    } | changes


def shape(kind, points, label="NFL", **more):
    return {"label": label, "points": points, "group_id": None, "shape_type": kind} | more


@pytest.mark.parametrize(
    ("kind", "points", "inside", "outside"),
    [
        ("polygon", [[2, 2], [12, 2], [12, 8], [2, 8]], (11, 7), (12, 8)),
        ("rectangle", [[12, 8], [2, 2]], (2, 2), (12, 8)),
        ("circle", [[10, 10], [13, 14]], (13, 12), (14, 14)),
        ("line", [[5, 10], [25, 10]], (20, 10), (20, 14)),
        ("linestrip", [[5, 10], [25, 10], [25, 25]], (25, 20), (15, 20)),
        ("oriented_rectangle", [[10, 5], [15, 10], [10, 15], [5, 10]], (10, 10), (6, 6)),
    ],
)
def test_every_shape(save, pixels, kind, points, inside, outside):
    (read,) = read_annotations(save(document(shape(kind, points))))
    covered = pixels(read.shapes[0])
    assert inside in covered
    assert outside not in covered
    assert read.size == (40, 30)


def test_a_painted_shape(save, pixels):
    mask = np.zeros((4, 3), dtype=bool)
    mask[1, 2] = mask[3, 0] = True
    painted = shape("mask", [[10, 20], [13, 22]], mask=base64.b64encode(png(mask)).decode())
    (read,) = read_annotations(save(document(painted)))
    assert pixels(read.shapes[0]) == {(11, 22), (13, 20)}


@pytest.mark.parametrize("kind", ["EPS", "GIF", "PPM", "TIFF"])
def test_a_painted_shape_is_a_png_and_nothing_else(save, monkeypatch, kind):
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: pytest.fail("started"))
    buffer = io.BytesIO()
    Image.new("L", (4, 3)).save(buffer, kind)
    painted = shape("mask", [[0, 0], [3, 2]], mask=base64.b64encode(buffer.getvalue()).decode())
    with pytest.raises(ReadError, match="its painted shape is no PNG"):
        read_annotations(save(document(painted)))


def test_groups_points_and_old_files(save):
    old = {"label": "NFL", "points": [[0, 0], [5, 0], [5, 5]]}
    parts = [shape("polygon", [[0, 0], [5, 0], [5, 5]], group_id=number) for number in (3, 3, None)]
    (read,) = read_annotations(save(document(old, *parts, shape("point", [[1, 1]]))))
    assert [one.group for one in read.shapes] == [None, "3", "3", None]
    assert read.notes == ("a shape of the kind point ('NFL') has no area",)


def test_the_embedded_picture(save):
    data = png(np.ones((40, 30)))
    (read,) = read_annotations(save(document(data=base64.b64encode(data).decode())))
    assert read.embedded == data
    path = save(document(data="no base64!"))
    with pytest.raises(ReadError, match=r"export\.json: its embedded picture is not base64"):
        read_annotations(path)


def test_a_folder_of_files(tmp_path, save):
    for name in ("b", "a"):
        save(document(imagePath=f"{name}.png"), f"{name}.json")
    assert [one.name for one in read_annotations(tmp_path)] == ["a.png", "b.png"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReadError, match="empty: no JSON file"):
        read_annotations(tmp_path / "empty")
