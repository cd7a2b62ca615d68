import pytest

from lamina.cli import main
from lamina.web import server


@pytest.fixture
def asked(monkeypatch):
    """The settings that the server would be started with."""
    seen = []
    monkeypatch.setattr(server, "serve", seen.append)
    return seen


def test_it_listens_on_loopback_at_port_5000_or_as_the_environment_says(asked, monkeypatch):
    monkeypatch.delenv("PORT", raising=False)
    assert main(["serve"]) == 0
    monkeypatch.setenv("PORT", "8080")
    main(["serve"])
    main(["serve", "--port", "7"])
    assert [(one.host, one.port) for one in asked] == [
        ("127.0.0.1", 5000),
        ("127.0.0.1", 8080),
        ("127.0.0.1", 7),
    ]
    assert (asked[0].task, asked[0].token, asked[0].cors) == (None, None, ())


def test_paths_are_made_absolute(asked, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    main(["serve", "--dataset-dir", "scans", "--weights", "mine.pt", "--run", "runs/a"])
    assert asked[0].dataset_dir == tmp_path / "scans"
    assert asked[0].weights == str(tmp_path / "mine.pt")
    main(["serve", "--weights", "released"])
    assert asked[1].weights == "released"


def test_several_origins_and_the_token_of_the_environment(asked, monkeypatch):
    monkeypatch.setenv("LAMINA_TOKEN", "secret")
    main(["serve", "--cors", "https://a.example", "--cors", "null"])
    assert asked[0].cors == ("https://a.example", "null")
    assert asked[0].access.with_token().token == "secret"


@pytest.mark.parametrize("option", ["--dataset-dir", "--results-dir"])
def test_a_folder_that_is_not_there_is_told(asked, capsys, option):
    assert main(["serve", option, "/nowhere"]) == 1
    assert f"{option} /nowhere: no such folder" in capsys.readouterr().err
    assert asked == []


def test_missing_packages_are_told_with_the_remedy(asked, monkeypatch, capsys):
    from lamina.commands import serve

    monkeypatch.setattr(serve, "find_spec", lambda name: None)
    assert main(["serve"]) == 1
    assert "pip install -e '.[web]'" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["x", "70000"])
def test_a_port_that_is_none_is_refused(port, monkeypatch, capsys):
    with pytest.raises(SystemExit) if port == "x" else pytest.MonkeyPatch.context():
        assert main(["serve", "--port", port]) == 1
    assert "port" in capsys.readouterr().err
