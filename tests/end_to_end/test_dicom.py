"""A DICOM series and the same series as NIfTI give one and the same mask."""

import nibabel as nib
import numpy as np
import pytest

from lamina.cli import main

sitk = pytest.importorskip("SimpleITK", reason="SimpleITK converts the series for comparison")


def to_nifti(folder, path):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    sitk.WriteImage(reader.Execute(), str(path))


def in_world(path):
    """Return a mask turned so that its axes run right, anterior, superior, and its affine."""
    image = nib.as_closest_canonical(nib.load(path))
    return np.asarray(image.dataobj), image.affine


def test_the_mask_of_a_series_is_that_of_its_nifti(real_data, hippocampus, tmp_path):
    for folder in sorted((real_data / "hippocampus_dicom").glob("*/*")):
        nifti, masks = tmp_path / f"{folder.name}.nii.gz", tmp_path / folder.name
        to_nifti(folder, nifti)
        for source in (nifti, folder):
            target = masks / ("file" if source is nifti else "series")
            assert main(["predict", *hippocampus, str(source), "-o", str(target)]) == 0
        (of_series,), (of_file,) = ((masks / part).glob("*.nii.gz") for part in ("series", "file"))
        mask, affine = in_world(of_series)
        expected, place = in_world(of_file)
        np.testing.assert_allclose(affine, place, atol=1e-4)
        np.testing.assert_array_equal(mask, expected)
        assert len(np.unique(mask)) > 1


def test_a_folder_of_series_gives_a_mask_each(real_data, hippocampus, tmp_path):
    """Each lies on its series' own grid, as SimpleITK reads it from the DICOM files."""
    source = real_data / "hippocampus_dicom"
    assert main(["predict", *hippocampus, str(source), "-o", str(tmp_path / "out")]) == 0
    masks = [nib.load(path) for path in (tmp_path / "out").glob("*.nii.gz")]
    series = sorted(source.glob("*/*"))
    assert len(masks) == len(series) == 3
    found = {mask.shape: mask.affine for mask in masks}
    for number, folder in enumerate(series):
        to_nifti(folder, tmp_path / f"{number}.nii.gz")
        expected = nib.load(tmp_path / f"{number}.nii.gz")
        np.testing.assert_allclose(found[expected.shape], expected.affine, atol=1e-4)
