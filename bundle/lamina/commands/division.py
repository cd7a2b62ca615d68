"""The options that say how cases are divided, the same for all commands."""

import argparse

DIVISION = ("seed", "fold", "folds", "test_count", "patient_pattern")


def add_division(parser: argparse.ArgumentParser) -> None:
    """Let a command divide cases."""
    group = parser.add_argument_group("division into training, validation and test")
    group.add_argument("--seed", type=int, metavar="N", help="of the division; default: 0")
    group.add_argument(
        "--folds",
        type=int,
        metavar="N",
        help="cross-validation: the cases outside the test set in N parts; `train` trains one "
        "after the other, and several processes share them",
    )
    group.add_argument(
        "--fold", type=int, metavar="K", help="the part that validates, from 0 to N - 1"
    )
    group.add_argument(
        "--test-count", type=int, metavar="N", help="test cases; default: the task's share"
    )
    group.add_argument(
        "--patient-pattern",
        metavar="REGEX",
        help=r"whose first group is the patient in a case's name, as '^(P\d+)_'",
    )
