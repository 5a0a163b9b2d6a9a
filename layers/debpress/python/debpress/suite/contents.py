"""What a change of an index of packages is to the Contents index beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain

from debpress.concurrency import at_once, side_by_side
from debpress.errors import CorruptError
from debpress.index import contents
from debpress.index.draft import IndexDraft
from debpress.index.entries import Entry, Identity, field
from debpress.index.form import Checksum
from debpress.index.order import NEWEST_FIRST
from debpress.index.sorting import Sorter
from debpress.suite.loader import Loader

# Packages whose lists are read at once: what bounds the stanzas in memory where all are.
_GROUP = 512


def build(
    loader: Loader,
    place: tuple[str, str],
    listed: Checksum | None,
    draft: IndexDraft,
    again: Mapping[Identity, bytes],
) -> contents.Built:
    """The Contents index of a draft; `place` is the suite, and the name of the index's stored form,
    `listed` its published sum. It says of each package the files of all its versions.

    Made anew from every package's list where none is published, or it is deleted, or another
    program's. Else from what the draft changes, and the packages `again` that were uploaded once
    more: they may have had no list before.
    """
    changes = _Changes(loader)
    if listed is not None:
        try:
            form, _, _ = at_once(
                lambda: loader.form(*place, listed),
                lambda: changes.come(chain(draft.added.values(), again.values())),
                lambda: changes.gone(draft),
            )
            return contents.edit(form, changes.lines)
        except CorruptError:
            changes = _Changes(loader)
    changes.come(entry.text for entry in draft.entries())
    return contents.edit(None, changes.lines)


class _Changes:
    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self.lines = Sorter()

    def come(self, stanzas: Iterable[bytes]) -> None:
        """The files of packages; of one whose list there is none, nothing."""
        group: list[bytes] = []
        for text in stanzas:
            group.append(text)
            if len(group) == _GROUP:
                side_by_side(self._come, group)
                group = []
        side_by_side(self._come, group)

    def gone(self, draft: IndexDraft) -> None:
        """The files that no version of a package has any more, of those that lose a version."""
        names = {identity.package for identity in draft.removed}
        kept: dict[str, list[Entry]] = {}
        for entry in draft.named(*names) if names else ():
            kept.setdefault(contents.owner_of(entry.text), []).append(entry)
        removed: dict[str, list[bytes]] = {}
        for text in draft.removed.values():
            removed.setdefault(contents.owner_of(text), []).append(text)
        side_by_side(lambda item: self._gone(*item, kept.get(item[0], [])), removed.items())

    def _come(self, text: bytes) -> None:
        owner = contents.owner_of(text)
        self.lines.update(contents.come(path, owner) for path in self._paths(text))

    def _gone(self, owner: str, removed: Iterable[bytes], kept: list[Entry]) -> None:
        paths = {path for text in removed for path in self._paths(text)}
        # The newest first: it nearly always has what an old one had, and then no other is read.
        for entry in sorted(kept, key=lambda each: NEWEST_FIRST(each.identity.version)):
            if not paths:
                return
            paths.difference_update(self._paths(entry.text))
        self.lines.update(contents.gone(path, owner) for path in paths)

    def _paths(self, text: bytes) -> Iterator[bytes]:
        # What of a damaged list can't be read is as if it was not there: no publish fails for it.
        with suppress(CorruptError):
            yield from self._loader.files(field(text, "Filename")) or ()
