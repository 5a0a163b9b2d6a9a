"""The pages in real headless Chromium: searched, read by the keyboard, judged by axe."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote_plus

import pytest
from debpress import config
from debpress.keys.publication import publish
from debpress.page import POLICY
from debpress.provenance.claims import Claims
from debpress.provenance.policy import GITHUB
from debpress.steps import page

from local import paths
from tests.support.attesting import Believing
from tests.support.memory_store import MemoryStore
from tests.support.press import SUITES, Press, deb, ed25519_signers

PYTHON = paths.LOCAL / "browser/bin/python"
URI = "https://packages.example.org"

_LONG = (
    " This library implements the standard library of a language, and is needed by nearly\n"
    " everything that is written in it.\n .\n A second paragraph, with a list:\n"
    "  * what is indented stays as it is\n  * <script>alert(1)</script>\n"
)
CPP = ("amd64", "GNU Standard C++ Library v3")
BATCHES = (
    [("libstdc++6", "12.2.0-13~rc1", *CPP)],
    [("libstdc++6", "12.2.0-14", *CPP), ("libstdc++6", "12.2.0-14", "arm64", CPP[1])],
    [(f"tool-{n}", f"1.{n}", "all", "one of many tools") for n in range(30)],
    [
        ("curl", "7.88.1-10", "amd64", "command line tool for transferring data with URL syntax"),
        ("libcurl4", "7.88.1-10", "amd64", "client-side URL transfer library, of curl"),
        ("evil", "1.0", "all", "<img src=x onerror=alert(1)>"),
    ],
    [
        (
            *("a-package-of-a-remarkably-long-name-without-an-end-that-anybody-sees", "2.0.1"),
            *("all", "has a name that is as long as this, and a description that is no shorter"),
        )
    ],
)


# A ref and a file of remarkable length, as a page has to bear them.
REF = f"refs/heads/{'release-of-the-year-' * 4}2026"
FROM = Claims(
    *(GITHUB, "https://github.com/my-organisation/gnu-standard-library"),
    *(f".github/workflows/{'build_and_test_' * 4}release.yml", REF, "0123456789abcdef" * 2),
    run="https://github.com/my-organisation/gnu-standard-library/actions/runs/1/attempts/1",
)
POLICY_OF_STABLE = {"repository": FROM.repository, "workflow": FROM.workflow, "ref": REF}


def built(name: str, version: str, architecture: str, description: str) -> bytes:
    extra = "Section: libs\nHomepage: https://example.org/\nInstalled-Size: 2290\n"
    extra += "Depends: gcc-12-base (= 12.2.0-14), libc6 (>= 2.36)\n"
    return deb(name, version, architecture, f"{description}\n{_LONG.rstrip()}", extra)


def shown() -> Press:
    """A repository that has lived a while."""
    press = Press(ed25519_signers(), verifier=lambda: Believing(FROM))
    told = {"title": "Packages of Example", "about": "What Example Ltd. builds for its own hosts."}
    suites = [{**suite, "provenance": POLICY_OF_STABLE} for suite in SUITES["suites"]]
    press.repository = config.parse({"suites": suites, "page": told})
    press.set_up()
    publish(press.archive, press.repository, URI, b"".join(press.signers.certificates()))
    for number, group in enumerate(BATCHES):
        press.clock.sleep(3600)
        suite = "testing" if number == 2 else "stable"
        files = {f"{at}.deb": built(*each) for at, each in enumerate(group)}
        if number == 1:
            place = f"staging/{suite}/main/b{number}/"
            press.store.put(f"{place}0.deb.sigstore.json", b"{}")
        started = press.upload(f"b{number}", files, suite=suite)
        assert press.publish(started) == "published", press.result(f"b{number}", suite)
    copied = {
        "op": "copy",
        "from": {"suite": "stable", "component": "main"},
        "packages": ["libstdc++6"],
    }
    assert press.publish(press.operate("o0", copied, suite="testing")) == "published"
    removed = {"op": "remove", "packages": ["libstdc++6 (<< 12.2.0-14)"]}
    page.run(press.services, URI)  # What came, and what of it went, by two calls.
    assert press.publish(press.operate("o1", removed)) == "published"
    page.run(press.services, URI)
    return press


@contextmanager
def served(store: MemoryStore) -> Iterator[tuple[str, list[str]]]:
    """The bucket as S3 serves it, a plus being a blank, and the policy as CloudFront adds it. Gives
    the page's address, and what was asked for and is not there."""
    missing: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = unquote_plus(self.path.partition("?")[0]).removeprefix("/")
            try:
                body, headers = store.body(key), store.headers(key)
            except KeyError:
                missing.append(self.path)
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", headers.content_type)
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/apt/index.html", missing
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    assert PYTHON.exists(), "make it by `python -m local.environments browser`, as make test does"
    assert shutil.which("chromium"), "install it by `python -m local.tools tests`"
    folder = tmp_path_factory.mktemp("screenshots")
    drive = Path(__file__).parents[1] / "browser/drive.py"
    with served(shown().store) as (address, missing):
        command: list[str | Path] = [PYTHON, drive, address, folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "missing": missing, "address": address, "folder": folder}


def test_nothing_is_asked_of_anybody_else_and_all_is_there(looked: dict[str, Any]) -> None:
    own = looked["address"].removesuffix("index.html")
    assert [url for url in looked["requests"] if not url.startswith(own)] == []
    assert looked["missing"] == []
    assert looked["messages"] == []  # Of the policy, of scripts, of what could not be loaded.


def test_axe_finds_nothing_narrow_or_wide_dark_or_light(looked: dict[str, Any]) -> None:
    assert looked["violations"] == [], "\n".join(looked["violations"])
    assert looked["overflows"] == []
    assert len(list(looked["folder"].glob("*.png"))) == 8


def test_a_search_by_the_keyboard_alone(looked: dict[str, Any]) -> None:
    seen = looked["seen"]
    assert seen["order"] == ["Skip to the content", "Packages of Example", "q"]
    assert seen["lists loaded before and after the focus"] == [0, 6]
    assert seen["exact first"] == ["2 packages:", "curl", "libcurl4"]
    assert seen["words of names and descriptions"] == ["1 package:", "libstdc++6"]
    assert seen["nothing"] == ["No package has that in its name or description."]
    assert seen["markup"] == ["1 package:", "evil"]
    assert seen["emptied"] and seen["copied"] == 2


def test_all_but_the_search_works_without_scripts(looked: dict[str, Any]) -> None:
    assert not looked["seen"]["search without scripts"]
    assert looked["seen"]["downloaded"].startswith("libstdc--6_12.2.0-14_")
