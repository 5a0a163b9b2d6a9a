"""A Packages index in its stored forms, read in part and edited in part.

The text is cut into blocks by `entries.starts_block`; `.gz` holds a member a block, `.xz` a block
a block. An edit inflates every block once (the hash of the whole text needs that: 0.3 s for
50 MB) but parses and compresses only those it touches.
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
    """What Release says of a file."""

    sha256: str
    size: int


def checksum_of(data: bytes) -> Checksum:
    return Checksum(hashlib.sha256(data).hexdigest(), len(data))


@dataclass(frozen=True, slots=True)
class Built:
    """An index to be published: the sum of its text, and its two stored forms."""

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
            # Not our making (an imported repository): compress it all, this once.
            self._blocks = _compressed(sorted(stanzas.split(gz.inflate(gz_form))))
        self._firsts = [block.first for block in self._blocks]

    def find(self, identities: Iterable[Identity]) -> dict[Identity, bytes]:
        """The stanzas of those of `identities` that are here; reads only their blocks."""
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
        """Every version of these packages; reads only the blocks that may hold one."""
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
        """Every entry, in order, a block in memory at a time."""
        for block in self._blocks:
            yield from block.entries()

    def edit(self, add: Mapping[Identity, bytes], remove: Iterable[Identity] = ()) -> Built:
        """The index with `add` put in (or put anew) and `remove` taken out."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return _Edit(self._blocks, self._firsts, pool).run(add, set(remove))


def empty() -> Packages:
    return Packages(b"", xz.assemble([]))


def build(entries: Iterable[Entry]) -> Built:
    """An index from nothing; byte for byte what any series of edits to the same set gives."""
    return empty().edit(dict(entries))


def _pair(gz_form: bytes, xz_form: bytes) -> list[_Block]:
    members, blocks = gz.split(gz_form), xz.split(xz_form)
    if len(members) != len(blocks):
        raise CorruptError("the .gz and .xz forms of an index differ in their blocks")
    return [_Block(_first(m), m, b) for m, b in zip(members, blocks, strict=True)]


def _first(member: bytes) -> Identity:
    # The three names nearly always stand in a stanza's first 4 KiB; else read the whole block.
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
    """One pass over the blocks.

    `held` is a block carried over but not yet written out: when the block after it loses its first
    stanza, and with it the boundary between the two, it is opened again. `open` holds the entries
    of touched blocks whose end is not yet known. At most one of them is filled. Touched blocks are
    compressed by `pool`, on as many processors as there are, while the pass goes on.
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
