import dataclasses

import numpy as np
import pytest

from lamina.readers.grid import pixel_grid
from lamina.tasks.labels import Label
from lamina.writers.segmented_case import SegmentedCase

LABELS = (Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255)))


def test_a_case_holds_what_outputs_need_and_does_not_change():
    case = SegmentedCase(
        name="a",
        address="a.png",
        image=np.zeros((1, 4, 5)),
        label=np.zeros((4, 5), np.uint8),
        grid=pixel_grid((4, 5)),
        labels=LABELS,
    )
    assert case.measure is None
    assert case.probabilities is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        case.name = "b"
