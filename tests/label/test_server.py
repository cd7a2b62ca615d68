"""The real server, driven by the client that 3D Slicer's extension uses."""

import json
from pathlib import Path

import numpy as np
import pytest
import requests
import scipy.ndimage
from monailabel.client.client import MONAILabelClientException
from tests.label.conftest import predict, read, wait_for_training, write_label, write_volume

from lamina.errors import ConfigError
from lamina.label.server import is_archive, work_folder

MODEL = "hippocampus_mr"


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    for seed, name in enumerate(["a", "deep/b", "deep/er/c", "d"]):
        write_volume(folder / f"{name}.nii.gz", seed)
    (folder / "broken.nii.gz").write_text("no image")
    (folder / "notes.txt").write_text("not an image either")
    return folder


@pytest.fixture(scope="module")
def server(serve, studies, small_tasks, tmp_path_factory):
    log = tmp_path_factory.mktemp("logs") / "server.log"
    return serve(log, "--studies", studies, "--tasks", f"{MODEL},{small_tasks['balls']}")


@pytest.fixture
def client(server, tmp_path):
    return server.client(tmp_path)


def refused(call, *words, **named):
    with pytest.raises(MONAILabelClientException) as caught:
        call(*words, **named)
    status, detail = caught.value.msg.removeprefix("Status: ").split("; Response: ")
    return int(status), json.loads(detail)["detail"]


def test_info_has_the_tasks_labels_in_their_order_and_case(client):
    info = client.info()
    assert info["models"][MODEL]["labels"] == {"anterior": 1, "posterior": 2}
    assert info["models"][MODEL]["dimension"] == 3
    assert info["labels"] == ["anterior", "posterior", "Left ball", "Ball"]
    assert set(info["trainers"]) == {MODEL, "balls"}


def test_what_cannot_be_used_is_named_with_its_reason(client, server, studies):
    told = {one["path"]: one["reason"] for one in client.info()["unusable"]}
    assert "NIfTI" in told[str(studies / "broken.nii.gz")]
    assert "no image format" in told[str(studies / "notes.txt")]
    assert "no weights yet" in told["balls"]
    assert "broken.nii.gz" in server.told()


def test_the_mask_is_that_of_predict_voxel_for_voxel(client, studies, tmp_path):
    predict(MODEL, str(studies / "d.nii.gz"), "-o", str(tmp_path / "own"))
    file, told = client.infer(MODEL, "d", {})
    np.testing.assert_array_equal(read(file), read(tmp_path / "own" / "d.nii.gz"))
    assert list(told["label_names"]) == [n for n in ("anterior", "posterior") if n in str(told)]


def test_the_mask_of_a_real_volume_is_that_of_predict(client, real_data, tmp_path):
    image = real_data / "hippocampus" / "imagesTr" / "hippocampus_001.nii.gz"
    predict(MODEL, str(image), "-o", str(tmp_path / "own"))
    file, told = client.infer(MODEL, "", {}, file=str(image))
    np.testing.assert_array_equal(read(file), read(tmp_path / "own" / "hippocampus_001.nii.gz"))
    assert told["label_names"] == {"anterior": 1, "posterior": 2}


def test_next_sample_is_an_image_without_a_label(client):
    first = client.next_sample("first", {})
    assert first["id"] == "a"
    assert client.next_sample("random", {})["id"] in {"a", "d", "deep_b", "deep_er_c"}


def test_unknown_names_are_refused_with_what_is_known(client):
    status, detail = refused(client.infer, "liver", "a", {})
    assert status == 404
    assert "known are hippocampus_mr, balls" in detail
    assert refused(client.infer, MODEL, "nobody", {})[0] == 404
    assert refused(client.infer, MODEL, "/etc/passwd", {})[0] == 404
    assert refused(client.infer, MODEL, "a", {"image": "/etc/passwd"})[0] == 404
    assert refused(client.train_start, "liver", {})[0] == 404
    assert refused(client.next_sample, "wisest", {})[0] == 404
    assert refused(client.infer, MODEL, "a", {"model_filename": "../x.pt"})[0] == 404


