"""Checks a suite's indices, by-hash and by plain name, against its Release."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from debpress.archive import Archive
from debpress.concurrency import side_by_side
from debpress.errors import CorruptError, IndexGoneError
from debpress.index import contents, gz, pdiff, xz
from debpress.index import entries as stanzas
from debpress.index.entries import Entry, Identity
from debpress.index.form import Checksum, Form
from debpress.index.release import Release
from debpress.index.sorting import lines_of
from debpress.inspection.report import Report
from debpress.layout import DIFFS, INDEX_SUFFIXES, index_name, is_contents
from debpress.store import Head

# The fields that apt needs to fetch a package (apt-secure(8), and apt's own parser).
_REQUIRED = ("Package", "Version", "Architecture", "Filename", "Size", "SHA256")


_Unpack = Callable[[Iterable[bytes]], Iterator[bytes]]


@dataclass(slots=True)
class NamedPackages:
    """The pool objects that indices name: the checksum of each `Filename`, and one suite that names
    it."""

    sums: dict[str, Checksum] = field(default_factory=dict)
    suites: dict[str, str] = field(default_factory=dict)


def check_indices(
    archive: Archive, suite: str, release: Release, named: NamedPackages, report: Report
) -> set[str]:
    """Checks every index under its hash and its plain name; adds the packages in it to `named`.

    Returns the keys of the scripts that lead to the indices, as far as their lists can be read.
    """
    check = _Check(archive, suite, release, report)
    every = sorted(n.removesuffix(".gz") for n in release.files if n.endswith(".gz"))
    names = [name for name in every if not is_contents(name)]
    read = side_by_side(check.index, names)
    report.indices += len(every)
    check.completeness()
    found = dict(zip(names, read, strict=True))
    check.packages(found, named)
    check.packages_for_all()
    side_by_side(check.contents, [name for name in every if is_contents(name)])
    lists = sorted(name for name in release.files if name.endswith(DIFFS))
    return set().union(*side_by_side(check.differences, lists))


class _Check:
    def __init__(self, archive: Archive, suite: str, release: Release, report: Report) -> None:
        self._archive = archive
        self._layout = archive.layout
        self._suite = suite
        self._release = release
        self._report = report
        # The packages for `all`, by the name of the index.
        self._common: dict[str, set[Identity]] = {}
        # What Contents call the packages, by the name of the index.
        self._owners: dict[str, set[bytes]] = {}

    def _wrong(self, key: str, message: str) -> None:
        self._report.wrong(self._suite, key, f"{key} {message}")

    def completeness(self) -> None:
        """Checks that Release lists an index for each of its Components and Architectures: of one
        that is not listed, apt sees no packages, without any error."""
        key = self._layout.inrelease(self._suite)
        for component in self._release.components:
            for architecture in self._release.architectures:
                name = index_name(component, architecture)
                for suffix in ("", *INDEX_SUFFIXES):
                    if name + suffix not in self._release.files:
                        self._wrong(key, f"does not list {name}{suffix}, which apt needs; deploy")

    def index(self, name: str) -> Form:
        """Checks the forms of an index, and returns its text; nothing where no form is good."""
        good: Form | None = None
        for suffix, unpack in ((".gz", gz.inflate), (".xz", xz.inflate)):
            found = self._unpacked(name, suffix, unpack)
            good = found if good is None else good
        for suffix in INDEX_SUFFIXES:
            if name + suffix in self._release.files:
                self._plain(name + suffix)
        return good or Form()

    def _unpacked(self, name: str, suffix: str, unpack: _Unpack) -> Form | None:
        listed = self._release.files.get(name + suffix)
        if listed is None:
            return None
        key = self._layout.by_hash(self._suite, name, listed.sha256)
        try:
            form = self._archive.form(self._suite, name, listed)
        except IndexGoneError as error:
            absent = f"is not there, and hosts need it for {name}{suffix}"
            state = "has other bytes than its name and Release say" if error.altered else absent
            self._wrong(key, f"{state}; {_RESTORE}")
            return None
        try:
            text = Form(unpack(form.pieces()))
        except CorruptError as error:
            self._wrong(key, f"can't be unpacked: {error}; {_RESTORE}")
            return None
        if name in self._release.files and text.checksum != self._release.files[name]:
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

    def differences(self, name: str) -> set[str]:
        """Checks that the scripts which lead to an index are there, and lead to it; returns their
        keys. Where they are not, hosts fetch the whole index."""
        listed, index = self._release.files[name], name.removesuffix(DIFFS)
        key = self._layout.by_hash(self._suite, name, listed.sha256)
        remedy = "hosts fetch the whole index until the next publish into it"
        self._plain(name)
        try:
            found = pdiff.read(self._archive.form(self._suite, name, listed))
        except (IndexGoneError, CorruptError):
            self._wrong(key, f"is not there or can't be read; {remedy}")
            return set()
        if found.current != self._release.files.get(index):
            self._wrong(key, f"leads to another {index} than Release lists; {remedy}")
        scripts = {
            self._layout.script(self._suite, index, step.file): step.packed.size
            for step in found.steps
        }
        for script, size in scripts.items():
            head = self._archive.head(script)
            if head is None or head.size != size:
                self._wrong(script, f"is not there, or not as {key} says; {remedy}")
        return set(scripts)

    def packages(self, found: dict[str, Form], named: NamedPackages) -> None:
        """Checks that every stanza has what apt needs to fetch the package, and that a version has
        the same content in all indices of the suite (law 4)."""
        sums: dict[Identity, str] = {}
        for name, text in found.items():
            key = self._layout.dist(self._suite, name)
            architecture = name.split("/")[-2].removeprefix("binary-")
            seen: set[Identity] = set()
            owners = self._owners.setdefault(name, set())
            for entry in stanzas.stream(text.pieces()):
                owners.add(contents.owner_of(entry.text).encode("utf-8", "surrogateescape"))
                if entry.identity.architecture == "all":
                    self._common.setdefault(name, set()).add(entry.identity)
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

    def contents(self, name: str) -> None:
        """Checks a Contents index, and that it speaks of no package that its suite has not. Notes
        packages of which it says nothing."""
        key = self._layout.dist(self._suite, name)
        text, told = self.index(name), set[bytes]()
        for line in lines_of(text.pieces()):
            told |= contents.parse(line)[1]
        component, _, architecture = name.partition("/Contents-")
        owners = self._owners.get(index_name(component, architecture), set())
        if stale := sorted(told - owners):
            self._wrong(
                key,
                f"lists files of {stale[0].decode(errors='replace')} and in all {len(stale)} "
                "packages that are not in the suite; remove and upload any version of each",
            )
        if untold := sorted(owners - told):
            self._report.note(
                f"{key} lists no file of {untold[0].decode(errors='replace')} and in all "
                f"{len(untold)} packages: they have none, or were uploaded before the suite had "
                "Contents, and are listed when they are uploaded again"
            )

    def packages_for_all(self) -> None:
        """Checks that packages for `all`, which `packages` has seen, are in the index of every
        architecture, since a host reads only the index of its own."""
        for component in self._release.components:
            names = [index_name(component, a) for a in self._release.architectures]
            common = {n: self._common.get(n, set()) for n in names}
            everything = set().union(*common.values())
            for name, here in common.items():
                if lacking := sorted(everything - here):
                    self._wrong(
                        self._layout.dist(self._suite, name),
                        f"lacks {lacking[0]} and in all {len(lacking)} packages that other "
                        "architectures have; upload them again",
                    )


_RESTORE = "restore the version of it that Release lists"
