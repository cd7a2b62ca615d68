import logging

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Lambdad, LoadImaged, RandGaussianNoised, ScaleIntensityd

from lamina.tensors import load_checkpoint
from lamina.training import cache
from lamina.training.cache import CaseCache, size_of

AFFINE = np.array([[0, -2.0, 0, 5], [3.0, 0.1, 0, -7], [0, 0, -1.5, 11], [0, 0, 0, 1]])


@pytest.fixture
def data(tmp_path):
    """Five small volumes, each of its own size, obliquely placed."""
    import nibabel as nib

    items = []
    for number in range(5):
        values = np.random.default_rng(number).random((4 + number, 5, 6)).astype("float32")
        path = tmp_path / f"{number}.nii.gz"
        nib.save(nib.Nifti1Image(values, AFFINE), path)
        items.append({"image": str(path), "case": f"case{number}"})
    return items


@pytest.fixture
def calls():
    return []


@pytest.fixture
def make(data, calls, tmp_path):
    """Make a cache that notes each case that goes through the transforms that are not random."""

    def note(image):
        calls.append(tuple(image.shape))
        return image

    def make(room, random=True, settings=1, given=data):
        steps = [
            LoadImaged("image", ensure_channel_first=True, image_only=True),
            Lambdad("image", note),
        ]
        steps += [RandGaussianNoised("image", prob=1.0)] if random else []
        folder = str(tmp_path / "cache")
        return CaseCache(given, Compose(steps), folder, room / 1e9, settings, num_workers=1)

    return make


ALL = 10**6
NONE = 0
TWO = 4 * (4 * 5 * 6 + 5 * 5 * 6)  # bytes of the first two volumes


@pytest.mark.parametrize("room", [ALL, TWO, NONE])
def test_items_are_the_same_wherever_they_are_kept(make, data, room):
    plain = Compose([LoadImaged("image", ensure_channel_first=True, image_only=True)])
    kept = make(room, random=False)
    assert len(kept) == len(data)
    for index, item in enumerate(data):
        wanted, found = plain(dict(item)), kept[index]
        assert found["case"] == item["case"]
        assert isinstance(found["image"], MetaTensor)
        torch.testing.assert_close(found["image"].as_tensor(), wanted["image"].as_tensor())
        torch.testing.assert_close(found["image"].affine, wanted["image"].affine)


@pytest.mark.parametrize(("room", "on_disk"), [(ALL, 0), (TWO, 3), (NONE, 5)])
def test_memory_is_filled_up_to_its_room(make, tmp_path, room, on_disk, caplog):
    with caplog.at_level(logging.INFO, "lamina"):
        make(room)
    assert len(list((tmp_path / "cache").glob("*.pt"))) == on_disk
    assert (f"{on_disk} of 5 preprocessed cases did not fit" in caplog.text) == bool(on_disk)


@pytest.mark.parametrize("room", [ALL, TWO, NONE])
def test_each_case_is_prepared_once_and_drawn_anew(make, calls, room):
    kept = make(room)
    first, second = kept[3]["image"], kept[3]["image"]
    assert len(calls) == 5
    assert (first != second).any()


def test_random_transforms_leave_what_is_kept_alone(make):
    kept = make(ALL)
    before = kept.items[2]["image"].clone()
    kept[2]
    torch.testing.assert_close(kept.items[2]["image"], before)


def test_what_lies_on_disk_serves_the_next_run(make, calls):
    make(NONE)
    calls.clear()
    again = make(NONE)
    again[1]
    assert calls == []


def test_a_changed_file_is_noticed(make, data, calls):
    import nibabel as nib

    make(NONE)
    calls.clear()
    new = np.full((4, 5, 6), 7.0, dtype="float32")
    nib.save(nib.Nifti1Image(new, AFFINE), data[0]["image"])
    again = make(NONE, random=False)
    assert calls == [(1, 4, 5, 6)]
    assert (again[0]["image"] == 7).all()


def test_other_settings_are_noticed(make, calls):
    make(NONE)
    calls.clear()
    make(NONE, settings=2)
    assert len(calls) == 5


def test_a_broken_file_in_the_cache_is_made_again(make, tmp_path):
    kept = make(NONE, random=False)
    wanted = kept[0]["image"].clone()
    for path in (tmp_path / "cache").glob("*.pt"):
        path.write_bytes(b"broken")
    torch.testing.assert_close(kept[0]["image"], wanted)


def test_no_code_is_kept_on_disk(make, tmp_path):
    make(NONE)
    for path in (tmp_path / "cache").glob("*.pt"):
        assert set(load_checkpoint(path)) == {"image", "case"}


def test_half_of_what_is_free_is_the_default(monkeypatch):
    monkeypatch.setattr(cache, "free_memory", lambda: 1000.0)
    empty = CaseCache([], Compose([ScaleIntensityd("image")]), "/nowhere")
    assert empty.room == 500


def test_size_counts_tensors_only():
    item = {"a": torch.zeros(2, 3, dtype=torch.uint8), "b": torch.zeros(4), "c": "text"}
    assert size_of(item) == 6 + 16
