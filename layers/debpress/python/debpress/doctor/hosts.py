"""What a host sees at the public address: the key, each suite's InRelease, an index by its hash,
and the answer to a key that is not there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from debpress import openpgp
from debpress.doctor.findings import Finding, Level, Unseen, ok, unseen, wrong
from debpress.errors import CorruptError, SigningError
from debpress.index import release
from debpress.index.form import Checksum
from debpress.index.release import Release
from debpress.layout import Layout
from debpress.openpgp import certificates

_ABOUT = "hosts"
_OK, _FORBIDDEN, _NOT_FOUND = 200, 403, 404
# No batch, package or suite can have this name.
ABSENT = "pool/-/not-there"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status, and the bytes that came with it."""

    status: int
    body: bytes = b""


Fetch = Callable[[str], Answer | Unseen]


@dataclass(frozen=True, slots=True)
class View:
    """What one way of reading shows. `index` is an index that the InRelease names, and its answer
    by its hash; None where there was no InRelease to name one."""

    address: str
    key: Answer | Unseen
    suites: Mapping[str, tuple[Answer | Unseen, tuple[str, Answer | Unseen] | None]]
    absent: Answer | Unseen

    @property
    def closed(self) -> bool:
        """Whether nothing at all may be read this way."""
        return isinstance(self.key, Answer) and self.key.status == _FORBIDDEN


def look(fetch: Fetch, address: str, suites: Sequence[str]) -> View:
    """Reads as apt does; `address` is the root's, and all that `fetch` is asked for begins so.
    Where nothing answers, no more than one thing is asked."""
    layout = Layout(address)
    key = fetch(layout.key_gpg)
    if isinstance(key, Unseen):
        return View(address, key, {}, key)
    return View(
        address=address,
        key=key,
        suites={suite: _suite(fetch, layout, suite) for suite in suites},
        absent=fetch(layout.pool(ABSENT)),
    )


def _suite(
    fetch: Fetch, layout: Layout, suite: str
) -> tuple[Answer | Unseen, tuple[str, Answer | Unseen] | None]:
    found = fetch(layout.inrelease(suite))
    smallest = _smallest(found)
    if smallest is None:
        return found, None
    name, listed = smallest
    return found, (listed.sha256, fetch(layout.by_hash(suite, name, listed.sha256)))


def _smallest(found: Answer | Unseen) -> tuple[str, Checksum] | None:
    """The index that costs least to fetch, of those that hosts fetch."""
    parsed = _parsed(found)
    packed = [(n, s) for n, s in parsed.files.items() if n.endswith(".xz")] if parsed else []
    return min(packed, key=lambda each: each[1].size, default=None)


def _parsed(found: Answer | Unseen) -> Release | None:
    if isinstance(found, Unseen) or found.status != _OK:
        return None
    try:
        return release.parse(openpgp.split(found.body)[0])
    except (CorruptError, SigningError, ValueError):
        return None


def closed(view: View) -> Finding:
    """Where hosts have an endpoint or a role, this is as it should be."""
    return ok(_ABOUT, f"{view.address} answers 403 without credentials, as a private bucket does")


def check(view: View, now: datetime) -> Iterator[Finding]:
    if isinstance(view.key, Unseen):
        yield unseen(_ABOUT, view.address, view.key, Level.WARNING)
        return
    known: list[bytes] = []
    try:
        if view.key.status == _OK:
            known = [each.raw for each in certificates.parse(view.key.body)]
            count = f"{len(known)} certificate" + "s" * (len(known) != 1)
            yield ok(_ABOUT, f"the key is published ({count})")
        else:
            yield _absent(f"{Layout(view.address).key_gpg}", view.key)
    except SigningError as error:
        yield wrong(_ABOUT, f"the published key can't be read: {error}", "deploy again")
    for suite, (found, index) in view.suites.items():
        yield _inrelease(view, suite, found, known, now)
        if index is not None:
            yield _index(suite, *index)
    yield _missing(view.absent)


def _inrelease(
    view: View, suite: str, found: Answer | Unseen, known: list[bytes], now: datetime
) -> Finding:
    key = Layout(view.address).inrelease(suite)
    if isinstance(found, Unseen):
        return unseen(suite, key, found)
    if found.status != _OK:
        return _absent(key, found)
    try:
        signatures = openpgp.verify_clearsigned(found.body, known)
    except SigningError as error:
        return wrong(suite, f"{key} does not verify: {error}", "debpress verify says more")
    if any(signature.created > now for signature in signatures):
        return wrong(suite, f"{key} is signed in the future, and sqv refuses that", "wait")
    return ok(suite, "InRelease is signed by the published key")


def _absent(key: str, found: Answer) -> Finding:
    return wrong(
        _ABOUT,
        f"{key} answers {found.status}, and hosts can't do without it",
        "docs/hosts.md says who may read; debpress verify says whether it is there",
    )


def _index(suite: str, sha256: str, found: Answer | Unseen) -> Finding:
    what = f"by-hash/SHA256/{sha256[:8]}…"
    if isinstance(found, Unseen):
        return unseen(suite, what, found)
    if found.status != _OK:
        return wrong(suite, f"{what} answers {found.status}", "docs/runbook.md#a-damaged-index")
    if hashlib.sha256(found.body).hexdigest() != sha256:
        return wrong(suite, f"{what} has other bytes", "docs/runbook.md#a-damaged-index")
    return ok(suite, "an index is there by its hash")


def _missing(found: Answer | Unseen) -> Finding:
    """403 is S3's answer to who may not list, and apt takes both alike but for InRelease."""
    if isinstance(found, Unseen):
        return unseen(_ABOUT, "the answer to a key that is not there", found, Level.WARNING)
    if found.status in (_FORBIDDEN, _NOT_FOUND):
        return ok(_ABOUT, f"what is not there answers {found.status}")
    return wrong(
        _ABOUT,
        f"what is not there answers {found.status}, so apt takes it for a file",
        "whatever answers for the bucket must pass 403 or 404 on",
    )
