"""A mask lies where its image lies, however the file stores the axes."""

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, ornt_transform

from lamina.cli import main

# Turned about all three axes, with another voxel size along each.
OBLIQUE = np.array(
    [[0.9, 0.1, -0.2, -31.0], [-0.12, 1.1, 0.3, 12.5], [0.15, -0.25, 1.4, 7.0], [0, 0, 0, 1]]
)
ORIENTATIONS = ["LPS", "PIR", "SAL", "RAI"]


def volume():
    """Noise that has no symmetry, on a grid with another size on each axis."""
    array = np.random.default_rng(1).normal(100, 20, (22, 27, 17)).astype(np.float32)
    return nib.Nifti1Image(array, OBLIQUE)


def stored_as(image, axcodes):
    """Return the same image in space, its axes permuted and flipped in the file."""
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(axcodes))
    array = nib.apply_orientation(np.asarray(image.dataobj), turn)
    return nib.Nifti1Image(array, image.affine @ inv_ornt_aff(turn, image.shape))


@pytest.fixture(scope="module")
def masks(hippocampus, tmp_path_factory):
    """The mask that each way of storing the volume gives: {axes: (image, mask)}."""
    folder = tmp_path_factory.mktemp("turned")
    (folder / "in").mkdir()
    images = {axes: stored_as(volume(), axes) for axes in ["RAS", *ORIENTATIONS]}
    for axes, image in images.items():
        nib.save(image, folder / "in" / f"{axes}.nii.gz")
    assert main(["predict", *hippocampus, str(folder / "in"), "-o", str(folder / "out")]) == 0
    return {
        axes: (image, nib.load(folder / "out" / f"{axes}.nii.gz")) for axes, image in images.items()
    }


@pytest.mark.parametrize("axes", ["RAS", *ORIENTATIONS])
def test_shape_and_affine_are_those_of_the_file(masks, axes):
    image, mask = masks[axes]
    assert nib.aff2axcodes(image.affine) == tuple(axes)
    assert mask.shape == image.shape
    np.testing.assert_allclose(mask.affine, image.affine, atol=1e-5)


@pytest.mark.parametrize("axes", ORIENTATIONS)
def test_the_mask_is_the_same_in_space(masks, axes):
    expected = np.asarray(masks["RAS"][1].dataobj)
    back = nib.as_closest_canonical(masks[axes][1])
    assert len(np.unique(expected)) > 1
    np.testing.assert_array_equal(np.asarray(back.dataobj), expected)
