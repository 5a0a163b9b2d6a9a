"""make setup: environments made once by uv, from the index that this machine's pip is set to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from local import environments, pip_settings


def test_pips_settings_are_uvs_too() -> None:
    listing = (
        "global.index-url='https://mirror.example/simple'\n"
        "global.extra-index-url='https://one.example/simple\\nhttps://two.example/simple'\n"
        ":env:.find-links='/opt/wheels /srv/wheels'\n"
        "global.cert='/etc/ssl/mirror.pem'\n"
        "list.index-url='https://other.example/simple'\n"
        "global.progress-bar='off'\n"
    )
    assert pip_settings.for_uv(listing) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_FIND_LINKS": "/opt/wheels,/srv/wheels",
        "SSL_CERT_FILE": "/etc/ssl/mirror.pem",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_a_variable_overrides_the_section_for_install_and_that_the_global_one() -> None:
    lines = [
        ":env:.index-url='https://variable.example'",
        "install.index-url='https://install.example'",
        "global.index-url='https://global.example'",
    ]
    found = [pip_settings.for_uv("\n".join(lines[at:]))["UV_DEFAULT_INDEX"] for at in range(3)]
    assert found == [
        "https://variable.example",
        "https://install.example",
        "https://global.example",
    ]


def test_without_settings_uv_keeps_its_own() -> None:
    assert not [name for name in pip_settings.for_uv("") if name != "UV_INDEX_STRATEGY"]


class Tools:
    """In place of pip and uv: each step leaves a file; a step with `failing` in its words fails."""

    def __init__(self) -> None:
        self.failing = "nothing"
        self.ran: list[str] = []

    def run(self, command: Sequence[str | Path], environment: dict[str, str] | None = None) -> bool:
        words = " ".join(str(part) for part in command)
        self.ran.append(words)
        if "venv" in command:
            (Path(command[-1]) / "bin").mkdir(parents=True)
        return self.failing not in words


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    """A checkout with two environments and one besides, and what would install them."""
    for name in ("pyproject.toml", "uv.txt", "one.txt", "two.txt", "besides.txt"):
        (tmp_path / name).write_text(name)
    places = {
        name: (tmp_path / ".local" / name, tmp_path / f"{name}.txt") for name in ("uv", "two")
    }
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "UV", places["uv"])
    one = (tmp_path / ".venv", tmp_path / "one.txt")
    monkeypatch.setattr(environments, "ENVIRONMENTS", (one, places["two"]))
    besides = {"checks": (tmp_path / ".local" / "checks", tmp_path / "besides.txt")}
    monkeypatch.setattr(environments, "BESIDES", besides)
    found = Tools()
    monkeypatch.setattr(environments, "_run", found.run)
    monkeypatch.setattr(environments, "_settings", dict)
    return found


def test_what_is_there_is_not_made_again(tools: Tools) -> None:
    assert environments.main() == 0
    assert [words for words in tools.ran if "sync" in words]
    tools.ran.clear()
    assert environments.main() == 0
    assert tools.ran == []


def test_every_install_is_by_hash_and_of_wheels(tools: Tools) -> None:
    assert environments.main("checks") == 0
    installs = [words for words in tools.ran if ".txt" in words]
    assert len(installs) == 4
    for words in installs:
        assert "--require-hashes --only-binary :all:" in words


def test_only_a_changed_lock_is_installed_anew(tools: Tools, tmp_path: Path) -> None:
    environments.main()
    tools.ran.clear()
    (tmp_path / "two.txt").write_text("moved on")
    assert environments.main() == 0
    assert [words.split()[-1] for words in tools.ran if "sync" in words] == [
        str(tmp_path / "two.txt")
    ]


@pytest.mark.parametrize("step", ["-m venv", "-m pip", "sync", "--no-build-isolation"])
def test_what_was_left_half_made_is_made_anew(tools: Tools, tmp_path: Path, step: str) -> None:
    tools.failing = step
    assert environments.main() == 1
    (tmp_path / ".venv" / "half").mkdir(parents=True)
    tools.failing = "nothing"
    assert environments.main() == 0
    assert not (tmp_path / ".venv" / "half").exists()


def test_a_missing_uv_hinders_nobody_who_needs_none(tools: Tools, tmp_path: Path) -> None:
    environments.main()
    (tmp_path / ".local/uv/complete").unlink()
    tools.ran.clear()
    assert environments.main() == 0
    assert tools.ran == []


def test_an_old_python_is_a_sentence(
    tools: Tools, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    assert environments.main() == 1
    assert "Python 3.11 or newer is needed, this is 3.9.18" in capsys.readouterr().err
    assert tools.ran == []
