import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from tests.any_files import LATIN_1, write_any_files
from tests.label.conftest import write_volume

from lamina.errors import DataError, ReadError
from lamina.label.errors import UnknownNameError
from lamina.label.studies import FolderStudies, viewable
from lamina.readers.images import read_image


@pytest.fixture
def studies(tmp_path):
    folder = tmp_path / "studies"
    write_volume(folder / "a.nii.gz", 0, (5, 6, 7))
    write_volume(folder / "deep" / "b.nii.gz", 1, (5, 6, 7))
    return FolderStudies(folder, folder / "work")


def test_images_of_any_depth_by_name(studies):
    assert list(studies.addresses()) == ["a", "deep_b"]
    assert studies.address("deep_b").endswith("deep/b.nii.gz")
    with pytest.raises(UnknownNameError, match="no image '../a'"):
        studies.address("../a")


def test_the_servers_own_files_are_no_studies(studies):
    write_volume(studies.work / "labels" / "a.nii.gz", 0, (5, 6, 7))
    assert list(studies.addresses()) == ["a", "deep_b"]
    assert studies.unusable == []


def test_a_new_image_is_found_and_a_lost_one_forgotten(studies):
    studies.addresses()
    write_volume(studies.folder / "c.nii.gz", 2, (5, 6, 7))
    assert "c" in studies.addresses()
    (studies.folder / "c.nii.gz").unlink()
    assert "c" not in studies.addresses()


def test_nothing_is_searched_twice_without_need(studies, monkeypatch):
    studies.addresses()
    monkeypatch.setattr(studies, "_search", lambda: pytest.fail("searched again"))
    studies.addresses()
    monkeypatch.setattr(studies, "addresses", lambda: pytest.fail("walked again"))
    assert studies.has("a")
    assert studies.address("deep_b")


def test_what_is_no_image_has_a_reason(studies, caplog):
    (studies.folder / "broken.nii.gz").write_text("no image")
    (studies.folder / "empty.dcm").touch()
    nib.Nifti1Image(np.zeros((3, 4, 5, 2, 2)), np.eye(4)).to_filename(studies.folder / "five.nii")
    assert list(studies.addresses()) == ["a", "deep_b"]
    reasons = {path.rsplit("/", 1)[1]: why for path, why in studies.unusable}
    assert "not a complete NIfTI" in reasons["broken.nii.gz"]
    assert reasons["empty.dcm"] == "an empty file"
    assert "expected volumes" in reasons["five.nii"]
    assert "broken.nii.gz" in caplog.text


def test_each_time_point_is_an_image_that_3d_slicer_opens(studies):
    times = np.arange(3 * 4 * 5 * 2, dtype=np.int16).reshape(3, 4, 5, 2)
    nib.Nifti1Image(times, np.eye(4)).to_filename(studies.folder / "dyn.nii.gz")
    assert {"dyn_t_1", "dyn_t_2"} < set(studies.addresses())
    file = viewable(studies.address("dyn_t_2"), studies.work, "dyn_t_2")
    np.testing.assert_array_equal(nib.load(file).get_fdata(), times[..., 1])


def test_no_file_makes_a_request_fail(studies):
    """Whatever lies there is named in text that JSON can hold, and the good ones are served."""
    studies.addresses()
    bad = write_any_files(studies.folder)
    (studies.folder / LATIN_1).write_text("no image")
    (studies.folder / "deep" / LATIN_1).symlink_to("/gone")
    assert sorted(studies.addresses()) == ["a", "cut", "deep_b", "good"]
    named = {path.rsplit("/", 1)[1] for path, _ in studies.unusable}
    assert named == bad - {"cut.nii.gz"} | {"caf\\udce9.nii.gz"}
    json.dumps(studies.unusable, ensure_ascii=False).encode()


def test_an_empty_folder_has_no_images_yet(tmp_path):
    assert FolderStudies(tmp_path, tmp_path / "work").addresses() == {}


def test_an_image_is_taken_over_whole_or_not_at_all(studies, tmp_path):
    write_volume(tmp_path / "new.nii.gz", 3, (4, 5, 6))
    assert studies.add("new", tmp_path / "new.nii.gz", ".nii.gz") == "new"
    assert "new" in studies.addresses()
    with pytest.raises(DataError, match="there is an image 'new' already"):
        studies.add("new", tmp_path / "new.nii.gz", ".nii.gz")
    (tmp_path / "bad.nii.gz").write_text("no image")
    with pytest.raises(ReadError):
        studies.add("bad", tmp_path / "bad.nii.gz", ".nii.gz")
    assert not (studies.folder / "bad.nii.gz").exists()


def test_a_dicom_series_is_shown_as_nifti_on_its_own_grid(real_data, tmp_path):
    source = real_data / "hippocampus_dicom" / "Study3"
    shutil.copytree(source, tmp_path / "studies" / "Study3")
    studies = FolderStudies(tmp_path / "studies", tmp_path / "work")
    (name,) = studies.addresses()
    shown = viewable(studies.address(name), tmp_path / "work", name)
    image, grid = read_image(studies.address(name))
    written = nib.load(shown)
    np.testing.assert_array_equal(np.asarray(written.dataobj), image)
    np.testing.assert_allclose(written.affine, grid.affine, atol=1e-4)
    before = shown.stat().st_mtime_ns
    assert viewable(studies.address(name), tmp_path / "work", name).stat().st_mtime_ns == before


def test_a_file_is_shown_as_it_is(studies, tmp_path):
    assert viewable(studies.address("a"), tmp_path, "a") == studies.folder / "a.nii.gz"
