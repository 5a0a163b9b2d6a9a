"""Which files a command line means: packages, folders of them, and what a `.changes` lists.

All of it is checked before a byte is sent, by the code that admission runs, and everything that is
wrong is told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from debpress import manifest
from debpress.commands.packages import LocalPackage, examine, told, unread
from debpress.commands.progress import Progress
from debpress.commands.sending import Document, manifest_of
from debpress.errors import Code, Refusal, RejectedError
from debpress.manifest import Listed
from debpress.records.batch import AdmittedPackage
from debpress.suite.batch import contradictions


@dataclass(frozen=True, slots=True)
class Gathered:
    """The good packages; what is wrong, with paths as they were named; what is left out, for
    people to read; and the .changes that lists the packages, where it was named alone."""

    packages: list[LocalPackage]
    refusals: list[Refusal]
    notes: list[str]
    changes: Document | None = None

    def manifest(self, suites: Sequence[str]) -> Document:
        """What an upload puts last. A .changes that was named alone is the manifest itself, with
        whoever's signature is on it; but it can't name several suites."""
        if self.changes is not None and len(suites) == 1:
            return self.changes
        several = suites if len(suites) > 1 else ()
        return Document("manifest.json", manifest_of(self.packages, several))


def gather(named: Sequence[Path]) -> Gathered:
    """Reads the packages that `named` means, each whole.

    A folder stands for the .deb files directly in it, a .changes for the packages that it lists
    (they lie beside it). Its signature is not checked: the press does, where uploaders are told by
    their keys. The same file named in two ways is taken once.
    """
    search = _Search()
    for path in named:
        search.take(path)
    paths = list(search.found.values())
    with Progress("checking", sum(p.stat().st_size for p in paths if told(p.is_file))) as progress:
        packages, refusals = examine(paths, progress)
    refusals = [*search.refusals, *refusals, *_against(search.listed, packages)]
    refusals += _together(packages)
    if not refusals:
        refusals += _listing(packages)
    alone = search.documents[0] if search.documents and len(named) == 1 else None
    return Gathered(packages, refusals, search.notes, alone)


@dataclass(slots=True)
class _Search:
    """`found` are the files, by where they really are; `listed` is what a .changes says of one, by
    the path under which it was found."""

    found: dict[Path, Path] = field(default_factory=dict)
    listed: list[tuple[Path, Path, Listed]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)

    def take(self, path: Path) -> None:
        if told(path.is_dir):
            self._folder(path)
        elif path.name.endswith(".changes"):
            self._changes(path)
        else:
            self._file(path)

    def _file(self, path: Path) -> Path:
        """The path under which the file was found first."""
        try:
            really = path.resolve()
        except (OSError, RuntimeError):  # A link in a circle is told as what can't be read.
            really = path.absolute()
        return self.found.setdefault(really, path)

    def _folder(self, folder: Path) -> None:
        try:
            packages = sorted(p for p in folder.iterdir() if p.name.endswith(".deb"))
        except OSError as error:
            self._refuse(folder, Code.FILE_MISSING, unread(error))
            return
        if not packages:
            message = "this folder holds no .deb file; name the one that they are in"
            self._refuse(folder, Code.FILE_MISSING, message)
        for path in packages:
            self._file(path)

    def _changes(self, changes: Path) -> None:
        try:
            manifest.check_size(changes.name, changes.stat().st_size)
            document = Document(changes.name, changes.read_bytes())
            said = manifest.parse(document.name, document.body)
        except OSError as error:
            self._refuse(changes, Code.FILE_MISSING, unread(error))
            return
        except RejectedError as error:
            for each in error.refusals:
                self._refuse(changes, each.code, each.message)
            return
        if not changes.name.isprintable():
            message = "its name has characters that can't be printed; rename it"
            self._refuse(changes, Code.NAME_UNSAFE, message)
        self.documents.append(document)
        for listed in said.files:
            path = self._file(changes.parent / listed.name)
            self.listed.append((changes, path, listed))
        if said.others:
            self.notes.append(
                f"{changes}: not sent, since debpress publishes binary packages alone: "
                f"{', '.join(said.others)}"
            )

    def _refuse(self, path: Path, code: Code, message: str) -> None:
        self.refusals.append(Refusal(str(path), code, message))


def _against(
    listed: Sequence[tuple[Path, Path, Listed]], packages: Sequence[LocalPackage]
) -> Iterator[Refusal]:
    """What is not as a .changes says. Of a file that is no package there is enough said."""
    by_path = {package.path: package for package in packages}
    for changes, path, said in listed:
        package = by_path.get(path)
        if package is None:
            continue
        again = f"{changes.name} says {{}}; build both again, or name the one that it lists"
        if said.size is not None and package.size != said.size:
            message = f"is {package.size} bytes, {again.format(said.size)}"
            yield Refusal(str(path), Code.SIZE_MISMATCH, message)
        elif package.sha256 != said.sha256:
            message = f"its SHA-256 is {package.sha256}, {again.format(said.sha256)}"
            yield Refusal(str(path), Code.SUM_MISMATCH, message)


def _together(packages: Sequence[LocalPackage]) -> list[Refusal]:
    """What can't be in one batch, as the merge would say it."""
    paths = {package.name: str(package.path) for package in packages}
    found = contradictions([_as_admitted(package) for package in packages])
    return [Refusal(paths[each.file], each.code, each.message) for each in found]


def _as_admitted(package: LocalPackage) -> AdmittedPackage:
    return AdmittedPackage(
        file=package.name,
        package=package.identity[0],
        version=package.identity[1],
        architecture=package.built_for,
        filename="",
        sha256=package.sha256,
        size=package.size,
        stanza="",
    )


def _listing(packages: Sequence[LocalPackage]) -> Sequence[Refusal]:
    """What is wrong with the manifest that they make: names, and how many there are."""
    try:
        manifest.parse("manifest.json", manifest_of(packages))
    except RejectedError as error:
        return error.refusals
    return ()
