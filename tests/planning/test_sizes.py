import math

from hypothesis import given
from hypothesis import strategies as st

from lamina.planning import sizes

AXES = st.integers(2, 3)


@st.composite
def patches(draw):
    dims = draw(AXES)
    patch = [draw(st.integers(1, 300)) for _ in range(dims)]
    return patch, [draw(st.floats(0.3, 6)) for _ in range(dims)]


@given(given_patch=patches())
def test_every_patch_rounded_to_its_multiples_fits_its_network(given_patch):
    patch, spacing = given_patch
    strides = sizes.pooling(patch, spacing)
    of = sizes.multiples(strides)
    for up in (False, True):
        found = sizes.rounded(patch, of, up)
        assert all(n % m == 0 and n > 0 for n, m in zip(found, of, strict=True))
    assert len(strides) <= sizes.DEEPEST + 1
    assert all(n // m >= sizes.SMALLEST for n, m in zip(patch, of, strict=True) if m > 1)


@given(given_patch=patches())
def test_a_coarse_axis_is_never_halved_before_a_finer_one(given_patch):
    patch, spacing = given_patch
    strides = sizes.pooling([max(n, 64) for n in patch], spacing)
    for stage, _ in enumerate(strides):
        halved = [
            math.prod(one[axis] for one in strides[: stage + 1]) for axis in range(len(patch))
        ]
        steps = [step * n for step, n in zip(spacing, halved, strict=True)]
        for axis, n in enumerate(halved):
            if n > 1:
                assert steps[axis] / 2 < sizes.ANISOTROPIC * min(steps)


@given(size=st.lists(st.integers(8, 600), min_size=2, max_size=3), most=st.integers(4096, 300_000))
def test_what_is_shrunk_fits_and_no_axis_grows(size, most):
    found = sizes.shrunk(size, most)
    assert math.prod(found) <= most * 1.001 or math.prod(size) <= most
    assert all(a <= b for a, b in zip(found, size, strict=True))
    assert math.prod(found) >= 0.85 * min(most, math.prod(size))


def test_isotropic_images_have_cubes_of_three_everywhere():
    strides = sizes.pooling([32, 32, 32], [1, 1, 1])
    assert sizes.kernels(strides) == [[3, 3, 3]] * len(strides)
