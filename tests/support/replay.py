"""The writes of a press, recorded and done again one at a time, under the eyes of real apts.

`record` notes what an action wrote. A `Bucket` is a copy that hosts read over http and that gets
the writes one by one; it is as strict as S3 is with those who may read objects and not list them.
"""

from __future__ import annotations

import re
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote_plus

from tests.support.memory_store import MemoryStore, Snapshot


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it is served. `modified` has whole seconds, as S3's Last-Modified has."""

    body: bytes
    modified: datetime
    etag: str


@dataclass(frozen=True, slots=True)
class Write:
    """One write; `now` is what the key holds after it, None when it was a delete."""

    operation: str
    key: str
    now: Stored | None


def record(store: MemoryStore, action: Callable[[], object]) -> list[Write]:
    """What the action wrote, in the order it took effect, threads and all."""
    before = store.snapshot()
    action()
    after = store.snapshot()
    met = Counter({key: len(versions) for key, versions in before.objects.items()})
    writes = []
    for each in after.log[len(before.log) :]:
        if "/queue/" in each.key:
            continue  # No host reads it, and what is deleted may be put again.
        now = None
        if each.operation != "delete":
            version = after.objects[each.key][met[each.key]]
            now = _stored(version.body, version.modified, version.etag)
            met[each.key] += 1
        writes.append(Write(each.operation, each.key, now))
    return writes


def objects(snapshot: Snapshot) -> dict[str, Stored]:
    """All that can be read of a store at one moment."""
    current = {key: versions[-1] for key, versions in snapshot.objects.items() if versions}
    return {
        key: _stored(version.body, version.modified, version.etag)
        for key, version in current.items()
        if version.body is not None
    }


def _stored(body: bytes | None, modified: datetime, etag: str) -> Stored:
    assert body is not None
    return Stored(body, modified.replace(microsecond=0), f'"{etag}"')


@dataclass
class Bucket:
    """`refused` lists the keys that were asked for and are not there: S3 answers those with 403;
    `unchanged` those that were answered with 304; `sent` counts the bytes of each other one."""

    objects: dict[str, Stored]
    refused: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)

    def apply(self, write: Write) -> None:
        if write.now is None:
            self.objects.pop(write.key, None)
        else:
            self.objects[write.key] = write.now

    @contextmanager
    def served(self, tls: ssl.SSLContext | None = None) -> Iterator[str]:
        """Serves it on loopback, by https with a context; gives the address that keys are appended
        to."""
        handler = type("_Of", (_Handler,), {"bucket": self})
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


_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class _Handler(BaseHTTPRequestHandler):
    """GetObject and HeadObject, conditional and by range, as the S3 API reference has them."""

    bucket: Bucket
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # Header and body in one packet: on loopback, two would wait for each other.

    def handle(self) -> None:
        with suppress(ConnectionError):  # apt hangs up on what it has no more use for.
            super().handle()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        key = unquote_plus(path[1:])  # S3 takes a raw `+` in a path for a space.
        found = self.bucket.objects.get(key)
        if found is None:
            self.bucket.refused.append(key)
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        elif self._has(found):
            self.bucket.unchanged.append(key)
            self._answer(304, b"", found)
        elif (asked := self._range(found)) is None:
            self.bucket.sent[key] += len(found.body)
            self._answer(200, found.body, found)
        else:
            start, end = asked
            if start >= len(found.body):
                self._answer(416, b"<Error><Code>InvalidRange</Code></Error>")
                return
            self.bucket.sent[key] += end - start
            of = f"bytes {start}-{end - 1}/{len(found.body)}"
            self._answer(206, found.body[start:end], found, {"Content-Range": of})

    do_HEAD = do_GET  # noqa: N815 (the name http.server looks for)

    def _has(self, found: Stored) -> bool:
        if "If-None-Match" in self.headers:
            return self.headers["If-None-Match"] in ("*", found.etag)
        since = self.headers.get("If-Modified-Since")
        return since is not None and found.modified <= parsedate_to_datetime(since)

    def _range(self, found: Stored) -> tuple[int, int] | None:
        """Start and end of the part that is to be sent; None for all of it."""
        match = _RANGE.fullmatch(self.headers.get("Range", ""))
        only = self.headers.get("If-Range")
        if match is None or only not in (None, found.etag, _http(found.modified)):
            return None
        end = min(int(match[2]) + 1, len(found.body)) if match[2] else len(found.body)
        return int(match[1]), end

    def _answer(
        self,
        status: int,
        body: bytes,
        found: Stored | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        if found is not None:
            self.send_header("Last-Modified", _http(found.modified))
            self.send_header("ETag", found.etag)
            self.send_header("Accept-Ranges", "bytes")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's own)
        pass


def _http(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
