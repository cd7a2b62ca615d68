"""What all commands share in how they are asked for."""

import argparse
from collections.abc import Callable
from typing import Any


def add_command(
    commands: Any, name: str, text: str, run: Callable[[argparse.Namespace], int], example: str
) -> argparse.ArgumentParser:
    """Return the parser of a new command.

    Parameters
    ----------
    commands
        What ``add_subparsers`` returned.
    name, text, example
        What it is called, what it does in one line, and how it is used.
    run
        Takes the options and returns the exit status.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog="example: " + example,
    )
    parser.set_defaults(command=run)
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks"
    )
    return parser


def add_task(parser: argparse.ArgumentParser) -> None:
    """Let the command take a task, by name or as a file."""
    parser.add_argument("task", metavar="TASK", help="a name from `lamina tasks`, or a task file")
