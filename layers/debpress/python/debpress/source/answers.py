"""What apt says of a suite, read from what its commands print: the candidates, what it can't
satisfy, and what it hands to whatever resolves a request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from debpress.index.entries import Identity
from debpress.source.suite import Stanza, parsed

# By these apt resolves what an installation needs, and tells the installed build from another one.
DEPENDENCIES = (
    "Pre-Depends", "Depends", "Recommends", "Suggests", "Enhances", "Breaks", "Conflicts",
    "Replaces", "Provides",
)  # fmt: skip
PIN = "APT-Pin"
# Of what a resolver is told of each version, all that is not a number of apt's own or in Release.
_RESOLVED = frozenset((*DEPENDENCIES, PIN, "Multi-Arch", "Essential"))
# Of a candidate, what tells it from others; the rest is compared stanza by stanza.
_TELLING = ("Package", "Version", "Architecture", "Architecture-Variant", "SHA256")
_UNMET = re.compile(r"Package (\S+) version (\S+) has an unmet dep:")


@dataclass(frozen=True, slots=True)
class Answer:
    """On a host of one architecture, with nothing installed and no other source: of each package's
    candidate the fields that tell it from others; of every version the relations as apt has parsed
    them, and its pin; the relations (package, version, what) that nothing there satisfies; what
    `apt-get update` warns of."""

    candidates: Mapping[str, Stanza] = field(default_factory=dict)
    resolved: Mapping[Identity, Mapping[str, str]] = field(default_factory=dict)
    unmet: frozenset[tuple[str, str, str]] = frozenset()
    warnings: frozenset[str] = frozenset()


class Judge(Protocol):
    """Whoever is asked what hosts would be offered by two suites."""

    @property
    def name(self) -> str:
        """With its version."""

    def answers(self, architecture: str) -> tuple[Answer, Answer] | None:
        """Of their suite and of ours; None for hosts that it knows nothing of. Raises
        SourceError."""


def candidates(printed: bytes, architecture: str) -> dict[str, Stanza]:
    """By what `apt-cache dumpavail` prints: of each package the record of its candidate. The index
    of a flat repository has packages that are not for a host of this architecture, too."""
    found = {}
    for fields in parsed(printed):
        if fields.get("Architecture") in (architecture, "all"):
            told = {name: fields[name] for name in _TELLING if name in fields}
            found[fields["Package"]] = Stanza("", told)
    return found


def resolved(dumped: bytes) -> dict[Identity, Mapping[str, str]]:
    """By what apt tells an external resolver (EDSP 0.5, "Package universe")."""
    found: dict[Identity, Mapping[str, str]] = {}
    for fields in parsed(dumped):
        if "Package" in fields:
            identity = Identity(fields["Package"], fields["Version"], fields["Architecture"])
            told = {name: value for name, value in fields.items() if name in _RESOLVED}
            found.setdefault(identity, told)
    return found


def unmet(printed: str) -> Iterator[tuple[str, str, str]]:
    """By what `apt-cache unmet` prints."""
    package = version = ""
    for line in printed.splitlines():
        if begins := _UNMET.fullmatch(line):
            package, version = begins.groups()
        elif line.startswith(" ") and package:
            yield package, version, line.strip()
