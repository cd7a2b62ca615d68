import csv

import pytest

from lamina.cases.find import find_cases
from lamina.cli import main
from lamina.phantoms.cochlea import write_cochlea_patients


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ci") / "ci"
    small = {"patients": 2, "shape": (50, 52, 54), "spacing": 0.65}
    return write_cochlea_patients(folder, **small).parent / "raw"


def test_from_a_scanners_folder_to_pictures_of_kept_slices(raw, tmp_path, capsys):
    coronal, sheets, chosen = (tmp_path / name for name in ("coronal", "sheets", "chosen"))
    assert main(["dicom", "select", str(raw), str(coronal), "--plane", "coronal"]) == 0
    assert main(["dicom", "sheet", str(coronal), str(sheets)]) == 0
    assert "104 slices on 4 sheet(s)" in capsys.readouterr().out
    table = sheets / "slices.csv"
    rows = list(csv.DictReader(table.read_text().splitlines()))
    for row in rows:
        row["keep"] = "x" if row["slice"] in ("25", "27") else ""
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    table.write_text("\n".join(lines) + "\n")
    assert main(["dicom", "keep", str(table), str(chosen), "--window=-500,2500"]) == 0
    assert "4 pictures of 2 patient(s)" in capsys.readouterr().out
    assert len(find_cases(chosen).cases) == 4


def test_wrong_use_says_what_to_do(raw, tmp_path, capsys):
    assert main(["dicom", "sheet", str(raw), str(tmp_path), "--window=3,1"]) == 1
    assert "write it as --window=-1000,3000" in capsys.readouterr().err
    assert main(["dicom", "keep", str(tmp_path / "no.csv"), str(tmp_path)]) == 1
    assert "lamina dicom sheet" in capsys.readouterr().err
