"""The configuration `roles`, typed: who else is given a role, CI, operators and hosts.

Pure: names no construct. An error names the key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from debpress import config
from debpress.errors import ConfigError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}")
_ISSUER = re.compile(
    r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?(/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-])?"
)
_PROVIDER = re.compile(r"arn:[a-z-]+:iam::\d{12}:oidc-provider/(.+)")
_PRINCIPAL = re.compile(r"arn:[a-z-]+:iam::\d{12}:(root|(role|user)/[\w+=,.@/-]+)")
_AUDIENCE = re.compile(r"[^\s*?]{1,255}")
_SUBJECT = re.compile(r"[!-~]{1,255}")

# By whom CI's tokens are, unless configured otherwise, and for whom.
_KNOWN = {
    "github": ("token.actions.githubusercontent.com", "sts.amazonaws.com"),
    "gitlab": ("gitlab.com", "https://gitlab.com"),
}

# Where a subject may have wildcards: behind an owner that is written out, and before a ref or an
# environment that is named, so that nobody else's repository and no pull request can match.
_WILD = {
    "github": re.compile(r"repo:[^*?/:]+/[^/:]+:(ref:refs/(heads|tags)/[^:]+|environment:[^:]+)"),
    "gitlab": re.compile(r"project_path:[^*?/:]+/[^:]+:ref_type:(branch|tag):ref:[^:]+"),
}
_SHAPES = {
    "github": "repo:OWNER/REPOSITORY:ref:refs/heads/BRANCH, …:ref:refs/tags/TAG or …:environment:E",
    "gitlab": "project_path:GROUP/PROJECT:ref_type:branch:ref:BRANCH, or …:ref_type:tag:ref:TAG",
}


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider of IAM. `issuer` has no scheme; without `arn` the stack makes
    the provider, of which an account has one for each issuer."""

    kind: str
    issuer: str
    audience: str
    arn: str | None = None


@dataclass(frozen=True, slots=True)
class Ci:
    """Jobs whose tokens of `provider` have one of the subjects; `publishes` are suite and
    component."""

    name: str
    provider: Provider
    subjects: tuple[str, ...]
    publishes: tuple[tuple[str, str], ...]

    @property
    def has_wildcards(self) -> bool:
        return any(_is_wild(subject) for subject in self.subjects)


@dataclass(frozen=True, slots=True)
class Operators:
    """`changes` are suite and component; empty: all there are, and will be."""

    name: str
    principals: tuple[str, ...]
    changes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Hosts:
    """Without principals: EC2 instances, by a profile."""

    name: str
    principals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HandedOut:
    ci: tuple[Ci, ...] = ()
    operators: tuple[Operators, ...] = ()
    hosts: tuple[Hosts, ...] = ()


def parse(data: Mapping[str, Any], repository: config.Repository) -> HandedOut:
    """Reads the context's object `roles`. Raises ConfigError naming the key."""
    _known(data, "roles", ("ci", "operators", "hosts", "providers"))
    providers = _providers(_object(data.get("providers", {}), "roles.providers"))
    found = HandedOut(
        ci=tuple(_ci(*each, providers, repository) for each in _entries(data, "ci")),
        operators=tuple(_operators(*each, repository) for each in _entries(data, "operators")),
        hosts=tuple(_hosts(*each) for each in _entries(data, "hosts")),
    )
    for kind, made in (("ci", found.ci), ("operators", found.operators), ("hosts", found.hosts)):
        names = [each.name.lower() for each in made]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise ConfigError(f"roles.{kind}[{index}].name: {name!r} is there twice")
    return found


def _providers(data: Mapping[str, Any]) -> dict[str, Provider]:
    _known(data, "roles.providers", tuple(_KNOWN))
    providers = {}
    for kind, (issuer, audience) in _KNOWN.items():
        path = f"roles.providers.{kind}"
        given = _object(data.get(kind, {}), path)
        _known(given, path, ("arn", "issuer", "audience"))
        provider = Provider(
            kind,
            _text(given.get("issuer", issuer), f"{path}.issuer", _ISSUER),
            _text(given.get("audience", audience), f"{path}.audience", _AUDIENCE),
            _text(given["arn"], f"{path}.arn", _PROVIDER) if "arn" in given else None,
        )
        if provider.arn and not provider.arn.endswith(f":oidc-provider/{provider.issuer}"):
            raise ConfigError(
                f"{path}.arn: is not the provider of {provider.issuer} ({path}.issuer)"
            )
        providers[kind] = provider
    return providers


