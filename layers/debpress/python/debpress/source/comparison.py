"""Whether a host could tell two repositories apart: what apt would be offered by either.

apt itself is asked where there is one (`Judge`), and then what is read here has to agree with it.
"""

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
from debpress.source.answers import DEPENDENCIES, PIN, Answer, Judge
from debpress.source.suite import SourceSuite, Stanza

# Where a file is, and sums beyond SHA-256, which apt takes as the strongest that it is told.
MAY_DIFFER = ("filename", "md5sum", "sha1", "sha224", "sha384", "sha512", "description-md5")
# What deb-s3 writes of a package that says nothing of it.
_INVENTED = {
    "license": "unknown", "vendor": "none", "homepage": "http://nourlgiven.example.com/",
}  # fmt: skip
# The fields of Release by which hosts know a repository, and rank it.
_RANKS = ("NotAutomatic", "ButAutomaticUpgrades")
_RELEASE = (
    ("Origin", "apt stops and asks when it changes"),
    ("Label", "apt stops and asks when it changes"),
    ("Codename", "apt stops and asks when it changes"),
    ("Suite", "pins of hosts by `a=` would not match"),
    *((name, "apt ranks all of its packages otherwise") for name in _RANKS),
)
# What follows where apt and we don't read the same. apt takes an index for empty whose plain form
# its Release does not list (docs/invariants.md, law 6).
_READ = "look at its stanza, and if that is in order, tell who maintains debpress"
# So many characters are shown around the first that differs.
_BEFORE, _AFTER = 20, 40
_ELSEWHERE = "hosts that read one of its components alone would lose it, or be offered it"
_UNSEEN = "does its Release list the plain Packages, too? apt says nothing where it does not"


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
    hosts would not take our release for a new one (law 1). `only_here` are the components that
    their repository has not, so that no host of it reads them. `unasked` are the architectures that
    the judge, if there was one, knows nothing of; `disagreements` is what it reads otherwise than
    we do, which would be a fault of ours, or stanzas that only one of both can read."""

    differences: list[Difference] = field(default_factory=list)
    disagreements: list[Difference] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    candidates: int = 0
    stanzas: int = 0
    allowed: Counter[str] = field(default_factory=Counter)
    architectures: tuple[str, ...] = ()
    only_here: tuple[str, ...] = ()
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


def components_of(side: SourceSuite, wanted: Sequence[str]) -> list[str]:
    """What is read of it: those that it has, or the one index of a flat repository."""
    return [""] if side.flat else [c for c in wanted if c in side.components]


def has_hosts(side: SourceSuite, architecture: str) -> bool:
    """Whether apt on hosts of this architecture reads it: where Release names none, all do."""
    return not side.architectures or architecture in side.architectures


def compare(
    theirs: SourceSuite,
    ours: SourceSuite,
    components: Sequence[str],
    architectures: Sequence[str],
    judge: Judge | None = None,
) -> Comparison:
    """All that differs, of these components, to hosts of these architectures. What has several is
    told for each, as a host has one. Raises what `judge` raises."""
    result = Comparison()
    result.differences += _releases(theirs, ours, components)
    result.architectures = tuple(architectures)
    result.older = ours.release.older(theirs.release)
    if not theirs.flat:
        result.only_here = tuple(c for c in ours.components if c not in theirs.components)
    for architecture in result.architectures:
        sides = []
        for side in (theirs, ours):
            own = components_of(side, components) if has_hosts(side, architecture) else []
            sides.append([s for c in own for s in side.stanzas(c, architecture)])
        one = _Architecture(result, architecture, *sides)
        answers = judge.answers(architecture) if judge else None
        if judge and not answers:
            result.unasked.append(architecture)
        if answers:
            one.check(answers)
            one.candidates = (answers[0].candidates, answers[1].candidates)
        one.compare()
        if not theirs.flat:
            one.compare_components()
        if answers:
            one.resolve(*answers)
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


class _Architecture:
    """Hosts of one architecture. `candidates` are as we read them, unless somebody says better."""

    def __init__(
        self, result: Comparison, name: str, theirs: list[Stanza], ours: list[Stanza]
    ) -> None:
        self.candidates: tuple[Mapping[str, Stanza], Mapping[str, Stanza]]
        self.candidates = (candidates(theirs), candidates(ours))
        self._result = result
        self._name = name
        self._all = (_by_identity(theirs), _by_identity(ours))
        self._placed = (_by_component(theirs), _by_component(ours))
        # Packages and versions of which something is said.
        self._told: set[str] = set()

    def check(self, answers: Sequence[Answer]) -> None:
        """Says where a judge has other versions than we, or another candidate."""
        sides = zip(("there", "here"), answers, self.candidates, self._all, strict=True)
        for where, answer, own, ours in sides:
            everything = {_as_apt(each) for each in ours}
            if everything and not answer.resolved:
                what = f"apt sees nothing {where} of what debpress reads ({len(everything)})"
                self._disagree("Packages", what, _UNSEEN)
                continue
            for identity in sorted(answer.resolved.keys() ^ everything):
                what = f"apt has it {where}, and debpress does not"
                if identity in everything:
                    what = f"debpress has it {where}, and apt does not"
                self._disagree(str(identity), what, _READ)
            for name in sorted(answer.candidates.keys() & own.keys()):
                said = [each[name].field("Version") for each in (answer.candidates, own)]
                if said[0] != said[1]:
                    what = f"apt takes {said[0]} {where}, and debpress {said[1]}"
                    self._disagree(name, what, _READ)

    def compare(self) -> None:
        there, here = self.candidates
        for name in sorted(there.keys() | here.keys()):
            self._result.candidates += 1
            for what, reason in _candidate(there.get(name), here.get(name)):
                self._tell(name, what, reason)
        both = there.keys() & here.keys()
        told = frozenset(self._told)
        old, new = self._all
        for identity in sorted(old.keys() | new.keys()):
            self._result.stanzas += 1
            if identity in old and identity in new:
                self._fields(identity, old[identity], new[identity])
            elif identity.package in both - told:  # Else its candidate says so.
                where = "there" if identity in old else "here"
                what, reason = f"is only {where}", "a host could ask for this very version"
                self._tell(str(identity), what, reason)
        for name in sorted(both - self._told):
            # Of one version with two contents, which of them apt takes.
            old_one, new_one = there[name], here[name]
            if old_one.sha256 != new_one.sha256 and str(old_one.identity) not in self._told:
                what = f"SHA256 is {_either(old_one.sha256, new_one.sha256)}"
                self._tell(name, what, _reason("SHA256"))

    def compare_components(self) -> None:
        """What hosts could tell that read some of the components only. Where each component has
        the same of every version, so has whichever of them a host reads."""
        there, here = self._placed
        for identity in sorted(there.keys() & here.keys()):
            about, old, new = str(identity), there[identity], here[identity]
            if old.keys() != new.keys():
                said = (" and ".join(f"in {c}" for c in sorted(each)) for each in (old, new))
                self._tell(about, f"is {_either(*said)}", _ELSEWHERE)
            elif about not in self._told:  # Else all of them together say so.
                for component in sorted(old):
                    for what, reason in _stanzas(Counter(), old[component], new[component]):
                        self._tell(about, f"in {component}, {what}", reason)

    def resolve(self, theirs: Answer, ours: Answer) -> None:
        """What is left to tell of what apt resolves requests by."""
        ranked = any(
            each.where == "Release" and each.about in _RANKS for each in self._result.differences
        )
        told = {each.lower() for each in self._told}
        for identity in sorted(theirs.resolved.keys() & ours.resolved.keys()):
            if told & {str(identity).lower(), identity.package}:
                continue
            old, new = theirs.resolved[identity], ours.resolved[identity]
            for name in sorted(old.keys() | new.keys()):
                if old.get(name) != new.get(name) and not (name == PIN and ranked):
                    what = f"to apt {name} is {_either(old.get(name, ''), new.get(name, ''))}"
                    self._tell(str(identity), what, _reason(name))
        both = theirs.resolved.keys() & ours.resolved.keys()
        versions = {(each.package, each.version) for each in both}
        for unmet in sorted(theirs.unmet ^ ours.unmet):
            package, version, what = unmet
            where = "there" if unmet in theirs.unmet else "here"
            if (package, version) in versions:
                said = f"nothing satisfies `{what}` {where}"
                self._tell(f"{package} {version}", said, "apt could install it from one alone")
        for warning in sorted(theirs.warnings ^ ours.warnings):
            where = "there" if warning in theirs.warnings else "here"
            self._tell("apt-get update", f"warns {where}: {warning}", "every host would say it")

    def _fields(self, identity: Identity, old: Stanza, new: Stanza) -> None:
        for what, reason in _stanzas(self._result.allowed, old, new):
            self._tell(str(identity), what, reason)

    def _tell(self, about: str, what: str, reason: str) -> None:
        self._told.add(about)
        self._result.differences.append(Difference(self._name, about, what, reason))

    def _disagree(self, about: str, what: str, reason: str) -> None:
        self._result.disagreements.append(Difference(self._name, about, what, reason))


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


def _as_apt(identity: Identity) -> Identity:
    """As apt tells it to a resolver, with the package's name in lower case."""
    return identity._replace(package=identity.package.lower())


