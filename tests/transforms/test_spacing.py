import inspect

import monai.transforms
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd, Orientationd

from lamina.transforms import spacing
from lamina.transforms.spacing import Spacingd, interpolate, resample

OBLIQUE = np.array([[-0.9, 0.2, 0.1, 5], [0.3, 1.4, -0.2, -7], [0.1, 0.3, 2.2, 11], [0, 0, 0, 1]])


def image(shape=(9, 12, 7), affine=OBLIQUE, channels=2, kind=torch.float32):
    torch.manual_seed(3)
    return MetaTensor((torch.rand(channels, *shape) * 100).to(kind), affine=affine)


def both(*arguments, of=None, **options):
    of = image() if of is None else of
    theirs = monai.transforms.Spacingd("image", *arguments, **options)({"image": of.clone()})
    mine = Spacingd("image", *arguments, **options)({"image": of.clone()})
    return mine["image"], theirs["image"]


def record(of):
    kept = [dict(step) for step in of.applied_operations]
    for step in kept:
        step.pop("id")
    return repr(kept)


# MONAI says it of an argument that both get alike.
@pytest.mark.filterwarnings("ignore:align_corners=False is not compatible")
@settings(deadline=None, max_examples=40)
@given(
    pixdim=st.tuples(*[st.floats(0.4, 4)] * 3),
    padding=st.sampled_from(["border", "zeros"]),
    scale_extent=st.booleans(),
    seed=st.integers(0, 99),
)
def test_it_is_monai_s_own_in_values_place_and_record(pixdim, padding, scale_extent, seed):
    rng = np.random.default_rng(seed)
    of = image(
        tuple(rng.integers(2, 14, 3)), OBLIQUE + rng.normal(0, 0.05, (4, 4)) * (np.eye(4) < 2)
    )
    of.affine[3] = torch.tensor([0, 0, 0, 1.0])
    mine, theirs = both(pixdim, padding_mode=padding, scale_extent=scale_extent, of=of)
    torch.testing.assert_close(mine.as_tensor(), theirs.as_tensor(), atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(mine.affine, theirs.affine)
    assert mine.meta.keys() == theirs.meta.keys()
    assert record(mine) == record(theirs)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int16])
def test_whole_numbers_too(kind):
    mine, theirs = both((1.0, 1.0, 1.5), of=image(kind=kind))
    torch.testing.assert_close(mine, theirs, atol=1e-3, rtol=1e-4)


def test_a_picture_with_an_affine_of_space():
    of = image((9, 14), np.diag([0.5, 0.7, 1, 1]))
    mine, theirs = both((1.0, 1.0), of=of)
    torch.testing.assert_close(mine, theirs, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(mine.affine, theirs.affine)
    assert record(mine) == record(theirs)


@pytest.mark.parametrize(
    "options", [{"mode": "nearest"}, {"mode": 3}, {"padding_mode": "reflection"}]
)
def test_other_kinds_of_interpolation_are_left_to_monai(options, monkeypatch):
    monkeypatch.setattr(spacing, "resample", lambda *_: pytest.fail("not linear"))
    mine, theirs = both((1.0, 1.0, 1.5), **options)
    assert torch.equal(mine, theirs)


def test_axes_that_turn_are_left_to_monai(monkeypatch):
    monkeypatch.setattr(spacing, "resample", lambda *_: pytest.fail("not along the axes"))
    mine, theirs = both((1.0, 1.0, 1.5), diagonal=True)
    assert torch.equal(mine, theirs)


def test_a_spacing_that_fits_already_changes_nothing():
    of = image(affine=np.diag([1.0, 2.0, 3.0, 1.0]))
    mine, theirs = both((1.0, 2.0, 3.0), of=of)
    assert torch.equal(mine, of)
    assert record(mine) == record(theirs)


def test_the_original_is_left_alone():
    of = image()
    before, affine = of.clone(), of.affine.clone()
    Spacingd("image", (1.0, 1.0, 1.0))({"image": of})
    assert torch.equal(of, before)
    assert torch.equal(of.affine, affine)
    assert of.applied_operations == []


def test_the_inverse_of_monai_takes_it_back():
    steps = {
        name: Compose([Orientationd("image", "RAS", labels=None), of("image", (1.3, 0.8, 1.9))])
        for name, of in {"mine": Spacingd, "theirs": monai.transforms.Spacingd}.items()
    }
    back = {}
    for name, transform in steps.items():
        made = transform({"image": image()})
        back[name] = Invertd("image", transform, nearest_interp=False)(made)["image"]
    assert back["mine"].shape == image().shape
    torch.testing.assert_close(back["mine"], back["theirs"], atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(back["mine"].affine, torch.tensor(OBLIQUE), atol=1e-6, rtol=0)


def test_lazy_resampling_stays_lazy():
    made = Spacingd("image", (1.0, 1.0, 1.0), lazy=True)({"image": image()})["image"]
    assert made.shape == image().shape
    assert len(made.pending_operations) == 1


def test_it_takes_the_arguments_of_monai_s():
    taken = inspect.signature(Spacingd).parameters
    assert list(taken) == list(inspect.signature(monai.transforms.Spacingd).parameters)
    with pytest.raises(TypeError, match="pixdimm"):
        Spacingd("image", pixdimm=1)


PLACES = st.lists(st.floats(-3, 12), min_size=1, max_size=6)


@given(places=PLACES, size=st.integers(1, 9))
def test_with_a_border_it_is_numpy_interp(places, size):
    values = np.random.default_rng(size).random(size)
    taps, weights = interpolate(np.array(places), size, border=True)
    found = (torch.tensor(values)[taps] * weights).sum(dim=1)
    np.testing.assert_allclose(found, np.interp(places, np.arange(size), values), atol=1e-6)


@given(places=PLACES, size=st.integers(1, 9))
def test_without_one_there_is_nothing_beyond_the_axis(places, size):
    taps, weights = interpolate(np.array(places), size, border=False)
    inside = np.interp(places, [-1, 0, size - 1, size], [0, 1, 1, 0])
    np.testing.assert_allclose(weights.sum(dim=1), inside, atol=1e-6)
    assert ((taps >= 0) & (taps < size)).all()


@settings(deadline=None)
@given(seed=st.integers(0, 9), channels=st.integers(1, 3))
def test_one_axis_after_the_other_is_all_at_once(seed, channels):
    rng = np.random.default_rng(seed)
    values = torch.tensor(rng.random((channels, 4, 5, 6)))
    places = [rng.uniform(-1, n, rng.integers(1, 8)) for n in (4, 5, 6)]
    steps = [interpolate(at, n, border=True) for at, n in zip(places, (4, 5, 6), strict=True)]
    spread = [
        torch.zeros(len(taps), n).scatter_add_(1, taps, weights)
        for (taps, weights), n in zip(steps, (4, 5, 6), strict=True)
    ]
    expected = torch.einsum("cxyz,ax,by,dz->cabd", values.float(), *spread)
    torch.testing.assert_close(resample(values, steps), expected)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int16, torch.float64])
def test_any_type_comes_out_as_float32_and_goes_in_unchanged(kind):
    values = torch.arange(12).reshape(1, 3, 4).to(kind)
    before = values.clone()
    steps = [interpolate(np.array([0.5, 2.0]), 3, True), interpolate(np.array([1.5]), 4, True)]
    found = resample(values, steps)
    assert found.dtype == torch.float32
    assert found.tolist() == [[[3.5], [9.5]]]
    assert torch.equal(values, before)
