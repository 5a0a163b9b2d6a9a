"""The writes of a press, recorded and done again one at a time, under the eyes of real apts.

`record` notes what an action wrote. A `Bucket` is a copy that hosts read over http and that gets
the writes one by one; it is as strict as S3 is with those who may read objects and not list them.
"""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import unquote_plus

from tests.support import web
from tests.support.memory_store import MemoryStore, Snapshot
from tests.support.sigv4 import Verifier
from tests.support.web import Answer, Asked, Stored


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


def _stored(
    body: bytes | None, modified: datetime, etag: str, cache_control: str | None = None
) -> Stored:
    assert body is not None
    return Stored(body, modified.replace(microsecond=0), f'"{etag}"', cache_control)


class Live:
    """What a store has at the moment, for a bucket whose press goes on."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def get(self, key: str) -> Stored | None:
        found = self._store.served(key)
        if found is None:
            return None
        head, body, headers = found
        return _stored(body, head.last_modified, head.etag, headers.cache_control)


class Readable(Protocol):
    """A mapping of keys to objects, or `Live`."""

    def get(self, key: str, /) -> Stored | None: ...


@dataclass
class Bucket:
    """`refused` lists the keys that were asked for and are not there: S3 answers those with 403,
    and with 404 to who may list (`lists`); `unchanged` those that were answered with 304; `sent`
    counts the bytes of each other one. With `signed` it takes requests alone that are."""

    objects: Readable
    refused: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    lists: bool = False
    signed: Verifier | None = None

    def apply(self, write: Write) -> None:
        assert isinstance(self.objects, dict)
        if write.now is None:
            self.objects.pop(write.key, None)
        else:
            self.objects[write.key] = write.now

    @contextmanager
    def served(self, tls: ssl.SSLContext | None = None) -> Iterator[str]:
        """Serves it on loopback, by https with a context; gives the address that keys are appended
        to."""
        with web.served(self.answer, tls) as address:
            yield address

    def answer(self, asked: Asked) -> Answer:
        if self.signed and (wrong := self.signed.wrong(asked)):
            return _error(403, wrong)
        path = asked.path.partition("?")[0]
        key = unquote_plus(path[1:])  # S3 takes a raw `+` in a path for a space.
        found = self.objects.get(key)
        if found is None:
            self.refused.append(key)
            return _error(404, "NoSuchKey") if self.lists else _error(403, "AccessDenied")
        answer = web.answer(found, asked.headers)
        if answer.status == 304:
            self.unchanged.append(key)
        elif answer.status in (200, 206):
            self.sent[key] += len(answer.body)
        return answer


def _error(status: int, code: str) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
    return Answer(status, body, {"Content-Type": "application/xml"})
