"""A DICOM series and the same series as NIfTI give one and the same mask."""

import json

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import torch
from monai.networks.nets import UNet

from lamina.cli import main
from lamina.tasks.catalogue import CHECKOUT


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """The hippocampus task with a small network of fixed weights."""
    folder = tmp_path_factory.mktemp("task")
    content = json.loads((CHECKOUT / "configs" / "tasks" / "hippocampus_mr.json").read_text())
    network = {"channels": [4, 8], "strides": [2]}
    content["network_def"] = {"_target_": "UNet", "spatial_dims": "@spatial_dims"} | network
    content["network_def"] |= {"in_channels": 1, "out_channels": 3}
    (folder / "task.json").write_text(json.dumps(content))
    for dims in (2, 3):
        torch.manual_seed(dims)
        weights = UNet(spatial_dims=dims, in_channels=1, out_channels=3, **network).state_dict()
        torch.save(weights, folder / f"{dims}.pt")
    return folder


def to_nifti(folder, path):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    sitk.WriteImage(reader.Execute(), str(path))


@pytest.mark.parametrize("dims", [2, 3])
def test_the_mask_of_a_series_is_that_of_its_nifti(real_data, task, tmp_path, dims):
    series = sorted((real_data / "hippocampus_dicom").glob("*/*"))
    assert len(series) == 3
    (tmp_path / "nifti").mkdir()
    for folder in series:
        to_nifti(folder, tmp_path / "nifti" / f"{folder.parent.name}.nii.gz")
    common = [str(task / "task.json"), "--weights", str(task / f"{dims}.pt")]
    common += ["--spatial-dims", str(dims), "--precision", "fp32"]
    for source, target in (
        ("nifti", tmp_path / "a"),
        (real_data / "hippocampus_dicom", tmp_path / "b"),
    ):
        assert main(["predict", *common, str(tmp_path / source), "-o", str(target)]) == 0
    masks = sorted((tmp_path / "a").iterdir()), sorted((tmp_path / "b").iterdir())
    assert len(masks[0]) == len(masks[1]) == 3
    for first, second in zip(*masks, strict=True):
        one, other = nib.load(first), nib.load(second)
        ours = nib.as_closest_canonical(other)
        theirs = nib.as_closest_canonical(one)
        np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-4)
        np.testing.assert_array_equal(np.asarray(ours.dataobj), np.asarray(theirs.dataobj))
        assert len(np.unique(np.asarray(one.dataobj))) > 1
