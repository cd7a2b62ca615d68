"""A data set of synthetic B-scans with layers as polygons, as annotation tools save them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamina.annotations.convert import Drawing, MaskFolder, convert
from lamina.annotations.find_picture import Pictures
from lamina.annotations.read import read_annotations
from lamina.phantoms.anatomy import EIGHT_LAYERS, LayerGroups
from lamina.phantoms.folder import make_once, require_numbers
from lamina.phantoms.oct import make_b_scan
from lamina.phantoms.oct_scan import CIRRUS, OctScan

RECIPE = 1

ANNOTATIONS = "via_region_data.json"


def write_oct_annotations(
    folder: str | Path,
    *,
    cases: int = 40,
    seed: int = 0,
    size: tuple[int, int] = (640, 640),
    spacing: tuple[float, float] = (9.4, 2.6),
    layers: LayerGroups = EIGHT_LAYERS,
    step: int = 8,
    scan: OctScan = CIRRUS,
) -> Path:
    """Write B-scans as JPEG, their layers as VIA polygons, and the masks of these.

    ``images/`` and ``via_region_data.json`` are the raw material; ``masks/`` is
    drawn as by ``lamina annotations convert``. Every picture is of another eye. The
    folder is made by `make_once`.

    Parameters
    ----------
    folder, seed, size, spacing, layers, scan
        As in `lamina.phantoms.write_oct_pictures`.
    cases
        Number of pictures.
    step
        Columns from one point of a polygon to the next.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as new:
    ...     path = write_oct_annotations(f"{new}/oct", cases=1, size=(16, 400))
    ...     sorted(str(file.relative_to(path)) for file in path.rglob("octid*"))
    ['images/octid_000.jpg', 'masks/octid_000.png']
    """
    require_numbers(cases=cases, seed=seed, step=step)
    recipe = {"recipe": RECIPE, "cases": cases, "seed": seed, "size": size, "spacing": spacing}
    recipe |= {"step": step, "layers": layers, "scan": asdict(scan)}
    names = [f"octid_{number:03d}" for number in range(cases)]
    files = [ANNOTATIONS, *(f"images/{name}.jpg" for name in names)]
    files += [f"masks/{name}.png" for name in names]
    make = partial(make_b_scan, size=size, spacing=spacing, layers=layers, scan=scan)
    write = partial(_write, names=names, seed=seed, layers=list(layers), step=step, make=make)
    return make_once(folder, recipe, files, write)


def _write(
    folder: Path, names: Sequence[str], seed: int, layers: Sequence[str], step: int, make: Any
) -> None:
    (folder / "images").mkdir()
    entries: dict[str, Any] = {}
    for number, name in enumerate(names):
        volume = make((seed, number))
        path = folder / "images" / f"{name}.jpg"
        Image.fromarray(volume.image[0, :, :, 0].T).save(path, quality=95)
        regions = via_regions(volume.boundaries[:, :, 0], layers, volume.image.shape[2], step)
        size = path.stat().st_size
        entries[f"{path.name}{size}"] = {
            "filename": path.name,
            "size": size,
            "regions": regions,
            "file_attributes": {},
        }
    (folder / ANNOTATIONS).write_text(json.dumps(entries))
    _draw(folder, layers)


def via_regions(
    boundaries: NDArray[np.floating], layers: Sequence[str], rows: int, step: int
) -> list[Mapping[str, Any]]:
    """Return a VIA polygon for each layer, with corners at whole pixels as VIA saves them.

    Parameters
    ----------
    boundaries
        (layers + 1, columns), the top of each layer and the bottom of the last, in voxels whose
        first has its centre at 0.
    layers
        Their names.
    rows
        Of the picture.
    step
        Columns from one point to the next.

    Examples
    --------
    >>> (region,) = via_regions(np.array([[1.0, 1, 1], [4, 4, 4]]), ["NFL"], 9, 2)
    >>> region["shape_attributes"]["all_points_x"], region["shape_attributes"]["all_points_y"]
    ([0, 2, 3, 3, 2, 0], [2, 2, 2, 4, 4, 4])
    """
    columns = boundaries.shape[1]
    x = [*range(0, columns, step), columns]
    # VIA counts from the first pixel's corner, half a pixel from its centre.
    edges = np.rint(boundaries + 0.5).clip(0, rows).astype(int)
    regions: list[Mapping[str, Any]] = []
    for name, top, bottom in zip(layers, edges[:-1], edges[1:], strict=True):
        upper, lower = (
            [int(edge[min(column, columns - 1)]) for column in x] for edge in (top, bottom)
        )
        form = {"name": "polygon", "all_points_x": x + x[::-1], "all_points_y": upper + lower[::-1]}
        regions.append({"shape_attributes": form, "region_attributes": {"layer": name}})
    return regions


def _draw(folder: Path, layers: Sequence[str]) -> None:
    drawing = Drawing({name: value for value, name in enumerate(layers, 1)})
    pictures = Pictures(folder / "images")
    masks = MaskFolder(folder / "masks", pictures)
    for annotated in read_annotations(folder / ANNOTATIONS):
        converted = convert(annotated, pictures, drawing)
        masks.write(converted)
        assert converted.problem is None, converted.problem
