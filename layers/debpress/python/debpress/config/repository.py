"""What is configured: the repository, its suites, and the rules for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from debpress import layout
from debpress.uploaders import Uploader

if TYPE_CHECKING:
    from debpress.provenance.policy import Policy

# What unpacks in a few seconds.
INSPECT_BYTES = 32 * 10**6


@dataclass(frozen=True, slots=True)
class Keep:
    """Which versions of a package a prune leaves: the `newest`; and of these, where `days` are
    given, none that came into the suite longer ago, but for the newest `at_least`."""

    newest: int = 20
    days: int | None = None
    at_least: int = 1

    def of_newest(self, newest: int) -> Keep:
        """The same with another number of versions, of which no more can be spared from their
        age."""
        return replace(self, newest=newest, at_least=min(self.at_least, newest))


@dataclass(frozen=True, slots=True)
class Life:
    """Of suites that come by being published to: the `pattern` of their names (`pr-*`), how many
    days each lives since its last publish, and how many there may be at once."""

    pattern: str
    ttl_days: int
    at_most: int

    @property
    def prefix(self) -> str:
        return self.pattern.removesuffix("*")

    def fits(self, name: str) -> bool:
        return len(name) > len(self.prefix) and name.startswith(self.prefix)


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite. `suite` is its path below dists/ and its Suite field.

    Origin, label, suite and codename can't change once hosts know them (law 7). What `keep` says of
    a package's versions stays when pruning (`keep_packages` of some otherwise), and `protected`
    ones (Debian relations); a prune of more than `prune_share` of a suite is refused. `valid_for`
    are days after which hosts refuse a release that nobody signed anew; None: never. Indices of at
    least `diff_stanzas` are published with scripts that bring a host's copy up to date. With
    `contents`, the files in its packages are listed as well, for which each is unpacked whole.
    `provenance` says whose builds are taken; None: nobody is asked. `life` is None where the suite
    is there from its deployment on.
    """

    suite: str
    codename: str
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    origin: str
    label: str
    description: str
    keep: Keep = Keep()
    keep_packages: Mapping[str, Keep] = field(default_factory=dict)
    protected: tuple[str, ...] = ()
    prune_share: float = 0.5
    valid_for: int | None = None
    diff_stanzas: int = 1000
    provenance: Policy | None = None
    contents: bool = False
    life: Life | None = None

    def named(self, name: str) -> Suite:
        """Of what is configured for a pattern, the suite of a name that fits it."""
        description = self.description.replace(self.suite, name)
        proven = self.provenance
        if proven and self.life:
            proven = proven.of(name.removeprefix(self.life.prefix))
        return replace(self, suite=name, codename=name, description=description, provenance=proven)

    @property
    def requires_provenance(self) -> bool:
        return self.provenance is not None and self.provenance.require

    def kept(self, package: str) -> Keep:
        return self.keep_packages.get(package, self.keep)


@dataclass(frozen=True, slots=True)
class RotationDays:
    """How long each stage of a key's rotation lasts at least, in days.

    `announce`, before the new key signs too: bare `gpgv` (mirrors, scripts; not apt) exits with 2
    where one of two signatures is of a key that it does not know. `dual`, before the old key stops:
    by then the last host must have the new certificate. `switch`, before the old certificate is
    withdrawn: so long one can go back without touching a host.
    """

    announce: int = 7
    dual: int = 30
    switch: int = 7

    def of(self, stage: str) -> int:
        return int(getattr(self, stage))


@dataclass(frozen=True, slots=True)
class Page:
    """The page for people. `about` is a sentence below its title; with `token` it tells that hosts
    need one, which the deployment says where CloudFront asks for tokens."""

    title: str
    about: str = ""
    token: bool = False


@dataclass(frozen=True, slots=True)
class Repository:
    """Everything configured. `max_package_bytes` is bound by S3's single copy of 5 GB. Data members
    of up to `inspect_bytes` are unpacked to their end when a package is admitted.

    What was published stays for `grace_hours` after it stopped being named (law 3): so long can a
    host go on with the release it has, and so far can one go back. `suites` are there from the
    deployment on, at least one; `patterns` are of those that come later, by the patterns of their
    names. `keyring` is the name of the package that brings hosts the certificates. `page` is None
    where nobody wants one made. Where there are `uploaders` of a place, nobody else publishes
    there.
    """

    suites: tuple[Suite, ...]
    root: str = "apt"
    signers: tuple[str, ...] = ("awskms:",)
    max_package_bytes: int = 5 * 10**9
    inspect_bytes: int = INSPECT_BYTES
    staging_days: int = 7
    grace_hours: int = 24
    rotation_days: RotationDays = RotationDays()
    keyring: str = "debpress-archive-keyring"
    page: Page | None = None
    uploaders: tuple[Uploader, ...] = ()
    patterns: tuple[Suite, ...] = ()
    _by_name: Mapping[str, Suite] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = {s.suite: s for s in self.described}
        object.__setattr__(self, "_by_name", named)

    @property
    def layout(self) -> layout.Layout:
        return layout.Layout(self.root)

    @property
    def described(self) -> tuple[Suite, ...]:
        """All that is configured, of suites and of patterns."""
        return (*self.suites, *self.patterns)

    @property
    def verifies(self) -> bool:
        """Whether somewhere it is asked where packages are from."""
        return any(each.provenance for each in self.described)

    def suite(self, name: str) -> Suite | None:
        """The suite of that name, be it there already or by a pattern yet to come."""
        found = self.configured(name)
        if found is None or found.life is None:
            return found
        return found.named(name) if layout.SUITE.fullmatch(name) else None

    def configured(self, name: str) -> Suite | None:
        """What is configured for the suite of a name, or for a pattern."""
        if found := self._by_name.get(name):
            return found
        return next((p for p in self.patterns if p.life and p.life.fits(name)), None)

    def life(self, name: str) -> Life | None:
        """Of a suite of a pattern; None of every other."""
        found = self.configured(name)
        return found.life if found else None

    def uploaders_of(self, suite: str, component: str) -> dict[str, Uploader]:
        """By name, those who may publish to a place."""
        found = self.configured(suite)
        place = (found.suite if found else suite, component)
        return {each.name: each for each in self.uploaders if place in each.publishes}

    def lists_files(self, suites: Iterable[str]) -> bool:
        """Whether any of these suites has Contents."""
        return any(found.contents for name in suites if (found := self.suite(name)))

    def inspected(self, suites: Iterable[str]) -> int:
        """The most bytes of a data member that are unpacked to its end, in a batch for these."""
        return self.max_package_bytes if self.lists_files(suites) else self.inspect_bytes
