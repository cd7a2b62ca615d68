"""How a network runs over an image: weights, precision, windows, slices."""

from lamina.inference.precision import AutocastInferer, choose_precision, has_bf16_units, place
from lamina.inference.weights import find_weights, load_weights
from lamina.inference.windows import WindowInferer

__all__ = [
    "AutocastInferer",
    "WindowInferer",
    "choose_precision",
    "find_weights",
    "has_bf16_units",
    "load_weights",
    "place",
]
