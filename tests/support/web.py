"""Answers to what clients of objects ask, as GetObject and HeadObject give them, and a server.

What answers is a function from `Asked` to `Answer`, so that one can stand before another.
"""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """`path` is as it stands in the request, a query behind it; `headers` ignores case."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it is served. `modified` has whole seconds, as S3's Last-Modified has."""

    body: bytes
    modified: datetime
    etag: str
    cache_control: str | None = None


_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def answer(found: Stored, headers: Mapping[str, str]) -> Answer:
    """What is answered for an object that is there: by condition, and by range (S3 API reference,
    "GetObject")."""
    own = {
        "Last-Modified": http_date(found.modified),
        "ETag": found.etag,
        "Accept-Ranges": "bytes",
        **({"Cache-Control": found.cache_control} if found.cache_control else {}),
    }
    if _has(found, headers):
        return Answer(304, headers=own)
    asked = _range(found, headers)
    if asked is None:
        return Answer(200, found.body, own)
    start, end = asked
    if start >= len(found.body):
        return Answer(416, b"<Error><Code>InvalidRange</Code></Error>")
    of = f"bytes {start}-{end - 1}/{len(found.body)}"
    return Answer(206, found.body[start:end], {**own, "Content-Range": of})


def _has(found: Stored, headers: Mapping[str, str]) -> bool:
    if "If-None-Match" in headers:
        return headers["If-None-Match"] in ("*", found.etag)
    since = headers.get("If-Modified-Since")
    return since is not None and found.modified <= parsedate_to_datetime(since)


def _range(found: Stored, headers: Mapping[str, str]) -> tuple[int, int] | None:
    """Start and end of the part that is to be sent; None for all of it."""
    match = _RANGE.fullmatch(headers.get("Range", ""))
    only = headers.get("If-Range")
    if match is None or only not in (None, found.etag, http_date(found.modified)):
        return None
    end = min(int(match[2]) + 1, len(found.body)) if match[2] else len(found.body)
    return int(match[1]), end


def http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


@contextmanager
def served(answers: Callable[[Asked], Answer], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serves on loopback, by https with a context; gives the address that paths are appended to."""
    handler = type("_Of", (_Handler,), {"answers": staticmethod(answers)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            # The handshake is the connection's own thread's, lest others wait for it.
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if tls else "http"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"{scheme}://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    answers: Callable[[Asked], Answer]
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # Header and body in one packet: on loopback, two would wait for each other.

    def handle(self) -> None:
        with suppress(ConnectionError):  # apt hangs up on what it has no more use for.
            super().handle()

    def do_GET(self) -> None:
        # An email.message.Message, which ignores case in the names of its fields.
        headers: Any = self.headers
        found = self.answers(Asked(self.command, self.path, headers))
        self.send_response(found.status, found.words)
        for name, value in found.headers.items():
            self.send_header(name, value)
        if found.status != 304:
            self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(found.body)

    do_HEAD = do_GET  # noqa: N815 (the name http.server looks for)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's own)
        pass
