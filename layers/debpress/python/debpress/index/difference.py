"""The difference of two published versions of an index, computed from their bytes alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import zip_longest

from debpress.index import entries as stanzas
from debpress.index import xz
from debpress.index.entries import Identity
from debpress.index.form import Form


def difference(old_xz: Form, new_xz: Form) -> tuple[dict[Identity, bytes], dict[Identity, bytes]]:
    """The stanzas that only the old index has, and those that only the new one has, by identity.

    A stanza whose text was altered is in both. Only blocks that the two indices do not share are
    unpacked, one of each at a time. Raises CorruptError.
    """
    old, new = _digests(old_xz), _digests(new_xz)
    shared = old.keys() & new.keys()
    gone: set[bytes] = set()
    come: set[bytes] = set()
    # What one has and the other does not yet is kept until it does. Both are in the same order, so
    # that is little; and in whatever order they were, the answer would be right.
    for before, after in zip_longest(
        _texts(old_xz, old, shared), _texts(new_xz, new, shared), fillvalue=()
    ):
        _match(before, come, gone)
        _match(after, gone, come)
    return _identified(gone), _identified(come)


def _digests(form: Form) -> dict[bytes, xz.Span]:
    """The blocks of a form by the hashes of their bytes, in their order."""
    return {hashlib.sha256(xz.read(form, span)).digest(): span for span in xz.blocks(form)}


def _texts(
    form: Form, blocks: Mapping[bytes, xz.Span], shared: Set[bytes]
) -> Iterator[list[bytes]]:
    """The stanzas of each block that is not shared."""
    for digest, span in blocks.items():
        if digest not in shared:
            yield stanzas.texts(xz.decompress(xz.read(form, span), span.sizes))


def _match(found: Iterable[bytes], unmatched: set[bytes], own: set[bytes]) -> None:
    """Strikes out what the other index had alone until now, and notes what this one has alone."""
    for text in found:
        if text in unmatched:
            unmatched.remove(text)
        else:
            own.add(text)


def _identified(texts: Iterable[bytes]) -> dict[Identity, bytes]:
    return {stanzas.identify(text): text for text in sorted(texts)}
