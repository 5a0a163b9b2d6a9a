"""A page and its JSON twin, as two objects that end up in agreement.

Whoever writes a pair has read it before, HTML first, and writes each half only where it still is
what he read, JSON first. So an HTML that was made of an older twin can't come after one that was
made of a newer: its writer has seen the HTML before it read the older twin. (No two
states of a page have the same bytes, or an ETag could come back.) Who dies in between leaves a twin
ahead of its HTML; whoever comes next sees that by the sum in its metadata.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypeVar

from debpress import codec
from debpress.archive.headers import BY_HASH, FRESH
from debpress.codec import Record
from debpress.store import Head, ObjectHeaders, PreconditionFailed, Store

_R = TypeVar("_R", bound=Record)

_HTML = "text/html; charset=utf-8"
# Somebody who searches loads dozens of lists; they may be a minute old.
_TWIN = "max-age=60"
_SUM, _BUILD, _NOTE = "sha256", "build", "note"


class Pair:
    """A pair as it is now. Every method may raise TransientError or StoreError."""

    def __init__(self, store: Store, html: str, twin: str) -> None:
        self._store = store
        self._keys = html, twin
        self._html = store.head(html)
        self._twin = store.get(twin)

    def of_build(self, build: int, kind: type[_R]) -> _R | None:
        """What the twin says, None where that is of an earlier build. Raises PreconditionFailed
        where it is of a later one: the caller's build is over; and CorruptError."""
        found = self._twin
        old = _build(found.head.metadata) if found else 0
        if old > build:
            raise PreconditionFailed(self._keys[1])
        return codec.load(kind, found.body, self._keys[1]) if found and old == build else None

    def noted(self, build: int) -> str | None:
        """What was noted when both halves were there, in this build."""
        notes = self._html.metadata if self._html else {}
        return notes.get(_NOTE) if _build(notes) == build else None

    def keep(self, build: int, twin: bytes, html: bytes, note: str = "") -> None:
        """Writes what is not there yet, the note last. Raises PreconditionFailed where somebody
        else wrote meanwhile."""
        of, old = {_BUILD: str(build)}, self._twin
        if old is None or old.body != twin or dict(old.head.metadata) != of:
            headers = ObjectHeaders("application/json", _TWIN, of)
            self._put(self._keys[1], old.head if old else None, twin, headers)
        notes = {**of, _SUM: hashlib.sha256(html).hexdigest(), **({_NOTE: note} if note else {})}
        if self._html is None or dict(self._html.metadata) != notes:
            self._put(self._keys[0], self._html, html, ObjectHeaders(_HTML, FRESH, notes))

    def _put(self, key: str, old: Head | None, body: bytes, headers: ObjectHeaders) -> None:
        self._store.put(
            key, body, headers, if_match=old.etag if old else None, if_absent=old is None
        )


def _build(notes: Mapping[str, str]) -> int:
    return int(notes.get(_BUILD, "0"))


def keep_asset(store: Store, key: str, body: bytes, content_type: str) -> None:
    """Its key has its hash, so it is there or it is not."""
    if store.head(key) is None:
        store.put(key, body, ObjectHeaders(content_type, BY_HASH.cache_control))
