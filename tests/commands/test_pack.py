import pytest

from lamina.cli import main


def test_help_says_what_it_does(capsys):
    with pytest.raises(SystemExit):
        main(["pack", "--help"])
    assert "runs without Lamina" in capsys.readouterr().out


def test_a_task_without_weights_says_what_to_do(tmp_path, capsys):
    words = ["-o", str(tmp_path), "--run-dir", str(tmp_path / "none"), "--weights", "no.pt"]
    assert main(["pack", "oct_phantom", *words]) == 1
    assert "there are no weights" in capsys.readouterr().err


def test_none_packs_a_bundle_to_be_trained(tmp_path, capsys):
    assert main(["pack", "oct_phantom", "-o", str(tmp_path), "--weights", "none"]) == 0
    assert capsys.readouterr().out.split() == [
        str(tmp_path / "oct_phantom"),
        str(next(tmp_path.glob("oct_phantom_v*.zip"))),
    ]
