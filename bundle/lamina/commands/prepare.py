"""``lamina prepare …``: from what a study starts with to a data set; one module a preparation."""

from typing import Any

from lamina.commands import prepare_crop, prepare_label_values, prepare_merge_masks, prepare_retouch


def add(commands: Any) -> None:
    """Register every preparation."""
    parser = commands.add_parser(
        "prepare",
        help="make a data set out of raw material",
        description="Make a data set out of raw material.",
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    prepare_crop.add(inner)
    prepare_label_values.add(inner)
    prepare_merge_masks.add(inner)
    prepare_retouch.add(inner)
