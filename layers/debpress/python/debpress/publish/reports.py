"""What a prune took out and what a reaping deleted, for people: written when it has happened.

Nothing reads these again; they go by their age (stacks/bucket.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from debpress.clock import iso
from debpress.layout import Layout
from debpress.metrics import Measure
from debpress.publish import notes
from debpress.publish.published import Generation
from debpress.store import Head, Store

PRUNE = "prune"


def pruned(record: Generation) -> dict[str, Any]:
    """The report of a generation with a prune in it: each package that went, once, by component.

    `unnamed_bytes` is the size of their files, each once: what comes back when they are reaped,
    unless another suite names them still.
    """
    gone = {
        (component, p["package"], p["version"], p["architecture"]): {"component": component, **p}
        for index, packages in (record.removed or {}).items()
        for component in [index.partition("/")[0]]
        for p in packages
    }
    removed = [gone[identity] for identity in sorted(gone)]
    return {
        "version": 1,
        "suite": record.suite,
        "generation": record.number,
        "date": record.date,
        "asked": [{k: b[k] for k in ("batch", "kinds", "execution")} for b in record.batches],
        "removed": removed,
        "unnamed_bytes": sum({p["filename"]: p["size"] for p in removed}.values()),
    }


def save_pruned(store: Store, record: Generation) -> dict[str, Any]:
    """Writes the report of a generation that is visible. The same bytes whoever repeats it."""
    report = pruned(record)
    key = Layout.prune_report(record.suite, record.id)
    store.put(key, notes.dump(report), notes.JSON)
    return report


def save_reaped(
    store: Store, started: datetime, part: int, deleted: Iterable[Head], measure: Measure
) -> None:
    """Says what a part of a reaping has deleted; nothing where that is nothing."""
    gone = sorted(deleted, key=lambda head: head.key)
    if not gone:
        return
    size = sum(head.size for head in gone)
    # First what can't fail.
    measure(None, ObjectsReaped=len(gone), BytesReaped=size)
    report = {
        "version": 1,
        "started_at": iso(started),
        "part": part,
        "deleted": [{"key": h.key, "size": h.size, "version_id": h.version_id} for h in gone],
        "bytes": size,
    }
    name = f"{started:%Y%m%dT%H%M%SZ}-{part}"
    store.put(Layout.reap_report(name), notes.dump(report), notes.JSON)
