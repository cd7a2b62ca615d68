import pytest

from lamina.annotations.read import read_annotations
from lamina.errors import ReadError

HEAD = '<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>'


def document(*shapes):
    inside = "".join(shapes)
    return f'{HEAD}<image id="0" name="a.png" width="40" height="30">{inside}</image></annotations>'


@pytest.mark.parametrize(
    ("shape", "inside", "outside"),
    [
        ('<polygon label="N" points="2,2;12,2;12,8;2,8"/>', (11, 7), (12, 8)),
        ('<box label="N" xtl="2" ytl="2" xbr="12" ybr="8"/>', (2, 2), (12, 8)),
        ('<box label="N" xtl="5" ytl="9" xbr="25" ybr="11" rotation="90"/>', (15, 18), (22, 10)),
        ('<polyline label="N" points="5,10;25,10"/>', (20, 10), (20, 14)),
        ('<ellipse label="N" cx="20" cy="12" rx="9" ry="2"/>', (27, 12), (20, 16)),
        ('<ellipse label="N" cx="20" cy="12" rx="9" ry="2" rotation="90"/>', (20, 19), (27, 12)),
        ('<mask label="N" left="5" top="6" width="3" height="2" rle="4,1,1"/>', (6, 7), (5, 7)),
    ],
)
def test_every_shape(save, pixels, shape, inside, outside):
    (read,) = read_annotations(save(document(shape), "a.xml"))
    covered = pixels(read.shapes[0])
    assert inside in covered
    assert outside not in covered
    assert (read.name, read.size) == ("a.png", (40, 30))


def test_shapes_lie_by_their_order_along_z(save):
    shapes = [
        f'<polygon label="{name}" z_order="{z}" points="0,0;4,0;4,4"/>'
        for name, z in (("top", 2), ("low", -1), ("also low", -1), ("middle", 0))
    ]
    (read,) = read_annotations(save(document(*shapes), "a.xml"))
    assert [shape.label for shape in read.shapes] == ["low", "also low", "middle", "top"]


def test_blanks_around_a_label_are_not_part_of_it(save):
    shape = '<polygon label=" NFL " points="0,0;4,0;4,4"/>'
    (read,) = read_annotations(save(document(shape), "a.xml"))
    assert [one.label for one in read.shapes] == ["NFL"]


def test_points_are_notes_and_tags_are_nothing(save):
    tag, points = '<tag label="good"/>', '<points label="N" points="1,2;3,4"/>'
    (read,) = read_annotations(save(document(tag, points), "a.xml"))
    assert read.notes == ("a shape of the kind points ('N') has no area",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEAD + "<track/></annotations>", "tracks of a video, no <image>"),
        ("<svg></svg>", "<svg>, no <image>"),
        ("<annotations>", "not XML that can be read"),
        (
            '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotations>&x;</annotations>',
            "not XML that can be read",
        ),
    ],
)
def test_other_xml_is_refused(save, content, message):
    with pytest.raises(ReadError, match=rf"a\.xml: {message}"):
        read_annotations(save(content, "a.xml"))


def test_the_real_exports_as_xml_and_as_coco_are_alike(real_data):
    folder = real_data / "annotations/cvat_coco/annotated_data"
    (xml,), (coco,) = folder.glob("cvat_xml/*.xml"), folder.glob("COCO/*.json")
    one = {image.name.lower(): image for image in read_annotations(xml)}
    other = {image.name.lower(): image for image in read_annotations(coco)}
    assert one.keys() == other.keys()
    for name, image in one.items():
        assert image.size == other[name].size
        assert len(image.shapes) == len(other[name].shapes)
        areas = [shape.region.area for shape in image.shapes]
        assert areas == pytest.approx([shape.region.area for shape in other[name].shapes])
