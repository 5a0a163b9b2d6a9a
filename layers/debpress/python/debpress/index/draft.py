"""An index that is being changed: the published one with additions and removals on top."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge

from debpress.index.entries import Entry, Identity
from debpress.index.packages import Packages
from debpress.index.writer import Built


class IndexDraft:
    """`added` and `removed` are the stanzas by which the draft differs from `base`: a stanza that
    is put in and taken out again is in neither."""

    def __init__(self, base: Packages) -> None:
        self.base = base
        self.added: dict[Identity, bytes] = {}
        self.removed: dict[Identity, bytes] = {}

    @property
    def changed(self) -> bool:
        return bool(self.added or self.removed)

    def find(self, identities: Iterable[Identity]) -> dict[Identity, bytes]:
        """The stanzas of those of `identities` that the draft has."""
        wanted = set(identities)
        found = {i: self.added[i] for i in wanted if i in self.added}
        base = self.base.find(wanted - found.keys())
        return found | {i: text for i, text in base.items() if i not in self.removed}

    def named(self, *packages: str) -> list[Entry]:
        """Every version of these packages, in the index's order."""
        return list(self._over(self.base.named(*packages), set(packages)))

    def entries(self) -> Iterator[Entry]:
        """Every entry, in the index's order."""
        if not self.changed:
            return self.base.entries()
        return self._over(self.base.entries(), None)

    def _over(self, base: Iterable[Entry], packages: set[str] | None) -> Iterator[Entry]:
        kept = (e for e in base if e.identity not in self.removed and e.identity not in self.added)
        more = sorted(
            Entry(identity, text)
            for identity, text in self.added.items()
            if packages is None or identity.package in packages
        )
        return merge(kept, more)

    def put(self, identity: Identity, text: bytes) -> None:
        """Puts a stanza in. The caller makes sure that the draft has no other text for it."""
        if self.removed.get(identity) == text:
            del self.removed[identity]
        else:
            self.added[identity] = text

    def remove(self, entry: Entry) -> None:
        """Takes a stanza out. The caller makes sure that the draft has it."""
        if self.added.pop(entry.identity, None) is None:
            self.removed[entry.identity] = entry.text

    def copy(self) -> IndexDraft:
        """A draft with the same changes, independent of this one from now on."""
        twin = IndexDraft(self.base)
        twin.added, twin.removed = dict(self.added), dict(self.removed)
        return twin

    def build(self) -> Built:
        return self.base.edit(self.added, self.removed)
