"""Finds the snapshots of a repository by their InRelease files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from debpress.archive import Archive
from debpress.archive.headers import EXPIRES, GENERATION
from debpress.layout import SNAPSHOTS, Layout, snapshotted
from debpress.records.generation import number
from debpress.store import Head


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot: its path below dists/, the generation that it shows, and when it ends."""

    path: str
    generation: int
    expires: str


def prefix(layout: Layout) -> str:
    return layout.dist(SNAPSHOTS, "")


def every(archive: Archive) -> list[str]:
    """The paths of all snapshots, the oldest first."""
    return _paths(archive.layout, archive.list(prefix(archive.layout)))


def of(archive: Archive, suite: str, listed: Iterable[Head]) -> list[Kept]:
    """The snapshots of a suite; `listed` are all objects below `prefix`."""
    found = []
    layout = archive.layout
    for path in _paths(layout, listed):
        head = archive.head(layout.inrelease(path)) if snapshotted(path) == suite else None
        if head is not None:
            shown = number(head.metadata.get(GENERATION))
            found.append(Kept(path, shown, head.metadata.get(EXPIRES, "")))
    return found


def _paths(layout: Layout, listed: Iterable[Head]) -> list[str]:
    dists = layout.dist("", "").rstrip("/") + "/"
    keys = (head.key.removeprefix(dists) for head in listed)
    paths = (key.removesuffix("/InRelease") for key in keys if key.endswith("/InRelease"))
    return [path for path in paths if snapshotted(path)]
