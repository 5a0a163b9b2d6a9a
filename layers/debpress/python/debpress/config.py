"""What a repository is: read once from `cdk.json`, used by stacks and functions alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from debpress import architectures, layout, pins, uploaders
from debpress.strict import ObjectReader
from debpress.uploaders import Uploader

if TYPE_CHECKING:
    from debpress.provenance.policy import Policy

_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9-]*")
_ROOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*[A-Za-z0-9]|[A-Za-z0-9]")
_RELATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*( \((<<|<=|=|>=|>>) [^\s()]+\))?")
_SIGNERS = ("awskms:", "gnupg:")
# What unpacks in a few seconds.
_INSPECT_BYTES = 32 * 10**6
_MOST_KEPT = 10**6
# A suite's name, or a pattern of names.
_NAME = re.compile(rf"{layout.SUITE.pattern}|{layout.PATTERN.pattern}")


@dataclass(frozen=True, slots=True)
class Keep:
    """Which versions of a package a prune leaves: the `newest`; and of these, where `days` are
    given, none that came into the suite longer ago, but for the newest `at_least`."""

    newest: int = 20
    days: int | None = None
    at_least: int = 1


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
    inspect_bytes: int = _INSPECT_BYTES
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
        return next((p for p in self.patterns if p.life and _fits(name, p.life)), None)

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


def parse(data: Any) -> Repository:
    """Reads the `debpress` object of cdk.json's context. Raises ConfigError naming the key."""
    top = ObjectReader(data, "debpress")
    given = tuple(_suite(entry) for entry in top.objects("suites"))
    for index in range(len(given)):
        _check_name(top, given, index)
    suites = tuple(s for s in given if s.life is None)
    if not suites:
        problem = "has patterns alone; add the suite that hosts read whatever comes and goes"
        raise top.wrong("suites", problem)
    repository = Repository(
        suites=suites,
        patterns=tuple(s for s in given if s.life),
        root=top.text("root", _ROOT, "apt"),
        signers=top.texts("signers", default=("awskms:",)),
        max_package_bytes=top.number("max_package_bytes", 1, 5 * 10**9, 5 * 10**9),
        inspect_bytes=top.number("inspect_bytes", 0, 5 * 10**9, _INSPECT_BYTES),
        staging_days=top.number("staging_days", 1, 365, 7),
        grace_hours=top.number("grace_hours", 1, 24 * 365, 24),
        rotation_days=_rotation_days(top.object("rotation_days", {})),
        keyring=top.text("keyring", _PACKAGE, _keyring(suites[0].origin)),
        page=_page(top.object("page"), suites[0]) if "page" in top.data else None,
        uploaders=uploaders.parse(
            top.objects("uploaders", least=0),
            [(suite.suite, component) for suite in given for component in suite.components],
        ),
    )
    for index, uri in enumerate(repository.signers):
        if not uri.startswith(_SIGNERS):
            problem = f"{uri!r} must start with one of {', '.join(_SIGNERS)}"
            raise top.wrong(f"signers[{index}]", problem)
    if "//" in repository.root:
        raise top.wrong("root", "must not hold an empty path part")
    top.done()
    return repository


def _fits(name: str, life: Life) -> bool:
    return len(name) > len(life.prefix) and name.startswith(life.prefix)


def _check_name(top: ObjectReader, given: Sequence[Suite], index: int) -> None:
    """Raises ConfigError where a name or pattern could mean what another one before it does."""
    suite, key = given[index], f"suites[{index}].suite"
    prefix = suite.life.prefix if suite.life else None
    if suite.suite == layout.SNAPSHOTS or (prefix and layout.SNAPSHOTS.startswith(prefix)):
        raise top.wrong(key, f"{layout.SNAPSHOTS!r} is where snapshots are, not {suite.suite!r}")
    for other in given[:index]:
        if other.suite == suite.suite:
            raise top.wrong(key, f"{suite.suite!r} is configured twice")
        theirs = other.life.prefix if other.life else None
        if (theirs is not None and suite.suite.startswith(theirs)) or (
            prefix is not None and other.suite.startswith(prefix)
        ):
            raise top.wrong(key, f"{suite.suite!r} and {other.suite!r} could be of the same suite")