def _by_component(stanzas: Iterable[Stanza]) -> dict[Identity, dict[str, Stanza]]:
    found: dict[Identity, dict[str, Stanza]] = {}
    for each in stanzas:
        found.setdefault(each.identity, {}).setdefault(each.component, each)
    return found


def _stanzas(allowed: Counter[str], old: Stanza, new: Stanza) -> Iterator[tuple[str, str]]:
    """Counts in `allowed` what differs and may."""
    # Nearly all is the same to the byte, and need not be read.
    differing = {name for name, _ in old.fields.items() ^ new.fields.items()}
    said = [_comparable(each.fields, differing) for each in (old, new)]
    names = {name.lower(): name for each in (new, old) for name in each.fields if name in differing}
    for key, name in sorted(names.items(), key=lambda each: each[1]):
        one, other = (each.get(key, "") for each in said)
        if one == other:
            continue
        invented = {one, other} == {_INVENTED.get(key), ""}
        translated = key == "description" and _translated(old, new)
        if key in MAY_DIFFER or invented or translated:
            allowed[name] += 1
            continue
        yield f"{name} is {_either(*_apart(one, other))}", _reason(name)


def _reason(name: str) -> str:
    if name in ("SHA256", "Size"):
        return "other bytes under the same version: apt would fetch it again"
    if name in (*DEPENDENCIES, PIN):
        return "apt would resolve it otherwise"
    if name in ("Section", "Priority"):
        return "the source overrides what the package says itself; change the package"
    return "apt would show it otherwise"


def _comparable(fields: Mapping[str, str], names: set[str]) -> dict[str, str]:
    """Values of these as they are read, by names in lower case (Debian Policy 5.1). How a field is
    broken into lines says nothing, as aptly joins them; nor do blanks that end a description's."""
    return {
        name.lower(): "\n".join(line.rstrip() for line in value.split("\n")).strip()
        if name.lower() == "description"
        else re.sub(r"\s+", " ", value).strip()
        for name, value in fields.items()
        if name in names
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


def _apart(one: str, other: str) -> tuple[str, str]:
    """Both in short; where these would look the same, what there is from where they differ."""
    if _short(one) != _short(other):
        return _short(one), _short(other)
    pairs = enumerate(zip(one, other, strict=False))
    at = next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
    start = max(0, at - _BEFORE)
    said = (f"{'...' if start else ''}{each[start : at + _AFTER]!a}" for each in (one, other))
    return next(said), next(said)


def _short(value: str) -> str:
    line = re.sub(r"\s+", " ", value)
    return line if len(line) <= 100 else f"{line[:97]}..."
