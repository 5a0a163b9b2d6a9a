"""`verify`: checks the whole repository as hosts read it, from the key down to the packages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice

from debpress import openpgp
from debpress.archive import Archive
from debpress.clock import Clock
from debpress.concurrency import side_by_side
from debpress.errors import CorruptError, SigningError, StoreError
from debpress.index import release
from debpress.index.form import Checksum
from debpress.index.release import Release
from debpress.inspection import snapshots
from debpress.inspection.indices import NamedPackages, check_indices
from debpress.inspection.keys import check_signature, published_certificates
from debpress.inspection.report import Report, Watch, unwatched
from debpress.layout import snapshotted
from debpress.store import Head, Object, ObjectChanged, Pin

_PART = 256

# Plain names are rewritten within seconds after a flip. So problems that are found sooner after a
# flip than this are looked for once more before they are reported.
_FRESH_SECONDS = 60.0
_PAUSE_SECONDS = 5.0
_LOOKS = 3

# The share of a release's validity. The heartbeat signs anew at a third; a release that is this old
# shows that the heartbeat has stopped.
_LATE = 0.5


def verify(
    archive: Archive,
    clock: Clock,
    suites: Sequence[str],
    *,
    whole: bool = True,
    deep: bool = False,
    watch: Watch = unwatched,
) -> Report:
    """Checks everything that these suites name.

    `whole`: `suites` are all suites of the repository, so that snapshots are checked as well, and
    objects that no suite names can be reported. `deep`: the packages' bytes are read and hashed,
    instead of trusting the checksums that the store tells.
    """
    kept, unseen = _snapshots(archive) if whole else ([], None)
    suites = [*suites, *kept]  # Objects that only a snapshot names are named as well.
    report = Report(tuple(suites), deep)
    if unseen is not None:
        report.note(unseen)
    named = NamedPackages()
    for suite in suites:
        _suite(archive, clock, suite, named, report)
    _Pool(archive, named, report, watch).check()
    if whole:
        _pool_orphans(archive, named, report)
    return report


def _snapshots(archive: Archive) -> tuple[list[str], str | None]:
    """The paths of all snapshots, or a sentence that says why they can't be listed."""
    try:
        return snapshots.every(archive), None
    except StoreError as error:
        return [], f"what snapshots there are could not be seen: {error}"


def _suite(
    archive: Archive, clock: Clock, suite: str, named: NamedPackages, report: Report
) -> None:
    """Checks a suite as it is at one moment. If there is a flip meanwhile, or was one just before,
    checks it again."""
    for look in range(_LOOKS):
        found = archive.suite(suite).inrelease()
        now = (found.head.served_at if found else None) or clock.now()
        seen, names = (
            Report((suite,), report.deep),
            NamedPackages(dict(named.sums), dict(named.suites)),
        )
        _Look(archive, suite, now).check(found, names, seen)
        after = archive.head(archive.layout.inrelease(suite))
        moved = (after.etag if after else None) != (found.head.etag if found else None)
        fresh = found and (now - found.head.last_modified).total_seconds() < _FRESH_SECONDS
        if seen.good or not (moved or fresh) or look == _LOOKS - 1:
            break
        clock.sleep(_PAUSE_SECONDS)
    named.sums, named.suites = names.sums, names.suites
    report.indices += seen.indices
    # All suites share the key: a problem of the key is reported once.
    report.findings += [each for each in seen.findings if each not in report.findings]
    report.notes += seen.notes


class _Look:
    """One check of a suite, as it is at the moment `now`."""

    def __init__(self, archive: Archive, suite: str, now: datetime) -> None:
        self._archive = archive
        self._suite = suite
        self._now = now

    def check(self, found: Object | None, named: NamedPackages, report: Report) -> None:
        suite, layout = self._suite, self._archive.layout
        known = published_certificates(self._archive, self._now, report)
        key = layout.inrelease(suite)
        if found is None:
            report.wrong(suite, key, f"{key} is not there, at which apt stops; deploy again")
            return
        try:
            text, _ = openpgp.split(found.body)
            parsed = release.parse(text)
        except (CorruptError, SigningError, ValueError) as error:
            report.wrong(suite, key, f"{key} can't be read: {error}; restore its earlier version")
            return
        check_signature(self._archive, suite, found.body, known, self._now, report)
        self._check_fields(key, parsed, report)
        if snapshotted(suite) is None:
            for where in (layout.sources(suite), layout.setup_script, layout.keyring_package):
                if self._archive.head(where) is None:
                    message = f"{where} is not there, by which hosts are set up; deploy again"
                    report.wrong(suite if where == layout.sources(suite) else None, where, message)
        scripts = check_indices(self._archive, suite, parsed, named, report)
        _unnamed(self._archive, suite, parsed, scripts, report)

    def _check_fields(self, key: str, parsed: Release, report: Report) -> None:
        suite, now = self._suite, self._now
        if parsed.date > now:
            message = f"{key} has the Date {parsed.date}, which is in the future; wait"
            report.wrong(suite, key, message)
        if (used := parsed.used(now)) is not None and used >= _LATE:
            report.wrong(suite, key, _outdated(key, parsed, used))
        if suite not in (parsed.suite, parsed.codename):
            message = f"{key} says it is of the suite {parsed.suite!r}; deploy again"
            report.wrong(suite, key, message)


