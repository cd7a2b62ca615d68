import math

import pytest

from lamina.annotations.shapes import NotDrawableError, collect, ellipse, line, polygon, rectangle


def test_areas():
    assert polygon([(1, 1), (5, 1), (5, 3), (1, 3)]).area == 8
    assert rectangle(1, 2, 3, 4).area == 12
    assert ellipse(9, 9, 5, 3).area == pytest.approx(15 * math.pi, rel=1e-3)


def test_turning_is_clockwise_on_the_screen():
    # y runs down: turned by 90 degrees clockwise, what pointed right points down.
    along, across = ellipse(0, 0, 10, 1).bounds, ellipse(0, 0, 10, 1, math.pi / 2).bounds
    assert along == pytest.approx((-10, -1, 10, 1))
    assert across == pytest.approx((-1, -10, 1, 10))
    tilted = ellipse(0, 0, 10, 0.1, math.radians(30))
    assert max(tilted.exterior.coords, key=lambda point: point[0])[1] == pytest.approx(5, abs=0.1)
    turned = rectangle(-5, -0.1, 10, 0.2, degrees=30)
    assert max(turned.exterior.coords, key=lambda point: point[0])[1] == pytest.approx(2.5, abs=0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: polygon([(0, 0), (1, 1), (0, 0)]), r"polygon with 2 point\(s\) has no area"),
        (lambda: polygon([]), r"polygon with 0 point\(s\)"),
        (lambda: line([(3, 3), (3, 3)]), r"line with 1 point\(s\) has no length"),
        (lambda: rectangle(1, 1, 0, 5), "rectangle of 0 × 5 pixels"),
        (lambda: ellipse(1, 1, -2, 2), "circle or ellipse of -2 × 2"),
        (lambda: ellipse(1, 1, float("nan"), 2), "of nan × 2"),
        (lambda: polygon([(0, 0), (1, float("inf")), (2, 2)]), "not finite"),
    ],
)
def test_what_covers_nothing_is_named(make, message):
    with pytest.raises(NotDrawableError, match=message):
        make()


def test_a_line_that_closes_is_an_area():
    assert line([(0, 0), (4, 0), (4, 4), (0, 0)]).area == 8
    assert line([(0, 0), (4, 0), (0, 0)]).area == 0


def test_collect_keeps_shapes_and_says_what_is_none():
    def read(number):
        if number < 0:
            raise NotDrawableError(f"{number} has no area")
        return number

    assert collect([1, -2, 3], read) == ((1, 3), ("-2 has no area",))
