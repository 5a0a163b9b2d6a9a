"""The pool: packages under their hash, each of which is put once and never becomes another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from debpress.errors import CorruptError, TransientError
from debpress.index.form import Form
from debpress.index.sorting import packed, unpacked
from debpress.layout import Layout
from debpress.store import Head, ObjectChanged, ObjectHeaders, Pin, PreconditionFailed, Store

_SERVED = ObjectHeaders(
    "application/vnd.debian.binary-package", cache_control="public, max-age=31536000, immutable"
)
_FILES = ObjectHeaders("application/gzip")

# Far below the least grace: the reaper deletes no object of this age.
_YOUNG = timedelta(minutes=30)


class Pool:
    def __init__(self, store: Store, layout: Layout) -> None:
        self._store = store
        self._layout = layout

    def files(self, filename: str) -> Iterator[bytes] | None:
        """The paths of the files in a package, in order; None where there is no such list. Raises
        TransientError, and CorruptError as they are read."""
        key = self._layout.files(filename)
        found = self._store.read(key)
        if found is None:
            return None
        try:
            return _unpacked(key, Form(found[1]))
        except ObjectChanged as error:
            raise TransientError(f"{key} was put anew just now; this passes") from error

    def fill(
        self,
        source: Pin,
        filename: str,
        size: int,
        sha256: str,
        files: Iterable[bytes] | None = None,
    ) -> bool:
        """Copies a package to its place, unless it is there. The source's bytes have been found to
        have this sum: nothing else may ever lie there, not for a moment. `files` are the paths in
        it, in order, of which a list is kept beside it.

        Gives False, and writes nothing, where the place is taken by a package whose own sum begins
        with the same sixteen digits.
        """
        if not self._fill(source, filename, size, sha256):
            return False
        if files is not None:
            # Only now that the place is known to be this package's. Put even where it exists: the
            # reaper may be about to delete it with its package, but deletes only the version that
            # it has looked at.
            self._store.put_file(self._layout.files(filename), packed(files), _FILES)
        return True

    def _fill(self, source: Pin, filename: str, size: int, sha256: str) -> bool:
        key = self._layout.pool(filename)
        try:
            self._store.copy(source, key, _SERVED, if_absent=True)
            return True
        except PreconditionFailed:
            # S3 answers 409 while another copy is under way, which may still fail: look.
            present = self._store.head(key)
        if present is not None and _is_another(present, sha256):
            return False
        if present is None or not _is_it(present, size, sha256) or _may_be_condemned(present):
            self._store.copy(source, key, _SERVED)
        return True


def _unpacked(key: str, form: Form) -> Iterator[bytes]:
    try:
        yield from unpacked(form)
    except CorruptError as error:
        raise CorruptError(f"{key}: {error}; upload the package again") from error


def _is_it(present: Head, size: int, sha256: str) -> bool:
    return present.size == size and present.sha256 in (None, sha256)


def _is_another(present: Head, sha256: str) -> bool:
    """Whether two sums begin alike, which somebody can arrange, with patience: whoever came second
    would replace what hosts read. (Where S3's sum does not fit the place, it was damaged by hand,
    and is mended.)"""
    found = present.sha256
    return found is not None and found != sha256 and found[:16] == sha256[:16]


def _may_be_condemned(present: Head) -> bool:
    """Whether the reaper may be about to delete an object that is in the pool already.

    The reaper deletes only the version that it has looked at, so a new copy stays. It deletes no
    version younger than the grace, so a repeat of this step need not copy a young one again.
    """
    return present.served_at is None or present.served_at - present.last_modified > _YOUNG
