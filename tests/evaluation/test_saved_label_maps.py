import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor

from lamina.evaluation.saved_label_maps import read_truth, remove_other_cases, save_label_maps
from lamina.readers.images import read_label
from lamina.tasks.labels import IGNORED


def case(shape, affine):
    rng = np.random.default_rng(0)
    masks = [torch.from_numpy(rng.integers(0, 4, shape).astype(np.uint8))[None] for _ in "ab"]
    image = MetaTensor(torch.rand(1, *shape), affine=affine, meta={"filename_or_obj": "/x/a.dcm"})
    return {"image": image, "label": masks[0], "pred": masks[1]}


def test_volumes_come_back_with_their_grid(tmp_path, oblique):
    given = case((5, 6, 7), oblique)
    files = save_label_maps("a.b", given, tmp_path, 4)
    np.testing.assert_allclose(files.pop("spacing"), [0.5, 0.75, 2.0])
    assert files == {
        "image": "/x/a.dcm",
        "prediction": "predictions/a.b.nii.gz",
        "truth": "truth/a.b.nii.gz",
    }
    for key, name in (("prediction", "pred"), ("truth", "label")):
        values, grid = read_label(tmp_path / files[key])
        assert np.array_equal(values, given[name][0])
        np.testing.assert_allclose(grid.affine, oblique, atol=1e-5)
    assert nib.load(tmp_path / files["truth"]).get_data_dtype() == np.uint8


def test_pictures_too(tmp_path):
    given = case((9, 4), np.eye(4))
    files = save_label_maps("a", given, tmp_path, 4)
    assert files["truth"] == "truth/a.png"
    assert np.array_equal(read_label(tmp_path / files["truth"])[0], given["label"][0])


def test_what_an_earlier_evaluation_kept_goes(tmp_path):
    for name in ("a.b", "b"):
        save_label_maps(name, case((3, 4, 5), np.eye(4)), tmp_path, 4)
    remove_other_cases(tmp_path, ["a.b"])
    assert sorted(path.name for path in tmp_path.rglob("*.gz")) == ["a.b.nii.gz"] * 2


def test_what_is_ignored_comes_back(tmp_path):
    given = case((9, 4), np.eye(4))
    given["label"] = given["label"].to(torch.int32)
    given["label"][0, :3] = IGNORED
    files = save_label_maps("a", given, tmp_path, 4)
    assert np.array_equal(read_truth(tmp_path / files["truth"], 4)[0], given["label"][0])
