import pytest

from lamina.errors import DataError
from lamina.label.batch_inference import batch_infer


class Store:
    """Four images, of which one has a label."""

    def list_images(self):
        return ["a", "b", "c", "d"]

    def get_labeled_images(self):
        return ["a"]

    def get_unlabeled_images(self):
        return ["b", "c", "d"]


@pytest.fixture
def infer(tmp_path):
    def run(request):
        assert request["save_label"]
        if request["image"] == "c":
            raise DataError("not an image", "look at it")
        file = tmp_path / f"{request['image']}.nii.gz"
        file.touch()
        run.done.append(request["image"])
        return {"file": str(file), "params": {"label_names": {"lung": 1}}}

    run.done = []
    return run


@pytest.mark.parametrize(
    ("request_", "done"),
    [
        ({"images": "labeled"}, ["a"]),
        ({"images": ["d", "a"]}, ["d", "a"]),
        ({"images": "unlabeled", "max_batch_size": 1}, ["b"]),
        ({"max_batch_size": 2}, ["a", "b"]),
    ],
)
def test_which_images(infer, request_, done, tmp_path):
    assert list(batch_infer(request_, Store(), infer)) == done
    assert infer.done == done
    assert list(tmp_path.iterdir()) == []


def test_one_that_fails_ends_no_other_and_is_named(infer):
    with pytest.raises(DataError, match="1 image.s. could not be segmented\nc: not an image"):
        batch_infer({"images": "all"}, Store(), infer)
    assert infer.done == ["a", "b", "d"]
