"""Where voxels lie in space after every way in and every way out.

Marked voxels are placed by the formula of the source's standard; what is written is read back by
programs that know nothing of Lamina: nibabel, SimpleITK (ITK) and dcmqi.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ct_files import ct_header
from tests.readers.test_dicom_frames import write_enhanced

from lamina.cases.find import find_images
from lamina.readers.images import read_image
from lamina.readers.source import Source
from lamina.writers.dicom_seg import write_dicom_seg
from lamina.writers.label_files import write_nifti
from lamina.writers.nrrd import write_nrrd
from lamina.writers.segmented_case import SegmentedCase

sitk = pytest.importorskip("SimpleITK", reason="SimpleITK reads NIfTI and NRRD independently of us")
DCMQI = shutil.which("segimage2itkimage", path=Path(sys.executable).parent)
TO_LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Geometry:
    """A volume in space: affine (RAS+), and which slice each file or frame holds."""

    affine: np.ndarray
    shape: tuple[int, int, int]
    order: tuple[int, ...]


@st.composite
def geometries(draw, mirrored=False, tilted=False):
    """Any rotation, other sizes and spacings on each axis; axes mirrored or slices shifted."""
    angle = st.floats(-np.pi, np.pi)
    spacing = draw(st.permutations([0.4, 0.9, 2.5]))
    shape = draw(st.permutations([3, 4, 5]))
    a, b, c = draw(angle), draw(angle), draw(angle)
    turns = [
        [[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]],
        [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]],
        [[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]],
    ]
    axes = np.linalg.multi_dot([np.array(turn) for turn in turns]) * spacing
    if mirrored:
        axes = axes * draw(st.sampled_from([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]))
    if tilted:
        axes[:, 2] += draw(st.floats(0.15, 0.45)) * axes[:, 1] / spacing[1] * spacing[2]
    affine = np.eye(4)
    affine[:3, :3] = axes
    affine[:3, 3] = draw(st.tuples(*[st.floats(-200, 200)] * 3))
    return Geometry(affine, tuple(shape), tuple(draw(st.permutations(range(shape[2])))))


def marked(geometry):
    """Return voxels of which those above 500 are marked."""
    return np.random.default_rng(0).integers(0, 1000, geometry.shape).astype(np.int16)


def places(mask, affine):
    """Return where the voxels of a mask lie, in LPS mm."""
    return (np.argwhere(mask) @ affine[:3, :3].T + affine[:3, 3]) * TO_LPS


def write_classic(folder, geometry, voxels):
    """One file a slice; PS3.3 C.7.6.2: position of the first voxel, direction of row and column."""
    lps = np.diag([*TO_LPS, 1.0]) @ geometry.affine
    spacing = np.linalg.norm(lps[:3, :2], axis=0)
    directions = (lps[:3, :2] / spacing).T.ravel()
    for number, z in enumerate(geometry.order):
        header = ct_header(
            folder / f"{number}.dcm",
            geometry.shape[:2],
            InstanceNumber=number + 1,
            ImagePositionPatient=(lps @ [0, 0, z, 1])[:3].round(6).tolist(),
            ImageOrientationPatient=directions.round(9).tolist(),
            PixelSpacing=[float(spacing[1]), float(spacing[0])],
            SliceThickness="",
            PixelData=np.ascontiguousarray(voxels[..., z].T).tobytes(),
        )
        header.save_as(folder / f"{number}.dcm")


def write_one_enhanced(folder, geometry, voxels):
    whole = {"StudyInstanceUID": "1.2.4", "FrameOfReferenceUID": "1.2.5", "Modality": "MR"}
    write_enhanced(folder / "a.dcm", voxels, geometry.affine, list(geometry.order), **whole)


def write_a_nifti(folder, geometry, voxels):
    nibabel.save(nibabel.Nifti1Image(voxels, geometry.affine), folder / "a.nii.gz")


def write_an_nrrd(folder, geometry, voxels):
    sitk.WriteImage(itk_image(geometry, voxels), folder / "a.nrrd")


def write_a_metaimage(folder, geometry, voxels):
    sitk.WriteImage(itk_image(geometry, voxels), folder / "a.mha")


def itk_image(geometry, voxels):
    lps = np.diag(TO_LPS) @ geometry.affine[:3, :3]
    spacing = np.linalg.norm(lps, axis=0)
    image = sitk.GetImageFromArray(voxels.T)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps / spacing).ravel().tolist())
    image.SetOrigin((geometry.affine[:3, 3] * TO_LPS).tolist())
    return image


def segment(folder, labels):
    """Read the one image below a folder, and mark what is above 500 as class 1."""
    (address,) = find_images(folder).sources
    source = Source.of(address)
    values, grid = read_image(source)
    label = (values > 500).astype(np.uint8)
    return SegmentedCase("case", source, values[None], label, grid, labels)


def read_by_nibabel(path):
    image = nibabel.load(path)
    return places(np.asarray(image.dataobj) == 1, image.affine)


def read_by_itk(path):
    image = sitk.ReadImage(str(path))
    mask = sitk.GetArrayFromImage(image).T > 0
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return places(mask, np.diag([*TO_LPS, 1.0]) @ affine)


def read_by_dcmqi(path):
    with tempfile.TemporaryDirectory() as folder:
        options = ["-t", "nrrd", "--outputDirectory", folder, "--inputDICOM", str(path)]
        done = subprocess.run([DCMQI, *options], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return read_by_itk(Path(folder, "1.nrrd"))


def read_frames(path):
    """Read a DICOM SEG by the standard alone: each frame lies at its own position."""
    seg = pydicom.dcmread(path)
    pixels = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    shared = seg.SharedFunctionalGroupsSequence[0]
    found = []
    for mask, group in zip(pixels, seg.PerFrameFunctionalGroupsSequence, strict=True):
        sequence = "PlaneOrientationSequence"
        turned = (group if sequence in group else shared)[sequence][0]
        x, y = np.reshape(turned.ImageOrientationPatient, (2, 3)).astype(float)
        down, right = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
        origin = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        rows, columns = np.nonzero(mask)
        found.append(origin + np.outer(columns * right, x) + np.outer(rows * down, y))
    return np.concatenate(found)


def assert_marked(found, geometry):
    """Places are taken back to the source's voxels, which must be the marked ones."""
    indices = (np.linalg.inv(geometry.affine) @ np.c_[found * TO_LPS, np.ones(len(found))].T)[:3].T
    np.testing.assert_allclose(indices, indices.round(), atol=2e-3)
    assert sorted(map(tuple, indices.round())) == sorted(
        map(tuple, np.argwhere(marked(geometry) > 500))
    )


