"""What reads a repository besides apt, each upon a suite of ours served over HTTP.

None of them needs the uncompressed `Packages`, which is listed and not served
(docs/decisions/0017-plain-packages.md). Needs aptly, reprepro and debmirror, so `make test` leaves
it out; what is not installed is skipped:

    python -m pytest tests/soak/readers.py
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.press import Press, debs, quick_signers

PACKAGES = [("foo", "1.0", "amd64"), ("bar", "2:1~rc1", "all"), ("baz", "3", "amd64")]


class Handler(SimpleHTTPRequestHandler):
    asked: list[str]

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        self.asked.append(f"{int(code)} {self.path}")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """A repository's URL, and what is asked of it."""
    press = Press(quick_signers())
    press.set_up()
    press.clock.sleep(60)
    assert press.publish(press.upload("b1", debs(*PACKAGES))) == "published"
    folder = tmp_path_factory.mktemp("root")
    for key in press.store.keys("apt/"):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(press.store.body(key))
    asked: list[str] = []
    handler = type("Served", (Handler,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/apt", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    def run(program: str, *arguments: Any) -> str:
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed, and has read NOTHING")
        done = subprocess.run(
            [program, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def names(text: str) -> set[str]:
    return {name for name, _, _ in PACKAGES if name in text}


def test_aptly(served: tuple[str, list[str]], run: Callable[..., str]) -> None:
    uri, asked = served
    run("aptly", "-ignore-signatures", "mirror", "create", "m", f"{uri}/", "stable", "main")
    run("aptly", "-ignore-signatures", "mirror", "update", "m")
    shown = run("aptly", "mirror", "show", "-with-packages", "m")
    assert names(shown) == {name for name, _, _ in PACKAGES}
    assert not [each for each in asked if each.startswith("404") and "/Packages" in each]


def test_reprepro(served: tuple[str, list[str]], run: Callable[..., str], tmp_path: Path) -> None:
    uri, asked = served
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/distributions").write_text(
        "Codename: stable\nArchitectures: amd64\nComponents: main\nUpdate: ours\n"
    )
    (tmp_path / "conf/updates").write_text(
        f"Name: ours\nMethod: {uri}\nSuite: stable\nComponents: main\nArchitectures: amd64\n"
        "VerifyRelease: blindtrust\n"
    )
    run("reprepro", "-b", tmp_path, "update", "stable")
    listed = run("reprepro", "-b", tmp_path, "list", "stable")
    assert names(listed) == {name for name, _, _ in PACKAGES}
    assert not [each for each in asked if each.startswith("404") and "/Packages" in each]


def test_debmirror(served: tuple[str, list[str]], run: Callable[..., str], tmp_path: Path) -> None:
    uri, asked = served
    host, _, root = uri.removeprefix("http://").partition("/")
    run(
        *("debmirror", "--method=http", f"--host={host}", f"--root={root}", "--dist=stable"),
        *("--section=main", "--arch=amd64", "--nosource", "--no-check-gpg", "--diff=none"),
        *("--rsync-extra=none", tmp_path / "mirror"),
    )
    mirrored = {path.name for path in (tmp_path / "mirror/pool").rglob("*.deb")}
    assert names(" ".join(mirrored)) == {name for name, _, _ in PACKAGES}
    assert not [each for each in asked if each.startswith("404") and "binary-" in each]
