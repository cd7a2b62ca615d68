"""What a folder holds: finding, pairing with labels, splitting, checking."""

from lamina.cases.case import Case, DataSet, items
from lamina.cases.checks import check_cases, require_usable
from lamina.cases.describe import describe
from lamina.cases.find import find_cases
from lamina.cases.fingerprint import fingerprint, hash_files
from lamina.cases.inputs import Inputs, find_inputs
from lamina.cases.regions import with_regions
from lamina.cases.selection import evaluation_items, held_out_items, make_splits, tell_splits
from lamina.cases.splits import read_splits, split_cases, write_splits

__all__ = [
    "Case",
    "DataSet",
    "Inputs",
    "check_cases",
    "describe",
    "evaluation_items",
    "find_cases",
    "find_inputs",
    "fingerprint",
    "hash_files",
    "held_out_items",
    "items",
    "make_splits",
    "read_splits",
    "require_usable",
    "split_cases",
    "tell_splits",
    "with_regions",
    "write_splits",
]
