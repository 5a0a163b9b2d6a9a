"""Writes the two stored forms of an index, block by block."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import NamedTuple

from debpress.index import gz, pdiff, xz
from debpress.index.entries import Identity
from debpress.index.form import Checksum, Form

# So many blocks are packed ahead of the first that is not written yet: enough for any number of
# processors that a function has, and some megabytes.
_AHEAD = 16


class Block(NamedTuple):
    """A block of a published index: its first stanza, and where it is in either form."""

    first: Identity
    gz: gz.Member
    xz: xz.Span


@dataclass(frozen=True, slots=True)
class Built:
    """An index to be published: its text's checksum, its two stored forms, and of how many stanzas
    it is. `script` leads a host to it from the text that it was edited from; None where it was not
    edited, but made anew. `difference` is what is published of that."""

    plain: Checksum
    gz: Form
    xz: Form
    stanzas: int = 0
    # How it came to be is not what it is.
    script: bytes | None = field(default=None, compare=False)
    difference: pdiff.Difference | None = field(default=None, compare=False)

    @property
    def compressed(self) -> Mapping[str, Form]:
        """The stored forms by their suffix."""
        return {".gz": self.gz, ".xz": self.xz}


class _Packed(NamedTuple):
    gz: bytes
    xz: xz.Block


class Writer:
    """Blocks go in in the index's order. `pool` packs new ones side by side, on all processors;
    those that are kept are copied out of the forms that they are in. `script` is told of these
    here, and of what changes by whoever edits."""

    def __init__(
        self, pool: Executor, gz_form: Form, xz_form: Form, script: pdiff.Script | None = None
    ) -> None:
        self._pool = pool
        self._old_gz = gz_form
        self._old_xz = xz_form
        self._gz = Form()
        self._xz = xz.Writer()
        self._hash = hashlib.sha256()
        self._size = 0
        self._stanzas = 0
        self._script = script
        self._waiting: deque[Block | Future[_Packed]] = deque()
        self._packing = 0

    def keep(self, block: Block) -> None:
        """Adds a block as it is."""
        plain = gz.decompress(self._member(block))
        self._tell(plain)
        if self._script:
            self._script.keep(plain.count(b"\n"))
        self._waiting.append(block)

    def pack(self, plain: bytes) -> None:
        """Adds a block of this text."""
        self._tell(plain)
        self._waiting.append(self._pool.submit(_pack, plain))
        self._packing += 1
        while self._packing > _AHEAD:
            self._write()

    def end(self) -> Built:
        while self._waiting:
            self._write()
        if not self._size:
            self._gz.write(gz.compress(b""))
        return Built(
            Checksum(self._hash.hexdigest(), self._size),
            self._gz,
            self._xz.end(),
            self._stanzas,
            self._script.render() if self._script else None,
        )

    def _tell(self, plain: bytes) -> None:
        self._hash.update(plain)
        self._size += len(plain)
        self._stanzas += plain.count(b"\n\n")

    def _write(self) -> None:
        block = self._waiting.popleft()
        if isinstance(block, Future):
            packed = block.result()
            self._packing -= 1
            self._gz.write(packed.gz)
            self._xz.add(packed.xz.data, packed.xz.sizes)
        else:
            self._gz.write(self._member(block))
            self._xz.add(xz.read(self._old_xz, block.xz), block.xz.sizes)

    def _member(self, block: Block) -> bytes:
        return self._old_gz.read(block.gz.start, block.gz.length)


def _pack(plain: bytes) -> _Packed:
    return _Packed(gz.compress(plain), xz.compress(plain))
