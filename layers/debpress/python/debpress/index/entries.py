"""Stanzas of a Packages index, and who they are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_FIELD = {
    name: re.compile(rb"(?mi)^" + name.encode() + rb":[ \t]*(.*?)[ \t]*$")
    for name in (
        "Package", "Version", "Architecture", "Architecture-Variant", "Section",
        "Filename", "Size", "SHA256",
    )
}  # fmt: skip

# One stanza in this many starts a block. The real bookworm index (63,440 stanzas) makes some 260
# blocks of 0.2 MB. docs/decisions/0008-content-defined-blocks.md has what other numbers would cost.
STANZAS_PER_BLOCK = 256


class Identity(NamedTuple):
    """What is unique in a suite; also the order of an index (plain text order, field by field).

    `architecture` is the variant's name where the package is of a variant, `amd64v3`.
    """

    package: str
    version: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.package} {self.version} ({self.architecture})"


class Entry(NamedTuple):
    """A stanza: `text` ends with one newline and holds no empty line."""

    identity: Identity
    text: bytes


def field(text: bytes, name: str) -> str:
    """A one-line field's value; empty where it is absent."""
    found = _FIELD[name].search(text)
    return found[1].decode("utf-8", "surrogateescape") if found else ""


def identify(text: bytes) -> Identity:
    architecture = field(text, "Architecture")
    # The expression would run through every stanza to its end to find nothing in it. The field is
    # spelled so in every stanza that `deb.stanza` makes, whatever the control file has.
    if b"\nArchitecture-Variant:" in text:
        architecture = field(text, "Architecture-Variant") or architecture
    return Identity(field(text, "Package"), field(text, "Version"), architecture)


def fields(stanza: bytes) -> dict[str, str]:
    """A stanza's fields in their order; continuation lines are kept as they are."""
    found: dict[str, str] = {}
    name = ""
    for line in stanza.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith((" ", "\t")):
            found[name] += f"\n{line}"
        elif line:
            name, _, value = line.partition(":")
            found[name] = value.strip()
    return found


def texts(plain: bytes) -> list[bytes]:
    """The stanzas of an index's text, in its order."""
    parts = (part.strip(b"\n") for part in plain.split(b"\n\n"))
    return [part + b"\n" for part in parts if part]


def split(plain: bytes) -> list[Entry]:
    """The entries of an index's text, in its order."""
    return [Entry(identify(text), text) for text in texts(plain)]


def stream(pieces: Iterable[bytes]) -> Iterator[Entry]:
    """The entries of a text that comes in pieces, cut anywhere."""
    for text in between(pieces):
        yield from split(text)


def between(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A text that comes in pieces, cut between stanzas instead of anywhere."""
    left = b""
    for piece in pieces:
        whole, end, left = (left + piece).rpartition(b"\n\n")
        yield whole + end
    yield left


def join(entries: Iterable[Entry]) -> bytes:
    """Each stanza followed by an empty line, the last too, as Debian writes its own."""
    return b"".join(entry.text + b"\n" for entry in entries)


def starts_block(identity: Identity) -> bool:
    """Whether this stanza begins a block: a property of the stanza alone.

    So the blocks of an index follow from the set of its stanzas, not from their history, and an
    insertion moves no boundary but its own.
    """
    digest = hashlib.sha256("\0".join(identity).encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:4], "big") % STANZAS_PER_BLOCK == 0


def cut(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The sorted entries as blocks."""
    block: list[Entry] = []
    for entry in entries:
        if block and starts_block(entry.identity):
            yield block
            block = []
        block.append(entry)
    if block:
        yield block
