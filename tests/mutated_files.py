"""Small files of every format that Lamina reads, and what a broken disk makes of them."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import itk
import nibabel
import numpy as np
import tifffile
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from tests.scan_files import dicom_file

PLACE = {
    "SeriesInstanceUID": "1.2.3",
    "ImagePositionPatient": [1, 2, 3],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "PixelSpacing": [0.5, 0.7],
    "SliceThickness": 2,
}


def write_seeds(folder: Path) -> list[Path]:
    """Write one whole file of each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_volumes(folder)
    _write_pictures(folder)
    _write_dicom(folder)
    return sorted(path for path in folder.iterdir() if path.is_file())


def _write_volumes(folder: Path) -> None:
    voxels = np.arange(11 * 7 * 5, dtype=np.int16).reshape(11, 7, 5)
    for name in ("plain.nii", "packed.nii.gz"):
        nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1.0, 2, 3, 1])), folder / name)
    image = itk.image_from_array(voxels)
    for name, packed in (("a.mha", False), ("b.mha", True), ("a.nrrd", False), ("b.nrrd", True)):
        itk.imwrite(image, str(folder / name), compression=packed)


def _write_pictures(folder: Path) -> None:
    grey = np.add.outer(np.arange(40), np.arange(30)).astype(np.uint8)
    colours = np.stack([grey, grey.T[:30].repeat(2, 0)[:40, :30] * 0 + 7, 255 - grey], axis=-1)
    Image.fromarray(grey).save(folder / "grey.png")
    Image.fromarray(colours).save(folder / "colour.jpg")
    Image.fromarray(colours).save(folder / "progressive.jpg", progressive=True)
    Image.fromarray(colours).save(folder / "colour.bmp")
    Image.fromarray(grey).convert("P").save(folder / "palette.png")
    (folder / "wide.png").write_bytes(imagecodecs.png_encode(colours.astype(np.uint16) * 200))
    for packing in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        Image.fromarray(colours).save(folder / f"{packing}.tif", compression=packing)
    tifffile.imwrite(folder / "unsigned.tif", grey.astype(np.uint32), compression="zlib")
    tifffile.imwrite(folder / "white.tif", grey.astype(np.uint16), photometric="miniswhite")


def _write_dicom(folder: Path) -> None:
    grey = np.add.outer(np.arange(40), np.arange(30)).astype(np.uint16) * 50
    packed: dict[UID, Any] = {
        JPEGBaseline8Bit: imagecodecs.jpeg8_encode(grey.astype(np.uint8)),
        JPEGLosslessSV1: imagecodecs.ljpeg_encode(grey),
        JPEGLSLossless: imagecodecs.jpegls_encode(grey),
        JPEG2000Lossless: imagecodecs.jpeg2k_encode(grey, codecformat="J2K", level=0),
    }
    dicom_file(folder / "plain.dcm", grey, **PLACE).save_as(folder / "plain.dcm")
    for syntax, frame in packed.items():
        image = dicom_file(folder / f"{syntax}", grey, **PLACE)
        if syntax == JPEGBaseline8Bit:
            image.BitsAllocated = image.BitsStored = 8
            image.HighBit = 7
        image.file_meta.TransferSyntaxUID = syntax
        image.PixelData = encapsulate([frame])
        image["PixelData"].VR = "OB"
        image.save_as(folder / f"{syntax}")
    for syntax in (RLELossless, DeflatedExplicitVRLittleEndian):
        image = dicom_file(folder / f"{syntax}.dcm", grey, **PLACE)
        if syntax == RLELossless:
            image.compress(RLELossless, generate_instance_uid=False)
        else:
            image.file_meta.TransferSyntaxUID = syntax
        image.save_as(folder / f"{syntax}.dcm")


def mutate(content: bytes, name: str, random: np.random.Generator) -> bytes:
    """Return a file's content with a few bytes changed, cut, doubled or filled.

    What is packed as a whole is mutated before it is packed, every other time: else only the
    checksum would be tried.
    """
    inside = random.random() < 0.5
    if inside and name.endswith(".gz"):
        return gzip.compress(_mutated(gzip.decompress(content), random), 1)
    if inside and DeflatedExplicitVRLittleEndian in name:
        start = _end_of_meta(content)
        unpacked = zlib.decompress(content[start:], -zlib.MAX_WBITS)
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return content[:start] + packer.compress(_mutated(unpacked, random)) + packer.flush()
    return _mutated(content, random)


def _end_of_meta(content: bytes) -> int:
    file = io.BytesIO(content)
    read_preamble(file, force=False)
    _read_file_meta_info(file)
    return file.tell()


def _mutated(content: bytes, random: np.random.Generator) -> bytes:
    data = bytearray(content)
    # Most of what matters stands in the header.
    end = len(data) if random.random() < 0.4 else min(len(data), 700)
    for _ in range(int(random.integers(1, 6))):
        end = max(min(end, len(data)), 1)
        at, length = int(random.integers(end)), int(random.integers(1, 9))
        kind = random.integers(6)
        if kind == 0:
            data[at : at + length] = random.bytes(length)
        elif kind == 1:
            data[at] ^= 1 << int(random.integers(8))
        elif kind == 2:
            data[at : at + length] = b"\xff" * length
        elif kind == 3:
            data[at : at + length] = b""
        elif kind == 4:
            data[at:at] = data[at : at + length * 8]
        else:
            del data[at + 1 :]
    return bytes(data)


def mutants(seeds: list[Path], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of mutated files, each format as often as the others."""
    random = np.random.default_rng(seed)
    for number in range(count):
        path = seeds[number % len(seeds)]
        yield f"{number:05}_{path.name}", mutate(path.read_bytes(), path.name, random)
