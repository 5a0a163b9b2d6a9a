"""A repository of anybody's, named on the command line, and the suite of ours it is held against.

IAM: s3:GetObject on `state/_repository.json` and the root; for a source in S3 on that as well, and
s3:ListBucket on its bucket.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from debpress.archive import Archive
from debpress.commands import arguments as args
from debpress.config import Repository
from debpress.errors import SigningError, SourceError
from debpress.source import suite
from debpress.source.suite import SourceSuite

if TYPE_CHECKING:
    from debpress.source.place import Place, Verifier

_COMPONENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_SOURCE_SUITE = re.compile(r"[A-Za-z0-9._+~-]+(/[A-Za-z0-9._+~-]+)*/?|/")


Keep = Callable[["Place"], "Place"]


def _as_it_is(place: Place) -> Place:
    return place


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="what stands between `deb` and the suite in sources.list: https://…, s3://bucket/prefix,"
        " file:///… or a folder",
    )
    parser.add_argument("--suite", required=True, type=args.suite, help="the suite here")
    parser.add_argument(
        "--keyring",
        required=True,
        type=Path,
        metavar="FILE",
        help="the keys that hosts trust for the source, binary or armored",
    )
    parser.add_argument(
        "--source-suite",
        type=args.fits(_SOURCE_SUITE),
        metavar="SUITE",
        help="the suite there (default: as here); of a flat repository ./",
    )
    parser.add_argument(
        "--component",
        action="append",
        type=args.fits(_COMPONENT),
        help="only this one, may be repeated (default: all); of a flat repository, where to put it",
    )
    parser.add_argument(
        "--arch",
        action="append",
        type=args.architecture,
        help="only for hosts of this one, may be repeated (default: all that it has)",
    )


def opened(
    arguments: argparse.Namespace, client: Any, repository: Repository, keep: Keep = _as_it_is
) -> SourceSuite:
    """The suite that the arguments name, its signature checked. `client` is S3's, for a source
    there; `repository` says whose hosts read a flat one that names no architecture; `keep` may put
    another place around where it is. Raises SourceError, TransientError."""
    here = repository.suite(arguments.suite)
    return suite.opened(
        keep(_place(arguments.source, client)),
        arguments.source_suite or arguments.suite,
        _verifier(arguments.keyring),
        here.architectures if here else (),
    )


def components(arguments: argparse.Namespace, source: SourceSuite) -> list[str]:
    """Those that are wanted of it. Raises SourceError for one that it has not."""
    wanted: Sequence[str] | None = arguments.component
    if source.flat:
        return [""]
    for each in wanted or ():
        if each not in source.components:
            raise SourceError(
                f"{source.release.uri} has no component {each!r}; it has "
                f"{', '.join(source.components) or 'none'}"
            )
    return list(wanted or source.components)


def architectures(arguments: argparse.Namespace, source: SourceSuite) -> tuple[str, ...]:
    """Those whose hosts are asked about. Raises SourceError for one of which there are none."""
    wanted: Sequence[str] = arguments.arch or ()
    has = source.architectures
    for each in wanted:
        if has and each not in has:
            raise SourceError(
                f"{source.release.uri} has no architecture {each!r}; it has {', '.join(has)}"
            )
    return tuple(dict.fromkeys(wanted)) or has


def check_any(source: SourceSuite, components: Sequence[str], architectures: Sequence[str]) -> None:
    """Raises SourceError where no index would be read, as if all of its packages were gone."""
    if not (components and architectures):
        raise SourceError(
            f"{source.release.uri} names no component or no architecture, so nothing would be "
            "read; mend it there, or say --arch"
        )


def ours(archive: Archive, name: str, keep: Keep = _as_it_is) -> SourceSuite:
    """A suite of this repository, read as a host reads it, verified by the certificates that it
    publishes. Raises SourceError."""
    return suite.opened(keep(_Published(archive)), name, _Certificates(archive))


def own_keyring(archive: Archive) -> bytes:
    """The certificates that hosts have of this repository. Raises SigningError."""
    found = archive.read(archive.layout.key_gpg)
    if found is None:
        raise SigningError(f"{archive.layout.key_gpg} is not there; deploy")
    return found.body


class _Published:
    """A `Place`: the root that hosts read, in the bucket."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def uri(self, path: str) -> str:
        return f"{self._archive.layout.root}/{path}"

    def read(self, path: str, most: int) -> bytes | None:
        found = self._archive.read(self.uri(path))
        return None if found is None else found.body[: most + 1]

    def stream(self, path: str, start: int = 0) -> Any:
        found = self._archive.read(self.uri(path))
        return None if found is None else iter((found.body[start:],))


class _Certificates:
    """A `Verifier`: the signatures that `debpress verify` would take."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def clearsigned(self, document: bytes) -> bytes:
        from debpress import openpgp  # noqa: PLC0415 (cryptography takes long to import)

        openpgp.verify_clearsigned(document, [own_keyring(self._archive)])
        return openpgp.split(document)[0]

    def detached(self, data: bytes, signature: bytes) -> None:
        raise SigningError("a suite here has an InRelease")


def _place(source: str, client: Any) -> Place:
    from debpress.adapters import places  # noqa: PLC0415 (the SDK: see connection)

    parts = places.split(source)
    if parts.scheme in ("http", "https") and parts.hostname:
        return places.WebPlace(source)
    if parts.scheme == "s3" and parts.netloc:
        prefix = parts.path.strip("/")
        return places.BucketPlace(client, parts.netloc, f"{prefix}/" if prefix else "")
    if parts.scheme == "file":
        source = unquote(parts.path)
    elif "://" in source:
        # No more of it than that: there may be a password behind it.
        raise SourceError(
            f"{parts.scheme}:// can't be read so: say https://…, s3://bucket/prefix, file:///… or "
            "a folder"
        )
    folder = Path(source).absolute()
    if not folder.is_dir():
        raise SourceError(f"{source} is no folder here; check the path")
    return places.FolderPlace(folder)


def keyring(file: Path) -> bytes:
    """What --keyring names. Raises SourceError."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise SourceError(f"{file} can't be read: {error.strerror}") from error


def _verifier(file: Path) -> Verifier:
    from debpress.adapters.gpgv import Gpgv  # noqa: PLC0415

    return Gpgv(keyring(file), str(file))
