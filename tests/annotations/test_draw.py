import contourpy
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import GeometryCollection, Polygon

from lamina.annotations.draw import covered
from lamina.annotations.shapes import Bitmap, Shape, ellipse, line, polygon, rectangle

SIZE = (40, 30)


def draw(shapes, classes, size, line_width=3.0):
    """Class values (columns, rows); later shapes lie over earlier ones."""
    mask = np.zeros(size, dtype=np.uint8)
    for shape in shapes:
        mask[covered(shape.region, size, line_width)] = classes[shape.label]
    return mask


CENTRES = np.meshgrid(np.arange(40) + 0.5, np.arange(30) + 0.5, indexing="ij")


def distance_to_outline(region):
    return shapely.distance(shapely.points(*CENTRES), region.boundary)


def agrees_away_from_the_outline(region):
    """The mask is what shapely says of each pixel's centre, but for a rounding of corners."""
    mask, inside = covered(region, SIZE), shapely.contains_xy(region, *CENTRES)
    return bool((mask == inside)[distance_to_outline(region) > 0.5].all())


coordinate = st.floats(-5, 45, allow_nan=False)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=7, unique=True))
def test_pixels_whose_centre_lies_within(points):
    hull = shapely.convex_hull(shapely.multipoints(points))
    if isinstance(hull, Polygon) and hull.area > 1:
        assert agrees_away_from_the_outline(hull)


@pytest.mark.parametrize(
    "region",
    [
        ellipse(20.3, 14.1, 15.2, 9.7, 0.4),
        rectangle(3, 4, 20, 11, 25),
        Polygon([(2, 2), (38, 3), (20, 8), (37, 28), (3, 27), (12, 14)]),
    ],
    ids=["ellipse", "turned", "concave"],
)
def test_every_kind_of_outline(region):
    assert agrees_away_from_the_outline(region)


def test_whole_pixels_are_exact(pixels, block):
    assert pixels(rectangle(3, 5, 4, 2)) == block(3, 5, 7, 7)
    assert pixels(polygon([(0, 0), (40, 0), (40, 30), (0, 30)])) == block(0, 0, 40, 30)
    assert pixels(polygon([(10, 10), (11, 10), (11, 11), (10, 11)])) == {(10, 10)}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(2, 28), min_size=5, max_size=5), st.integers(0, 100))
def test_shapes_that_share_an_edge_leave_no_gap_and_do_not_overlap(heights, seed):
    edge = [(10.0 * i, y) for i, y in enumerate(heights)]
    above = polygon([*edge, (40, 0), (0, 0)])
    below = polygon([*edge, (40, 30), (0, 30)])
    one, other = covered(above, SIZE), covered(below, SIZE)
    assert (one ^ other).all()


def test_later_shapes_lie_over_earlier_ones():
    shapes = [Shape("a", rectangle(0, 0, 10, 10)), Shape("b", rectangle(5, 5, 10, 10))]
    mask = draw(shapes, {"a": 1, "b": 2}, SIZE)
    assert (mask[4, 4], mask[6, 6], mask[12, 12], mask[20, 20]) == (1, 2, 2, 0)
    assert draw(shapes[::-1], {"a": 1, "b": 2}, SIZE)[6, 6] == 1
    assert mask.shape == SIZE
    assert mask.dtype == np.uint8


def test_a_line_has_its_width(pixels, block):
    level = line([(5, 10), (25, 10)])
    assert pixels(level, line_width=4) == block(5, 8, 25, 12)
    assert pixels(level, line_width=2) == block(5, 9, 25, 11)
    ring = line([(5, 5), (20, 5), (20, 20), (5.2, 5)])
    assert (9, 7) not in pixels(ring, line_width=2)


def test_a_ring_keeps_its_hole(pixels, block):
    ring = Polygon([(2, 2), (20, 2), (20, 20), (2, 20)], [[(5, 5), (8, 5), (8, 9), (5, 9)]])
    assert pixels(ring) == block(2, 2, 20, 20) - block(5, 5, 8, 9)


def test_several_outlines_are_joined(pixels, block):
    parts = GeometryCollection([rectangle(1, 1, 5, 5), rectangle(4, 4, 5, 5)])
    assert pixels(parts) == block(1, 1, 6, 6) | block(4, 4, 9, 9)


def test_what_lies_beyond_the_picture_is_cut_off(pixels, block):
    assert pixels(rectangle(-7, -3, 10, 10)) == block(0, 0, 3, 7)
    assert pixels(rectangle(35, 25, 30, 30)) == block(35, 25, 40, 30)
    assert pixels(rectangle(50, 5, 10, 10)) == set()


@pytest.mark.parametrize(
    ("left", "top", "expected"),
    [(3, 4, (3, 4, 5, 7)), (-1, -2, (0, 0, 1, 1)), (39, 28, (39, 28, 40, 30)), (50, 50, None)],
)
def test_bitmaps_lie_where_they_are_said_to(pixels, block, left, top, expected):
    shape = Bitmap(left, top, np.ones((2, 3), dtype=bool))
    assert pixels(shape) == (block(*expected) if expected else set())


@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_shapes_to_mask_to_contours(turn):
    """The way back: the contour of the mask is the outline, to within a pixel."""
    outline = ellipse(20.3, 14.6, 14, 8, turn)
    mask = covered(outline, SIZE)
    # A contour runs through the pixels' centres, half a pixel from where indices say.
    (found,) = contourpy.contour_generator(z=mask.T.astype(float)).lines(0.5)
    contour = Polygon(found + 0.5)
    assert contour.exterior.hausdorff_distance(outline.exterior) < 1
    assert contour.area == pytest.approx(outline.area, rel=0.05)
    again = covered(contour, SIZE)
    assert (again != mask).sum() <= 2
