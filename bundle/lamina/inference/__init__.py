"""How a network runs over an image: weights, precision, windows, slices."""

from lamina.inference.grid_inferer import GridInferer, plain_labels
from lamina.inference.precision import AutocastInferer, choose_precision, has_bf16_units, place
from lamina.inference.weights import find_weights, load_weights
from lamina.inference.windows import WindowInferer

__all__ = [
    "AutocastInferer",
    "GridInferer",
    "WindowInferer",
    "choose_precision",
    "find_weights",
    "has_bf16_units",
    "load_weights",
    "place",
    "plain_labels",
]
