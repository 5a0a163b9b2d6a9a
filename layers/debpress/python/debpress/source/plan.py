"""Which packages of a foreign suite are to be brought, in which batches, and which can't be."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from debpress.errors import Code, Refusal
from debpress.findings import printable, shown
from debpress.index.entries import Identity
from debpress.index.versions import Content, Taken, canonical
from debpress.layout import Batch
from debpress.source.suite import SourceSuite, Stanza

_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"(?:[0-9]+:)?[0-9A-Za-z][0-9A-Za-z.+~:-]*")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")
# A number of more digits than any package's is none, and more than Python reads.
_SIZE = re.compile(r"[0-9]{1,18}")
# What a manifest has of a file beside its name, and of all files, in bytes.
_LISTED = 160
_MOST_LISTED = 4 * 10**6
# All names of imports' batches begin so.
_BATCHES = "import-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A package to bring: into which component, and where the source has it (`path`)."""

    component: str
    identity: Identity
    sha256: str
    size: int
    path: str

    @property
    def name(self) -> str:
        """What its file is called in staging: `foo_1.0_amd64.deb`, and `foo_1_1.0_amd64.deb` with
        an epoch, which file names commonly leave out, though two versions may differ in it alone.
        """
        package, version, architecture = self.identity
        return f"{package}_{version.replace(':', '_')}_{architecture}.deb"


@dataclass(slots=True)
class Offer:
    """What a source offers. `problems` are of packages that can't be brought, each by its path
    there; `named` are all that it has, by component, those with problems too; `partly` are packages
    for all that it offers to hosts of some architectures only."""

    wanted: list[Wanted] = field(default_factory=list)
    problems: list[Refusal] = field(default_factory=list)
    named: set[tuple[str, Identity]] = field(default_factory=set)
    partly: list[Identity] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(each.size for each in self.wanted)


def read(
    suite: SourceSuite, components: Iterable[str], architectures: Iterable[str], flat_into: str
) -> Offer:
    """All that is offered to these components and architectures; what a flat repository offers,
    which has no components, goes into `flat_into`.

    A version that it offers with several contents is taken with the first one: to a host they are
    one and the same (law 4).
    """
    offer, taken = Offer(), dict[tuple[str, Identity, str], Wanted]()
    architectures = tuple(architectures)
    contents: dict[tuple[str, object], list[Content]] = {}
    offered: dict[tuple[str, Identity, str], set[str]] = {}
    for component in components:
        for architecture in architectures:
            for stanza in suite.stanzas(component, architecture):
                key = (component, stanza.identity, stanza.sha256)
                if stanza.identity.architecture == "all":
                    offered.setdefault(key, set()).add(architecture)
                if key in taken:
                    continue
                offer.named.add((component or flat_into, stanza.identity))
                wanted = _checked(stanza, component or flat_into, offer)
                if wanted is None:
                    continue
                content = Content(wanted.identity, wanted.sha256)
                version = (wanted.identity.package, canonical(wanted.identity.version))
                same = contents.setdefault(version, [])
                other = Taken(same).instead(content)
                if other is not None:
                    offer.problems.append(_reused(wanted.path, wanted, other, "the source has"))
                    continue
                same.append(content)
                taken[key] = wanted
    offer.problems = list(dict.fromkeys(offer.problems))
    some = {key[1] for key, hosts in offered.items() if len(hosts) < len(set(architectures))}
    offer.partly = sorted(some)
    offer.wanted = sorted(taken.values(), key=lambda each: (each.component, each.identity))
    return offer


def missing(offer: Offer, published: Iterable[tuple[str, Content]]) -> Offer:
    """What of the offer is not published yet. `published` are components and contents; what would
    be another content of a published version is a problem (law 4)."""
    there = list(published)
    same = {(component, content) for component, content in there}
    taken = Taken(content for _, content in there)
    left = Offer(problems=list(offer.problems), named=offer.named)
    for wanted in offer.wanted:
        content = Content(wanted.identity, wanted.sha256)
        if (wanted.component, content) in same:
            continue
        other = taken.instead(content)
        if other is None:
            left.wanted.append(wanted)
        else:
            left.problems.append(_reused(wanted.path, wanted, other, "there is published"))
    return left


def batches(wanted: Sequence[Wanted], most: int) -> list[list[Wanted]]:
    """Of one component each, and of `most` packages at most, in the order of names; fewer where
    their manifest would be longer than there may be."""
    components: dict[str, list[list[Wanted]]] = {}
    length = 0
    for each in wanted:
        lists = components.setdefault(each.component, [])
        length += len(each.name) + _LISTED
        if not lists or len(lists[-1]) == most or length > _MOST_LISTED:
            lists.append([])
            length = len(each.name) + _LISTED
        lists[-1].append(each)
    return [packages for lists in components.values() for packages in lists]


def start(address: str) -> str:
    """What the names of all batches from one source begin with: by their results an import knows
    what it has brought itself, and other sources have not."""
    return f"{_BATCHES}{hashlib.sha256(address.encode('utf-8', 'replace')).hexdigest()[:8]}-"


def batch(suite: str, packages: Sequence[Wanted], start: str) -> Batch:
    """The batch of these packages. Its name follows from them: what was cut goes on in the same
    folder, where files are that need not be sent again."""
    lines = sorted(f"{each.name} {each.sha256}\n" for each in packages)
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
    return Batch(suite, packages[0].component, f"{start}{digest}")


def most_versions(wanted: Iterable[Wanted]) -> tuple[int, str]:
    """How many versions the package has that has most of them, and its name: what a prune by a
    smaller `keep` would take out again. Zero of nothing."""
    counted = Counter((w.identity.package, w.identity.architecture, w.component) for w in wanted)
    if not counted:
        return 0, ""
    (package, _, _), number = counted.most_common(1)[0]
    return number, package


def _checked(stanza: Stanza, component: str, offer: Offer) -> Wanted | None:
    """None with a problem where no package could be fetched and known by it."""
    # First of all, as what is behind `./` may begin with a slash itself.
    path, size = stanza.field("Filename").removeprefix("./"), stanza.field("Size")
    identity = stanza.identity
    file = printable(path) or str(identity)

    def problem(code: Code, message: str) -> None:
        offer.problems.append(Refusal(file, code, message))

    if not (_WORD.fullmatch(identity.package) and _WORD.fullmatch(identity.architecture)):
        problem(Code.NAME_MALFORMED, f"its stanza names no package: {shown(str(identity))}")
    elif not _VERSION.fullmatch(identity.version):
        problem(Code.VERSION_MALFORMED, f"its stanza has the version {shown(identity.version)}")
    elif not _SHA256.fullmatch(stanza.sha256):
        said = shown(stanza.sha256) if stanza.sha256 else "no SHA-256"
        problem(Code.SUM_MALFORMED, f"the source's index has {said} of it; publish it there anew")
    elif not _SIZE.fullmatch(size):
        problem(Code.FIELD_MISSING, "the source's index says no Size of it; publish it there anew")
    elif not path or path.startswith("/") or ".." in path.split("/") or not path.isprintable():
        problem(Code.NAME_UNSAFE, "its Filename in the source's index leads out of the repository")
    else:
        return Wanted(component, identity, stanza.sha256, int(size), path)
    return None


def _reused(file: str, wanted: Wanted, other: Content, where: str) -> Refusal:
    return Refusal(
        printable(file),
        Code.VERSION_REUSED,
        f"{where} {other.identity} with other bytes (SHA-256 {other.sha256}, this one "
        f"{wanted.sha256}), and a version never changes its bytes: build it as a new version, or "
        "leave this one out",
    )
