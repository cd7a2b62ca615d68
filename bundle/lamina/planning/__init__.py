"""From a folder of images and labels to a task: what the data are, what is wrong, what fits."""

from lamina.planning.choices import Budget, plan_task
from lamina.planning.defects import find_defects
from lamina.planning.survey import CaseSurvey, Survey, survey_cases

__all__ = ["Budget", "CaseSurvey", "Survey", "find_defects", "plan_task", "survey_cases"]
