"""How good a model is: measures over cases, report, folds, comparison."""

from lamina.evaluation.evaluator import EvaluationWriter
from lamina.evaluation.processes import CaseProgress

__all__ = [
    "CaseProgress",
    "EvaluationWriter",
]
