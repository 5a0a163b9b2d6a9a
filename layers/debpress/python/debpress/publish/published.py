"""What a suite publishes now, and how it came to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from debpress import openpgp
from debpress.clock import Clock, from_iso, iso
from debpress.config import Repository
from debpress.index import release
from debpress.index.release import Release
from debpress.layout import Layout
from debpress.publish import notes
from debpress.store import Store

# InRelease's object metadata that names its generation.
GENERATION = "generation"
# And, of a snapshot, until when it is kept.
EXPIRES = "expires"


@dataclass(frozen=True, slots=True)
class Current:
    """The InRelease of a suite. `now` is the store's clock, not this machine's: one clock dates
    every flip, whichever machine makes it."""

    release: Release
    etag: str
    last_modified: datetime
    generation: str | None
    now: datetime
    expires: datetime | None = None


def current(store: Store, layout: Layout, suite: str, now: datetime) -> Current | None:
    """The suite as it is published, or None before its first flip. `now` is the fall-back where
    the store does not tell its time. Raises CorruptError when InRelease can't be read."""
    found = store.get(layout.inrelease(suite))
    if found is None:
        return None
    text, _ = openpgp.split(found.body)
    head = found.head
    return Current(
        release=release.parse(text),
        etag=head.etag,
        last_modified=head.last_modified,
        generation=head.metadata.get(GENERATION),
        now=head.served_at or now,
        expires=from_iso(head.metadata[EXPIRES]) if EXPIRES in head.metadata else None,
    )


def validity_used(store: Store, repository: Repository, clock: Clock, suite: str) -> float | None:
    """The share of the published release's validity that is over; None where it has no end, or
    nothing is published."""
    state = current(store, repository.layout, suite, clock.now())
    return state.release.used(state.now) if state else None


def store_time(
    store: Store, layout: Layout, suite: str, state: Current | None, clock: Clock
) -> datetime:
    """The store's clock, also where nothing is published yet: the very first Date, if a function
    that is ahead chose it, hosts would refuse for as long."""
    return state.now if state else store.now(layout.inrelease(suite)) or clock.now()


@dataclass(frozen=True, slots=True)
class Parent:
    """The InRelease that a generation was built upon, and alone may replace."""

    etag: str
    last_modified: str
    generation: str | None

    @classmethod
    def of(cls, state: Current) -> Parent:
        return cls(state.etag, iso(state.last_modified), state.generation)

    @property
    def modified(self) -> datetime:
        return from_iso(self.last_modified)


@dataclass(frozen=True, slots=True)
class Generation:
    """One flip: a commit in the chain of parents.

    `by` is the run whose execution made it. `release` is the text to be signed. `batches` are the
    runs it takes in, each with its packages and what became of them; `refused` those it could not,
    with their errors; `left` those that earlier ones decided and nobody answered. `added` and
    `removed` list packages by index name. `expires` is a snapshot's end.
    """

    id: str
    number: int
    suite: str
    parent: Parent | None
    date: str
    cause: str
    by: str | None
    release: str
    batches: tuple[Mapping[str, Any], ...] = ()
    refused: tuple[Mapping[str, Any], ...] = ()
    left: tuple[Mapping[str, str], ...] = ()
    added: Mapping[str, list[dict[str, Any]]] | None = None
    removed: Mapping[str, list[dict[str, Any]]] | None = None
    expires: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {"version": 1, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Generation:
        fields = {k: v for k, v in data.items() if k != "version"}
        if fields["parent"]:
            fields["parent"] = Parent(**fields["parent"])
        return cls(
            **{
                **fields,
                **{name: tuple(data.get(name, ())) for name in ("batches", "refused", "left")},
            }
        )

    @classmethod
    def load(cls, store: Store, suite: str, generation: str) -> Generation:
        return cls.from_json(notes.require(store, Layout.generation(suite, generation)))

    @property
    def runs(self) -> set[str]:
        return {b["run"] for b in self.batches}

    @property
    def decided(self) -> set[str]:
        """The runs that it takes in or refuses: none of them is ever looked at again."""
        return self.runs | {b["run"] for b in self.refused}


def number(generation: str | None) -> int:
    """The n of `00000042-<digest>`; 0 before the first."""
    return int(generation.partition("-")[0]) if generation else 0


def chain(store: Store, suite: str, newest: str | None, base: str | None) -> Iterator[Generation]:
    """The generations from `newest` back to, and without, `base`.

    Ends early where a record is lost: the repository is whole without them.
    """
    while newest and newest != base and number(newest) > number(base):
        data = notes.load(store, Layout.generation(suite, newest))
        if data is None:
            return
        record = Generation.from_json(data)
        yield record
        newest = record.parent.generation if record.parent else None


def within(
    store: Store, suite: str, state: Current, grace: timedelta, wanted: int
) -> Generation | None:
    """The record of the generation of a number, if it was served within the grace.

    No farther back than that, though all of it may still be there: the reaper might be deleting
    just then, and no check of ours would see that in time.
    """
    oldest = state.now - grace
    ended, flipped = state.now, state.last_modified
    records = chain(store, suite, state.generation, None)
    for record in takewhile(lambda record: record.number >= wanted, records):
        if ended < oldest:
            return None
        if record.number == wanted:
            return record
        ended = flipped
        flipped = record.parent.modified if record.parent else flipped
    return None
