"""A repository that somebody else publishes, in a folder, signed by a key of its own."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from debpress import deb, openpgp
from debpress.openpgp import verify_detached
from debpress.signing import Signers

_PACKED: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
}
NAMES = {"Origin": ". stable", "Label": ". stable", "Suite": "stable", "Codename": "stable"}
_AT = datetime(2026, 11, 23, 1, tzinfo=UTC)


class _Bytes:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, start: int, length: int) -> bytes:
        return self._body[start : start + length]


class Published:
    """`packages` are the bytes of packages by component and path; `publish` writes all anew, as
    aptly does, with sums of all kinds."""

    def __init__(self, folder: Path, signers: Signers, suite: str = "stable") -> None:
        self.folder = folder
        self.signers = signers
        self.suite = suite
        self.date = "Mon, 23 Nov 2026 01:00:00 UTC"
        self.names: Mapping[str, str] = NAMES
        self.architectures = ["amd64", "arm64"]
        self.packages: dict[str, dict[str, bytes]] = {"main": {}}
        # What stanzas say otherwise, by path.
        self.altered: dict[str, tuple[bytes, bytes]] = {}
        self._likes: dict[str, bytes] = {}
        self.forms: tuple[str, ...] = ("", ".gz", ".xz")
        self.detached = False
        # What each stanza says beside the package's own fields.
        self.said = ""
        self.by_hash = False
        # The one architecture to whose hosts a package for all is offered, by path.
        self.only: dict[str, str] = {}

    def add(
        self, package: str, body: bytes, component: str = "main", *, like: bytes | None = None
    ) -> str:
        """Adds a package by its file name; returns its path. Its stanza is made from what it says
        itself, or, as that can be refused, from what `like` says."""
        path = f"pool/{component}/{package[0]}/{package.partition('_')[0]}/{package}"
        self.packages.setdefault(component, {})[path] = body
        if like is not None:
            self._likes[path] = like
        return path

    def remove(self, path: str) -> None:
        for files in self.packages.values():
            files.pop(path, None)

    def publish(self) -> None:
        shutil.rmtree(self.folder / "dists", ignore_errors=True)
        indices: dict[str, bytes] = {}
        for component, files in self.packages.items():
            for path, body in files.items():
                self._write(path, body)
            stanzas = {path: self._stanza(path, body) for path, body in files.items()}
            for architecture in self.architectures:
                text = "".join(
                    stanza + "\n"
                    for path, stanza in stanzas.items()
                    if f"\nArchitecture: {architecture}\n" in stanza
                    or (
                        "\nArchitecture: all\n" in stanza
                        and self.only.get(path, architecture) == architecture
                    )
                ).encode("utf-8", "surrogateescape")
                indices[f"{component}/binary-{architecture}/Packages"] = text
        self._sign(f"dists/{self.suite}/", indices)

    def publish_flat(self) -> None:
        """As `apt-ftparchive packages .` does, all in one folder."""
        files = {path: body for each in self.packages.values() for path, body in each.items()}
        for path, body in files.items():
            self._write(path, body)
        stanzas = [self._stanza(f"./{path}", body) for path, body in files.items()]
        self._sign("", {"Packages": "\n".join(stanzas).encode()})

    def host(self) -> str:
        """What a host has in sources.list."""
        return f"deb [trusted=yes] file:{self.folder} {self.suite} {' '.join(self.packages)}"

    def _stanza(self, path: str, body: bytes) -> str:
        name = path.rpartition("/")[2]
        said = self._likes.get(path.removeprefix("./"), body)
        package = deb.inspect(name, _Bytes(said), len(said), whole=len(said), as_published=True)
        sha256 = hashlib.sha256(body).hexdigest()
        text = deb.stanza(package, filename=path, size=len(body), sha256=sha256)
        text += f"{self.said}MD5sum: {hashlib.md5(body).hexdigest()}\n".encode()
        old, new = self.altered.get(path, (b"", b""))
        return text.replace(old, new).decode("utf-8", "surrogateescape")

    def _sign(self, folder: str, indices: Mapping[str, bytes]) -> None:
        lines = [f"{name}: {value}".rstrip() for name, value in self.names.items()]
        lines += [f"Date: {self.date}"]
        if folder:
            lines.append(f"Architectures: {' '.join(self.architectures)}")
            lines.append(f"Components: {' '.join(self.packages)}")
        lines.append("SHA256:")
        for name, text in indices.items():
            for form in self.forms:
                packed = _PACKED[form](text)
                sha256 = hashlib.sha256(packed).hexdigest()
                where = f"{name.rpartition('/')[0]}/by-hash/SHA256/{sha256}"
                self._write(folder + (where if self.by_hash else f"{name}{form}"), packed)
                lines.append(f" {sha256} {len(packed):>16} {name}{form}")
        release = ("\n".join(lines) + "\n").encode()
        if self.detached:
            self._write(f"{folder}Release", release)
            self._write(f"{folder}Release.gpg", self.signers.detached(release, _AT))
        else:
            self._write(f"{folder}InRelease", self.signers.clearsign(release, _AT))

    def _write(self, path: str, body: bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)


class Certificates:
    """A `debpress.source.place.Verifier` in memory: what gpgv does, for keys of our own making."""

    def __init__(self, signers: Signers) -> None:
        self._certificates = signers.certificates()

    def clearsigned(self, document: bytes) -> bytes:
        openpgp.verify_clearsigned(document, self._certificates)
        return openpgp.split(document)[0]

    def detached(self, data: bytes, signature: bytes) -> None:
        verify_detached(data, signature, self._certificates)