def _ci(
    entry: Mapping[str, Any],
    path: str,
    providers: Mapping[str, Provider],
    repository: config.Repository,
) -> Ci:
    _known(entry, path, ("name", "provider", "subjects", "publishes"))
    kind = entry.get("provider", "github")
    if kind not in providers:
        raise ConfigError(f"{path}.provider: {kind!r} must be one of {', '.join(providers)}")
    subjects = _texts(entry, "subjects", path, _SUBJECT)
    for index, subject in enumerate(subjects):
        _check_subject(subject, str(kind), f"{path}.subjects[{index}]")
    return Ci(
        _name(entry, path),
        providers[str(kind)],
        subjects,
        _places(entry, "publishes", path, repository, least=1),
    )


def _check_subject(subject: str, kind: str, path: str) -> None:
    if subject.strip("*?") == "":
        raise ConfigError(
            f"{path}: {subject!r} trusts every repository there is: the provider gives tokens to "
            f"everybody, and only the subject says whose it is. Write {_SHAPES[kind]}"
        )
    if subject.endswith(":pull_request"):
        raise ConfigError(
            f"{path}: {subject!r} trusts pull requests, which may hold anybody's code. "
            f"Write {_SHAPES[kind]}"
        )
    if _is_wild(subject) and not _WILD[kind].fullmatch(subject):
        raise ConfigError(
            f"{path}: {subject!r} has a wildcard that may match more than is meant, another owner "
            f"or a pull request. Write {_SHAPES[kind]}, with wildcards behind the owner alone"
        )


def _is_wild(subject: str) -> bool:
    return "*" in subject or "?" in subject


def _operators(entry: Mapping[str, Any], path: str, repository: config.Repository) -> Operators:
    _known(entry, path, ("name", "principals", "changes"))
    return Operators(
        _name(entry, path),
        _texts(entry, "principals", path, _PRINCIPAL),
        _places(entry, "changes", path, repository, least=0),
    )


def _hosts(entry: Mapping[str, Any], path: str) -> Hosts:
    _known(entry, path, ("name", "principals"))
    return Hosts(_name(entry, path), _texts(entry, "principals", path, _PRINCIPAL, least=0))


def _places(
    entry: Mapping[str, Any], key: str, path: str, repository: config.Repository, least: int
) -> tuple[tuple[str, str], ...]:
    """`suite/component`, each of them configured."""
    places = []
    for index, text in enumerate(_texts(entry, key, path, _SUBJECT, least)):
        name, _, component = text.partition("/")
        suite = repository.suite(name)
        if suite is None or component not in suite.components:
            raise ConfigError(
                f"{path}.{key}[{index}]: {text!r} must be suite/component, as in debpress.suites"
            )
        places.append((name, component))
    return tuple(places)


def _entries(data: Mapping[str, Any], kind: str) -> list[tuple[Mapping[str, Any], str]]:
    values = data.get(kind, [])
    if not isinstance(values, list):
        raise ConfigError(f"roles.{kind}: must be a list")
    paths = [f"roles.{kind}[{index}]" for index in range(len(values))]
    return [(_object(value, path), path) for value, path in zip(values, paths, strict=True)]


def _object(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{path}: must be an object")
    return value


def _known(data: Mapping[str, Any], path: str, keys: tuple[str, ...]) -> None:
    for key in data:
        if key not in keys:
            raise ConfigError(f"{path}.{key}: unknown key (known: {', '.join(keys)})")


def _name(entry: Mapping[str, Any], path: str) -> str:
    return _text(entry.get("name"), f"{path}.name", _NAME)


def _text(value: Any, path: str, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ConfigError(f"{path}: {value!r} does not fit {form.pattern}")
    return value


def _texts(
    entry: Mapping[str, Any], key: str, path: str, form: re.Pattern[str], least: int = 1
) -> tuple[str, ...]:
    values = entry.get(key, [])
    if not isinstance(values, list) or len(values) < least:
        raise ConfigError(f"{path}.{key}: must be a list with at least {least} entry")
    return tuple(_text(v, f"{path}.{key}[{i}]", form) for i, v in enumerate(values))
