"""Foreign repositories behind real HTTP: what is there, what is not, and who may see it."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
from debpress.adapters.places import WebPlace
from debpress.errors import SourceError, TransientError

BODY = bytes(range(256)) * 5000
FILES = {"/apt/pool/a_1%3a1+b1~x_all.deb": BODY, "/apt/dists/s/InRelease": b"signed"}


class Server(ThreadingHTTPServer):
    """`ranges`: whether it knows them; `login`: what it wants; `breaks`: how often it will break
    off."""

    ranges = True
    login = ""
    breaks = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_said: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        wanted = "Basic " + b64encode(self.server.login.encode()).decode()
        body = FILES.get(unquote(self.path))
        if self.server.login and self.headers.get("Authorization") != wanted:
            return self.answer(401, b"")
        if self.path == "/apt/moved":
            self.send_response(302)
            self.send_header("Location", "/apt/dists/s/InRelease")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        if body is None:
            return self.answer(404, b"none")
        start = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-")
        if self.server.ranges and int(start):
            part = body[int(start) :]
            return self.answer(206 if part else 416, part)
        return self.answer(200, body)

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.breaks and status in (200, 206):
            self.server.breaks -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def place(server: Server) -> WebPlace:
    return WebPlace(f"http://127.0.0.1:{server.server_port}/apt")


def test_what_is_there_and_what_is_not(place: WebPlace) -> None:
    assert place.read("dists/s/InRelease", 100) == b"signed"
    assert place.read("dists/s/InRelease", 3) == b"sign"  # One too many, and no more.
    assert place.read("moved", 100) == b"signed"
    assert (place.read("dists/t/InRelease", 100), place.stream("pool/b")) == (None, None)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_is_named_as_the_index_has_it_and_read_from_anywhere(
    server: Server, place: WebPlace, ranges: bool
) -> None:
    """Its `%3a` is part of the name, as apt reads it, and its `+` is no blank."""
    server.ranges = ranges
    for start in (0, 1, 5000, len(BODY)):
        found = place.stream("pool/a_1%3a1+b1~x_all.deb", start)
        assert found is not None and b"".join(found) == BODY[start:]


def test_what_broke_off_may_be_asked_for_again(server: Server, place: WebPlace) -> None:
    server.breaks = 1
    found = place.stream("pool/a_1%3a1+b1~x_all.deb")
    with pytest.raises(TransientError, match="broke off; run this again"):
        b"".join(found or ())
    found = place.stream("pool/a_1%3a1+b1~x_all.deb", 70000)
    assert b"".join(found or ()) == BODY[70000:]


def test_a_password_comes_from_the_address_or_from_netrc_and_is_never_shown(
    server: Server, place: WebPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.login = "ci:s3cr@t"
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with pytest.raises(SourceError, match=r"answers 401; give a user and a password in ~/\.netrc"):
        place.read("dists/s/InRelease", 100)
    where = f"127.0.0.1:{server.server_port}/apt"
    known = WebPlace(f"http://ci:s3cr%40t@{where}")
    assert known.read("dists/s/InRelease", 100) == b"signed"
    assert known.uri("x") == f"http://{where}/x"
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ci password s3cr@t\n")
    assert WebPlace(f"http://{where}").read("dists/s/InRelease", 100) == b"signed"
    # There nothing is quoted: its `%` is part of the password.
    server.login = "ci:s3%40t"
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ci password s3%40t\n")
    assert WebPlace(f"http://{where}").read("dists/s/InRelease", 100) == b"signed"


@pytest.mark.parametrize("address", ["https://host:abc/apt", "http://[::1/apt", "http://u:p/w@h"])
def test_an_address_that_is_none_is_told_and_not_repeated(address: str) -> None:
    with pytest.raises(SourceError, match="a host or a port that is none") as caught:
        WebPlace(address)
    assert address not in str(caught.value) and "'p'" not in str(caught.value)


def test_an_address_by_ipv6_keeps_its_brackets() -> None:
    assert WebPlace("http://ci:s3cret@[::1]:8080/apt/").uri("x") == "http://[::1]:8080/apt/x"
    assert WebPlace("https://[2001:DB8::1]").uri("x") == "https://[2001:db8::1]/x"


@pytest.mark.parametrize("proxy", ["proxy:3128", "ci:s3cret@proxy:3128", "socks5://proxy:1080"])
def test_a_proxy_that_can_not_be_used(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(SourceError, match="http_proxy names no proxy") as caught:
        WebPlace("http://apt.example.org")
    assert "s3cret" not in str(caught.value)


def test_nobody_answers() -> None:
    with pytest.raises(TransientError, match="does not answer"):
        WebPlace("http://127.0.0.1:9/apt", attempts=0).read("InRelease", 100)
