"""The interface behind the mask editor, from the outside."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lamina.cases.find import find_cases
from lamina.readers.images import read_label


@pytest.fixture(scope="module")
def client(settings, open_client, picture, tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawing")
    (folder / "images").mkdir()
    for name in ("a", "b"):
        (folder / "images" / f"{name}.png").write_bytes(picture)
    with open_client(replace(settings, dataset_dir=folder)) as client:
        client.folder = folder
        yield client


@pytest.fixture
def address(client):
    """Where the slice of the first picture is, its mask as it was at the start."""
    (client.folder / "masks" / "a.png").unlink(missing_ok=True)
    return f"/dataset/{client.get('/dataset').json()['pictures'][0]['key']}/slices/0"


def as_png(values, mode="L"):
    file = io.BytesIO()
    Image.fromarray(np.asarray(values, np.uint8)).convert(mode).save(file, "png")
    return file.getvalue()


def put(client, address, body, version='"none"', **query):
    headers = {"If-Match": version, "Content-Type": "image/png"}
    return client.put(f"{address}/mask", content=body, headers=headers, params=query)


def test_the_folder_is_told_with_its_classes(client):
    told = client.get("/dataset").json()
    assert [one["name"] for one in told["pictures"]] == ["a", "b"]
    assert [one["name"] for one in told["labels"]] == ["background", "upper", "middle", "lower"]
    assert told["codings"] == ["classes", "binary"]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_mask_is_saved_and_read_back(client, address, mode):
    drawn = np.random.default_rng(0).integers(0, 4, (70, 96)).astype(np.uint8)
    answer = put(client, address, as_png(drawn, mode))
    assert answer.json() == {"message": "Mask saved"}
    back = client.get(f"{address}/mask")
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(back.content))), drawn)
    assert back.headers["etag"] == answer.headers["etag"]
    (case, _) = find_cases(client.folder).cases
    np.testing.assert_array_equal(read_label(case.label)[0], drawn.T)


def test_a_mask_that_was_changed_meanwhile_is_412(client, address):
    blank = as_png(np.zeros((70, 96)))
    version = put(client, address, blank).headers["etag"]
    refused = put(client, address, as_png(np.ones((70, 96))))
    assert refused.status_code == 412
    assert "a.png was changed meanwhile" in refused.json()["error"]
    assert put(client, address, as_png(np.ones((70, 96))), version).status_code == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "PNG"),
        (b"GIF89a", "not a complete PNG"),
        (as_png(np.zeros((70, 96)))[:60], "not a complete PNG"),
        (as_png(np.zeros((96, 70))), "expected 96×70 of 8-bit grey"),
        (as_png(np.zeros((70, 96)), "1"), "of kind 1"),
        (as_png(np.full((70, 96), 4)), "class 4, but there are 4"),
        (as_png(np.tile([[[0, 0, 9]]], (70, 96, 1)), "RGB"), "a PNG in colours"),
    ],
)
def test_what_is_no_mask_is_refused(client, address, body, said):
    answer = put(client, address, body)
    assert answer.status_code == 400
    assert said in answer.json()["error"] or not body
    assert not (client.folder / "masks" / "a.png").exists()


def test_a_version_must_be_named(client, address):
    body = as_png(np.zeros((70, 96)))
    assert client.put(f"{address}/mask", content=body).status_code == 400


def test_several_classes_are_not_stored_as_0_and_255(client, address):
    drawn = np.zeros((70, 96))
    drawn[5] = 2
    answer = put(client, address, as_png(drawn), coding="binary")
    assert "class 2 can't be stored as 0, 255" in answer.json()["error"]
    assert put(client, address, as_png(drawn / 2), coding="binary").status_code == 200
    stored = np.asarray(Image.open(client.folder / "masks" / "a.png"))
    assert set(np.unique(stored)) == {0, 255}
    wrong = client.get(f"{address}/mask", params={"coding": "classes"})
    assert "values 255 are not among" in wrong.json()["error"]


def test_the_model_proposes_what_it_predicts(client, address, picture):
    proposed = client.post(f"{address}/proposal").content
    predicted = client.post(
        "/predict", files={"file": ("a.png", picture)}, params={"format": "png"}
    ).content
    np.testing.assert_array_equal(
        np.asarray(Image.open(io.BytesIO(proposed))), np.asarray(Image.open(io.BytesIO(predicted)))
    )


@pytest.mark.parametrize(
    "path",
    ["/dataset/none", "/dataset/none/slices/0/image", "/dataset/..%2Fa/slices/0/mask"],
)
def test_what_is_not_there_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_there_is_no_slice_beyond_a_picture_s_coding(client, address):
    assert client.get(f"{address}/mask", params={"coding": "task"}).status_code == 404
    assert client.get(f"{address}/mask", params={"coding": "mine"}).status_code == 400


def test_without_a_folder_it_is_said_how_to_name_one(settings, open_client):
    with open_client(settings) as client:
        answer = client.get("/dataset")
    assert answer.status_code == 400
    assert "lamina serve --dataset-dir DIR" in answer.json()["error"]


def test_a_picture_is_discarded_and_kept(client, address):
    key = address.split("/")[2]
    assert client.post(f"/dataset/{key}/keep?wanted=false").json() == {"message": "Discarded"}
    states = {one["key"]: one["is_discarded"] for one in client.get("/dataset").json()["pictures"]}
    assert states[key]
    assert client.get(f"{address}/image").status_code == 200
    assert client.post(f"/dataset/{key}/keep").json() == {"message": "Kept"}
