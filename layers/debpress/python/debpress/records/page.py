"""What the pages for people say, which is what their JSON twins are; and up to where they tell.

All follows from what is published and the generations behind it: it is the same whether it was made
flip by flip, or at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from debpress.codec import Record, optional, versioned
from debpress.records.batch import Provenance


@versioned
@dataclass(frozen=True, slots=True)
class PageState(Record):
    """`suites` has, by suite, the generation (its id) up to which all pages tell; none of a suite
    of which they don't tell yet. `build` counts how often all of them were made anew, `made_of` is
    a digest of what else they are made of."""

    build: int
    made_of: str
    suites: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PublishedPackage(Record):
    """One version of a package, for one architecture, as a suite has it. `size` are bytes,
    `installed_size` kibibytes. `since` is the Date of the release that brought it (empty where the
    record of that is lost), `indices` are the architectures whose hosts see it. `provenance` was
    proven when these bytes were admitted, to this suite or to another one; `vouched_by` is who
    answers for them in place of a proof."""

    version: str
    architecture: str
    component: str
    filename: str
    sha256: str
    size: int
    since: str
    indices: tuple[str, ...]
    source: str
    description: str
    text: tuple[str, ...]
    section: str
    maintainer: str
    homepage: str
    installed_size: int | None
    relations: Mapping[str, str]
    provenance: Provenance | None = optional()  # noqa: RUF009 (a field of the record)
    vouched_by: str | None = optional()


@dataclass(frozen=True, slots=True)
class PackageEvent(Record):
    """A version came to a suite (`added`) or went (`removed`). `date` is the release's;
    `provenance` and `vouched_by` are as in a generation's `batches`. `sha256` is absent from
    pages of an older debpress."""

    suite: str
    generation: int
    date: str
    cause: str
    action: str
    version: str
    architecture: str
    component: str
    sha256: str | None = optional()
    provenance: Provenance | None = optional()  # noqa: RUF009 (a field of the record)
    vouched_by: str | None = optional()


@versioned
@dataclass(frozen=True, slots=True)
class PackagePage(Record):
    """`suites` has what each suite has of it now, `history` what came and went, the newest first.
    `told` is, by suite, the number of the last generation that changed anything here."""

    package: str
    suites: Mapping[str, tuple[PublishedPackage, ...]] = field(default_factory=dict)
    history: tuple[PackageEvent, ...] = ()
    told: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedSuite(Record):
    """What a suite has of a package: the newest version, how many, and their bytes."""

    newest: str
    versions: int
    size: int


@dataclass(frozen=True, slots=True)
class ListedName(Record):
    """A package in a list. `description` is one line, that of the newest version."""

    package: str
    description: str
    suites: Mapping[str, ListedSuite]


@versioned
@dataclass(frozen=True, slots=True)
class PackageList(Record):
    """The packages of a shelf that some suite has, by name; what a search looks through. `told` is
    as in a package's page, so no two states of a list are alike."""

    shelf: str
    packages: tuple[ListedName, ...] = ()
    told: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counted(Record):
    packages: int
    versions: int
    size: int


@dataclass(frozen=True, slots=True)
class Shelf(Record):
    """How many packages a list has, and what of them each suite has."""

    packages: int
    suites: Mapping[str, Counted]


@dataclass(frozen=True, slots=True)
class Moved(Record):
    """A version that came or went, and for which architectures."""

    package: str
    version: str
    architectures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReleaseNote(Record):
    """A release that changed something. Of many packages the first are named; `came` and `went` are
    how many versions there are."""

    suite: str
    generation: int
    date: str
    cause: str
    came: int
    went: int
    added: tuple[Moved, ...]
    removed: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class SuiteSummary(Record):
    """A suite as configured and released. `generation` is None before its first release, and
    `date` then empty."""

    suite: str
    codename: str
    description: str
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    generation: int | None
    date: str
    valid_until: str | None = optional()


@versioned
@dataclass(frozen=True, slots=True)
class RepositoryPage(Record):
    """`uri` is where hosts find the root; `fingerprints` are those of the keys that sign. `token`:
    hosts need one."""

    title: str
    about: str
    uri: str
    keyring: str
    fingerprints: tuple[str, ...] = ()
    suites: tuple[SuiteSummary, ...] = ()
    releases: tuple[ReleaseNote, ...] = ()
    shelves: Mapping[str, Shelf] = field(default_factory=dict)
    token: bool | None = optional()
