"""queue: gather what was admitted; all of it waits to be merged, or none."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from debpress.clock import Clock
from debpress.deb.findings import printable
from debpress.errors import Code, Refusal
from debpress.index.entries import Identity
from debpress.index.versions import Meaning, meaning
from debpress.layout import Layout
from debpress.publish import notes, snapshots
from debpress.publish.admission import chunk_name
from debpress.publish.notes import Admitted, Plan, Queued
from debpress.store import Store

# 10,000 packages that say 1 KB of themselves take half of it.
_MOST_SAID = 32 * 10**6
_FEW = 3
_MOST_ERRORS = 10_000


def queue(store: Store, clock: Clock, suite: str, run: str) -> dict[str, Any]:
    """Queues the run's batch, or rejects it with every error of every file."""
    plan = Plan.load(store, suite, run)
    if snapshots.asked(plan):
        return {"outcome": "queued"}  # It changes nothing that anybody would have to wait for.
    keys = [Layout.run(suite, run, chunk_name(n)) for n in range(len(plan.chunks))]
    if refusal := _too_much(store, plan, keys):
        notes.save_refusals(store, suite, run, [refusal])
        return {"outcome": "rejected"}
    chunks = notes.side_by_side(lambda key: notes.require(store, key), keys)
    packages = [Admitted(**p) for chunk in chunks for p in chunk["packages"]]
    refusals = plan.refusals
    refusals += [Refusal.from_json(e) for chunk in chunks for e in chunk["errors"]]
    refusals += _contradictions(packages)
    if refusals:
        notes.save_refusals(store, suite, run, notes.bounded(refusals, _MOST_ERRORS))
        return {"outcome": "rejected"}
    # To the microsecond, so that of two in one second the first goes first.
    moment = clock.now().astimezone(UTC).isoformat(timespec="microseconds")
    entry = Queued(plan, moment, tuple(packages))
    # There already where an earlier try of this step queued it, or a repeat of the event.
    notes.put_first(store, Layout.queue(suite, run), entry.as_json())
    return {"outcome": "queued"}


def _too_much(store: Store, plan: Plan, keys: list[str]) -> Refusal | None:
    """Whether the verdicts are more than can be held; a few chunks can't be, each being bound."""
    if len(keys) <= _FEW:
        return None
    prefix = Layout.run(plan.batch.suite, plan.run, "chunk-")
    size = sum(head.size for head in store.list(prefix))
    if size <= _MOST_SAID:
        return None
    name = plan.manifest.key.rpartition("/")[2]
    message = (
        f"what the packages of this batch say of themselves, or what is wrong with them, takes "
        f"{size} bytes, the most is {_MOST_SAID}; make several batches"
    )
    return Refusal(printable(name), Code.TOO_LARGE, message)


def _contradictions(packages: list[Admitted]) -> list[Refusal]:
    """One version twice in a batch with different bytes (law 4), however it is spelled."""
    refusals = []
    seen: dict[tuple[str, Meaning, str], Admitted] = {}
    for package in packages:
        identity = Identity(package.package, package.version, package.architecture)
        meant = (package.package, meaning(package.version), package.architecture)
        other = seen.setdefault(meant, package)
        if other.sha256 != package.sha256:
            refusals.append(
                Refusal(
                    package.file,
                    Code.VERSION_REUSED,
                    f"is {identity} with SHA-256 "
                    f"{package.sha256}, and so is {other.file} with {other.sha256}; "
                    "keep one, or give one a new version",
                )
            )
    return refusals
