"""``lamina tasks``: what there is to train."""

import argparse
from typing import Any

from lamina.commands.workflow import add_command


def add(commands: Any) -> None:
    """Register the command."""
    add_command(commands, "tasks", "list what Lamina can segment", _tasks, "lamina tasks")


def _tasks(_: argparse.Namespace) -> int:
    from lamina.tasks.catalogue import CHECKOUT, read_task, task_files

    print(f"{'TASK':<18} {'DIMS':<5} {'PHANTOMS':<9} {'RELEASED':<9} WHAT")
    for path in task_files():
        task = read_task(path)
        released = (CHECKOUT / "models" / path.stem / "model.pt").is_file()
        phantoms = "yes" if task.get("phantoms") else "no"
        dims = f"{task['spatial_dims']}D"
        print(
            f"{path.stem:<18} {dims:<5} {phantoms:<9} {'yes' if released else 'no':<9} "
            f"{task['title']}"
        )
    return 0
