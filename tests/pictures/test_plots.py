import numpy as np
import pytest
from PIL import Image

from lamina.pictures.plots import write_profile_plot
from lamina.tasks.labels import Label

LABELS = [Label(0, "background", (0, 0, 0)), Label(1, "a", (255, 0, 0)), Label(2, "b", (0, 0, 255))]


def rows(unit="um", slices=2):
    return [
        {"x": x, "z": z, f"a_{unit}": 100.0 + 10 * z, f"b_{unit}": 10.0}
        for x in range(40)
        for z in range(slices)
    ]


def heights(path, channel):
    """The mean row of the points of one pure colour."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    others = [c for c in range(3) if c != channel]
    mask = (pixels[..., channel] > 200) & (pixels[..., others].max(axis=-1) < 60)
    plot = mask[:, : mask.shape[1] * 3 // 4]
    assert plot.any()
    return np.nonzero(plot)[0].mean()


def test_the_thicker_layer_lies_higher(tmp_path):
    path = write_profile_plot(rows(), LABELS, tmp_path / "deep" / "p.png")
    assert heights(path, 0) < heights(path, 2)


@pytest.mark.parametrize("unit", ["um", "px"])
def test_any_unit_and_a_single_slice(tmp_path, unit):
    path = write_profile_plot(rows(unit, slices=1), LABELS, tmp_path / "p.png")
    assert Image.open(path).size == (880, 440)


@pytest.mark.parametrize("name", ["$\\frac{$", "$x$ $", "_hidden"])
def test_a_name_is_drawn_as_it_stands(tmp_path, name):
    values = [{"x": x, "z": 0, f"{name}_um": 5.0} for x in range(9)]
    path = write_profile_plot(values, [LABELS[0], Label(1, name, (255, 0, 0))], tmp_path / "p.png")
    legend = np.asarray(Image.open(path).convert("L"))[:, 690:]
    assert legend.min() < 100


def test_nothing_else_is_left(tmp_path):
    write_profile_plot(rows(), LABELS, tmp_path / "p.png")
    assert [file.name for file in tmp_path.iterdir()] == ["p.png"]
