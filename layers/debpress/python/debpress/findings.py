"""Collecting everything that is wrong with one file, in words safe to print."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from debpress.errors import Code, Refusal, RejectedError

Report = Callable[[Code, str], None]

# A hostile file could name a million errors; nobody reads more than these.
_MOST = 1000
_CLIPPED = 80


class Findings:
    """The refusals of one file, in the order found, at most a thousand. `as_published`: hosts live
    with the file already, so what they can live with is not refused."""

    def __init__(self, file: str, *, as_published: bool = False) -> None:
        self.file = printable(file)
        self.as_published = as_published
        self.refusals: list[Refusal] = []
        self._unsaid = 0

    def add(self, code: Code, message: str) -> None:
        if len(self.refusals) < _MOST:
            self.refusals.append(Refusal(self.file, code, message))
        else:
            self._unsaid += 1

    def tolerate(self, code: Code, message: str) -> None:
        """What a new package may not have, and hosts can live with: dpkg unpacks the package, and
        apt reads the index that it is in, on every host
        (docs/decisions/0029-as-published.md)."""
        if not self.as_published:
            self.add(code, message)

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Takes over the refusals of a part that could not go on, so that others still can."""
        try:
            yield
        except RejectedError as error:
            for refusal in error.refusals:
                self.add(refusal.code, refusal.message)

    def error(self) -> RejectedError:
        if self._unsaid:
            more = f"has {self._unsaid} more errors; mend these first"
            return RejectedError([*self.refusals, Refusal(self.file, self.refusals[-1].code, more)])
        return RejectedError(self.refusals)

    def close(self) -> None:
        """Raises RejectedError if anything was found."""
        if self.refusals:
            raise self.error()


def refused(code: Code, message: str) -> RejectedError:
    """One refusal from a part that does not know whose it is; `Findings.gathering` names it."""
    return RejectedError([Refusal("", code, message)])


def printable(text: str) -> str:
    """`text` with control characters and the like escaped: it can't break a log or a terminal."""
    return text if text.isprintable() else repr(text)[1:-1]


def shown(text: str | bytes) -> str:
    """`text` quoted, escaped and clipped, for use in a sentence."""
    plain = _decoded(text) if isinstance(text, bytes) else text
    if len(plain) <= _CLIPPED:
        return repr(plain)
    return f"{plain[:_CLIPPED]!r}... ({len(plain)} characters)"


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")
