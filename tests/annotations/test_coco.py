import numpy as np
import pytest
from pycocotools import mask as coco_mask

from lamina.annotations.read import read_annotations
from lamina.errors import ReadError


def document(*segmentations, **changes):
    return {
        "images": [{"id": 7, "file_name": "sub folder/a.png", "width": 40, "height": 30}],
        "categories": [{"id": 3, "name": "NFL"}],
        "annotations": [
            {"id": i, "image_id": 7, "category_id": 3, "iscrowd": 0, "segmentation": one}
            for i, one in enumerate(segmentations)
        ],
    } | changes


def test_polygons_of_one_object_are_joined(save, pixels, block):
    two = [[1, 2, 9, 2, 9, 4, 1, 4], [20, 20, 22, 20, 22, 25, 20, 25]]
    (read,) = read_annotations(save(document(two)))
    assert pixels(read.shapes[0]) == block(1, 2, 9, 4) | block(20, 20, 22, 25)
    assert (read.name, read.size) == ("sub folder/a.png", (40, 30))


def test_blanks_around_a_category_are_not_part_of_it(save):
    named = document([[0, 0, 5, 0, 5, 5]], categories=[{"id": 3, "name": " NFL "}])
    (read,) = read_annotations(save(named))
    assert [one.label for one in read.shapes] == ["NFL"]


def test_run_lengths_compressed_or_not(save, pixels):
    mask = np.zeros((30, 40), dtype=np.uint8, order="F")  # rows and columns
    mask[4:9, 11:20] = 1
    mask[25, 3] = 1
    packed = coco_mask.encode(mask)
    text = {"size": [30, 40], "counts": packed["counts"].decode()}
    changes = np.flatnonzero(np.diff(mask.ravel(order="F"), prepend=0, append=2)).tolist()
    runs = np.diff([0, *changes]).tolist()
    plain = {"size": [30, 40], "counts": runs}
    expected = {(x, y) for y, x in zip(*map(np.ndarray.tolist, np.nonzero(mask)), strict=True)}
    (read,) = read_annotations(save(document(text, plain)))
    assert pixels(read.shapes[0]) == expected
    assert pixels(read.shapes[1]) == expected


def test_boxes_alone_are_notes_and_images_without_annotations_are_kept(save):
    (read,) = read_annotations(save(document([])))
    assert read.shapes == ()
    assert read.notes == ("a box or key points of 'NFL' without an outline",)
    (read,) = read_annotations(save(document()))
    assert (read.shapes, read.notes) == ((), ())


def test_a_category_that_is_not_there_names_the_file(save):
    path = save(document([[0, 0, 5, 0, 5, 5]], categories=[{"id": 1, "name": "x"}]))
    with pytest.raises(ReadError, match=r"export\.json: an entry is not as its tool writes it"):
        read_annotations(path)


def test_the_real_export_has_the_areas_that_it_says(real_data, pixels):
    import json

    (path,) = (real_data / "annotations/cvat_coco/annotated_data/COCO").glob("*.json")
    read = {one.name: one for one in read_annotations(path)}
    content = json.loads(path.read_text())
    assert len(read) == 50
    names = {one["id"]: one["file_name"] for one in content["images"]}
    seen = dict.fromkeys(read, 0)
    for annotation in content["annotations"]:
        name = names[annotation["image_id"]]
        shape = read[name].shapes[seen[name]]
        seen[name] += 1
        covered = len(pixels(shape, read[name].size))
        assert covered == pytest.approx(annotation["area"], rel=0.02, abs=20)
        left, top, width, height = annotation["bbox"]
        assert shape.region.bounds == pytest.approx(
            (left, top, left + width, top + height), abs=0.02
        )
