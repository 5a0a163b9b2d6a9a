"""Has apt judge two suites, where it is installed: it reads what was read of them here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from debpress.architectures import base_of
from debpress.commands.foreign import Keep
from debpress.concurrency import at_once
from debpress.source.answers import Answer, Judge
from debpress.source.comparison import has_hosts
from debpress.source.suite import SourceSuite

if TYPE_CHECKING:
    from debpress.adapters.apt import Apt, Mirror
    from debpress.source.place import Place

THERE, HERE = "there", "here"


@dataclass(frozen=True, slots=True)
class Side:
    """A suite, the components that are read of it, and the keys that its hosts trust."""

    suite: SourceSuite
    components: Sequence[str]
    keyring: Callable[[], bytes]


class Bench:
    """Keeps what is read of two suites below `folder`, for apt to read it again."""

    def __init__(self, apt: Apt | None, folder: Path) -> None:
        self._apt, self._folder = apt, folder

    def keep(self, name: str) -> Keep:
        """For `foreign`; `name` is of the side, THERE or HERE."""

        def around(place: Place) -> Place:
            from debpress.adapters.places import KeptPlace  # noqa: PLC0415 (see connection)

            return KeptPlace(place, self._folder / name) if self._apt else place

        return around

    def load(
        self, suite: SourceSuite, components: Sequence[str], architectures: Sequence[str]
    ) -> None:
        """Reads what is compared of a suite. Raises SourceError, TransientError."""
        suite.load(components, architectures)
        if self._apt:
            suite.load_further_forms(components, architectures)

    def judge(self, theirs: Side, ours: Side) -> Judge | None:
        """None where there is no apt. Raises SigningError, SourceError."""
        if self._apt is None:
            return None
        return _ByApt(
            self._apt, (theirs, self._mirror(theirs, THERE)), (ours, self._mirror(ours, HERE))
        )

    def _mirror(self, side: Side, name: str) -> Mirror:
        from debpress.adapters import gpgv  # noqa: PLC0415
        from debpress.adapters.apt import Mirror  # noqa: PLC0415

        suite = side.suite
        keyring = gpgv.binary(side.keyring(), "the keyring")
        return Mirror(self._folder / name, suite.folder, suite.flat, keyring, suite.address)


@dataclass(frozen=True, slots=True)
class _ByApt:
    apt: Apt
    theirs: tuple[Side, Mirror]
    ours: tuple[Side, Mirror]

    @property
    def name(self) -> str:
        return f"apt {self.apt.version}"

    def answers(self, architecture: str) -> tuple[Answer, Answer] | None:
        if base_of(architecture):
            return None
        return at_once(
            lambda: self._asked(*self.theirs, architecture),
            lambda: self._asked(*self.ours, architecture),
        )

    def _asked(self, side: Side, mirror: Mirror, architecture: str) -> Answer:
        if not (has_hosts(side.suite, architecture) and side.components):
            return Answer()
        return self.apt.asked(mirror, [c for c in side.components if c], architecture)


@contextmanager
def sitting() -> Iterator[Bench]:
    """Whatever is kept is removed at its end. Raises SourceError where apt does not run."""
    from debpress.adapters import apt, scratch  # noqa: PLC0415

    with scratch.folder("debpress-compare-") as folder:
        yield Bench(apt.installed(), folder)
