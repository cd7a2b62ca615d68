"""Synthetic OCT volumes with three kinds of fluid, in the formats of three vendors' devices."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamina.phantoms.anatomy import LAYERS
from lamina.phantoms.fluid import HOSTS, Host
from lamina.phantoms.folder import make_once, require_numbers
from lamina.phantoms.oct import Triple, make_oct_volume
from lamina.phantoms.oct_scan import CIRRUS, OctScan
from lamina.prepare.retouch import prepare_retouch

RECIPE = 2

_ATTEMPTS = 20
_NAMES = [layer.name for layer in LAYERS]

FLUID_HOSTS = (
    Host(_NAMES.index("INL"), 0.5, (0.15, 0.35), (70.0, 160.0), kind=1),
    Host(_NAMES.index("OPL"), 0.5, (0.15, 0.35), (70.0, 160.0), kind=1),
    replace(HOSTS[2], kind=2),
    Host(_NAMES.index("RPE"), 1.0, (0.25, 0.60), (80.0, 220.0), kind=3),
)
"""Cysts within the retina (1), fluid below it (2), and fluid below the pigment epithelium (3)."""


@dataclass(frozen=True)
class Device:
    """A vendor's scan: rows of a B-scan, size of a voxel in µm, appearance, bits of a value.

    Greys up to ``black`` are black, as in devices that average many scans.
    """

    vendor: str
    rows: int
    spacing: Triple
    scan: OctScan
    bits: int = 8
    black: int = 0


DEVICES = (
    Device("Cirrus", 1024, (11.7, 1.95, 47.0), CIRRUS),
    Device("Spectralis", 496, (11.5, 3.87, 120.0), replace(CIRRUS, gain=24.0), bits=16, black=60),
    Device("Topcon", 885, (11.7, 2.6, 47.0), replace(CIRRUS, noise=3.0, gain=15.0)),
    Device("Topcon", 650, (11.7, 3.5, 94.0), replace(CIRRUS, noise=1.0, gain=17.0)),
)
"""Heights and voxels as in the RETOUCH challenge (Bogunović et al., 2019)."""


def write_retouch_volumes(
    folder: str | Path,
    *,
    cases: int = 6,
    seed: int = 0,
    columns: int = 192,
    slices: int = 8,
    fluid: float = 8.0,
) -> Path:
    """Write volumes in the layout of the RETOUCH challenge, prepare them, and return the data set.

    ``raw/VENDOR/CASE/`` holds ``oct.mhd`` and ``reference.mhd``; ``prepared/`` is made as by
    ``lamina prepare retouch``. The folder is made by `make_once`. A case depends on seed, vendor
    and number only; it is drawn anew until it holds all three kinds of fluid, at most 20 times.

    Parameters
    ----------
    folder
        New folder.
    cases
        Volumes of each vendor; Topcon's are of two devices in turn.
    columns, slices
        Voxels along x and z; those along the depth are the device's.
    fluid
        Mean number of pockets in a volume.
    """
    require_numbers(cases=cases, seed=seed)
    recipe: dict[str, object] = {"recipe": RECIPE, "cases": cases, "seed": seed, "columns": columns}
    recipe |= {"slices": slices, "fluid": fluid}
    scans = {
        f"{device.vendor}/{device.vendor.upper()}{number:03d}": (device, number)
        for number in range(cases)
        for device in (*DEVICES[:2], DEVICES[2 + number % 2])
    }
    files = [f"raw/{case}/{name}.mhd" for case in scans for name in ("oct", "reference")]
    files.append("prepared/cases.csv")
    make = partial(_make, seed=seed, columns=columns, slices=slices, fluid=fluid)
    return make_once(folder, recipe, files, partial(_write, scans=scans, make=make)) / "prepared"


def _write(folder: Path, scans: Mapping[str, tuple[Device, int]], make: partial[None]) -> None:
    for case, (device, number) in scans.items():
        (folder / "raw" / case).mkdir(parents=True)
        make(folder / "raw" / case, device, number)
    for _ in prepare_retouch(folder / "raw", folder / "prepared"):
        pass


def _make(
    folder: Path, device: Device, number: int, *, seed: int, columns: int, slices: int, fluid: float
) -> None:
    for attempt in range(_ATTEMPTS):
        volume = make_oct_volume(
            (seed, DEVICES.index(device), number, attempt),
            shape=(columns, device.rows, slices),
            spacing=device.spacing,
            layers={"retina": _NAMES},
            fluid=fluid,
            hosts=FLUID_HOSTS,
            scan=device.scan,
        )
        if set(range(2, 5)) <= set(np.unique(volume.label)):
            break
    shown = np.maximum(volume.image[0].astype(np.uint16), device.black) - device.black
    shown = shown * 255 // (255 - device.black)
    values = shown * 257 if device.bits == 16 else shown.astype(np.uint8)
    reference = np.where(volume.label[0] > 1, volume.label[0] - 1, 0).astype(np.uint8)
    _write_mhd(folder / "oct.mhd", values, device.spacing)
    _write_mhd(folder / "reference.mhd", reference, device.spacing)


def _write_mhd(path: Path, values: NDArray[np.unsignedinteger], spacing: Triple) -> None:
    """Write MetaImage with its values in a file beside it (spacing in µm)."""
    kind = {1: "MET_UCHAR", 2: "MET_USHORT"}[values.dtype.itemsize]
    raw = path.with_suffix(".raw")
    path.write_text(f"""\
ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = False
CompressedData = False
TransformMatrix = 1 0 0 0 1 0 0 0 1
Offset = 0 0 0
ElementSpacing = {" ".join(f"{size / 1000:.6g}" for size in spacing)}
DimSize = {" ".join(map(str, values.shape))}
ElementType = {kind}
ElementDataFile = {raw.name}
""")
    raw.write_bytes(values.tobytes(order="F"))