def _outdated(key: str, parsed: Release, used: float) -> str:
    remedy = "its heartbeat fails: docs/runbook.md, Validity"
    if used >= 1:
        return f"{key} was valid until {parsed.valid_until}, so hosts refuse it; {remedy}"
    return f"{key} is valid until {parsed.valid_until}, and half of the time is over; {remedy}"


def _unnamed(
    archive: Archive, suite: str, parsed: Release, scripts: set[str], report: Report
) -> None:
    """Notes the un-named indices: hosts that have read an older InRelease may need them (law 3)."""
    layout = archive.layout
    named = {layout.dist(suite, name) for name in parsed.files}
    named |= {layout.inrelease(suite), layout.release(suite), layout.release_gpg(suite)}
    for name, listed in parsed.files.items():
        named.add(layout.by_hash(suite, name, listed.sha256))
    named |= scripts
    left = _others(archive, layout.dist(suite, ""), named, report)
    _note(report, f"of suite {suite} that its Release does not name", left)


def _pool_orphans(archive: Archive, named: NamedPackages, report: Report) -> None:
    layout = archive.layout
    known = {key for name in named.sums for key in (layout.pool(name), layout.files(name))}
    left = _others(archive, layout.pool("pool/"), known, report)
    _note(report, "in the pool that no suite names", left)


def _others(archive: Archive, prefix: str, named: set[str], report: Report) -> list[Head]:
    try:
        return [head for head in archive.list(prefix) if head.key not in named]
    except StoreError as error:
        report.note(f"what else there is could not be seen: {error}")
        return []


def _note(report: Report, what: str, left: list[Head]) -> None:
    if left:
        size = sum(head.size for head in left)
        report.note(
            f"{len(left)} objects ({size} bytes) {what}, such as {left[0].key}: kept for hosts "
            "that know of them, or left behind by uploads that were never published",
            tuple(head.key for head in left),
        )


class _Pool:
    """Checks every package file in the pool against the stanza that names it."""

    def __init__(
        self, archive: Archive, named: NamedPackages, report: Report, watch: Watch
    ) -> None:
        self._archive = archive
        self._layout = archive.layout
        self._named = named
        self._report = report
        self._watch = watch

    def check(self) -> None:
        sums = self._named.sums
        untold: list[str] = []
        size = sum(listed.size for listed in sums.values()) if self._report.deep else len(sums)
        with self._watch("packages", size) as passed:
            # In parts, so that Ctrl-C need not wait until all packages are read.
            left = iter(sums.items())
            while part := list(islice(left, _PART)):
                found = side_by_side(lambda item: self._one(*item, passed), part)
                for (filename, _), (message, told) in zip(part, found, strict=True):
                    self._tell(filename, message)
                    if not told:
                        untold.append(self._layout.pool(filename))
        self._report.packages = len(sums)
        if untold:
            self._report.note(
                f"of {len(untold)} packages, such as {untold[0]}, the store tells no SHA-256, so "
                "only their size was compared; `--deep` reads them",
                tuple(untold),
            )

    def _tell(self, filename: str, message: str | None) -> None:
        if message is not None:
            key = self._layout.pool(filename)
            self._report.wrong(self._named.suites[filename], key, f"{key} {message}")

    def _one(
        self, filename: str, listed: Checksum, passed: Callable[[int], object]
    ) -> tuple[str | None, bool]:
        """A package file's problem, None if it is good; and whether its SHA-256 was compared."""
        remedy = "restore its earlier version, or remove the package"
        head = self._archive.head(self._layout.pool(filename))
        if not self._report.deep:
            passed(1)
        if head is None:
            return f"is not there, and {self._named.suites[filename]} names it; {remedy}", True
        if head.size != listed.size:
            return f"is {head.size} bytes, and its stanza says {listed.size}; {remedy}", True
        try:
            sha256 = self._read(head, passed) if self._report.deep else head.sha256
        except ObjectChanged:
            return "was replaced while it was being read; find out by what", True
        if sha256 is not None and sha256 != listed.sha256:
            return f"has SHA-256 {sha256}, and its stanza says {listed.sha256}; {remedy}", True
        return None, sha256 is not None

    def _read(self, head: Head, passed: Callable[[int], object]) -> str:
        digest = hashlib.sha256()
        # Pinned by ETag alone: to read by version id takes s3:GetObjectVersion besides.
        for piece in self._archive.stream(Pin(head.key, head.etag)):
            digest.update(piece)
            passed(len(piece))
        return digest.hexdigest()
