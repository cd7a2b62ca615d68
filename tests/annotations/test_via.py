import pytest

from lamina.annotations.read import read_annotations
from lamina.errors import ConfigError


def region(label, attributes=None, **form):
    return {"shape_attributes": form, "region_attributes": attributes or {"layer": label}}


RECTANGLE = region("NFL", name="rect", x=3, y=4, width=5, height=6)
POLYGON = region("INL", name="polygon", all_points_x=[1, 9, 9, 1], all_points_y=[2, 2, 4, 4])


def picture(*regions, name="a.png", numbered=False):
    listed = {str(i): one for i, one in enumerate(regions)} if numbered else list(regions)
    return {"filename": name, "size": 123, "regions": listed, "file_attributes": {}}


def test_versions_one_and_two_and_a_project_are_read_alike(save, pixels, block):
    first = {"a.png123": picture(POLYGON, RECTANGLE, numbered=True)}
    second = {"a.png123": picture(POLYGON, RECTANGLE)}
    project = {"_via_settings": {}, "_via_img_metadata": second, "_via_attributes": {}}
    for content in (first, second, project):
        (read,) = read_annotations(save(content))
        assert [shape.label for shape in read.shapes] == ["INL", "NFL"]
        assert pixels(read.shapes[0]) == block(1, 2, 9, 4)
        assert pixels(read.shapes[1]) == block(3, 4, 8, 10)
        assert (read.name, read.size, read.notes) == ("a.png", None, ())


@pytest.mark.parametrize(
    ("form", "inside", "outside"),
    [
        ({"name": "circle", "cx": 10, "cy": 12, "r": 5}, (13, 14), (14, 16)),
        ({"name": "ellipse", "cx": 20, "cy": 12, "rx": 9, "ry": 2}, (27, 12), (20, 16)),
        (
            {"name": "ellipse", "cx": 20, "cy": 12, "rx": 9, "ry": 2, "theta": 1.5708},
            (20, 19),
            (27, 12),
        ),
        (
            {"name": "polyline", "all_points_x": [5, 30], "all_points_y": [10, 10]},
            (20, 10),
            (20, 13),
        ),
        (
            {"name": "polyline", "all_points_x": [5, 30, 30, 5], "all_points_y": [5, 5, 25, 5]},
            (25, 15),
            (8, 15),
        ),
    ],
    ids=["circle", "ellipse", "turned", "open line", "closed line"],
)
def test_every_shape(save, pixels, form, inside, outside):
    (read,) = read_annotations(save({"a": picture(region("NFL", **form))}))
    covered = pixels(read.shapes[0])
    assert inside in covered
    assert outside not in covered


def test_a_point_is_a_note(save):
    (read,) = read_annotations(
        save({"a": picture(RECTANGLE, region("x", name="point", cx=1, cy=2))})
    )
    assert read.notes == ("a shape of the kind point ('x') has no area",)
    assert len(read.shapes) == 1


def test_the_label_among_several_attributes_must_be_said(save):
    both = region("", {"layer": "NFL", "quality": "good"}, **RECTANGLE["shape_attributes"])
    path = save({"a": picture(both)})
    with pytest.raises(ConfigError, match="regions have layer, quality\n.*--attribute layer"):
        read_annotations(path)
    assert read_annotations(path, "quality")[0].shapes[0].label == "good"
    with pytest.raises(ConfigError, match="attribute 'color': the regions have layer, quality"):
        read_annotations(path, "color")


def test_a_region_without_label_and_a_checkbox(save):
    empty = region("", {}, **RECTANGLE["shape_attributes"])
    ticked = region("", {"layer": {"NFL": True, "INL": False}}, **RECTANGLE["shape_attributes"])
    (read,) = read_annotations(save({"a": picture(empty, ticked, RECTANGLE)}))
    assert [shape.label for shape in read.shapes] == ["", "NFL", "NFL"]


def test_pictures_without_regions_are_kept(save):
    read = read_annotations(save({"a": picture(), "b": picture(RECTANGLE, name="b.png")}))
    assert [(one.name, len(one.shapes)) for one in read] == [("a.png", 0), ("b.png", 1)]
