"""``lamina …``: short commands, each for one line of MONAI's bundle runner.

Heavy imports stand in the functions that need them, so that ``--help`` comes at once.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from lamina import __version__
from lamina.commands import (
    annotations,
    check,
    compare,
    data,
    dicom,
    evaluate,
    label,
    pack,
    plan,
    predict,
    prepare,
    scan,
    serve,
    tasks,
    train,
)
from lamina.console import TerminatedError, print_any_name, sigterm_as_interrupt
from lamina.errors import find_cause

INTERRUPTED, PIPE_CLOSED, TERMINATED = 130, 141, 143


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 wrong use."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = False
    print_any_name()
    try:
        options = _parse([_with_hyphens(word) for word in words])
        debug = options.debug
        with sigterm_as_interrupt():
            status = options.command(options)
        sys.stdout.flush()
    except BrokenPipeError:  # `lamina tasks | head -1`: nobody reads the rest
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - Python flushes it when it ends
        return PIPE_CLOSED
    except KeyboardInterrupt as error:
        ended = isinstance(error, TerminatedError)
        print(
            f"\n{'ended by SIGTERM' if ended else 'interrupted'}; the same command continues "
            "where it was, or starts again",
            file=sys.stderr,
        )
        return TERMINATED if ended else INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the one place where errors become messages
        return _report(error, debug)
    return status or 0


def _parse(words: list[str]) -> argparse.Namespace:
    """Parse; take INPUT behind options too, where argparse does not look for it."""
    parser = _parser()
    options, rest = parser.parse_known_args(words)
    if len(rest) == 1 and not rest[0].startswith("-") and vars(options).get("input", "") is None:
        options.input = rest.pop()
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


def _report(error: Exception, debug: bool) -> int:
    cause = find_cause(error)
    if cause is None or debug:
        traceback.print_exception(error)
    if cause is None:
        print("this is a bug of Lamina: please report it with the lines above", file=sys.stderr)
    else:
        print(f"error: {cause}", file=sys.stderr)
    return 1


def _with_hyphens(word: str) -> str:
    """Let ``--run_dir`` mean ``--run-dir``, and leave values as they are.

    >>> _with_hyphens("--run_dir=my_run"), _with_hyphens("my_task")
    ('--run-dir=my_run', 'my_task')
    """
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lamina",
        description="Segment medical images with a U-Net: train, predict, evaluate.",
        epilog="Each command prints the `python -m monai.bundle` line that it stands for. "
        "`lamina COMMAND --help` tells more.",
    )
    parser.add_argument("--version", action="version", version=f"lamina {__version__}")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    tasks.add(commands)
    train.add(commands)
    predict.add(commands)
    evaluate.add(commands)
    data.add(commands)
    plan.add(commands)
    compare.add(commands)
    scan.add(commands)
    prepare.add(commands)
    annotations.add(commands)
    dicom.add(commands)
    check.add(commands)
    pack.add(commands)
    label.add(commands)
    serve.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
