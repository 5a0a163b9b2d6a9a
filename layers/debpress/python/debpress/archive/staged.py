"""Packages in staging that nobody needs any more: those of published batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from debpress.archive.results import Results
from debpress.archive.runs import Runs
from debpress.clock import from_iso
from debpress.concurrency import side_by_side
from debpress.errors import CorruptError
from debpress.layout import STAGING, Batch, is_manifest, parse_staged
from debpress.records.batch import ManifestRef, Plan, StagedFile
from debpress.records.result import Result
from debpress.store import Head, Store
from debpress.suite.runs import run_name

# A job that has lost patience uploads its manifest again and nothing else, and would be rejected
# for want of its files. A job of GitHub's own runners ends after six hours.
REPEATED = timedelta(hours=6)


class StagedFiles:
    """Of each batch that was published before `cutoff`, what its run took, in the very state in
    which it took it; nothing where another manifest lies beside the published one.

    The manifests stay: by them an older run sees that there is a newer upload. So do all files of
    batches that are rejected or failed, for whoever mends or redrives them. docs/protocol.md,
    interleavings 29 to 33, tells what each of these conditions is for.
    """

    def __init__(self, store: Store, cutoff: datetime) -> None:
        self._store = store
        self._cutoff = cutoff

    def left(self) -> list[Head]:
        """As the store lists them, without versions. What can't be read is left to expire."""
        found = side_by_side(lambda place: self._of(*place), self._places().items())
        return [head for heads in found for head in heads]

    def _places(self) -> Mapping[Batch, Mapping[str, Head]]:
        """What lies in the place of each batch, by name, where there is something old."""
        places: dict[Batch, dict[str, Head]] = {}
        for head in self._store.list(STAGING):
            found = parse_staged(head.key)
            if found is not None and found[0].is_answerable:
                places.setdefault(found[0], {})[found[1]] = head
        return {batch: heads for batch, heads in places.items() if self._has_old_files(heads)}

    def _has_old_files(self, heads: Mapping[str, Head]) -> bool:
        return any(
            head.last_modified < self._cutoff
            for name, head in heads.items()
            if not is_manifest(name)
        )

    def _of(self, batch: Batch, heads: Mapping[str, Head]) -> Sequence[Head]:
        manifests = [head for name, head in heads.items() if is_manifest(name)]
        plan = self._published(batch, manifests[0]) if len(manifests) == 1 else None
        return [
            head
            for file in (plan.files if plan else ())
            if (head := heads.get(file.name)) and _was_taken(head, file, manifests[0])
        ]

    def _published(self, batch: Batch, listed: Head) -> Plan | None:
        """The plan of the run that the manifest started, if that was published by the cutoff."""
        head = self._store.head(listed.key)
        if head is None or head.last_modified >= self._cutoff:
            return None
        manifest = ManifestRef(head.key, head.etag, head.version_id)
        try:
            result = Results(self._store).find(batch)
            if result is None or not _is_published(result, manifest, self._cutoff):
                return None
            return Runs(self._store, batch.suite).find_plan(run_name(batch, manifest))
        except CorruptError:
            return None


def _is_published(result: Result, manifest: ManifestRef, cutoff: datetime) -> bool:
    """Whether it says so of exactly this upload of the manifest, and said so before the cutoff."""
    said = (result.status, result.manifest) == ("published", manifest)
    return said and from_iso(result.finished_at) < cutoff


def _was_taken(head: Head, file: StagedFile, manifest: Head) -> bool:
    """Whether what lies there is what the manifest listed, as it was when the manifest came. What
    came later is of a batch whose own manifest is still to come."""
    return head.etag == file.etag and head.last_modified <= manifest.last_modified
