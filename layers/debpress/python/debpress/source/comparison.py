"""Whether a host could tell two repositories apart: what apt would be offered by either."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from debpress.errors import SourceError
from debpress.findings import shown
from debpress.index.entries import Identity
from debpress.index.order import BY_VERSION
from debpress.source.suite import SourceSuite, Stanza

# Where a file is, and sums beyond SHA-256, which apt takes as the strongest that it is told.
MAY_DIFFER = ("Filename", "MD5sum", "SHA1", "SHA224", "SHA384", "SHA512", "Description-md5")
# What deb-s3 writes of a package that says nothing of it.
_INVENTED = {
    "License": "unknown", "Vendor": "none", "Homepage": "http://nourlgiven.example.com/",
}  # fmt: skip
# By these apt resolves what an installation needs, and tells the installed build from another one.
DEPENDENCIES = (
    "Pre-Depends", "Depends", "Recommends", "Suggests", "Enhances", "Breaks", "Conflicts",
    "Replaces", "Provides",
)  # fmt: skip
# The fields of Release by which hosts know a repository, and rank it.
_RELEASE = (
    ("Origin", "apt stops and asks when it changes"),
    ("Label", "apt stops and asks when it changes"),
    ("Codename", "apt stops and asks when it changes"),
    ("Suite", "pins of hosts by `a=` would not match"),
    ("NotAutomatic", "apt ranks all of its packages otherwise"),
    ("ButAutomaticUpgrades", "apt ranks all of its packages otherwise"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a host could tell. `where` is an architecture, or `Release`; `about` a package, or a
    field of Release."""

    where: str
    about: str
    what: str
    reason: str


@dataclass(slots=True)
class Comparison:
    """`candidates` and `stanzas` are how many were compared, for hosts of these architectures;
    `allowed` is how often a field differs that may. `older`: under the address that they have,
    hosts would not take our release for a new one (law 1)."""

    differences: list[Difference] = field(default_factory=list)
    candidates: int = 0
    stanzas: int = 0
    allowed: Counter[str] = field(default_factory=Counter)
    architectures: tuple[str, ...] = ()
    older: bool = False


def candidates(stanzas: Iterable[Stanza]) -> dict[str, Stanza]:
    """What apt would install of each package, with no pins: the highest version, and the first of
    equal ones. Raises SourceError for versions that have no order."""
    found: dict[str, Stanza] = {}
    for each in stanzas:
        name = each.field("Package")
        best = found.get(name)
        if best is None or _higher(each, best):
            found[name] = each
    return found


def _higher(one: Stanza, other: Stanza) -> bool:
    versions = one.field("Version"), other.field("Version")
    try:
        return bool(BY_VERSION(versions[1]) < BY_VERSION(versions[0]))
    except ValueError as error:
        said = " and ".join(map(shown, versions))
        raise SourceError(
            f"{shown(one.field('Package'))} has versions {said}, and not both are versions as "
            "Debian has them: publish it anew with one"
        ) from error


def compare(theirs: SourceSuite, ours: SourceSuite, components: Sequence[str]) -> Comparison:
    """All that differs, of these components, to hosts of the architectures that their repository
    has. What has several is told for each, as a host has one."""
    result = Comparison()
    result.differences += _releases(theirs, ours, components)
    result.architectures = theirs.architectures
    result.older = ours.release.older(theirs.release)
    for architecture in result.architectures:
        sides = []
        for side in (theirs, ours):
            own = [c for c in components if c in side.components] if not side.flat else [""]
            there = architecture in side.architectures
            sides.append([s for c in own for s in side.stanzas(c, architecture)] if there else [])
        _compare(result, architecture, *sides)
    return result


def _releases(
    theirs: SourceSuite, ours: SourceSuite, components: Sequence[str]
) -> Iterator[Difference]:
    for name, reason in _RELEASE:
        said = [side.release.field(name) for side in (theirs, ours)]
        if said[0] != said[1]:
            yield Difference("Release", name, _either(*map(repr, said)), reason)
    for side, where in ((theirs, "there"), (ours, "here")):
        for component in () if theirs.flat else components:
            if component not in side.components:
                what, reason = f"is not {where}", "hosts that read it would lose its packages"
                yield Difference("Release", f"component {component}", what, reason)


