"""The difference of two published versions of an index, computed from their bytes alone."""

from __future__ import annotations

from collections.abc import Iterable

from debpress.index import entries as stanzas
from debpress.index import xz
from debpress.index.entries import Identity


def difference(old_xz: bytes, new_xz: bytes) -> tuple[dict[Identity, bytes], dict[Identity, bytes]]:
    """The stanzas that only the old index has, and those that only the new one has, by identity.

    A stanza whose text was altered is in both. Only blocks that the two indices do not share are
    unpacked. Raises CorruptError.
    """
    old, new = xz.split(old_xz), xz.split(new_xz)
    shared = {b.data for b in old} & {b.data for b in new}
    before = _entries(b for b in old if b.data not in shared)
    after = _entries(b for b in new if b.data not in shared)
    gone = {i: text for i, text in before.items() if after.get(i) != text}
    come = {i: text for i, text in after.items() if before.get(i) != text}
    return gone, come


def _entries(blocks: Iterable[xz.Block]) -> dict[Identity, bytes]:
    return {
        entry.identity: entry.text
        for block in blocks
        for entry in stanzas.split(xz.decompress(block))
    }
