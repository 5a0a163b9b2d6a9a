"""Reads the configuration; an error names the key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from debpress import architectures, layout, pins, uploaders
from debpress.config.repository import (
    INSPECT_BYTES,
    Keep,
    Life,
    Page,
    Repository,
    RotationDays,
    Suite,
)
from debpress.strict import ObjectReader

if TYPE_CHECKING:
    from debpress.provenance.policy import Policy

_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9-]*")
_ROOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*[A-Za-z0-9]|[A-Za-z0-9]")
_RELATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*( \((<<|<=|=|>=|>>) [^\s()]+\))?")
_SIGNERS = ("awskms:", "gnupg:")
_MOST_KEPT = 10**6
# A suite's name, or a pattern of names.
_NAME = re.compile(rf"{layout.SUITE.pattern}|{layout.PATTERN.pattern}")


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
        inspect_bytes=top.number("inspect_bytes", 0, 5 * 10**9, INSPECT_BYTES),
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
            found[package] = suites.of_newest(entry.number(package, 1, _MOST_KEPT))
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
