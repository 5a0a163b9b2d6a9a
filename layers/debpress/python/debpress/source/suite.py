"""A suite of a foreign repository: which indices it has, and the stanzas in them."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from debpress.concurrency import side_by_side
from debpress.errors import SourceError, StoreError, TransientError
from debpress.index.entries import Identity
from debpress.source import release
from debpress.source.place import Place, Verifier
from debpress.source.release import SourceRelease

# What apt takes, the smallest first; and what it takes besides, which is not unpacked here.
_FORMS = (".xz", ".gz", "")
_FURTHER_FORMS = (".zst", ".bz2", ".lzma", ".lz4")
# Debian's main index is 50 MB; nobody's is so large that this machine could not hold it.
_MOST_PLAIN = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Stanza:
    """A package as an index has it. `fields` are by their names, and a value's further lines are
    kept. `component` is the one whose index it is, "" in a flat repository."""

    component: str
    fields: Mapping[str, str]

    def field(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    @property
    def identity(self) -> Identity:
        architecture = self.field("Architecture-Variant") or self.field("Architecture")
        return Identity(self.field("Package"), self.field("Version"), architecture)

    @property
    def sha256(self) -> str:
        return self.field("SHA256").lower()


@dataclass(slots=True)
class SourceSuite:
    """`folder` is where its Release is: `dists/<suite>/`, or, of a flat repository, what stands for
    the suite in sources.list, where there is one index of all architectures. `assumed` is whose
    hosts read a flat one that names no architecture."""

    place: Place
    folder: str
    flat: bool
    release: SourceRelease
    verifier: Verifier
    assumed: tuple[str, ...] = ()
    _read: dict[str, list[Stanza]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """By which it is told from all others, whichever kind of Release it has."""
        return self.place.uri(self.folder)

    @property
    def components(self) -> tuple[str, ...]:
        return ("",) if self.flat else self.release.components

    @property
    def architectures(self) -> tuple[str, ...]:
        """Those that Release says; of a flat repository that says none, those of its packages, and
        where these are for all, those that are assumed."""
        if self.release.architectures or not self.flat:
            return self.release.architectures
        found = {stanza.field("Architecture") for stanza in self._index("", "Packages")}
        return tuple(sorted(found - {"", "all"})) or self.assumed

    def stanzas(self, component: str, architecture: str) -> list[Stanza]:
        """What a host of this architecture is offered by a component: its own packages, and those
        for all. Raises SourceError, TransientError."""
        if self.flat:
            return [
                stanza
                for stanza in self._index("", "Packages")
                if stanza.field("Architecture") in (architecture, "all")
            ]
        found: list[Stanza] = []
        for name in self._names(component, architecture):
            found += self._index(component, name)
        return found

    def _names(self, component: str, architecture: str) -> Iterator[str]:
        if self.flat:
            yield "Packages"
            return
        for each in (architecture, "all"):
            name = f"{component}/binary-{each}/Packages"
            # What is for all is in an index of its own in some repositories only, and in some of
            # these, Debian's for one, hosts leave it alone.
            if each != "all" or (self.release.has_all and self._listed(name)):
                yield name

    def load_further_forms(self, components: Iterable[str], architectures: Iterable[str]) -> None:
        """Reads the same indices in the forms that are not unpacked here, where there are any: a
        place that keeps what is read then has the one that a host's apt asks for. Raises
        TransientError, SourceError."""
        names = {n for c in components for a in architectures for n in self._names(c, a)}
        listed = (each for name in sorted(names) for each in self._further(name))
        side_by_side(self._body, listed)

    def _further(self, name: str) -> list[str]:
        return [name + form for form in _FURTHER_FORMS if name + form in self.release.files]

    def load(self, components: Iterable[str], architectures: Iterable[str]) -> None:
        """Reads the indices of all these side by side, so that `stanzas` need not wait for each."""
        places = [(c, a) for c in components for a in architectures]
        side_by_side(lambda place: self.stanzas(*place), places)

    def changed(self) -> bool:
        """Whether a publish came in between: what was read is not what the source has by now."""
        try:
            now = release.read(self.place, self.folder, self.verifier)
        except (SourceError, TransientError):
            # It was good before, so somebody is at work there, or it is told at the next look.
            return True
        return now.files != self.release.files

    def _listed(self, name: str) -> list[str]:
        return [name + form for form in _FORMS if name + form in self.release.files]

    def _index(self, component: str, name: str) -> list[Stanza]:
        if name not in self._read:
            self._read[name] = [Stanza(component, fields) for fields in parsed(self._text(name))]
        return self._read[name]

    def _text(self, name: str) -> bytes:
        """An index, its sum checked against Release."""
        listed = self._listed(name)
        if not listed:
            raise SourceError(
                f"{self.release.uri} lists no {name}, as .xz, .gz or plain; leave that component "
                "or architecture out (--component, --arch), or publish it there"
            )
        for each in listed:
            body = self._body(each)
            if body is not None:
                return _unpacked(self.place.uri(self.folder + each), each, body)
        if any(self._body(each) is not None for each in self._further(name)):
            raise SourceError(
                f"{self.place.uri(self.folder + name)} is there in no form that debpress knows; "
                "publish it there as .xz, .gz or plain as well"
            )
        # While a publish goes on there, this is how a repository without by-hash looks.
        raise TransientError(
            f"{self.place.uri(self.folder + listed[0])} is not there, though "
            f"{self.release.uri} lists it; run this again, and if it stays so, publish it "
            "there anew"
        )

    def _body(self, name: str) -> bytes | None:
        said = self.release.files[name]
        paths = [name]
        if self.release.field("Acquire-By-Hash").lower() == "yes":
            # While a publish goes on, only this one is sure to be what Release lists.
            paths.insert(0, f"{name.rpartition('/')[0]}/by-hash/SHA256/{said.sha256}".lstrip("/"))
        for path in paths:
            body = self._there(path, said.size)
            if body is None:
                continue
            if len(body) != said.size or hashlib.sha256(body).hexdigest() != said.sha256:
                raise TransientError(
                    f"{self.place.uri(self.folder + path)} has other bytes than "
                    f"{self.release.uri} lists (SHA-256 {said.sha256}); a publish may be going on "
                    "there: run this again, and if it stays so, publish it there anew"
                )
            return body
        return None

    def _there(self, path: str, size: int) -> bytes | None:
        try:
            return self.place.read(self.folder + path, size)
        except (SourceError, StoreError):
            # Where there is no listing, S3 refuses what is not there.
            if "/by-hash/" in path:
                return None
            raise


def opened(
    place: Place, suite: str, verifier: Verifier, assumed: tuple[str, ...] = ()
) -> SourceSuite:
    """The suite of a repository: its path below dists/; or, where that ends with a slash, the
    folder of a flat one. Raises SourceError, TransientError."""
    flat = suite.endswith("/")
    folder = suite.removeprefix("./").lstrip("/") if flat else f"dists/{suite}/"
    read = release.read(place, folder, verifier)
    return SourceSuite(place, folder, flat, read, verifier, assumed)


def _unpacked(uri: str, name: str, body: bytes) -> bytes:
    packed = io.BytesIO(body)
    try:
        if name.endswith(".xz"):
            with lzma.open(packed) as opened:
                text = opened.read(_MOST_PLAIN + 1)
        elif name.endswith(".gz"):
            with gzip.open(packed) as opened:
                text = opened.read(_MOST_PLAIN + 1)
        else:
            text = body
    except (lzma.LZMAError, zlib.error, OSError, EOFError) as error:
        raise SourceError(f"{uri} can't be unpacked: {error}; publish it there anew") from error
    if len(text) > _MOST_PLAIN:
        raise SourceError(f"{uri} unpacks to more than {_MOST_PLAIN} bytes; check the address")
    return text


def parsed(text: bytes) -> Iterator[Mapping[str, str]]:
    """The stanzas, as python-debian reads them and five times as fast: an index is read again at
    each look, and of its lines there is but one form (Debian Policy 5.1). Values have their further
    lines as they are; comments, and what is no field, are passed over."""
    fields: dict[str, str] = {}
    name = ""
    for line in text.decode("utf-8", "replace").split("\n"):
        if line[:1] in (" ", "\t") and line.strip():
            if name:
                fields[name] += "\n" + line.removesuffix("\r")
        elif not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif not line.startswith("#"):
            said, colon, value = line.partition(":")
            name = _spelled(said.rstrip()) if colon else ""
            if name:
                fields[name] = value.strip()
    if fields:
        yield fields


_SPELLINGS = {
    name.lower(): name
    for name in (
        "Package", "Version", "Architecture", "Architecture-Variant", "Filename", "Size", "MD5sum",
        "SHA1", "SHA256", "SHA512", "Description", "Description-md5", "Depends", "Pre-Depends",
        "Recommends", "Suggests", "Enhances", "Breaks", "Conflicts", "Replaces", "Provides",
        "Section", "Priority", "Installed-Size", "Multi-Arch", "Maintainer", "Homepage", "Source",
    )
}  # fmt: skip


def _spelled(name: str) -> str:
    """Names of fields are the same in whatever case (Debian Policy 5.1)."""
    return _SPELLINGS.get(name.lower(), name)
