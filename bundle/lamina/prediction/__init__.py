"""The run over many cases: read, segment, write, measure, and account for each."""

from lamina.prediction.loop import CaseLoop

__all__ = [
    "CaseLoop",
]
