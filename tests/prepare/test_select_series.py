import numpy as np
import pydicom
import pytest

from lamina.cli import main
from lamina.errors import DataError
from lamina.prepare.select_series import one_file_per_series, select_slices, series_folder

AXIAL = np.diag([-0.5, -0.6, 3.0, 1.0])
CORONAL = np.array([[-0.5, 0, 0, 1], [0, 0, 3.0, 2], [0, -0.6, 0, 3], [0, 0, 0, 1.0]])


@pytest.fixture
def patient(tmp_path, write_series):
    """One folder in which two planes of two series lie mixed, as a CBCT writes it."""
    folder = tmp_path / "patient"
    volume = np.random.default_rng(0).integers(0, 99, (5, 7, 4)).astype(np.int16)
    for number, affine in enumerate((AXIAL, CORONAL)):
        names = [f"IM{2 * z + number:04}" for z in range(4)]
        write_series(
            folder,
            volume,
            affine,
            names=names,
            SeriesInstanceUID=f"1.{number}",
            PatientName="Doe^J",
        )
    (folder / "notes.txt").write_text("not DICOM")
    return folder


@pytest.mark.parametrize(
    "which", [["--plane", "coronal"], ["--orientation", "1,0,0,0,0,-1"]], ids=["plane", "cosines"]
)
def test_slices_of_one_plane_are_copied(patient, tmp_path, which, capsys):
    assert main(["dicom", "select", str(patient), str(tmp_path / "out"), *which]) == 0
    folder = tmp_path / "out" / series_folder("1.1")
    assert sorted(path.name for path in folder.iterdir()) == [f"IM{2 * z + 1:04}" for z in range(4)]
    for path in folder.iterdir():
        assert path.read_bytes() == (patient / path.name).read_bytes()
    said = capsys.readouterr().out
    assert "4 of 8 slices copied; 1 other file(s) left" in said
    assert "Doe" not in said


def test_equal_names_of_two_folders_do_not_meet(tmp_path, write_series):
    volume = np.zeros((3, 4, 2), np.int16)
    for part in ("a", "b"):
        write_series(tmp_path / "in" / part, volume, AXIAL)
    chosen = select_slices(tmp_path / "in", tmp_path / "out", "axial")
    assert sum(chosen.copied.values()) == 4
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 4


def test_no_slice_of_that_plane_is_status_1(patient, tmp_path):
    assert (
        main(["dicom", "select", str(patient), str(tmp_path / "out"), "--plane", "sagittal"]) == 1
    )
    assert not (tmp_path / "out").exists()


def test_six_numbers_are_needed(patient, tmp_path, capsys):
    words = ["dicom", "select", str(patient), str(tmp_path / "o"), "--orientation", "1,0,0"]
    assert main(words) == 1
    assert "expected six numbers" in capsys.readouterr().err


def test_a_folder_without_dicom_says_so(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match="no DICOM slice"):
        select_slices(tmp_path / "in", tmp_path / "out", "axial")
    with pytest.raises(DataError, match="no such folder"):
        select_slices(tmp_path / "none", tmp_path / "out", "axial")
    with pytest.raises(DataError, match="no DICOM file"):
        one_file_per_series(tmp_path / "in")


def test_show_hides_who_it_is_unless_asked(patient, capsys):
    assert main(["dicom", "show", str(patient)]) == 0
    said = capsys.readouterr().out
    assert said.count("PixelSpacing: [0.6, 0.5]") == 2
    assert "Doe" not in said
    assert "TransferSyntax: Explicit VR Little Endian" in said
    assert main(["dicom", "show", str(patient / "IM0000"), "--identifiers"]) == 0
    assert "PatientName: Doe^J" in capsys.readouterr().out


def test_all_tags_hide_names_dates_and_private_ones(patient, capsys):
    path = patient / "IM0000"
    image = pydicom.dcmread(path)
    image.private_block(0x0011, "SECRET", create=True).add_new(0x01, "LO", "Doe in private")
    image.StudyDate = "20200102"
    image.save_as(path)
    assert main(["dicom", "show", str(path), "--all"]) == 0
    said = capsys.readouterr().out
    assert "PixelSpacing" in said
    for secret in ("Doe", "20200102", "1.0"):
        assert f"'{secret}" not in said
    assert main(["dicom", "show", str(path), "--all", "--identifiers"]) == 0
    assert "Doe in private" in capsys.readouterr().out