def _compare(
    result: Comparison, architecture: str, theirs: list[Stanza], ours: list[Stanza]
) -> None:
    found = result.differences
    there, here = candidates(theirs), candidates(ours)
    told = set()
    for name in sorted(there.keys() | here.keys()):
        result.candidates += 1
        old, new = there.get(name), here.get(name)
        for what, reason in _candidate(old, new):
            found.append(Difference(architecture, name, what, reason))
            told.add(name)
    old_all, new_all = _by_identity(theirs), _by_identity(ours)
    for identity in sorted(old_all.keys() | new_all.keys()):
        result.stanzas += 1
        if identity not in new_all or identity not in old_all:
            if identity.package in there.keys() & here.keys() and identity.package in told:
                continue  # Its candidate says so.
            where = "there" if identity in old_all else "here"
            if identity.package in there.keys() & here.keys():
                what, reason = f"is only {where}", "a host could ask for this very version"
                found.append(Difference(architecture, str(identity), what, reason))
            continue
        found += _stanzas(result, architecture, old_all[identity], new_all[identity])


def _candidate(old: Stanza | None, new: Stanza | None) -> Iterator[tuple[str, str]]:
    if new is None and old is not None:
        yield f"{old.field('Version')} is only there", "apt could not install it from here"
    elif old is None and new is not None:
        yield f"{new.field('Version')} is only here", "apt would install what is not there"
    elif old is not None and new is not None and old.identity != new.identity:
        said = [f"{s.field('Version')} ({s.field('Architecture')})" for s in (old, new)]
        yield f"the candidate is {_either(*said)}", "apt would install another version"


def _by_identity(stanzas: Iterable[Stanza]) -> dict[Identity, Stanza]:
    """The first of each, as apt takes it."""
    found: dict[Identity, Stanza] = {}
    for each in stanzas:
        found.setdefault(each.identity, each)
    return found


def _stanzas(
    result: Comparison, architecture: str, old: Stanza, new: Stanza
) -> Iterator[Difference]:
    said = [_comparable(each.fields) for each in (old, new)]
    about = str(old.identity)
    for name in sorted(said[0].keys() | said[1].keys()):
        one, other = (each.get(name, "") for each in said)
        if one == other:
            continue
        invented = {one, other} == {_INVENTED.get(name), ""}
        translated = name == "Description" and _translated(old, new)
        if name in MAY_DIFFER or invented or translated:
            result.allowed[name] += 1
            continue
        what = f"{name} is {_either(_short(one), _short(other))}"
        yield Difference(architecture, about, what, _reason(name))


def _reason(name: str) -> str:
    if name in ("SHA256", "Size"):
        return "other bytes under the same version: apt would fetch it again"
    if name in DEPENDENCIES:
        return "apt would resolve it otherwise"
    if name in ("Section", "Priority"):
        return "the source overrides what the package says itself; change the package"
    return "apt would show it otherwise"


def _comparable(fields: Mapping[str, str]) -> dict[str, str]:
    """Values as apt reads them: how a list is broken into lines says nothing."""
    return {
        name: re.sub(r"\s+", " ", value).strip() if name in DEPENDENCIES else value.strip()
        for name, value in fields.items()
    }


def _translated(old: Stanza, new: Stanza) -> bool:
    """Whether one of two descriptions is the first line of the other one, whose rest is in an
    index of translations, found by its MD5 (DebianRepository/Format, "Description-md5")."""
    for short, long in ((old, new), (new, old)):
        text = long.fields.get("Description", "").strip()
        sum_ = short.field("Description-md5")
        first = short.field("Description")
        digest = hashlib.md5(f"{text}\n".encode("utf-8", "surrogateescape"), usedforsecurity=False)
        if sum_ and first == text.partition("\n")[0] and sum_ == digest.hexdigest():
            return True
    return False


def _either(there: str, here: str) -> str:
    return f"{there or 'absent'} there, {here or 'absent'} here"


def _short(value: str) -> str:
    line = re.sub(r"\s+", " ", value)
    return line if len(line) <= 100 else f"{line[:97]}..."
