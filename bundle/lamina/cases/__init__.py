"""What a folder holds: finding, reading, pairing with labels, splitting, checking."""

from lamina.cases.case import Case, DataSet, items
from lamina.cases.checks import check_cases, require_usable
from lamina.cases.describe import describe
from lamina.cases.dicom import dicom_plan, dicom_slices
from lamina.cases.dicom_rules import SeriesRules
from lamina.cases.find import find_cases, input_cases
from lamina.cases.fingerprint import fingerprint, hash_files
from lamina.cases.grid import Grid
from lamina.cases.images import is_dicom_address, read_grid, read_image, read_label
from lamina.cases.inputs import Inputs, find_inputs
from lamina.cases.reader import CaseReader, LabelReader
from lamina.cases.regions import with_regions
from lamina.cases.selection import (
    evaluation_items,
    held_out_items,
    make_splits,
    tell_splits,
)
from lamina.cases.splits import split_cases
from lamina.cases.splits_file import read_splits, write_splits

__all__ = [
    "Case",
    "CaseReader",
    "DataSet",
    "Grid",
    "Inputs",
    "LabelReader",
    "SeriesRules",
    "check_cases",
    "describe",
    "dicom_plan",
    "dicom_slices",
    "evaluation_items",
    "find_cases",
    "find_inputs",
    "fingerprint",
    "hash_files",
    "held_out_items",
    "input_cases",
    "is_dicom_address",
    "items",
    "make_splits",
    "read_grid",
    "read_image",
    "read_label",
    "read_splits",
    "require_usable",
    "split_cases",
    "tell_splits",
    "with_regions",
    "write_splits",
]
