"""``lamina dicom``: choose slices by plane and by eye, and look at headers."""

import argparse
from pathlib import Path
from typing import Any

from lamina.commands.workflow import add_command

_SHOWN = (
    "Modality",
    "Manufacturer",
    "ManufacturerModelName",
    "SeriesDescription",
    "SeriesNumber",
    "InstanceNumber",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "PixelSpacing",
    "SliceThickness",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "RescaleSlope",
    "RescaleIntercept",
    "PhotometricInterpretation",
    "BitsStored",
)
_IDENTIFIERS = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "StudyDate",
    "AccessionNumber",
    "StudyID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
)


def add(commands: Any) -> None:
    """Register ``select``, ``sheet``, ``keep`` and ``show``."""
    parser = commands.add_parser(
        "dicom",
        help="choose DICOM slices by their plane or by eye, look at headers",
        description="Choose DICOM slices by their plane or by eye, look at headers.",
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_select(inner)
    add_keep(inner)
    show = add_command(
        inner, "show", "print the header values that matter", _show, "lamina dicom show IM0001"
    )
    show.add_argument(
        "path", metavar="FILE|FOLDER", help="a file, or a folder: one file per series is shown"
    )
    show.add_argument("--all", action="store_true", help="show every tag")
    show.add_argument(
        "--identifiers", action="store_true", help="show identifiers of patient and study as well"
    )


def _add_select(inner: Any) -> None:
    select = add_command(
        inner,
        "select",
        "copy the slices of one plane into a folder a series",
        _select,
        "lamina dicom select ~/patient7 ~/coronal --plane coronal",
    )
    select.add_argument("source", metavar="SRC", help="a folder, searched with its subfolders")
    select.add_argument("target", metavar="DST", help="folder for the copies")
    which = select.add_mutually_exclusive_group(required=True)
    which.add_argument("--plane", choices=("axial", "coronal", "sagittal", "oblique"))
    which.add_argument(
        "--orientation",
        metavar="A,B,C,D,E,F",
        help="ImageOrientationPatient, rounded to one decimal, as 1,0,0,0,0,-1",
    )


def _select(options: argparse.Namespace) -> int:
    from lamina.errors import ConfigError
    from lamina.prepare.select_series import select_slices

    orientation = None
    if options.orientation is not None:
        try:
            orientation = [float(part) for part in options.orientation.split(",")]
        except ValueError:
            orientation = []
        if len(orientation) != 6:
            raise ConfigError(
                f"--orientation {options.orientation}: expected six numbers",
                "write it as 1,0,0,0,0,-1",
            )
    source, target = (Path(path).expanduser() for path in (options.source, options.target))
    chosen = select_slices(source, target, options.plane, orientation)
    for folder, count in chosen.copied.items():
        print(f"{folder}: {count} slices")
    print(
        f"{sum(chosen.copied.values())} of {chosen.slices} slices copied; "
        f"{chosen.others} other file(s) left"
    )
    return 0 if chosen.copied else 1


def _show(options: argparse.Namespace) -> int:
    from lamina.prepare.select_series import one_file_per_series
    from lamina.readers.dicom_file import read_header

    hidden = () if options.identifiers else _IDENTIFIERS
    for path in one_file_per_series(Path(options.path).expanduser()):
        header = read_header(path)
        print(path)
        if options.all:
            _print_all(header, bool(hidden))
            continue
        for name in (*_SHOWN, *(() if hidden else _IDENTIFIERS)):
            value = header.get(name)
            if value not in (None, ""):
                print(f"  {name}: {value}")
        syntax = header.file_meta.get("TransferSyntaxUID")
        print(f"  TransferSyntax: {syntax.name if syntax else 'not stated'}")
    return 0


def _print_all(header: Any, hide: bool) -> None:
    """Print every tag; values that may identify the patient stay hidden, private ones among them."""
    for element in header.iterall():
        personal = element.tag.group in (0x0008, 0x0010, 0x0020) and (
            element.keyword in _IDENTIFIERS or element.VR in ("PN", "DA", "TM", "DT", "UI")
        )
        secret = hide and (personal or element.tag.group == 0x0010 or element.tag.is_private)
        value = "(hidden; --identifiers shows it)" if secret else element.repval
        print(f"  {element.tag} {element.keyword or element.name}: {value}")


def add_keep(commands: Any) -> None:
    """Register both."""
    sheet = add_command(
        commands,
        "sheet",
        "show all slices on contact sheets, with a list in which to mark those to keep",
        _sheet,
        "lamina dicom sheet ~/coronal ~/sheets",
    )
    sheet.add_argument(
        "source", metavar="SRC", help="a folder of DICOM slices, searched with its subfolders"
    )
    sheet.add_argument("target", metavar="DST", help="folder for sheet_001.png … and slices.csv")
    keep = add_command(
        commands,
        "keep",
        "write the slices that a list keeps as pictures, ready to be annotated",
        _keep,
        "lamina dicom keep ~/sheets/slices.csv ~/my_images",
    )
    keep.add_argument("list", metavar="LIST", help="slices.csv, with x in the column keep")
    keep.add_argument("target", metavar="DST", help="folder for images/ and patients.csv")
    for parser in (sheet, keep):
        parser.add_argument(
            "--window",
            metavar="LOW,HIGH",
            default="-1000,3000",
            help="values that become black and white; default: -1000,3000. Write it with =",
        )


def _sheet(options: argparse.Namespace) -> int:
    from lamina.prepare.slices import (
        list_slices,
        read_window,
        write_contact_sheets,
        write_slice_list,
    )

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
    from lamina.prepare.slices import read_kept, read_window, write_pictures

    target = Path(options.target).expanduser()
    kept = read_kept(Path(options.list).expanduser())
    names = write_pictures(kept, target, read_window(options.window))
    patients = len({one.patient for one in kept})
    print(f"{target / 'images'}: {len(names)} pictures of {patients} patient(s)")
    return 0
