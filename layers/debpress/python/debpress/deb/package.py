"""What a binary package says of itself, and its stanza in a Packages index."""

from __future__ import annotations

from dataclasses import dataclass

# The index says these, or dpkg's own status file does; a control file has no say in them. apt takes
# Filename for the location, and for hashes whatever HashString::SupportedHashes in its hashes.cc
# has, Checksum-FileSize among them. A malformed Description-md5 alone makes it refuse the index.
_NOT_FROM_CONTROL = frozenset(
    name.lower()
    for name in (
        "Filename", "MSDOS-Filename", "Size", "MD5sum", "SHA1", "SHA256", "SHA512",
        "Checksum-FileSize", "Description-md5", "Phased-Update-Percentage",
        "Status", "Config-Version", "Conffiles", "Triggers-Awaited", "Triggers-Pending",
    )
)  # fmt: skip

_VARIANT = "Architecture-Variant"


@dataclass(frozen=True, slots=True)
class Package:
    """A package, checked. `fields` is all of its control file in order, a value being bytes: its
    first line and its continuation lines, each of which starts with a blank. `variant` is the
    architecture's, empty where it is built for all of its processors."""

    package: str
    version: str
    architecture: str
    source: str
    fields: tuple[tuple[str, bytes], ...]
    variant: str = ""

    @property
    def built_for(self) -> str:
        """The architecture, or its variant: the index that the package is in."""
        return self.variant or self.architecture


def stanza(package: Package, *, filename: str, size: int, sha256: str) -> bytes:
    """The package's paragraph of Packages: ends with one newline and holds no empty line.

    Debian's order: Package first, the control file's other fields as they come, then where the
    file is and what it must be. What a control file says of Filename, Size and sums is dropped, and
    a Provides that is empty, for which apt 2.6 refuses the whole index.
    """
    said = [(_spelled(name), value) for name, value in package.fields if name.lower() != "package"]
    lines = [_line("Package", package.package.encode())]
    lines += [_line(name, value) for name, value in said if _is_taken(name.lower(), value)]
    lines.append(_line("Filename", filename.encode()))
    lines.append(_line("Size", str(size).encode()))
    lines.append(_line("SHA256", sha256.encode()))
    return b"".join(lines)


def _spelled(name: str) -> str:
    """As the control file has it; but who reads an index looks for this one as it is written."""
    return _VARIANT if name.lower() == _VARIANT.lower() else name


def _is_taken(name: str, value: bytes) -> bool:
    return name not in _NOT_FROM_CONTROL and bool(value or name != "provides")


def _line(name: str, value: bytes) -> bytes:
    # A value whose first line is empty begins with the newline of its second.
    blank = b"" if not value or value.startswith(b"\n") else b" "
    return name.encode() + b":" + blank + value + b"\n"
