"""The port by which rules get what they did not know beforehand that they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from debpress.index.form import Checksum, Form
from debpress.index.packages import Packages
from debpress.index.release import Release
from debpress.records.generation import Generation
from debpress.records.gone import GoneVersion
from debpress.suite.published import Published


class Loader(Protocol):
    """`debpress.archive.Archive` keeps it. Every method may raise TransientError or StoreError."""

    def published(self, suite: str) -> Published | None:
        """A suite as it is published, or None before its first flip. Raises CorruptError."""

    def index(self, suite: str, listed: Release, name: str) -> Packages:
        """An index that a Release of the suite lists, `main/binary-amd64/Packages`.

        Raises IndexGoneError when one of its forms is gone or is not what the Release lists.
        """

    def form(self, suite: str, name: str, listed: Checksum) -> Form:
        """One stored form of an index, `main/binary-amd64/Packages.xz`. Raises IndexGoneError."""

    def chain(self, suite: str, newest: str | None, base: str | None) -> Iterator[Generation]:
        """The generations from `newest` back to, and without, `base`.

        Ends early where a record is lost: the repository is whole without them.
        """

    def gone(self, suite: str, versions: Iterable[tuple[str, str]]) -> list[GoneVersion]:
        """What is noted of versions, each a package's name and its version however spelled, that
        the suite took out once; nothing of one that it never did. Raises CorruptError."""

    def files(self, filename: str) -> Iterator[bytes] | None:
        """The paths of the files in a package, by its stanza's `Filename`, in their order; None
        where it was admitted to suites without Contents."""

    def missing(self, filenames: Iterable[str]) -> list[str]:
        """Which of these packages, by their stanzas' `Filename`, are not in the pool any more."""