def as_json(repository: Repository) -> dict[str, Any]:
    """What `parse` reads back: how the stacks hand the configuration to the functions."""
    return {
        "root": repository.root,
        "signers": list(repository.signers),
        "max_package_bytes": repository.max_package_bytes,
        **_unless_default("inspect_bytes", repository.inspect_bytes, _INSPECT_BYTES),
        "staging_days": repository.staging_days,
        "grace_hours": repository.grace_hours,
        "rotation_days": asdict(repository.rotation_days),
        "keyring": repository.keyring,
        **({"page": _page_as_json(repository.page)} if repository.page else {}),
        **({"uploaders": _uploaders(repository)} if repository.uploaders else {}),
        "suites": [
            {
                "suite": s.suite,
                **({"codename": s.codename} if s.life is None else _life_as_json(s.life)),
                "components": list(s.components),
                "architectures": list(s.architectures),
                "origin": s.origin,
                "label": s.label,
                "description": s.description,
                **_keep_as_json(s.keep),
                "keep_packages": {
                    package: _own_keep(keep, s.keep) for package, keep in s.keep_packages.items()
                },
                "protected": list(s.protected),
                "prune_share": s.prune_share,
                **({} if s.valid_for is None else {"valid_for": s.valid_for}),
                **_unless_default("diff_stanzas", s.diff_stanzas, 1000),
                **({"provenance": s.provenance.as_json()} if s.provenance else {}),
                **_unless_default("contents", s.contents, False),
            }
            for s in repository.described
        ],
    }


def _life_as_json(life: Life) -> dict[str, int]:
    return {"ttl_days": life.ttl_days, "at_most": life.at_most}


def _page_as_json(page: Page) -> dict[str, Any]:
    about = {"about": page.about} if page.about else {}
    return {"title": page.title, **about, **({"token": True} if page.token else {})}


def _uploaders(repository: Repository) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "packages": list(each.packages),
            "publishes": ["/".join(place) for place in each.publishes],
            **({"certificates": list(each.certificates)} if each.certificates else {}),
        }
        for each in repository.uploaders
    ]


def _keep_as_json(keep: Keep) -> dict[str, int]:
    return {
        "keep": keep.newest,
        **({} if keep.days is None else {"keep_days": keep.days}),
        **_unless_default("keep_at_least", keep.at_least, 1),
    }


def _own_keep(keep: Keep, suites: Keep) -> int | dict[str, int]:
    """Of one package; a number alone where the rest is as in its suite."""
    return keep.newest if keep == _newest(suites, keep.newest) else _keep_as_json(keep)


def _newest(keep: Keep, newest: int) -> Keep:
    """The same with another number of versions, of which no more can be spared from their age."""
    return replace(keep, newest=newest, at_least=min(keep.at_least, newest))


def _unless_default(key: str, value: int, default: int) -> dict[str, int]:
    return {} if value == default else {key: value}


def _provenance(entry: ObjectReader, *, of_pattern: bool) -> Policy | None:
    found = entry.object("provenance", {})
    if "provenance" not in entry.data:
        return None
    from debpress.provenance import policy  # noqa: PLC0415 (of few suites)

    return policy.parse(found, of_pattern=of_pattern)


def _rotation_days(entry: ObjectReader) -> RotationDays:
    default = RotationDays()
    days = RotationDays(
        announce=entry.number("announce", 0, 3650, default.announce),
        dual=entry.number("dual", 0, 3650, default.dual),
        switch=entry.number("switch", 0, 3650, default.switch),
    )
    entry.done()
    return days


def _page(entry: ObjectReader, suite: Suite) -> Page:
    page = Page(
        title=entry.text("title", default=suite.label),
        about=entry.text("about", default=""),
        token=entry.take("token", bool, False),
    )
    entry.done()
    return page


# Debian Policy 5.6.7.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{1,127}")


# Each has a package `<name>-archive-keyring`, or one that owns the keyring of that name.
_DISTRIBUTIONS = ("debian", "ubuntu", "kali", "raspbian", "proxmox", "devuan")


