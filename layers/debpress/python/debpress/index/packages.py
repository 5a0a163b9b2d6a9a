"""A Packages index in its stored forms, read in part and edited in part.

The text is cut into blocks by `entries.starts_block`. Each is one member of the `.gz` form and one
block of the `.xz` form. An edit inflates every block, since the hash of the whole text needs that
(0.3 s for 50 MB), but parses and compresses only the blocks that it changes.
"""

from __future__ import annotations

import bisect
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from debpress.errors import CorruptError
from debpress.index import entries as stanzas
from debpress.index import gz, xz
from debpress.index.entries import Entry, Identity


class Checksum(NamedTuple):
    """A file's SHA-256 (hex) and its size in bytes, as Release lists them."""

    sha256: str
    size: int


def checksum_of(data: bytes) -> Checksum:
    return Checksum(hashlib.sha256(data).hexdigest(), len(data))


@dataclass(frozen=True, slots=True)
class Built:
    """An index to be published: its text's checksum, and its two stored forms."""

    plain: Checksum
    gz: bytes
    xz: bytes

    @property
    def compressed(self) -> Mapping[str, bytes]:
        """The stored forms by their suffix."""
        return {".gz": self.gz, ".xz": self.xz}


class _Block(NamedTuple):
    first: Identity
    gz: bytes
    xz: xz.Block

    def entries(self) -> list[Entry]:
        return stanzas.split(gz.decompress(self.gz))


class Packages:
    """An index read back. Raises CorruptError when its two forms do not agree."""

    def __init__(self, gz_form: bytes, xz_form: bytes) -> None:
        try:
            self._blocks = _pair(gz_form, xz_form)
        except CorruptError:
            # Made by another program (an imported repository): compress all of it anew, once.
            self._blocks = _compressed(sorted(stanzas.split(gz.inflate(gz_form))))
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
            block = dict(self._blocks[position].entries())
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
            for entry in self._blocks[position].entries()
            if entry.identity.package in wanted
        ]

    def entries(self) -> Iterator[Entry]:
        """Every entry, in order, with one block at a time in memory."""
        for block in self._blocks:
            yield from block.entries()

    def edit(self, add: Mapping[Identity, bytes], remove: Iterable[Identity] = ()) -> Built:
        """The index with the stanzas `add` put in (replacing their old text) and `remove` taken
        out."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return _Edit(self._blocks, self._firsts, pool).run(add, set(remove))


def empty() -> Packages:
    return Packages(b"", xz.assemble([]))


def build(entries: Iterable[Entry]) -> Built:
    """An index of these entries: the same bytes as any series of edits to the same set (law 6)."""
    return empty().edit(dict(entries))


def _pair(gz_form: bytes, xz_form: bytes) -> list[_Block]:
    members, blocks = gz.split(gz_form), xz.split(xz_form)
    if len(members) != len(blocks):
        raise CorruptError("the .gz and .xz forms of an index differ in their blocks")
    return [_Block(_first(m), m, b) for m, b in zip(members, blocks, strict=True)]


def _first(member: bytes) -> Identity:
    # A stanza's first 4 KiB nearly always have the three fields of its identity; else the whole
    # block is read.
    stanza, end, _ = gz.beginning(member, 4096).partition(b"\n\n")
    identity = stanzas.identify(stanza if end else stanza.rpartition(b"\n")[0])
    if all(identity):
        return identity
    found = stanzas.split(gz.decompress(member))
    if not found:
        raise CorruptError("a .gz index has a member that holds no stanza")
    return found[0].identity


def _compressed(entries: list[Entry]) -> list[_Block]:
    return [_compress(group[0].identity, stanzas.join(group)) for group in stanzas.cut(entries)]


def _compress(first: Identity, plain: bytes) -> _Block:
    return _Block(first, gz.compress(plain), xz.compress(plain))


class _Edit:
    """One pass over the blocks of an index.

    `held` is an unchanged block that is not yet written out: if the next block loses its first
    stanza, the boundary between the two is gone, and both are compressed as one. `open` holds the
    entries of changed blocks whose end is not known yet. At most one of `held` and `open` is
    filled. `pool` compresses changed blocks on all processors while the pass goes on.
    """

    def __init__(self, blocks: list[_Block], firsts: list[Identity], pool: Executor) -> None:
        self.blocks = blocks
        self.firsts = firsts
        self.pool = pool
        self.held: _Block | None = None
        self.open: list[Entry] = []
        self.out: list[_Block | Future[_Block]] = []
        self.hash = hashlib.sha256()
        self.size = 0

    def run(self, add: Mapping[Identity, bytes], remove: set[Identity]) -> Built:
        changes: dict[int, set[Identity]] = {}
        for identity in {*add, *remove}:
            position = max(bisect.bisect_right(self.firsts, identity) - 1, 0)
            changes.setdefault(position, set()).add(identity)
        for position, block in enumerate(self.blocks):
            if position in changes:
                self._touch(block, changes[position], add)
            else:
                self._carry(block)
        if not self.blocks:
            self.open = sorted(Entry(i, t) for i, t in add.items())
        self._flush()
        blocks = [each.result() if isinstance(each, Future) else each for each in self.out]
        return Built(
            Checksum(self.hash.hexdigest(), self.size),
            b"".join(block.gz for block in blocks) or gz.compress(b""),
            xz.assemble(block.xz for block in blocks),
        )

    def _touch(self, block: _Block, changed: set[Identity], add: Mapping[Identity, bytes]) -> None:
        kept = [entry for entry in block.entries() if entry.identity not in changed]
        kept += [Entry(i, add[i]) for i in changed if i in add]
        kept.sort()
        if not kept:
            return
        if self.held and stanzas.starts_block(kept[0].identity):
            self._flush()
        elif self.held:
            self.open, self.held = self.held.entries(), None
        self.open += kept

    def _carry(self, block: _Block) -> None:
        if self.open and not stanzas.starts_block(block.first):
            self.open += block.entries()
            return
        self._flush()
        self.held = block

    def _flush(self) -> None:
        if self.held:
            self._write(gz.decompress(self.held.gz), self.held)
        for group in stanzas.cut(self.open):
            plain = stanzas.join(group)
            self._write(plain, self.pool.submit(_compress, group[0].identity, plain))
        self.held, self.open = None, []

    def _write(self, plain: bytes, block: _Block | Future[_Block]) -> None:
        self.hash.update(plain)
        self.size += len(plain)
        self.out.append(block)
