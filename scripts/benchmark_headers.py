"""Headers: what `lamina scan` takes for folders of classic and of enhanced DICOM files."""

import sys
from pathlib import Path

from benchmark_runs import Plan, Result, alternate, summed
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedMRImageStorage, ExplicitVRLittleEndian

ROWS, FRAMES = 64, 130


def headers(plan: Plan) -> Result:
    """Case 7: headers of 1,000 classic and of 100 enhanced files of 130 frames."""
    _write_classic(plan.work / "classic", 1000)
    _write_enhanced(plan.work / "enhanced", 100)
    scan = [sys.executable, "-m", "lamina.cli", "scan"]
    sides = {kind: [*scan, str(plan.work / kind)] for kind in ("classic", "enhanced")}
    return summed(alternate(sides, plan, "headers"))


def _write_classic(folder: Path, count: int) -> None:
    for number in range(count):
        image = _image(folder / f"{number:04}", CTImageStorage, f"1.2.3.{number % 4}")
        image.ImagePositionPatient = [0, 0, number // 4]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.PixelSpacing, image.SliceThickness = [0.7, 0.7], 1
        image.save_as(image.filename)


def _write_enhanced(folder: Path, count: int) -> None:
    for number in range(count):
        image = _image(folder / f"{number:04}", EnhancedMRImageStorage, f"1.2.4.{number}", FRAMES)
        image.SharedFunctionalGroupsSequence = [Dataset()]
        image.PerFrameFunctionalGroupsSequence = [_frame(place) for place in range(FRAMES)]
        image.save_as(image.filename)


def _frame(place: int) -> Dataset:
    return _item(
        FrameContentSequence=[_item(StackID="1", DimensionIndexValues=[1, place + 1])],
        PlanePositionSequence=[_item(ImagePositionPatient=[0, 0, place])],
        PlaneOrientationSequence=[_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        PixelMeasuresSequence=[_item(PixelSpacing=[0.9, 0.9], SliceThickness=1)],
        MRImageFrameTypeSequence=[_item(FrameType=["ORIGINAL", "PRIMARY", "M", "NONE"])],
        MREchoSequence=[_item(EffectiveEchoTime=4.6)],
        FrameVOILUTSequence=[_item(WindowCenter=500, WindowWidth=1000)],
        PixelValueTransformationSequence=[_item(RescaleSlope=1, RescaleIntercept=0)],
    )


def _item(**elements: object) -> Dataset:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def _image(path: Path, kind: str, series: str, frames: int = 1) -> FileDataset:
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, kind
    meta.MediaStorageSOPInstanceUID = f"{series}.{path.name.lstrip('0') or 0}"
    image = FileDataset(path, {}, file_meta=meta, preamble=bytes(128))
    image.SOPClassUID, image.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
    image.SeriesInstanceUID, image.Modality = series, "OT"
    image.Rows = image.Columns = ROWS
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelRepresentation, image.NumberOfFrames = 0, frames
    image.PixelData = bytes(2 * ROWS * ROWS * frames)
    return image