def _keyring(origin: str) -> str:
    """`<origin>-archive-keyring`, made a package's name. Debian's own are named so: where a
    repository took over a distribution's Origin, a younger package of ours of the same name would
    take the distribution's keys from hosts."""
    name = re.sub(r"[^a-z0-9]+", "-", origin.lower()).strip("-")[:100].strip("-")
    if name in _DISTRIBUTIONS:
        name = f"debpress-{name}"
    return f"{name or 'debpress'}-archive-keyring"


def _keep(entry: ObjectReader, default: Keep) -> Keep:
    newest = entry.number("keep", 1, _MOST_KEPT, default.newest)
    at_least = entry.number("keep_at_least", 1, _MOST_KEPT, min(default.at_least, newest))
    keep = Keep(newest, entry.number("keep_days", 1, 36500, default.days), at_least)
    if keep.at_least > keep.newest:
        problem = f"must be at most {keep.newest}, of which a prune leaves no more (keep)"
        raise entry.wrong("keep_at_least", problem)
    return keep


def _keep_packages(entry: ObjectReader, suites: Keep) -> dict[str, Keep]:
    """Of each package a number of versions, or an object of what is otherwise than in its suite."""
    found = {}
    for package, value in entry.data.items():
        if isinstance(value, Mapping):
            own = entry.object(package)
            found[package] = _keep(own, suites)
            own.done()
        else:
            found[package] = _newest(suites, entry.number(package, 1, _MOST_KEPT))
    return found


def _life(entry: ObjectReader, name: str) -> Life | None:
    """Of a pattern. Raises ConfigError for what only a pattern, or no pattern, has."""
    if not layout.PATTERN.fullmatch(name):
        for key in ("ttl_days", "at_most"):
            if key in entry.data:
                raise entry.wrong(key, f"is for patterns as 'pr-*'; {name!r} stays")
        return None
    for key, problem in (
        ("codename", "leave it out: it is the name of each suite"),
        ("valid_for", "leave it out: nobody signs anew what ends by ttl_days"),
    ):
        if key in entry.data:
            raise entry.wrong(key, problem)
    return Life(name, entry.number("ttl_days", 1, 3650, 14), entry.number("at_most", 0, 1000, 50))


def _suite(entry: ObjectReader) -> Suite:
    name = entry.text("suite", _NAME)
    # Each is one line that ends with no blank: a signature of Release covers no trailing one.
    origin = entry.text("origin", default="debpress")
    keep = _keep(entry, Keep())
    life = _life(entry, name)
    suite = Suite(
        suite=name,
        life=life,
        codename=entry.text("codename", layout.SUITE, name),
        components=entry.texts("components", layout.COMPONENT, ("main",)),
        architectures=entry.texts("architectures", _ARCHITECTURE),
        origin=origin,
        label=entry.text("label", default=origin),
        description=entry.text("description", default=f"{origin} {name}"),
        keep=keep,
        keep_packages=_keep_packages(entry.object("keep_packages", {}), keep),
        protected=entry.texts("protected", least=0),
        prune_share=entry.share("prune_share", 0.5),
        # No less than a week: long enough for people to mend what should sign it anew.
        valid_for=entry.number("valid_for", 7, 365, None),
        diff_stanzas=entry.number("diff_stanzas", 0, 10**9, 1000),
        provenance=_provenance(entry, of_pattern=life is not None),
        contents=entry.flag("contents", False),
    )
    # Neither can change later, and hosts choose by them.
    for key, text in (("origin", suite.origin), ("label", suite.label)):
        if problem := pins.unmatched(text):
            raise entry.wrong(
                key, f"{text!r} {problem}: no host could prefer this repository by it"
            )
    for index, text in enumerate(suite.protected):
        if not _RELATION.fullmatch(text):
            raise entry.wrong(
                f"protected[{index}]",
                f"{text!r} must be a package name, or one with a version as in 'foo (= 1.2)'",
            )
    if "all" in suite.architectures:
        raise entry.wrong(
            "architectures",
            "leave out 'all'; its packages are in the index of every architecture",
        )
    for each in suite.architectures:
        base = architectures.base_of(each)
        if base is not None and base not in suite.architectures:
            raise entry.wrong(
                "architectures",
                f"{each!r} is a variant of {base!r}, whose index its hosts read, too; add {base!r}",
            )
    entry.done()
    return suite
