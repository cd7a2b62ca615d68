import threading

import numpy as np
import pytest

from lamina.errors import ReadError
from lamina.readers.grid import Grid
from lamina.tasks.labels import Label
from lamina.web.jobs import Jobs
from lamina.web.settings import Limits
from lamina.web.uploads import Upload
from lamina.web.worker import BusyError, Worker
from lamina.writers.segmented_case import SegmentedCase

LABELS = (Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 0, 255)))


class FakeModel:
    """A model that waits until it may go on, and tells two steps."""

    def __init__(self, error=None):
        self.go_on, self.error, self.asked = threading.Event(), error, []

    def segment(self, address, name, kind, watch):
        self.asked.append((address, name, kind))
        watch(0.5)
        assert self.go_on.wait(timeout=60), "the test failed before it let the model go on"
        watch(1.0)
        if self.error:
            raise self.error
        label = np.zeros((5, 6, 7), np.uint8)
        label[2, 3, 4] = 1
        return SegmentedCase(
            name, address, np.ones((1, 5, 6, 7)), label, Grid(label.shape, np.eye(4)), LABELS
        )

    def describe(self):
        return {"task": "fake"}


@pytest.fixture
def make_jobs():
    workers = []

    def make(**limits):
        workers.extend(Worker("test", most=9) for _ in range(2))
        return Jobs(*workers[-2:], Limits(**limits))

    yield make
    for worker in workers:
        worker.close()


@pytest.fixture
def submit(tmp_path):
    def submit(jobs, model, name="scan", shape=(5, 6, 7)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "image.nii").write_bytes(b"what the client sent")
        (folder / "unpacked").mkdir()
        upload = Upload(str(folder / "image.nii"), f"{name}.nii", name, shape)
        return jobs.submit(model, upload, folder)

    return submit


def finished(job):
    while job.state not in ("done", "failed"):
        threading.Event().wait(0.01)
    return job


def test_a_job_goes_from_waiting_to_done(make_jobs, submit):
    jobs, model = make_jobs(), FakeModel()
    job, second = submit(jobs, model), submit(jobs, model, "second")
    while job.progress < 0.4:
        threading.Event().wait(0.01)
    assert (job.state, second.state) == ("running", "waiting")
    assert job.describe()["result"] is None
    model.go_on.set()
    told = finished(job).describe()
    assert (told["state"], told["progress"], told["name"]) == ("done", 1.0, "scan.nii")
    assert told["result"]["model"] == {"task": "fake"}
    assert told["result"]["shape"] == [5, 6, 7]
    assert jobs.get(job.id) is job
    assert finished(second).state == "done"


def test_what_the_client_sent_is_deleted_when_it_is_segmented(make_jobs, submit):
    jobs, model = make_jobs(), FakeModel()
    model.go_on.set()
    job = finished(submit(jobs, model))
    names = {path.name for path in job.folder.iterdir()}
    assert names == {"out", "image.npy", "mask.npy"}
    mask = np.load(job.folder / "mask.npy")
    assert (mask.sum(), mask[2, 3, 4]) == (1, 1)
    assert set(job.files) == {"scan.nii.gz", "scan.seg.nrrd", "overlay.png"}


def test_volumes_and_pictures_do_not_wait_for_each_other(make_jobs, submit):
    jobs, volume, picture = make_jobs(), FakeModel(), FakeModel()
    picture.go_on.set()
    waiting = submit(jobs, volume)
    done = finished(submit(jobs, picture, "picture", (5, 6)))
    assert (waiting.state, done.state) == ("running", "done")
    assert (volume.asked[0][2], picture.asked[0][2]) == ("volume", "picture")
    volume.go_on.set()


def test_a_mistake_is_told_as_the_client_names_its_file(make_jobs, submit, tmp_path):
    model = FakeModel(ReadError(f"{tmp_path}/scan/image.nii: broken", "send it again"))
    model.go_on.set()
    job = finished(submit(make_jobs(), model))
    assert (job.state, job.error) == ("failed", "scan.nii: broken\n  → send it again")


def test_a_bug_is_called_one_and_the_next_job_is_done(make_jobs, submit, caplog):
    jobs, broken, good = make_jobs(), FakeModel(ZeroDivisionError("x")), FakeModel()
    broken.go_on.set(), good.go_on.set()
    job = finished(submit(jobs, broken))
    assert job.error.startswith("ZeroDivisionError: a bug of Lamina")
    assert "a job failed" in caplog.text
    assert finished(submit(jobs, good, "next")).state == "done"


def test_a_removed_job_is_forgotten_with_its_files(make_jobs, submit):
    jobs, model = make_jobs(), FakeModel()
    model.go_on.set()
    job = finished(submit(jobs, model))
    jobs.remove(job.id)
    assert not job.folder.exists()
    with pytest.raises(KeyError):
        jobs.get(job.id)


def test_a_job_that_is_removed_while_it_runs_ends_at_its_next_step(make_jobs, submit):
    jobs, model = make_jobs(), FakeModel()
    job = submit(jobs, model)
    while job.progress < 0.4:
        threading.Event().wait(0.01)
    jobs.remove(job.id)
    model.go_on.set()
    assert finished(job).error == "removed"
    while job.folder.exists():
        threading.Event().wait(0.01)


def test_old_results_make_room_for_new_ones(make_jobs, submit):
    jobs, model = make_jobs(kept_jobs=2), FakeModel()
    model.go_on.set()
    first, second = (finished(submit(jobs, model, name)) for name in ("a", "b"))
    jobs.get(first.id)
    third = finished(submit(jobs, model, "c"))
    assert {job.id for job in jobs.all()} == {first.id, third.id}
    assert not second.folder.exists()


def test_results_are_forgotten_after_a_time(make_jobs, submit):
    jobs, model = make_jobs(kept_seconds=-1.0), FakeModel()
    model.go_on.set()
    first = finished(submit(jobs, model))
    submit(jobs, model, "next")
    assert first.id not in {job.id for job in jobs.all()}


def test_while_none_is_done_there_is_no_room(make_jobs, submit):
    jobs, model = make_jobs(kept_jobs=1), FakeModel()
    submit(jobs, model)
    with pytest.raises(BusyError):
        submit(jobs, model, "next")
    model.go_on.set()
