"""queue: gather what was admitted; all of it waits to be merged, or none."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from debpress.clock import Clock
from debpress.errors import Code, Refusal
from debpress.index.entries import Identity
from debpress.index.versions import Meaning, meaning
from debpress.layout import Layout
from debpress.publish import notes
from debpress.publish.admission import chunk_name
from debpress.publish.notes import Admitted, Plan, Queued
from debpress.store import Store


def queue(store: Store, clock: Clock, suite: str, run: str) -> dict[str, Any]:
    """Queues the run's batch, or rejects it with every error of every file."""
    plan = Plan.load(store, suite, run)
    keys = [Layout.run(suite, run, chunk_name(n)) for n in range(len(plan.chunks))]
    chunks = notes.side_by_side(lambda key: notes.require(store, key), keys)
    packages = [Admitted(**p) for chunk in chunks for p in chunk["packages"]]
    refusals = plan.refusals
    refusals += [Refusal.from_json(e) for chunk in chunks for e in chunk["errors"]]
    refusals += _contradictions(packages)
    if refusals:
        notes.save_refusals(store, suite, run, refusals)
        return {"outcome": "rejected"}
    # To the microsecond, so that of two in one second the first goes first.
    moment = clock.now().astimezone(UTC).isoformat(timespec="microseconds")
    entry = Queued(plan, moment, tuple(packages))
    # There already where an earlier try of this step queued it, or a repeat of the event.
    notes.put_first(store, Layout.queue(suite, run), entry.as_json())
    return {"outcome": "queued"}


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
