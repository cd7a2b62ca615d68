import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.data import MetaTensor
from sklearn.metrics import confusion_matrix as sklearn_confusion

from lamina.errors import DataError, GeometryError
from lamina.metrics import confusion
from lamina.metrics.confusion import confusion_matrix, read_label_map

SHAPES = st.sampled_from([(1,), (5, 7), (3, 4, 5)])


@st.composite
def pairs(draw, num_classes=4):
    maps = hnp.arrays(np.int64, draw(SHAPES), elements=st.integers(0, num_classes - 1))
    first = draw(maps)
    second = draw(hnp.arrays(np.int64, first.shape, elements=st.integers(0, num_classes - 1)))
    return first, second


@given(pairs())
def test_equals_scikit_learn(maps):
    prediction, reference = maps
    expected = sklearn_confusion(reference.ravel(), prediction.ravel(), labels=range(4))
    assert confusion_matrix(prediction, reference, 4).tolist() == expected.tolist()


@given(pairs())
def test_swapping_the_maps_transposes(maps):
    there, back = confusion_matrix(*maps, 4), confusion_matrix(*maps[::-1], 4)
    assert torch.equal(there, back.T)


@given(pairs())
def test_order_of_axes_is_of_no_matter(maps):
    turned = [labels.T for labels in maps]
    assert torch.equal(confusion_matrix(*maps, 4), confusion_matrix(*turned, 4))


def test_pieces_add_up(monkeypatch):
    rng = np.random.default_rng(0)
    prediction, reference = rng.integers(0, 3, (2, 7, 11, 13))
    whole = confusion_matrix(prediction, reference, 3)
    monkeypatch.setattr(confusion, "_VOXELS_AT_ONCE", 10)
    assert torch.equal(confusion_matrix(prediction, reference, 3), whole)
    assert whole.sum() == prediction.size


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_any_type_of_whole_numbers(dtype):
    values = np.array([[0, 1], [2, 2]], dtype=dtype)
    assert confusion_matrix(values, values, 3).diagonal().tolist() == [1, 1, 2]


def test_masks_and_meta_tensors():
    mask = torch.tensor([[True, False, True]])
    assert confusion_matrix(MetaTensor(mask), mask.numpy(), 2).tolist() == [[1, 0], [0, 2]]


def test_more_classes_than_a_byte_holds():
    values = np.array([0, 299, 299])
    assert confusion_matrix(values, values, 300)[299, 299] == 2


def test_maps_are_untouched():
    values = torch.tensor([[0.0, 2.0]])
    kept = values.clone()
    confusion_matrix(values, values, 3)
    assert torch.equal(values, kept)


def test_other_shape_is_named():
    with pytest.raises(GeometryError) as error:
        confusion_matrix(np.zeros((3, 4)), np.zeros((4, 3)), 2)
    assert str(error.value) == (
        "prediction has shape (3, 4), reference (4, 3)\n"
        "  → bring the prediction back to the grid of the image before it is measured"
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.0, 0.5], "reference: values between whole numbers, or not finite"),
        ([0.0, float("nan")], "reference: values between whole numbers, or not finite"),
        ([0, 3], "reference: values from 0 to 3, expected 0 to 2"),
        ([-1, 2], "reference: values from -1 to 2, expected 0 to 2"),
        ([], "reference: shape (0,) has no voxel"),
    ],
)
def test_wrong_values_are_named(values, message):
    with pytest.raises(DataError) as error:
        read_label_map(np.array(values), 3, "reference")
    assert str(error.value).splitlines()[0] == message


def test_infinity_is_no_class():
    with pytest.raises((DataError, OverflowError)) as error:
        read_label_map(np.array([0.0, np.inf]), 3)
    assert isinstance(error.value, DataError)
