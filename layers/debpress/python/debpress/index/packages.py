"""A Packages index in its stored forms, read in part and edited in part.

The text is cut into blocks by `entries.starts_block`. Each is one member of the `.gz` form and one
block of the `.xz` form. An edit inflates every block, since the hash of the whole text needs that,
but parses and compresses only the blocks that it changes. It holds a few blocks at a time, whatever
the size of the index.
"""

from __future__ import annotations

import bisect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from heapq import merge
from itertools import pairwise

from debpress.errors import CorruptError
from debpress.index import entries as stanzas
from debpress.index import gz, pdiff, xz
from debpress.index.entries import Entry, Identity
from debpress.index.form import Form
from debpress.index.writer import Block, Built, Writer

_BEGINNING = 4096


class Packages:
    """An index read back. Raises CorruptError when its two forms do not agree.

    One that another program made (an imported repository) is compressed anew, once.
    """

    def __init__(self, gz_form: Form, xz_form: Form) -> None:
        self._gz, self._xz = gz_form, xz_form
        self._is_ours = True
        try:
            self._blocks = _pair(gz_form, xz_form)
        except CorruptError:
            ours = _taken_over(gz_form)
            self._gz, self._xz, self._is_ours = ours.gz, ours.xz, False
            self._blocks = _pair(ours.gz, ours.xz) if ours.plain.size else []
        self._firsts = [block.first for block in self._blocks]

    def find(self, identities: Iterable[Identity]) -> dict[Identity, bytes]:
        """The stanzas of those of `identities` that the index has; unpacks only their blocks."""
        wanted: dict[int, list[Identity]] = {}
        for identity in identities:
            position = bisect.bisect_right(self._firsts, identity) - 1
            if position >= 0:
                wanted.setdefault(position, []).append(identity)
        found = {}
        for position, group in wanted.items():
            block = dict(self._entries(self._blocks[position]))
            found.update({i: block[i] for i in group if i in block})
        return found

    def named(self, *packages: str) -> list[Entry]:
        """Every version of these packages; unpacks only the blocks that may hold one."""
        wanted, positions = set(packages), set[int]()
        for package in wanted:
            start = max(bisect.bisect_left(self._firsts, (package,)) - 1, 0)
            positions.update(range(start, bisect.bisect_left(self._firsts, (package + "\0",))))
        return [
            entry
            for position in sorted(positions)
            for entry in self._entries(self._blocks[position])
            if entry.identity.package in wanted
        ]

    def entries(self) -> Iterator[Entry]:
        """Every entry, in order, with one block at a time in memory."""
        for block in self._blocks:
            yield from self._entries(block)

    def edit(self, add: Mapping[Identity, bytes], remove: Iterable[Identity] = ()) -> Built:
        """The index with the stanzas `add` put in (replacing their old text) and `remove` taken
        out."""
        changed = {*add, *remove}
        if not all(block.gz.is_current for block in self._blocks):
            # An older debpress cut it in another way: it is cut anew, once.
            kept = (entry for entry in self.entries() if entry.identity not in changed)
            return _built(merge(kept, sorted(Entry(i, text) for i, text in add.items())))
        changes: dict[int, set[Identity]] = {}
        for identity in changed:
            position = max(bisect.bisect_right(self._firsts, identity) - 1, 0)
            changes.setdefault(position, set()).add(identity)
        # Hosts have the text that another program made, in whose order no script can be written.
        script = pdiff.Script() if self._is_ours else None
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            edit = _Edit(self._entries, Writer(pool, self._gz, self._xz, script), script)
            for position, block in enumerate(self._blocks):
                if position in changes:
                    edit.touch(block, changes[position], add)
                else:
                    edit.carry(block)
            if not self._blocks:
                edit.open = sorted(Entry(i, text) for i, text in add.items())
            return edit.end()

    def _entries(self, block: Block) -> list[Entry]:
        return stanzas.split(gz.decompress(self._gz.read(block.gz.start, block.gz.length)))


def empty() -> Packages:
    return Packages(Form(), xz.Writer().end())


def build(entries: Iterable[Entry]) -> Built:
    """An index of these entries: the same bytes as any series of edits to the same set (law 6)."""
    return _built(Entry(*each) for each in sorted(dict(entries).items()))


def _built(entries: Iterable[Entry]) -> Built:
    """An index of entries that are in its order, a few blocks of them at a time in memory."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        writer = Writer(pool, Form(), Form())
        for group in stanzas.cut(entries):
            writer.pack(stanzas.join(group))
        return writer.end()


def _taken_over(gz_form: Form) -> Built:
    """The index that another program made. All of it is in memory, if it is in another order."""

    def read() -> Iterator[Entry]:
        return stanzas.stream(gz.inflate(gz_form.pieces()))

    in_order = all(one <= other for one, other in pairwise(read()))
    return _built(read() if in_order else sorted(read()))


def _pair(gz_form: Form, xz_form: Form) -> list[Block]:
    members, spans = list(gz.members(gz_form)), xz.blocks(xz_form)
    if len(members) != len(spans):
        raise CorruptError("the .gz and .xz forms of an index differ in their blocks")
    return [Block(_first(gz_form, m), m, s) for m, s in zip(members, spans, strict=True)]


def _first(form: Form, member: gz.Member) -> Identity:
    # A stanza's first 4 KiB nearly always have the three fields of its identity; else the whole
    # block is read.
    packed = form.read(member.start, min(member.length, _BEGINNING))
    stanza, end, _ = gz.beginning(packed, _BEGINNING).partition(b"\n\n")
    identity = stanzas.identify(stanza if end else stanza.rpartition(b"\n")[0])
    if all(identity):
        return identity
    found = stanzas.split(gz.decompress(form.read(member.start, member.length)))
    if not found:
        raise CorruptError("a .gz index has a member that holds no stanza")
    return found[0].identity


class _Edit:
    """One pass over the blocks of an index.

    `held` is an unchanged block that is not yet written out: if the next block loses its first
    stanza, the boundary between the two is gone, and both are compressed as one. `open` holds the
    entries of changed blocks whose end is not known yet. At most one of `held` and `open` is
    filled. `was` are the entries in whose place those of `open` come.
    """

    def __init__(
        self,
        entries: Callable[[Block], list[Entry]],
        writer: Writer,
        script: pdiff.Script | None,
    ) -> None:
        self._entries = entries
        self._writer = writer
        self._script = script
        self._held: Block | None = None
        self._was: list[Entry] = []
        self.open: list[Entry] = []

    def touch(self, block: Block, changed: set[Identity], add: Mapping[Identity, bytes]) -> None:
        was = self._entries(block)
        kept = [entry for entry in was if entry.identity not in changed]
        kept += [Entry(i, add[i]) for i in changed if i in add]
        kept.sort()
        if kept and self._held and stanzas.starts_block(kept[0].identity):
            self._flush()
        elif kept and self._held:
            self._was[:0] = self.open = self._entries(self._held)
            self._held = None
        self._was += was
        self.open += kept

    def carry(self, block: Block) -> None:
        if self.open and not stanzas.starts_block(block.first):
            entries = self._entries(block)
            self._was += entries
            self.open += entries
            return
        self._flush()
        self._held = block

    def end(self) -> Built:
        self._flush()
        return self._writer.end()

    def _flush(self) -> None:
        if self._held:
            self._writer.keep(self._held)
        for group in stanzas.cut(self.open):
            self._writer.pack(stanzas.join(group))
        if self._script:
            self._script.change(self._was, self.open)
        self._held, self.open, self._was = None, [], []
