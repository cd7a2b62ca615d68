"""What comes out: label files, pictures, tables and the report."""

from lamina.output.case_loop import CaseLoop
from lamina.output.evaluation import EvaluationWriter
from lamina.output.label_files import save_label_image
from lamina.output.panels import panel_drawer
from lamina.output.progress import CaseProgress

__all__ = [
    "CaseLoop",
    "CaseProgress",
    "EvaluationWriter",
    "panel_drawer",
    "save_label_image",
]
