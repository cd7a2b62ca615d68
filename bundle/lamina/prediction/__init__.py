"""The run over many cases: read, segment, write, measure, and account for each."""

from lamina.prediction.loop import CaseLoop
from lamina.prediction.segmenter import Segmenter

__all__ = [
    "CaseLoop",
    "Segmenter",
]
