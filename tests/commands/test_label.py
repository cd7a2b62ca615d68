import pytest

from lamina.cli import main

pytest.importorskip("monailabel", reason="no MONAI Label: make label-setup")


def test_help_says_what_it_does(capsys):
    with pytest.raises(SystemExit):
        main(["label", "--help"])
    told = capsys.readouterr().out
    assert "3D Slicer" in told
    assert "127.0.0.1" in told


def test_studies_that_are_not_there(tmp_path, capsys):
    assert main(["label", "--studies", str(tmp_path / "none")]) == 1
    assert "correct --studies" in capsys.readouterr().err


def test_an_unknown_task(tmp_path, capsys):
    assert main(["label", "--studies", str(tmp_path), "--tasks", "hippocampus"]) == 1
    assert "did you mean hippocampus_mr" in capsys.readouterr().err


def test_an_archive_needs_a_folder_for_labels(capsys):
    assert main(["label", "--studies", "http://127.0.0.1:1/dicom-web"]) == 1
    assert "--work-dir" in capsys.readouterr().err


def test_without_monai_label_it_says_what_to_do(tmp_path, capsys, monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert main(["label", "--studies", str(tmp_path)]) == 1
    assert "make label-setup" in capsys.readouterr().err


def test_a_second_server_on_the_same_folder_is_refused(tmp_path, capsys):
    from lamina.label.work import alone

    with alone(tmp_path / "lamina_label", "a test"):
        assert main(["label", "--studies", str(tmp_path), "--tasks", "oct_phantom"]) == 1
    assert "a server runs there already" in capsys.readouterr().err