def everywhere_the_same(write, geometry, labels, seg=False, sheared=False):
    with tempfile.TemporaryDirectory() as name:
        source, out = Path(name, "in"), Path(name, "out")
        source.mkdir()
        out.mkdir()
        write(source, geometry, marked(geometry))
        case = segment(source, labels)
        (nifti,), (nrrd,) = write_nifti(case, out), write_nrrd(case, out)
        assert_marked(read_by_nibabel(nifti), geometry)
        assert_marked(read_by_itk(nrrd), geometry)
        if not sheared:  # ITK makes the axes of a NIfTI perpendicular
            assert_marked(read_by_itk(nifti), geometry)
        if seg:
            (path,) = write_dicom_seg(case, out)
            assert_marked(read_frames(path), geometry)
            if DCMQI and not sheared:  # refuses frames that are shifted against each other
                assert_marked(read_by_dcmqi(path), geometry)


FILES = pytest.mark.parametrize(
    "write", [write_a_nifti, write_an_nrrd, write_a_metaimage], ids=["nifti", "nrrd", "mha"]
)
SERIES = pytest.mark.parametrize(
    "write", [write_classic, write_one_enhanced], ids=["classic", "enhanced"]
)
# Each example writes and reads files.
FEW = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


@FILES
@FEW
@given(geometry=st.booleans().flatmap(lambda mirrored: geometries(mirrored=mirrored)))
def test_volumes_of_files(write, geometry, labels):
    everywhere_the_same(write, geometry, labels)


@SERIES
@FEW
@given(geometry=geometries())
def test_series(write, geometry, labels):
    everywhere_the_same(write, geometry, labels, seg=True)


@SERIES
@FEW
@given(geometry=geometries(tilted=True))
def test_a_tilted_gantry(write, geometry, labels):
    everywhere_the_same(write, geometry, labels, seg=True, sheared=True)