def test_an_image_that_is_none_is_refused_with_the_reason(client, studies, tmp_path):
    (tmp_path / "no.nii.gz").write_text("no image")
    status, detail = refused(client.infer, MODEL, "", {}, file=str(tmp_path / "no.nii.gz"))
    assert status == 422
    assert "not a complete NIfTI file" in detail
    assert refused(client.upload_image, str(tmp_path / "no.nii.gz"), "new")[0] == 422
    assert not (studies / "new.nii.gz").exists()


def test_a_label_with_unknown_values_or_off_the_grid_is_refused(client, tmp_path):
    wrong = write_label(tmp_path / "wrong.nii.gz", np.full((34, 46, 30), 7))
    status, detail = refused(client.save_label, "a", wrong)
    assert status == 422
    assert "the label has the values 7, expected hippocampus_mr: 0 to 2" in detail
    small = write_label(tmp_path / "small.nii.gz", np.ones((30, 46, 34)))
    assert "30×46×34 voxels, its image 34×46×30" in refused(client.save_label, "a", small)[1]
    apart = write_label(tmp_path / "apart.nii.gz", np.ones((34, 46, 30)), np.diag([1, 1, 1, 1.0]))
    assert "does not lie on" in refused(client.save_label, "a", apart)[1]
    named = {"label_info": [{"name": "liver", "idx": 1}]}
    ones = write_label(tmp_path / "ones.nii.gz", np.ones((34, 46, 30)))
    assert "segments liver" in refused(client.save_label, "a", ones, params=named)[1]


def test_annotate_train_and_infer_with_the_new_weights(client, server, studies, tmp_path):
    """One label, in which the first structure is absent, named as 3D Slicer does."""
    assert refused(client.infer, "balls", "a", {})[0] == 409
    ball = write_volume(tmp_path / "same.nii.gz", 0)
    info = [{"name": name, "idx": place} for place, name in enumerate(["Ball"], 1)]
    label = write_label(tmp_path / "ball.nii.gz", ball)
    client.save_label("a", label, params={"label_info": info})
    assert client.next_sample("first", {})["id"] == "d"
    got = client.download_label("a", "final")
    np.testing.assert_array_equal(read(got), ball)

    client.train_start("balls", {"max_epochs": 3, "run_id": ""})
    status, detail = refused(client.train_start, "balls", {"max_epochs": 1})
    assert (status, "already" in detail) == (429, True)
    done = wait_for_training(client)
    assert done["status"] == "DONE", done["details"]
    trained = studies / "lamina_label" / "runs" / "balls" / "labels" / "a.nii.gz"
    np.testing.assert_array_equal(read(trained), 2 * ball)

    stats = client.info()["train_stats"]["balls"]
    assert (stats["epoch"], stats["total_epochs"], stats["version"]) == (3, 3, "model_v1.pt")
    assert client.info()["models"]["balls"]["config"]["model_filename"] == [
        "model.pt",
        "model_v1.pt",
    ]
    file, told = client.infer("balls", "d", {"model_filename": ["model.pt", "model_v1.pt"]})
    assert read(file).shape == (34, 46, 30)
    assert set(told["label_names"]) <= {"Left ball", "Ball"}


def test_a_batch_keeps_a_label_of_each_image(client, server):
    done = requests.post(
        f"{server.url}/batch/infer/{MODEL}?run_sync=true&images=unlabeled", json={}, timeout=300
    )
    assert done.status_code == 200, done.text
    labels = {name: one["labels"] for name, one in client.datastore()["objects"].items()}
    unlabelled = [name for name, tags in labels.items() if "final" not in tags]
    assert unlabelled
    assert all("original" in labels[name] for name in unlabelled)
    file, _ = client.infer(MODEL, unlabelled[0], {})
    kept = client.download_label(unlabelled[0], "original")
    np.testing.assert_array_equal(read(kept), read(file))


