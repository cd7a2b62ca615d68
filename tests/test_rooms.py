"""The rooms of the package: which may import from which, and how large they may be."""

import ast
import re
from pathlib import Path

import lamina
from lamina.tasks.catalogue import CHECKOUT

PACKAGE = Path(lamina.__file__).parent


def rooms_in_order():
    """Return the rooms as the table of docs/design.md has them, the first that imports nothing."""
    text = (CHECKOUT / "docs" / "design.md").read_text(encoding="utf-8")
    table = text.split("## One direction")[1].split("\n## ")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    return [name.strip("/") for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def modules():
    """Return {room: files}; a module beside the rooms is one by itself."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        room = parts[0] if len(parts) > 1 else path.stem
        if room != "__init__":
            found.setdefault(room, []).append(path)
    return found


def imported_rooms(path):
    """Return the rooms that a file names in its imports, inside of functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "lamina":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lamina."):
            yield node.module.split(".")[1]


def test_every_room_stands_in_the_table_once():
    assert sorted(rooms_in_order()) == sorted(modules())


def test_imports_go_to_rooms_further_up_in_the_table():
    order = {room: place for place, room in enumerate(rooms_in_order())}
    wrong = {
        f"{path.relative_to(PACKAGE)} imports from {other}"
        for room, files in modules().items()
        for path in files
        for other in imported_rooms(path)
        if other in order and other != room and order[other] >= order[room]
    }
    assert wrong == set()


def test_no_folder_has_more_than_25_files_and_no_file_more_than_300_lines():
    files = [path for paths in modules().values() for path in paths]
    folders = {path.parent for path in files}
    assert {folder for folder in folders if len(list(folder.glob("*.py"))) > 25} == set()
    long = {path for path in files if len(path.read_text(encoding="utf-8").splitlines()) > 300}
    assert long == set()


def test_no_function_has_more_than_50_lines_and_half_have_ten_at_most():
    sizes = {}
    for path in (path for paths in modules().values() for path in paths):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                has_doc = ast.get_docstring(node) is not None
                begin = node.body[0].end_lineno if has_doc else node.lineno
                sizes[f"{path.relative_to(PACKAGE)}:{node.name}"] = node.end_lineno - begin
    assert {name: size for name, size in sizes.items() if size > 50} == {}
    assert sorted(sizes.values())[len(sizes) // 2] <= 10
