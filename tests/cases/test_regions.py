import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lamina.cases.regions import outside_value, region_box, with_regions
from lamina.errors import DataError


@given(
    arrays(bool, array_shapes(min_dims=2, max_dims=3, max_side=9)).filter(np.any),
    st.floats(0, 2),
)
def test_the_box_holds_the_region_and_lies_in_the_image(region, margin):
    box = region_box(region, margin)
    assert region[box].sum() == region.sum()
    assert all(0 <= one.start < one.stop <= size for one, size in zip(box, region.shape))


def test_without_margin_the_box_is_tight():
    region = np.zeros((9, 8, 7), dtype=bool)
    region[2, 3:5, 1], region[6, 4, 5] = True, True
    assert region_box(region, 0.0) == (slice(2, 7), slice(3, 5), slice(1, 6))


def test_the_margin_is_a_share_of_the_extent():
    region = np.zeros((100, 200), dtype=bool)
    region[40:60, 50:150] = True
    assert region_box(region, 0.1) == (slice(38, 62), slice(40, 160))


def test_no_region_is_an_error():
    with pytest.raises(DataError, match="the region is empty: the task before found nothing"):
        region_box(np.zeros((4, 5), dtype=bool))


def test_outside_is_the_smallest_value():
    assert outside_value(np.array([3.0, -1000.0])) == -1000


def test_items_get_the_label_image_of_their_case(tmp_path):
    for name in ("a.png", "b.nii.gz"):
        (tmp_path / name).touch()
    items = [{"case": name, "image": f"{name}.jpg"} for name in ("a", "b", "c")]
    assert with_regions(items, None) == items
    named = [item["within"] for item in with_regions(items, tmp_path)]
    assert named == [str(tmp_path / name) for name in ("a.png", "b.nii.gz", "c.png")]
