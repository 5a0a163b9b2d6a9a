"""Whether a suite's configuration fits a foreign one, and the block of `cdk.json` that does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from debpress import config
from debpress.config import Repository, Suite
from debpress.errors import ConfigError
from debpress.source.release import SourceRelease

# What hosts know a repository by: apt asks a person before it goes on when one of them has changed
# (law 7).
_NAMES = (("origin", "Origin"), ("label", "Label"), ("codename", "Codename"))
# What apt ranks all packages of a repository by, the second one with the first one alone. It stops
# and asks when that changes, as well.
_RANKS = ("NotAutomatic", "ButAutomaticUpgrades")


@dataclass(frozen=True, slots=True)
class Fit:
    """`lacking` are reasons why packages could not be taken; `names` are those that hosts know it
    by and rank it by, where they differ; `notes` is what can't be configured. `block` is the
    suite's entry in the configuration that fits; it can't say what a `nameless` one is known by."""

    lacking: tuple[str, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...]
    block: dict[str, Any]
    nameless: bool = False


def fit(
    repository: Repository,
    name: str,
    release: SourceRelease,
    components: Sequence[str],
    architectures: Sequence[str],
) -> Fit:
    """Compares the configured suite `name` with a source's Release, of which `components` and
    `architectures` are wanted."""
    suite = repository.suite(name)
    fields = {key: release.field(field) for key, field in _NAMES}
    ranks = [
        f"its Release says {field}: {release.field(field)}, which a suite here can't say"
        for field in _RANKS
        if release.field(_RANKS[0]).lower() == release.field(field).lower() == "yes"
    ]
    names = [*_names(suite, fields), *ranks] if suite else []
    notes = [] if suite else ranks
    if suite is None:
        lacking = [f"suite {name} is not configured"]
    else:
        lacking = [
            *(f"component {c} is not configured" for c in components if c not in suite.components),
            *(
                f"architecture {a} is not configured"
                for a in architectures
                if a not in suite.architectures
            ),
        ]
    if release.field("Suite") not in ("", name):
        notes.append(
            f"its Suite is {release.field('Suite')!r}, and here Suite is always the suite's own "
            f"name, {name!r}: pins of hosts by `a={release.field('Suite')}` have to follow"
        )
    if besides := release.besides(components, architectures):
        notes.append(f"of its indices these are left alone: {', '.join(besides)}")
    block = _block(suite, name, fields, components, architectures)
    try:
        config.parse({"suites": [block]})
    except ConfigError as error:
        notes.append(f"the block can't be deployed as it is: {error}")
    nameless = not all(fields.values()) or bool(ranks)
    return Fit(tuple(lacking), tuple(names), tuple(notes), block, nameless)


def _names(suite: Suite, fields: dict[str, str]) -> list[str]:
    return [
        f"its {field} is {fields[key]!r}, and here it is {getattr(suite, key)!r}"
        if fields[key]
        else f"it has no {field}, and a suite here always has one, {getattr(suite, key)!r}"
        for key, field in _NAMES
        if fields[key] != getattr(suite, key)
    ]


def _block(
    suite: Suite | None,
    name: str,
    fields: dict[str, str],
    components: Sequence[str],
    architectures: Sequence[str],
) -> dict[str, Any]:
    """The suite's own settings with the source's names, and every component and architecture that
    either has."""
    names = {key: value for key, value in fields.items() if value}
    if suite is None:
        return {
            "suite": name,
            **names,
            "components": list(components),
            "architectures": list(architectures),
        }
    merged = replace(
        suite,
        origin=names.get("origin", suite.origin),
        label=names.get("label", suite.label),
        codename=names.get("codename", suite.codename),
        components=tuple(dict.fromkeys((*suite.components, *components))),
        architectures=tuple(dict.fromkeys((*suite.architectures, *architectures))),
    )
    [block] = config.as_json(Repository((merged,)))["suites"]
    return dict(block)
