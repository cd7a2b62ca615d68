"""2D tasks on pictures and on volumes, and a folder of DICOM series, on one server."""

import shutil

import nibabel as nib
import numpy as np
import pydicom
import pytest
import requests
from monailabel.client.client import MONAILabelClientException
from PIL import Image
from tests.label.conftest import predict, read, wait_for_training, write_label

SIZE = (40, 64)


def bands(columns, rows):
    """Two layers, one above the other, over rows of noise."""
    label = np.zeros((columns, rows), np.uint8)
    label[:, rows // 4 : rows // 2], label[:, rows // 2 :] = 1, 2
    noise = np.random.default_rng(0).normal(0, 8, label.shape)
    return label, np.clip(60 * label + 60 + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def studies(tmp_path_factory, real_data):
    folder = tmp_path_factory.mktemp("pictures")
    image = bands(*SIZE)[1]
    Image.fromarray(image.T).save(folder / "photo.png")
    volume = np.stack([image] * 3, axis=-1).astype(np.float32)
    nib.Nifti1Image(volume, np.diag([-0.1, 0.02, 0.3, 1])).to_filename(folder / "scan.nii.gz")
    shutil.copytree(real_data / "hippocampus_dicom" / "Study3", folder / "patient")
    return folder


@pytest.fixture(scope="module")
def server(serve, studies, small_tasks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    tasks = f"hippocampus_mr,{small_tasks['layers']}"
    words = ["--studies", studies, "--work-dir", folder / "work", "--tasks", tasks]
    server = serve(folder / "server.log", *words)
    client = server.client(folder)
    label, _ = bands(*SIZE)
    # As 3D Slicer sends the label of a picture: one slice of a volume.
    file = write_label(folder / "label.nii.gz", label[..., None], np.diag([-1.0, -1, 1, 1]))
    names = [{"name": "NFL", "idx": 1}, {"name": "INL", "idx": 2}]
    client.save_label("photo", file, params={"label_info": names})
    client.train_start("layers", {"max_epochs": 2})
    done = wait_for_training(client)
    assert done["status"] == "DONE", done["details"]
    server.work = folder / "work"
    return server


@pytest.fixture
def client(server, tmp_path):
    return server.client(tmp_path)


def test_a_picture_learns_from_a_label_of_one_slice(server):
    kept = np.asarray(Image.open(server.work / "labels" / "final" / "photo.png")).T
    np.testing.assert_array_equal(kept, bands(*SIZE)[0])
    trained = np.asarray(Image.open(server.work / "runs" / "layers" / "labels" / "photo.png")).T
    # INL is the third of the task's layers.
    np.testing.assert_array_equal(trained, np.array([0, 1, 3])[kept])


def test_a_picture_comes_back_as_a_picture(client):
    file, told = client.infer("layers", "photo", {})
    assert file.endswith(".png")
    assert Image.open(file).size == SIZE
    assert list(told["label_names"]) == [
        name for name in client.info()["models"]["layers"]["labels"] if name in told["label_names"]
    ]


def test_a_picture_as_nifti_lies_where_3d_slicer_puts_pictures(client):
    picture, _ = client.infer("layers", "photo", {})
    file, _ = client.infer("layers", "photo", {"result_extension": ".nii.gz"})
    np.testing.assert_array_equal(read(file).squeeze(), np.asarray(Image.open(picture)).T)
    np.testing.assert_array_equal(nib.load(file).affine, np.diag([-1.0, -1, 1, 1]))


def test_a_2d_task_goes_slice_by_slice_over_a_volume(
    client, server, small_tasks, tmp_path, studies
):
    assert client.info()["models"]["layers"]["dimension"] == 2
    file, _ = client.infer("layers", "scan", {})
    weights = server.work / "models" / "layers" / "model.pt"
    words = ["-o", str(tmp_path / "own"), "--weights", str(weights)]
    predict(str(small_tasks["layers"]), str(studies / "scan.nii.gz"), *words)
    own = nib.load(tmp_path / "own" / "scan.nii.gz")
    np.testing.assert_array_equal(read(file), np.asarray(own.dataobj))
    np.testing.assert_allclose(nib.load(file).affine, own.affine)


def test_a_3d_task_refuses_a_picture(client):
    with pytest.raises(MONAILabelClientException) as caught:
        client.infer("hippocampus_mr", "photo", {})
    assert "422" in caught.value.msg


def test_dropout_says_how_unsure_it_is(client, server):
    url = f"{server.url}/scoring/uncertainty_layers?run_sync=true"
    assert requests.post(url, timeout=100).status_code == 200
    sample = client.next_sample("uncertainty_layers", {})
    assert sample["uncertainty"]["layers"]["by"] == "dropout"


def test_a_dicom_series_is_segmented_as_predict_does(client, studies, tmp_path):
    (name,) = [name for name in client.datastore()["objects"] if name.startswith("patient")]
    file, _ = client.infer("hippocampus_mr", name, {})
    words = ["--formats", "nifti", "-o", str(tmp_path / "own")]
    predict("hippocampus_mr", str(studies / "patient"), *words)
    (own,) = (tmp_path / "own").glob("*.nii.gz")
    np.testing.assert_array_equal(read(file), read(own))


def test_a_corrected_dicom_series_is_kept_as_dicom_seg(client, server, tmp_path):
    (name,) = [name for name in client.datastore()["objects"] if name.startswith("patient")]
    file, _ = client.infer("hippocampus_mr", name, {})
    shown = nib.load(client.next_sample("first", {})["path"])
    assert shown.shape == nib.load(file).shape
    names = [{"name": "posterior", "idx": 1}]
    label = (read(file) == 2).astype(np.uint8)
    client.save_label(
        name,
        write_label(tmp_path / "label.nii.gz", label, nib.load(file).affine),
        params={"label_info": names},
    )
    (seg,) = (server.work / "labels" / "final").glob("*.seg.dcm")
    told = pydicom.dcmread(seg)
    assert [one.SegmentLabel for one in told.SegmentSequence] == ["anterior", "posterior"]
    numbers = {
        frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        for frame in told.PerFrameFunctionalGroupsSequence
    }
    assert numbers == {2}
    assert told.SegmentSequence[1].RecommendedDisplayCIELabValue
    assert int(told.pixel_array.sum()) == int(label.sum())
