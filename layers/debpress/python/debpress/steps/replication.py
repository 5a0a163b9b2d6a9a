"""What the steps share that keep a replica of the archive in another Region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from debpress.archive.named import Named
from debpress.index.release import Release
from debpress.layout import is_contents
from debpress.steps.services import Services


class Copier(Protocol):
    def copy(self, key: str) -> None:
        """Copies an object of the archive, with its headers, to the same key of the replica.
        Raises ObjectChanged where the archive has none."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """`source` is the archive, which is only read; `replica` the bucket that follows it."""

    source: Services
    replica: Services
    copier: Copier


def named(services: Services, name: str, listed: Release) -> set[str]:
    """The keys that a release of a suite names and its bucket holds. Uncompressed indices, and
    Contents, are listed and served nowhere (decision 0017). Raises IndexGoneError."""
    layout = services.repository.layout
    unserved = {
        layout.by_hash(name, index, checksum.sha256)
        for index, checksum in listed.files.items()
        if index.endswith("/Packages") or (is_contents(index) and not index.endswith(".gz"))
    }
    return set(Named(services.store, layout, name).by_release(listed)) - unserved
