"""From a folder of images and labels to a task: what the data are, what is wrong, what fits."""

from lamina.planning.budget import Budget
from lamina.planning.choices import plan_task
from lamina.planning.defects import find_defects
from lamina.planning.survey import CaseSurvey, Defect, Look, Survey
from lamina.planning.survey_cases import survey_cases

__all__ = [
    "Budget",
    "CaseSurvey",
    "Defect",
    "Look",
    "Survey",
    "find_defects",
    "plan_task",
    "survey_cases",
]
