"""Checks a suite's indices, by-hash and by plain name, against its Release."""

from __future__ import annotations

import hashlib
import lzma
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from debpress.archive import Archive
from debpress.concurrency import side_by_side
from debpress.errors import CorruptError, IndexGoneError
from debpress.index import entries as stanzas
from debpress.index import gz
from debpress.index.entries import Entry, Identity
from debpress.index.packages import Checksum, checksum_of
from debpress.index.release import Release
from debpress.inspection.report import Report
from debpress.layout import index_name
from debpress.store import Head

_COMPRESSED = (".gz", ".xz")
# The fields that apt needs to fetch a package (apt-secure(8), and apt's own parser).
_REQUIRED = ("Package", "Version", "Architecture", "Filename", "Size", "SHA256")


@dataclass(slots=True)
class NamedPackages:
    """The pool objects that indices name: the checksum of each `Filename`, and one suite that names
    it."""

    sums: dict[str, Checksum] = field(default_factory=dict)
    suites: dict[str, str] = field(default_factory=dict)


def check_indices(
    archive: Archive, suite: str, release: Release, named: NamedPackages, report: Report
) -> None:
    """Checks every index under its hash and its plain name; adds the packages in it to `named`."""
    check = _Check(archive, suite, release, report)
    names = sorted(n.removesuffix(".gz") for n in release.files if n.endswith(".gz"))
    read = side_by_side(check.index, names)
    report.indices += len(names)
    check.completeness()
    found = dict(zip(names, read, strict=True))
    check.packages(found, named)
    check.packages_for_all(found)


class _Check:
    def __init__(self, archive: Archive, suite: str, release: Release, report: Report) -> None:
        self._archive = archive
        self._layout = archive.layout
        self._suite = suite
        self._release = release
        self._report = report

    def _wrong(self, key: str, message: str) -> None:
        self._report.wrong(self._suite, key, f"{key} {message}")

    def completeness(self) -> None:
        """Checks that Release lists an index for each of its Components and Architectures: of one
        that is not listed, apt sees no packages, without any error."""
        key = self._layout.inrelease(self._suite)
        for component in self._release.components:
            for architecture in self._release.architectures:
                name = index_name(component, architecture)
                for suffix in ("", *_COMPRESSED):
                    if name + suffix not in self._release.files:
                        self._wrong(key, f"does not list {name}{suffix}, which apt needs; deploy")

    def index(self, name: str) -> list[Entry]:
        """Checks the forms of an index, and returns its entries; none where no form is good."""
        good: bytes | None = None
        for suffix, unpack in ((".gz", gz.inflate), (".xz", _single_stream)):
            text = self._unpacked(name, suffix, unpack)
            good = text if good is None else good
        for suffix in ("", *_COMPRESSED):
            if name + suffix in self._release.files:
                self._plain(name + suffix)
        return stanzas.split(good) if good is not None else []

    def _unpacked(self, name: str, suffix: str, unpack: Callable[[bytes], bytes]) -> bytes | None:
        listed = self._release.files.get(name + suffix)
        if listed is None:
            return None
        key = self._layout.by_hash(self._suite, name, listed.sha256)
        try:
            body = self._archive.form(self._suite, name, listed)
        except IndexGoneError as error:
            absent = f"is not there, and hosts need it for {name}{suffix}"
            state = "has other bytes than its name and Release say" if error.altered else absent
            self._wrong(key, f"{state}; {_RESTORE}")
            return None
        try:
            text = unpack(body)
        except (CorruptError, ValueError, EOFError, lzma.LZMAError, zlib.error, OSError) as error:
            self._wrong(key, f"can't be unpacked: {error}; {_RESTORE}")
            return None
        if name in self._release.files and checksum_of(text) != self._release.files[name]:
            self._wrong(key, f"unpacks to something else than Release lists as {name}; publish")
            return None
        return text

    def _plain(self, name: str) -> None:
        key = self._layout.dist(self._suite, name)
        listed = self._release.files[name]
        head = self._archive.head(key)
        remedy = "the next publish writes it anew"
        if head is None:
            self._wrong(key, f"is not there, and readers without by-hash need it; {remedy}")
        elif head.size != listed.size or self._sha256(head) != listed.sha256:
            self._wrong(key, f"has other bytes than Release says; {remedy}")

    def _sha256(self, head: Head) -> str | None:
        if head.sha256 is not None:
            return head.sha256
        found = self._archive.read(head.key)
        return None if found is None else hashlib.sha256(found.body).hexdigest()

    def packages(self, found: dict[str, list[Entry]], named: NamedPackages) -> None:
        """Checks that every stanza has what apt needs to fetch the package, and that a version has
        the same content in all indices of the suite (law 4)."""
        sums: dict[Identity, str] = {}
        for name, entries in found.items():
            key = self._layout.dist(self._suite, name)
            architecture = name.split("/")[-2].removeprefix("binary-")
            seen: set[Identity] = set()
            for entry in entries:
                missing = [f for f in _REQUIRED if not stanzas.field(entry.text, f)]
                if missing or not stanzas.field(entry.text, "Size").isdigit():
                    lacks = ", ".join(missing) or "a whole number as Size"
                    self._wrong(key, f"lists {entry.identity} without {lacks}; remove it")
                    continue
                sha256 = stanzas.field(entry.text, "SHA256")
                if sums.setdefault(entry.identity, sha256) != sha256:
                    self._wrong(key, f"lists {entry.identity} with other bytes than another index")
                if entry.identity in seen:
                    self._wrong(key, f"lists {entry.identity} twice; remove it")
                if entry.identity.architecture not in (architecture, "all"):
                    self._wrong(key, f"lists {entry.identity} for {architecture}; remove it")
                seen.add(entry.identity)
                self._name(
                    key, entry, Checksum(sha256, int(stanzas.field(entry.text, "Size"))), named
                )

    def _name(self, key: str, entry: Entry, listed: Checksum, named: NamedPackages) -> None:
        filename = stanzas.field(entry.text, "Filename")
        named.suites.setdefault(filename, self._suite)
        if named.sums.setdefault(filename, listed) != listed:
            self._wrong(key, f"says of {filename} what {named.suites[filename]} says otherwise")

    def packages_for_all(self, found: dict[str, list[Entry]]) -> None:
        """Checks that packages for `all` are in the index of every architecture, since a host reads
        only the index of its own."""
        for component in self._release.components:
            names = [index_name(component, a) for a in self._release.architectures]
            common = {n: set(_for_all(found.get(n, ()))) for n in names}
            everything = set().union(*common.values())
            for name, here in common.items():
                if lacking := sorted(everything - here):
                    self._wrong(
                        self._layout.dist(self._suite, name),
                        f"lacks {lacking[0]} and in all {len(lacking)} packages that other "
                        "architectures have; upload them again",
                    )


_RESTORE = "restore the version of it that Release lists"


def _for_all(entries: Iterable[Entry]) -> Iterable[Identity]:
    return (e.identity for e in entries if e.identity.architecture == "all")


def _single_stream(data: bytes) -> bytes:
    """Unpacks an .xz form. Raises for several streams, of which apt would read only the first."""
    reader = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
    text = reader.decompress(data)
    if not reader.eof or reader.unused_data:
        raise CorruptError("it is not exactly one xz stream")
    return text