def test_an_uploaded_image_is_served(client, studies, tmp_path):
    write_volume(tmp_path / "late.nii.gz", 9)
    client.upload_image(str(tmp_path / "late.nii.gz"), "late")
    assert (studies / "late.nii.gz").is_file()
    assert client.infer(MODEL, "late", {})[0]
    assert refused(client.upload_image, str(tmp_path / "late.nii.gz"), "late")[0] == 422


def test_a_session_is_an_image_that_is_not_kept(client, studies, tmp_path):
    write_volume(tmp_path / "guest.nii.gz", 5)
    session = client.create_session(str(tmp_path / "guest.nii.gz"))["session_id"]
    file, _ = client.infer(MODEL, "guest", {}, session_id=session)
    assert read(file).shape == (34, 46, 30)
    assert not (studies / "guest.nii.gz").exists()


def test_results_in_other_formats(client, tmp_path):
    nrrd, _ = client.infer(MODEL, "a", {"result_extension": ".seg.nrrd"})
    assert nrrd.endswith(".seg.nrrd")
    assert b"Segment0_Name:=anterior" in Path(nrrd).read_bytes()[:4000]
    status, detail = refused(client.infer, MODEL, "a", {"result_extension": ".xyz"})
    assert (status, ".seg.nrrd" in detail) == (400, True)


def test_where_the_server_keeps_its_files(tmp_path):
    assert work_folder(str(tmp_path), None) == tmp_path / "lamina_label"
    assert is_archive("https://pacs/dicom-web")
    with pytest.raises(ConfigError, match="--work-dir"):
        work_folder("http://127.0.0.1/dicom-web", None)


def test_the_options_of_the_annotator_change_the_result(client):
    config = client.info()["models"][MODEL]["config"]
    assert config["keep_largest"] is False
    assert (config["smoothing"], config["threshold"]) == (0.0, 0.0)
    plain = read(client.infer(MODEL, "a", {})[0])
    most = read(client.infer(MODEL, "a", {"threshold": 0.9})[0])
    assert (most > 0).sum() < (plain > 0).sum()
    assert set(np.unique(most[most > 0] - plain[most > 0])) <= {0}
    one = read(client.infer(MODEL, "a", {"keep_largest": True})[0])
    for value in (1, 2):
        assert scipy.ndimage.label(one == value, np.ones((3, 3, 3)))[1] <= 1
    smooth = read(client.infer(MODEL, "a", {"smoothing": "1.5"})[0])
    assert (smooth != plain).any()
    np.testing.assert_array_equal(read(client.infer(MODEL, "a", {})[0]), plain)


@pytest.mark.parametrize("option", [{"threshold": "much"}, {"keep_largest": 7}])
def test_an_option_that_makes_no_sense_is_refused(client, option):
    assert refused(client.infer, MODEL, "a", option)[0] == 400


def test_dice_between_what_was_found_and_what_was_submitted(client, server, tmp_path):
    found, _ = client.infer(MODEL, "d", {"save_label": True})
    names = [{"name": "posterior", "idx": 1}, {"name": "anterior", "idx": 2}]
    swapped = np.array([0, 2, 1])[read(found)]
    label = write_label(tmp_path / "swapped.nii.gz", swapped)
    client.save_label("d", label, params={"label_info": names})
    done = requests.post(f"{server.url}/scoring/dice?run_sync=true", timeout=100)
    assert done.status_code == 200, done.text
    scores = done.json()["d"][MODEL]
    assert scores == {
        name: 1.0 if value in swapped else None
        for name, value in (("anterior", 2), ("posterior", 1))
    }
    assert requests.post(f"{server.url}/scoring/wit", timeout=10).status_code == 404


def test_the_most_uncertain_image_comes_first(client, server):
    method = f"uncertainty_{MODEL}"
    done = requests.post(f"{server.url}/scoring/{method}?run_sync=true", timeout=100)
    assert done.status_code == 200, done.text
    scores = done.json()
    assert scores
    assert all(0 <= score <= np.log(3) for score in scores.values())
    sample = client.next_sample(method, {})
    assert sample["without_score"] == 0
    assert sample["id"] == max(scores, key=scores.get)
    assert sample["uncertainty"][MODEL]["by"] == "mirror images"
