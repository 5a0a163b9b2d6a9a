"""The Release file: what apt trusts once its signature is good.

Fields as DebianRepository/Format has them. Only SHA256 is listed: apt asks by the strongest hash
it is told, and by-hash/SHA256 is what there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from debpress.architectures import base_of
from debpress.errors import CorruptError
from debpress.index.form import Checksum

_FILE = re.compile(r" ([0-9a-f]{64}) +([0-9]{1,18}) ([^ ]+)")
_INDEX = re.compile(r"[^ ]+/binary-([^ /]+)/Packages")


@dataclass(frozen=True, slots=True)
class Release:
    """`files` maps names below dists/<suite>/ to their sums. `date` and `valid_until` are in whole
    seconds, UTC; apt refuses it after the latter, None: never. `architectures` are those that have
    indices, variants among them, and `Architectures` says no variant: of one that it says, apt
    reads the index *in place of* its base's (docs/decisions/0014-architecture-variants.md)."""

    origin: str
    label: str
    suite: str
    codename: str
    date: datetime
    architectures: tuple[str, ...]
    components: tuple[str, ...]
    description: str
    files: Mapping[str, Checksum]
    valid_until: datetime | None = None

    def without(self, suffix: str) -> Release:
        """The same, listing no file whose name ends so."""
        files = {name: each for name, each in self.files.items() if not name.endswith(suffix)}
        return replace(self, files=files)

    def dated(self, date: datetime) -> Release:
        """The same of another Date, valid for as long as it was."""
        until = self.valid_until and date + (self.valid_until - self.date)
        return replace(self, date=date, valid_until=until)

    def used(self, now: datetime) -> float | None:
        """The share of its validity that is over, 1 and more when all of it is; None where it is
        valid for ever."""
        if self.valid_until is None:
            return None
        whole = (self.valid_until - self.date).total_seconds()
        return (now - self.date).total_seconds() / whole if whole > 0 else 1.0

    def render(self) -> bytes:
        lines = [
            f"Origin: {self.origin}",
            f"Label: {self.label}",
            f"Suite: {self.suite}",
            f"Codename: {self.codename}",
            f"Date: {rfc1123(self.date)}",
            *([f"Valid-Until: {rfc1123(self.valid_until)}"] if self.valid_until else []),
            "Acquire-By-Hash: yes",
            f"Architectures: {' '.join(a for a in self.architectures if base_of(a) is None)}",
            f"Components: {' '.join(self.components)}",
            f"Description: {self.description}",
            "SHA256:",
        ]
        lines += [f" {s.sha256} {s.size} {name}" for name, s in sorted(self.files.items())]
        return "".join(line + "\n" for line in lines).encode()


def parse(text: bytes) -> Release:
    """Reads what `render` wrote, or any Release with the same fields. Raises CorruptError."""
    fields: dict[str, str] = {}
    files: dict[str, Checksum] = {}
    name = ""
    for line in text.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith(" "):
            if name == "SHA256":
                listed = _FILE.fullmatch(line.rstrip())
                if listed is None:
                    raise CorruptError(f"a published Release lists no file in the line {line!r}")
                files[listed[3]] = Checksum(listed[1], int(listed[2]))
        else:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    try:
        return Release(
            origin=fields.get("Origin", ""),
            label=fields.get("Label", ""),
            suite=fields.get("Suite", ""),
            codename=fields.get("Codename", ""),
            date=_moment(fields["Date"]),
            architectures=_architectures(fields.get("Architectures", ""), files),
            components=tuple(fields.get("Components", "").split()),
            description=fields.get("Description", ""),
            files=files,
            valid_until=_moment(fields["Valid-Until"]) if "Valid-Until" in fields else None,
        )
    except (KeyError, ValueError, OverflowError) as error:
        raise CorruptError(
            f"a published Release has no readable Date or Valid-Until: {error}"
        ) from error


def _architectures(said: str, files: Iterable[str]) -> tuple[str, ...]:
    """Those that the field says, and the variants whose indices are listed."""
    listed = sorted({index[1] for name in files if (index := _INDEX.fullmatch(name))})
    return tuple(dict.fromkeys((*said.split(), *(a for a in listed if base_of(a)))))


def _moment(text: str) -> datetime:
    return parsedate_to_datetime(text).astimezone(UTC)


def rfc1123(moment: datetime) -> str:
    """`Mon, 23 Nov 2026 01:02:03 UTC`: the one zone spelling besides GMT that every apt takes."""
    return format_datetime(moment.astimezone(UTC), usegmt=True).replace("GMT", "UTC")
