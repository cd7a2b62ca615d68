"""How a network runs over an image: weights, backend, windows, the way back to its grid."""

from lamina.inference.backends import BackendInferer, choose_backend, fold_norms
from lamina.inference.compiled import pays_to_compile
from lamina.inference.grid_inferer import GridInferer, plain_probabilities
from lamina.inference.mirroring import mirror_axes
from lamina.inference.postprocessing import build_steps, find_postprocessing
from lamina.inference.precision import AutocastInferer, choose_precision, has_bf16_units, place
from lamina.inference.uncertainty import Disagreement, Uncertaintyd
from lamina.inference.weights import find_members, find_weights, load_weights
from lamina.inference.windows import WindowInferer, windows_at_a_time

__all__ = [
    "AutocastInferer",
    "BackendInferer",
    "Disagreement",
    "GridInferer",
    "Uncertaintyd",
    "WindowInferer",
    "build_steps",
    "choose_backend",
    "choose_precision",
    "find_members",
    "find_postprocessing",
    "find_weights",
    "fold_norms",
    "has_bf16_units",
    "load_weights",
    "mirror_axes",
    "pays_to_compile",
    "place",
    "plain_probabilities",
    "windows_at_a_time",
]
