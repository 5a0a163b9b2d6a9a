"""Who looks on while publishers work: a host after every write, an auditor at every flip and
result, and in the end somebody who counts.

It knows what was uploaded and believes nothing else: what is published it reads as apt does, from
InRelease by way of by-hash to the pool.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from debpress import openpgp
from debpress.archive.headers import GENERATION
from debpress.index import entries, release
from debpress.index.entries import Identity
from debpress.index.release import Release
from debpress.index.versions import canonical
from debpress.layout import INDEX_SUFFIXES, Batch, Layout
from debpress.records.batch import ManifestRef
from debpress.records.generation import Generation, number
from debpress.store import Head
from debpress.suite.joint import base
from debpress.suite.runs import run_name

from tests.support.faults import Call
from tests.support.press import Press

Place = tuple[str, Identity]  # the index that names it, and the package


def taken_in(record: Generation) -> set[str]:
    """The runs that a generation publishes."""
    return {outcome.run for outcome in record.batches}


class Violation(AssertionError):  # noqa: N818 (what a test fails with)
    """A law was broken, or a promise."""


@dataclass(frozen=True)
class Flip:
    """One state of a suite, as hosts see it. `seen` gives file name and SHA-256 of each package;
    `named` the size and SHA-256 of every object that a host of this state may fetch."""

    generation: str
    record: Generation
    etag: str
    modified: datetime
    release: Release
    seen: Mapping[Place, tuple[str, str]]
    named: Mapping[str, tuple[int, str]]


@dataclass(frozen=True)
class Uploaded:
    """What CI put under one manifest."""

    batch: Batch
    run: str
    places: Mapping[Place, str]  # SHA-256


@dataclass
class Witness:
    """Hand `wrote` to a World. `removals` says that operators take packages out meanwhile."""

    press: Press
    suite: str = "stable"
    removals: bool = False
    flips: list[Flip] = field(default_factory=list)
    uploads: dict[str, Uploaded] = field(default_factory=dict)
    corrected: list[str] = field(default_factory=list)
    _said: dict[str, str] = field(default_factory=dict)
    _kept: dict[str, tuple[int, str]] = field(default_factory=dict)
    _ever: dict[tuple[str, Any], dict[Identity, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layout: Layout = self.press.repository.layout
        self._look()

    def expect(self, event: Mapping[str, Any], debs: Mapping[str, bytes]) -> str:
        """Notes an upload; returns the name its run will have. Names are `package_version_arch`."""
        found = event["detail"]["object"]
        _, suite, component, batch, _ = found["key"].split("/")
        settings = self.press.repository.suite(suite)
        assert settings is not None
        where = Batch(suite, component, batch)
        run = run_name(where, ManifestRef(found["key"], found["etag"], found["version-id"]))
        places = {}
        for name, body in debs.items():
            identity = Identity(*name.removesuffix(".deb").split("_"))
            sha256 = hashlib.sha256(body).hexdigest()
            architectures = settings.architectures
            for each in architectures if identity.architecture == "all" else [identity[2]]:
                places[f"{component}/binary-{each}/Packages", identity] = sha256
        self.uploads[run] = Uploaded(where, run, places)
        return run

    # After every write

    def wrote(self, call: Call) -> None:
        if call.key == self.layout.inrelease(self.suite):
            self._look()
        elif call.key.startswith("results/"):
            self._hear(call.key)
        self._fetch_all(call.key)

    def _sum(self, head: Head) -> str:
        """Of a copy, an emulator may have none."""
        return head.sha256 or hashlib.sha256(self.press.store.body(head.key)).hexdigest()

    def _fetch_all(self, written: str) -> None:
        """Law 8 and 3: what the live InRelease names is there, whole; what earlier ones named
        was, and can only have changed if this write was to it."""
        wanted = dict(self.flips[-1].named) if self.flips else {}
        if written in self._kept:
            wanted[written] = self._kept[written]
        for key, (size, sha256) in wanted.items():
            head = self.press.store.head(key)
            if head is None or (head.size, self._sum(head)) != (size, sha256):
                raise Violation(f"{key} is named and not there whole, after a write of {written}")

    def _look(self) -> None:
        """Reads InRelease as apt does, and holds it to its predecessor."""
        found = self.press.store.get(self.layout.inrelease(self.suite))
        if found is None:
            return
        openpgp.verify_clearsigned(found.body, self.press.signers.certificates())
        flip = self._read(release.parse(openpgp.split(found.body)[0]), found.head)
        if self.flips and flip.etag == self.flips[-1].etag:
            if flip.modified <= self.flips[-1].modified:
                raise Violation("InRelease was put again for nothing")
        elif self.flips:
            self._compare(self.flips[-1], flip)
        self._remember(flip)
        self.flips.append(flip)
        self._kept.update(flip.named)

    def _remember(self, flip: Flip) -> None:
        """One version has one content for ever, whatever is removed in between; what is for `all`
        is one version with every other architecture's. Only what a published generation says is
        forgotten may come again with other bytes, later."""
        for (_, identity), (_, sha256) in flip.seen.items():
            version = self._ever.setdefault((identity[0], canonical(identity.version)), {})
            for other, was in version.items():
                if sha256 != was and (
                    other.architecture == identity.architecture
                    or "all" in (other.architecture, identity.architecture)
                ):
                    raise Violation(f"{identity} came with other bytes than {other} had (law 4)")
            version[identity] = sha256
        for outcome in flip.record.batches:
            for package in outcome.packages:
                if package.action == "forgotten":
                    self._ever.pop((package.package, canonical(package.version)), None)

    def _read(self, parsed: Release, head: Head) -> Flip:
        seen: dict[Place, tuple[str, str]] = {}
        named = {}
        for name, listed in parsed.files.items():
            if name.endswith((".gz", ".xz")):
                key = self.layout.by_hash(self.suite, name, listed.sha256)
                named[key] = (listed.size, listed.sha256)
            if not name.endswith(".gz"):
                continue
            index = self.press.store.get(key)
            if index is None or hashlib.sha256(index.body).hexdigest() != listed.sha256:
                raise Violation(f"InRelease names {key}, which is not there whole")
            for entry in entries.split(gzip.decompress(index.body)):
                filename, sha256 = (entries.field(entry.text, f) for f in ("Filename", "SHA256"))
                size = int(entries.field(entry.text, "Size"))
                seen[name.removesuffix(".gz"), entry.identity] = (filename, sha256)
                named[self.layout.pool(filename)] = (size, sha256)
        generation = head.metadata[GENERATION]
        record = self.press.archive.suite(self.suite).generation(generation)
        return Flip(generation, record, head.etag, head.last_modified, parsed, seen, named)

    def _compare(self, old: Flip, new: Flip) -> None:
        record = new.record
        parent = record.parent
        if parent is None or (parent.generation, parent.etag) != (old.generation, old.etag):
            raise Violation(f"{new.generation} does not follow {old.generation}")
        if number(new.generation) != number(old.generation) + 1:
            raise Violation("generations are not numbered along the chain")
        if not old.release.date < new.release.date <= self.press.clock.now():
            raise Violation(f"Date {new.release.date} after {old.release.date} (law 1)")
        if new.modified <= old.modified:
            raise Violation(f"Last-Modified {new.modified} after {old.modified} (law 2)")
        lost = {place for place in old.seen if place not in new.seen}
        asked = {
            (name, Identity(*p.identity))
            for name, packages in (record.removed or {}).items()
            for p in packages
        }
        if lost != asked or (lost and not self.removals):
            raise Violation(f"{new.generation} lost {sorted(map(str, lost ^ asked))} (law 11)")
        for place in old.seen.keys() & new.seen.keys():
            if old.seen[place] != new.seen[place]:
                raise Violation(f"{place} has other bytes (law 4)")
        self._whole_batches(new, {identity for _, identity in lost})

    def _whole_batches(self, new: Flip, gone: set[Identity]) -> None:
        """A batch is seen whole or not at all, and where its run was said to be taken in."""
        taken = {run for flip in (*self.flips, new) for run in taken_in(flip.record)}
        ever = gone | {i for f in self.flips for _, i in f.seen}
        for run, upload in self.uploads.items():
            there = {p for p in upload.places if p in new.seen}
            if run in taken_in(new.record) and self._missing(upload, new) and not gone:
                raise Violation(f"{new.generation} took {run} in and does not show it")
            if there and there != upload.places.keys() and not self.removals:
                raise Violation(f"{new.generation} shows a part of {run}")
            fresh = {p for p in there if new.seen[p][1] == upload.places[p]} and not (
                {i for _, i in upload.places} & ever
            )
            alike = {r for r, other in self.uploads.items() if other.places == upload.places}
            if fresh and not alike & taken:
                raise Violation(f"{new.generation} shows {run}, of which it does not say so")
        for run in taken_in(new.record):
            if self._said.get(run) == "rejected":
                raise Violation(f"{run} was said to be rejected, and is published")
            if self._said.get(run) == "failed":
                self.corrected.append(run)
        again = taken_in(new.record) & {run for f in self.flips for run in taken_in(f.record)}
        if again:
            raise Violation(f"{again} are taken in a second time by {new.generation}")

    @staticmethod
    def _missing(upload: Uploaded, flip: Flip) -> set[Place]:
        return {p for p, sha in upload.places.items() if flip.seen.get(p, ("", ""))[1] != sha}

    def _hear(self, key: str) -> None:
        """A result says only what hosts can see by now."""
        result = json.loads(self.press.store.body(key))
        batch = Batch(**result["batch"])
        if batch.suite != self.suite or batch.result != key:
            return
        manifest = ManifestRef(**result["manifest"])
        run, status = run_name(batch, manifest), result["status"]
        if not manifest.key.startswith(batch.staging):
            raise Violation(f"{key} answers for {manifest.key}")
        by_number = {number(f.generation): f for f in self.flips}
        taken = run in {r for f in self.flips for r in taken_in(f.record)} - self._withdrawn()
        if status == "published":
            flip = by_number.get(result["generation"])
            if flip is None:
                raise Violation(f"{key} says generation {result['generation']}, which nobody saw")
            if run in self.uploads and self._missing(self.uploads[run], flip):
                raise Violation(f"{key} says published, and it is not to be seen")
            for package in result["packages"]:
                self._hear_package(key, package, flip, batch.component)
        elif taken and not result.get("suites"):
            raise Violation(f"{key} says {status}, and the batch is published")
        if self._said.get(run) in ("published", "rejected") and self._said[run] != status:
            raise Violation(f"{key} said {self._said[run]} before, and now {status}")
        self._said[run] = status

    def _withdrawn(self) -> set[str]:
        """The runs of joint batches that this suite has let go of again."""
        outcomes = (each for flip in self.flips for each in flip.record.batches)
        return {base(each.run) for each in outcomes if each.kinds == ("withdraw",)}

    def _hear_package(
        self, key: str, package: Mapping[str, Any], flip: Flip, component: str
    ) -> None:
        identity = Identity(*(package[f] for f in ("package", "version", "architecture")))
        shown = {flip.seen[p] for p in flip.seen if p[1] == identity and _in(p, component)}
        if package["action"] in ("removed", "forgotten"):
            if shown:
                raise Violation(f"{key} says {identity} is {package['action']}, and it is there")
        elif shown != {(package["filename"], package["sha256"])}:
            raise Violation(f"{key} says {identity} is {package['action']}, and it is not there")

    # When all is over

    @property
    def count(self) -> int:
        """How many flips there were since the witness came."""
        return len({flip.generation for flip in self.flips}) - 1

    def settled(self) -> None:
        """Nothing waits, nothing is left over, the plain names agree, every answer is true."""
        store = self.press.store
        left = store.keys(Layout.queue(self.suite))
        if left:
            raise Violation(f"these are left in the queue: {left}")
        live = self.flips[-1]
        for name, listed in live.release.files.items():
            if not name.endswith(INDEX_SUFFIXES):
                continue
            body = store.body(self.layout.dist(self.suite, name))
            if hashlib.sha256(body).hexdigest() != listed.sha256:
                raise Violation(f"{name} under its plain name is not what InRelease lists")
        text = store.body(self.layout.release(self.suite))
        if text != live.release.render():
            raise Violation("Release is not the text of InRelease")
        signature = store.body(self.layout.release_gpg(self.suite))
        openpgp.verify_detached(text, signature, self.press.signers.certificates())
        for flip in self.flips:
            for run in (taken_in(flip.record) & self._said.keys()) - self._withdrawn():
                if self._said[run] != "published":
                    raise Violation(f"{run} is published; its result says {self._said[run]}")
        for key, (size, sha256) in self._kept.items():
            head = store.head(key)
            if head is None or (head.size, self._sum(head)) != (size, sha256):
                raise Violation(f"{key} is gone, which an earlier InRelease named")

    def said(self, run: str) -> str | None:
        """What a run's result says last."""
        return self._said.get(run)


def _in(place: Place, component: str) -> bool:
    return place[0].startswith(f"{component}/")
