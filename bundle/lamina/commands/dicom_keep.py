"""``lamina dicom sheet`` and ``lamina dicom keep``: look through slices, and keep the good ones."""

import argparse
from pathlib import Path
from typing import Any

from lamina.commands.parsers import add_command


def add(commands: Any) -> None:
    """Register both."""
    sheet = add_command(
        commands,
        "sheet",
        "show all slices on contact sheets, with a list in which to mark those to keep",
        _sheet,
        "lamina dicom sheet ~/coronal ~/sheets",
    )
    sheet.add_argument("source", metavar="SRC", help="a folder of DICOM slices, of any depth")
    sheet.add_argument("target", metavar="DST", help="where sheet_001.png … and slices.csv go")
    keep = add_command(
        commands,
        "keep",
        "write the slices that a list keeps as pictures, ready to be annotated",
        _keep,
        "lamina dicom keep ~/sheets/slices.csv ~/my_images",
    )
    keep.add_argument("list", metavar="LIST", help="slices.csv, with x in the column keep")
    keep.add_argument("target", metavar="DST", help="where images/ and patients.csv go")
    for parser in (sheet, keep):
        parser.add_argument(
            "--window",
            metavar="LOW,HIGH",
            default="-1000,3000",
            help="values that become black and white; default: -1000,3000. Write it with =",
        )


def _sheet(options: argparse.Namespace) -> int:
    from lamina.cases.slice_list import list_slices, write_slice_list
    from lamina.cases.slice_pictures import read_window
    from lamina.output.contact_sheet import write_contact_sheets

    window, target = read_window(options.window), Path(options.target).expanduser()
    slices = list_slices(Path(options.source).expanduser())
    sheets = write_contact_sheets(slices, target, window)
    table = target / "slices.csv"
    write_slice_list(table, slices)
    print(f"{len(slices)} slices on {len(sheets)} sheet(s) in {target}")
    print(
        f"{table}: put x into the column keep of the good ones, then: lamina dicom keep {table} DST"
    )
    return 0


def _keep(options: argparse.Namespace) -> int:
    from lamina.cases.slice_list import read_kept
    from lamina.cases.slice_pictures import read_window, write_pictures

    target = Path(options.target).expanduser()
    kept = read_kept(Path(options.list).expanduser())
    names = write_pictures(kept, target, read_window(options.window))
    patients = len({one.patient for one in kept})
    print(f"{target / 'images'}: {len(names)} pictures of {patients} patient(s)")
    return 0
