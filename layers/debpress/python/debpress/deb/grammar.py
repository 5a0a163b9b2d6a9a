"""What names, versions, architectures and relations look like (Debian Policy 5.6 and 7.1).

dpkg decides where Policy says "should": a host refuses to unpack what it can't parse, and apt
refuses a whole index for one relation it can't parse, so that one package would stop every host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

# Policy 5.6.7, except that one letter is enough, as it is for dpkg.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*")
# pkg_name_is_illegal in dpkg's lib/dpkg/parsehelp.c.
_PACKAGE_TO_DPKG = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")
# Policy 5.6.12, between the epoch and the revision, and after the last hyphen.
_UPSTREAM = re.compile(r"[0-9][A-Za-z0-9.+~:-]*")
_REVISION = re.compile(r"[A-Za-z0-9.+~]+")
_MOST_EPOCH = 2**31 - 1
_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9-]*")
_SOURCE = re.compile(r"([^\s()]+)(?:\s*\(\s*([^\s()]+)\s*\))?")
# dpkg lets relations name packages with upper case and underscores.
_RELATION = re.compile(
    r"[ \t\n]*[A-Za-z0-9][A-Za-z0-9+._-]*(?::[A-Za-z0-9][A-Za-z0-9-]*)?[ \t\n]*"
    r"(?:\([ \t\n]*(?P<operator><<|<=|=|>=|>>|<|>)?[ \t\n]*"
    r"(?P<version>[^ \t\n()]+)[ \t\n]*\)[ \t\n]*)?"
)
# The length of a file name, which is what apt makes of name, version and architecture. apt also
# aborts when one word that it stores passes 65,535 bytes.
LONGEST = 255

# What apt hashes to tell whether the installed version is the one that an index offers: dpkg writes
# these into its own database in its own words, and apt evens out only part of the difference
# (debListParser::VersionHash in apt's deblistparser.cc).
_HASHED = ("Depends", "Pre-Depends", "Conflicts", "Breaks", "Replaces")
_PADDED_EPOCH = re.compile(r"0[0-9]+:")
# apt 2.6 wants more characters than this behind the bracket that opens a version, up to the
# field's end; later ones are content with as many (debListParser::ParseDepends).
_SHORTEST_VERSION = 3

ALTERNATIVES = ("Depends", "Pre-Depends", "Recommends", "Suggests", "Enhances")
NO_ALTERNATIVES = ("Provides", "Conflicts", "Breaks", "Replaces")


def is_package(text: str) -> bool:
    return len(text) <= LONGEST and _PACKAGE.fullmatch(text) is not None


def is_package_to_dpkg(text: str) -> bool:
    """Whether dpkg unpacks a package of that name, which it writes in lower case."""
    return len(text) <= LONGEST and _PACKAGE_TO_DPKG.fullmatch(text) is not None


def is_version(text: str) -> bool:
    """Whether `dpkg --validate-version` has no complaint (and the epoch has no sign)."""
    if len(text) > LONGEST or not text.isascii():
        return False
    epoch, rest = text.split(":", 1) if ":" in text else ("0", text)
    upstream, revision = rest.rsplit("-", 1) if "-" in rest else (rest, "0")
    return (
        epoch.isdigit()
        and int(epoch) <= _MOST_EPOCH
        and _UPSTREAM.fullmatch(upstream) is not None
        and _REVISION.fullmatch(revision) is not None
    )


def is_architecture(text: str) -> bool:
    """Whether a built package can be for it: a word, no wildcard, not `source` (Policy 5.6.8)."""
    return (
        len(text) <= LONGEST
        and _ARCHITECTURE.fullmatch(text) is not None
        and "any" not in text.split("-")
        and text != "source"
    )


def source_of(text: str) -> str | None:
    """The name in a Source field, `foo` or `foo (1.2)`; None if it is neither (Policy 5.6.1)."""
    fits = _SOURCE.fullmatch(text)
    if fits is None or not is_package(fits[1]) or not (fits[2] is None or is_version(fits[2])):
        return None
    return fits[1]


def bad_relations(text: str, *, alternatives: bool) -> Iterator[str]:
    """The parts of a relationship field that dpkg would refuse. An empty field is fine."""
    if not text.strip(" \t\n"):
        return
    for group in text.split(","):
        for part in group.split("|") if alternatives else [group]:
            fits = _RELATION.fullmatch(part)
            version = fits and fits["version"]
            too_long = any(len(word) > LONGEST for word in part.split())
            if fits is None or too_long or (version and not is_version(version)):
                yield part


def odd_to_apt(field: str, text: str) -> Iterator[tuple[str, str]]:
    """The relations of a field that dpkg takes, and of which apt makes something else, each with
    the reason."""
    for part in re.split("[,|]", text):
        fits = _RELATION.fullmatch(part)
        if fits is None or not fits["version"]:
            continue
        if field == "Provides" and fits["operator"] not in (None, "="):
            yield part, "apt ignores it and warns on every host; write `(= version)`, or none"
        if field in _HASHED and _PADDED_EPOCH.match(fits["version"]):
            told = "dpkg writes the epoch without its zeros, and apt installs the package again "
            yield part, told + "and again for the difference; leave the zeros out"


def unfit_for_apt(text: str) -> Iterator[tuple[str, str]]:
    """The relations of a field that dpkg takes and an apt can't read, each with the reason."""
    part = re.split("[,|]", text)[-1]
    # After the last relation nothing can follow that would make it longer.
    _, bracket, rest = text.rpartition("(")
    well_formed = _RELATION.fullmatch(part) is not None  # Else it is told already.
    if well_formed and bracket and len(rest.strip(" \t\n")) <= _SHORTEST_VERSION:
        yield part, "apt would refuse the whole index for it; write it as `foo (= 1)`"


def disagrees(file: str, package: str, version: str, *architectures: str) -> bool:
    """Whether a file name of the form `name_version_architecture.deb` says something else.

    Names of any other form say nothing. As `apt-get download` does, a name may quote characters
    (`1%3a2.0`); as dpkg and dak do, it may leave the epoch out. A variant's package is named after
    the variant by Ubuntu's dpkg and after the architecture by nfpm: any of `architectures` fits.
    """
    parts = [unquote(part) for part in file.removesuffix(".deb").split("_")]
    if len(parts) != 3 or not parts[1][:1].isdigit():
        return False
    versions = (version, version.partition(":")[2] or version)
    return not (parts[0] == package and parts[1] in versions and parts[2] in architectures)
