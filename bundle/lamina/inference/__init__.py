"""How a network runs over an image: weights, backend, windows, the way back to its grid."""

from lamina.inference.backends import BackendInferer
from lamina.inference.compiled import pays_to_compile
from lamina.inference.grid_inferer import GridInferer
from lamina.inference.mirroring import mirror_axes
from lamina.inference.postprocessing import build_steps, find_postprocessing
from lamina.inference.precision import AutocastInferer, to_device
from lamina.inference.uncertainty import EnsembleUncertainty, Uncertaintyd
from lamina.inference.weights import find_members, load_weights
from lamina.inference.windows import WindowInferer, windows_at_a_time

__all__ = [
    "AutocastInferer",
    "BackendInferer",
    "EnsembleUncertainty",
    "GridInferer",
    "Uncertaintyd",
    "WindowInferer",
    "build_steps",
    "find_members",
    "find_postprocessing",
    "load_weights",
    "mirror_axes",
    "pays_to_compile",
    "to_device",
    "windows_at_a_time",
]
