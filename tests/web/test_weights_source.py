import zipfile

import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image

from lamina.cli import main
from lamina.errors import WeightsError
from lamina.files import write_json
from lamina.web.served_models import ServedModel, WeightsSource, check_size, find_weights_source


@pytest.fixture(scope="module")
def model(tiny):
    task, weights, _ = tiny
    return ServedModel(task, WeightsSource(weights, "file", weights.name))


def predict(tiny, source, output):
    task, weights, _ = tiny
    words = ["predict", str(task), str(source), "-o", str(output), "--weights", str(weights)]
    assert main(words) == 0


def test_a_picture_gets_the_mask_of_lamina_predict(model, tiny, picture, tmp_path):
    (tmp_path / "scan.png").write_bytes(picture)
    predict(tiny, tmp_path / "scan.png", tmp_path / "out")
    case = model.segment(str(tmp_path / "scan.png"), "scan")
    expected = np.asarray(Image.open(tmp_path / "out" / "scan.png")).T
    np.testing.assert_array_equal(case.label, expected)
    assert len(np.unique(expected)) > 1
    assert case.label.shape == (96, 70)


def test_a_volume_gets_the_mask_of_lamina_predict(model, tiny, volume, tmp_path):
    predict(tiny, volume, tmp_path / "out")
    case = model.segment(str(volume), "scan", "volume")
    expected = nib.load(tmp_path / "out" / "scan.nii.gz")
    np.testing.assert_array_equal(case.label, np.asarray(expected.dataobj))
    np.testing.assert_allclose(case.affine, expected.affine, atol=1e-6)


def test_it_tells_how_far_it_is(model, volume):
    told = []
    model.segment(str(volume), "scan", "volume", told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    model.segment(str(volume), "scan", "volume")
    assert told[-1] == 1.0


def test_clients_are_told_what_it_is(model):
    told = model.describe()
    assert (told["task"], told["origin"], told["weights"]) == ("tiny", "file", "model1.pth")
    assert [one["name"] for one in told["labels"]] == ["background", "upper", "middle", "lower"]
    assert told["labels"][1]["color"] == [230, 159, 0]


def test_the_finished_run_comes_before_the_released_model(tiny, tmp_path):
    with pytest.raises(WeightsError, match="there are no weights"):
        find_weights_source("tiny", str(tmp_path), None)
    (tmp_path / "model.pt").write_bytes(tiny[1].read_bytes())
    write_json(tmp_path / "run.json", {"config": {"spatial_dims": 3}})
    source = find_weights_source("tiny", str(tmp_path), None)
    assert (source.origin, source.spatial_dims) == ("finished run", 3)
    assert source.path == tmp_path / "model.pt"
    named = find_weights_source("tiny", str(tmp_path), str(tiny[2]))
    assert (named.origin, named.name, named.spatial_dims) == ("file", "model2.pth", None)


def test_the_released_model_is_called_so(tmp_path):
    source = find_weights_source("hippocampus_mr", str(tmp_path), None)
    assert (source.origin, source.name) == ("released model", "models/hippocampus_mr/model.pt")


def test_weights_that_unpack_to_too_much_are_refused_unread(tmp_path):
    bomb = tmp_path / "bomb.pth"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(5_000_000))
    assert bomb.stat().st_size < 100_000
    with pytest.raises(WeightsError, match=r"0.005 GB of weights, at most 0.001 GB are taken"):
        check_size(bomb, 1_000_000)
    check_size(bomb, 6_000_000)
    torch.save(torch.ones(1000), tmp_path / "small.pth")
    check_size(tmp_path / "small.pth", 100_000)
