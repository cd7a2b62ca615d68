import pytest

from lamina.writers.formats import FORMATS, default_formats


@pytest.mark.parametrize(
    ("name", "dims", "expected"),
    [
        ("scan.nii.gz", 3, ["nifti"]),
        ("scan.mha", 3, ["nifti"]),
        ("slice.mha", 2, ["png"]),
        ("photo.PNG", 2, ["png"]),
        ("IM0001", 3, ["nifti", "dicomseg"]),
        ("xray.dcm", 2, ["png", "dicomseg"]),
    ],
)
def test_defaults_of_files(tmp_path, name, dims, expected):
    (tmp_path / name).touch()
    assert default_formats(str(tmp_path / name), dims) == expected


def test_folders_are_series(tmp_path):
    assert default_formats(str(tmp_path), 3) == ["nifti", "dicomseg"]
    assert default_formats(f"{tmp_path}#1.2.3", 3) == ["nifti", "dicomseg"]


def test_every_default_is_a_format():
    assert {"nifti", "png", "nrrd", "dicomseg"} <= set(FORMATS)


def test_each_format_writes_files_of_the_case(write_series, predict, oblique, tmp_path):
    case = predict(write_series(tmp_path / "ct", (5, 7, 4), oblique), name="a b.c")
    for name in ("nifti", "nrrd", "dicomseg"):
        (path,) = FORMATS[name](case, tmp_path / name)
        assert path.is_file()
        assert path.name.startswith("a b.c.")
        assert list((tmp_path / name).iterdir()) == [path]
