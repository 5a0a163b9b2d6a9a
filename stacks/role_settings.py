"""Reads the configuration `roles`: the roles for CI, operators and hosts.

Pure: uses no construct. An error names the configuration's key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from debpress import config, guards, uploaders
from debpress.errors import ConfigError
from debpress.strict import ObjectReader

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}")
# What IAM allows a role's name, in which the Region is as well (`guards.role_name`), of which the
# longest have fourteen characters (ap-northeast-1).
_ROLE_NAME, _REGION = 64, 14
_ISSUER = re.compile(
    r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?(/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-])?"
)
_PROVIDER = re.compile(r"arn:[a-z-]+:iam::\d{12}:oidc-provider/(.+)")
_PRINCIPAL = re.compile(r"arn:[a-z-]+:iam::\d{12}:(root|(role|user)/[\w+=,.@/-]+)")
_AUDIENCE = re.compile(r"[^\s*?]{1,255}")
_SUBJECT = re.compile(r"[!-~]{1,255}")

# Of a session's tag (IAM user guide, "Rules for tagging in IAM and AWS STS"), without blanks.
_TAG = re.compile(r"[A-Za-z0-9_.:/=+@-]{1,128}")

# The default issuer and audience of the tokens of each kind of CI.
_KNOWN = {
    "github": ("token.actions.githubusercontent.com", "sts.amazonaws.com"),
    "gitlab": ("gitlab.com", "https://gitlab.com"),
    "buildkite": ("agent.buildkite.com", "sts.amazonaws.com"),
}

# The subjects in which wildcards are allowed. The owner must be written out, so that no stranger's
# repository matches; and a ref or an environment must be named, so that no pull request matches.
_WILD = {
    "github": re.compile(r"repo:[^*?/:]+/[^/:]+:(ref:refs/(heads|tags)/[^:]+|environment:[^:]+)"),
    "gitlab": re.compile(r"project_path:[^*?/:]+/[^:]+:ref_type:(branch|tag):ref:[^:]+"),
    "buildkite": re.compile(
        r"organization:[^*?:]+:pipeline:[^:]+:ref:refs/(heads|tags)/[^:]+:commit:[^:]+:step:[^:]+"
    ),
}
_SHAPES = {
    "github": "repo:OWNER@ID/REPOSITORY@ID:ref:refs/heads/BRANCH, …:ref:refs/tags/TAG or "
    "…:environment:E (without the @IDs for a repository made before 2026-07-15)",
    "gitlab": "project_path:GROUP/PROJECT:ref_type:branch:ref:BRANCH, or …:ref_type:tag:ref:TAG",
    "buildkite": "organization:ORG:pipeline:PIPELINE:ref:refs/heads/BRANCH:commit:*:step:*",
}


# Since 2026-07-15 the tokens of new, renamed and transferred repositories on github.com say the ids
# of owner and repository behind their names, those of others where they are set to (GitHub's
# OpenID Connect reference, "Immutable subject claims"). No name has an @ in it.
_REPOSITORY = re.compile(r"repo:([^/:]+)/([^:]+):.+")
_WITH_ID = re.compile(r"[^@]+@[0-9]+")


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider of IAM. `issuer` has no `https://`. Where `arn` is None the stack
    makes the provider; an account can have only one for each issuer."""

    kind: str
    issuer: str
    audience: str
    arn: str | None = None


@dataclass(frozen=True, slots=True)
class Ci:
    """A role for CI jobs whose token is of `provider` and has one of `subjects`. `publishes` are
    the pairs of suite and component that they may upload to, as `uploader` where it is given. Of a
    pattern of suites, where there is a `suite_tag`, it is the one in whose name `*` stands for the
    value of this tag of the session, which the token has brought."""

    name: str
    provider: Provider
    subjects: tuple[str, ...]
    publishes: tuple[tuple[str, str], ...]
    uploader: str | None = None
    suite_tag: str | None = None

    @property
    def has_wildcards(self) -> bool:
        return any(_is_wild(subject) for subject in self.subjects)

    @property
    def recyclable(self) -> tuple[str, ...]:
        """The subjects that name an owner without its id: who gets hold of the name, as it is when
        an organisation was renamed or deleted, may get hold of the role."""
        if self.provider.issuer != _KNOWN["github"][0]:
            return ()
        found = ((subject, _REPOSITORY.fullmatch(subject)) for subject in self.subjects)
        return tuple(subject for subject, names in found if names and "@" not in names[1])


@dataclass(frozen=True, slots=True)
class Operators:
    """A role for operators. `changes` are the pairs of suite and component that they may change;
    empty: all, also those that are configured later."""

    name: str
    principals: tuple[str, ...]
    changes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Hosts:
    """A role for hosts. Without principals it is for EC2 instances, by an instance profile."""

    name: str
    principals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleSettings:
    """Every configured role; the functions' own roles are not configured."""

    ci: tuple[Ci, ...] = ()
    operators: tuple[Operators, ...] = ()
    hosts: tuple[Hosts, ...] = ()


def parse(data: Any, repository: config.Repository, press: str) -> RoleSettings:
    """Reads the context's object `roles`, of the press of that name. Raises ConfigError naming the
    key."""
    top = ObjectReader(data, "roles")
    providers = _providers(top.object("providers", {}))
    found = RoleSettings(
        ci=tuple(_ci(entry, providers, repository) for entry in _entries(top, "ci")),
        operators=tuple(_operators(entry, repository) for entry in _entries(top, "operators")),
        hosts=tuple(_hosts(entry) for entry in _entries(top, "hosts")),
    )
    top.done()
    for kind, made in (("ci", found.ci), ("operators", found.operators), ("hosts", found.hosts)):
        names = [each.name.lower() for each in made]
        room = _ROLE_NAME - len(guards.role_name(press, f"{kind}-", "_" * _REGION))
        for index, name in enumerate(names):
            if name in names[:index]:
                raise top.wrong(f"{kind}[{index}].name", f"{name!r} is there twice")
            if len(name) > room:
                problem = (
                    f"{made[index].name!r} must have at most {room} characters beside the name "
                    "of the press"
                )
                raise top.wrong(f"{kind}[{index}].name", problem)
    return found


def _entries(top: ObjectReader, kind: str) -> list[ObjectReader]:
    return top.objects(kind, least=0)


def _providers(top: ObjectReader) -> dict[str, Provider]:
    providers = {}
    for kind, (issuer, audience) in _KNOWN.items():
        given = top.object(kind, {})
        provider = Provider(
            kind,
            given.text("issuer", _ISSUER, issuer),
            given.text("audience", _AUDIENCE, audience),
            given.text("arn", _PROVIDER, None),
        )
        given.done()
        if provider.arn and not provider.arn.endswith(f":oidc-provider/{provider.issuer}"):
            problem = f"is not the provider of {provider.issuer} ({given.path}.issuer)"
            raise given.wrong("arn", problem)
        providers[kind] = provider
    top.done()
    return providers


def _ci(
    entry: ObjectReader, providers: Mapping[str, Provider], repository: config.Repository
) -> Ci:
    kind = entry.one_of("provider", tuple(providers), "github")
    name, uploader = entry.text("name", _NAME), entry.text("uploader", uploaders.NAME, None)
    publishes = (
        _places_in_common(entry, repository)
        if uploader is None
        else _places_of(entry, uploader, repository)
    )
    patterns = {pattern.suite for pattern in repository.patterns}
    subjects = entry.texts("subjects", _SUBJECT)
    for index, subject in enumerate(subjects):
        path = f"{entry.path}.subjects[{index}]"
        _check_subject(subject, kind, path, all(suite in patterns for suite, _ in publishes))
    tag = entry.text("suite_tag", _TAG, None)
    if tag and not all(suite in patterns for suite, _ in publishes):
        raise entry.wrong("suite_tag", "is for a role that publishes to patterns as 'pr-*' alone")
    if tag and kind == "github":
        raise entry.wrong("suite_tag", "GitHub's tokens bring a session no tags")
    entry.done()
    return Ci(name, providers[kind], subjects, publishes, uploader, tag)


def _places_in_common(
    entry: ObjectReader, repository: config.Repository
) -> tuple[tuple[str, str], ...]:
    """Reads `publishes`. Raises ConfigError for a place that has uploaders who are told by how they
    name their batches: who may write all of its staging could pass for any of these."""
    places = _places(entry, "publishes", repository)
    for index, place in enumerate(places):
        uploaders_there = repository.uploaders_of(*place)
        if not all(each.certificates for each in uploaders_there.values()):
            raise entry.wrong(
                f"publishes[{index}]",
                f"{'/'.join(place)!r} has uploaders; in place of publishes, write whose role this "
                f'is: "uploader": one of {", ".join(uploaders_there)}',
            )
    return places


def _places_of(
    entry: ObjectReader, uploader: str, repository: config.Repository
) -> tuple[tuple[str, str], ...]:
    found = next((each for each in repository.uploaders if each.name == uploader), None)
    if found is None:
        raise entry.wrong("uploader", f"{uploader!r} is none of debpress.uploaders")
    if "publishes" in entry.data:
        raise entry.wrong("publishes", f"leave it out: it is what {uploader!r} publishes")
    return found.publishes


def _check_subject(subject: str, kind: str, path: str, of_patterns: bool) -> None:
    """`of_patterns`: the role publishes to suites alone that come by being published to."""
    if subject.strip("*?") == "":
        raise ConfigError(
            f"{path}: {subject!r} trusts every repository there is: the provider gives tokens to "
            f"everybody, and only the subject says whose it is. Write {_SHAPES[kind]}"
        )
    if subject.endswith(":pull_request") and not of_patterns:
        raise ConfigError(
            f"{path}: {subject!r} trusts pull requests, which may hold anybody's code. "
            f"Write {_SHAPES[kind]}; or let the role publish to patterns of suites alone, as 'pr-*'"
        )
    if _is_wild(subject) and not _WILD[kind].fullmatch(subject):
        raise ConfigError(
            f"{path}: {subject!r} has a wildcard that may match more than is meant, another owner "
            f"or a pull request. Write {_SHAPES[kind]}, with wildcards behind the owner alone"
        )
    names = _REPOSITORY.fullmatch(subject) if kind == "github" else None
    if names and "@" in names[1] + names[2]:
        _check_ids(subject, names[1], names[2], path)


def _check_ids(subject: str, owner: str, repository: str, path: str) -> None:
    if _WITH_ID.fullmatch(owner) and (_WITH_ID.fullmatch(repository) or _is_wild(repository)):
        return
    raise ConfigError(
        f"{path}: {subject!r} fits no token: GitHub's have the ids of both owner and repository "
        f"behind an @, as digits, or of neither. Write {_SHAPES['github']}"
    )


def _is_wild(subject: str) -> bool:
    return "*" in subject or "?" in subject


def _operators(entry: ObjectReader, repository: config.Repository) -> Operators:
    operators = Operators(
        entry.text("name", _NAME),
        entry.texts("principals", _PRINCIPAL),
        _places(entry, "changes", repository, least=0),
    )
    entry.done()
    return operators


def _hosts(entry: ObjectReader) -> Hosts:
    hosts = Hosts(entry.text("name", _NAME), entry.texts("principals", _PRINCIPAL, least=0))
    entry.done()
    return hosts


def _places(
    entry: ObjectReader, key: str, repository: config.Repository, least: int = 1
) -> tuple[tuple[str, str], ...]:
    """Reads a list of `suite/component`. Raises ConfigError for one that is not configured."""
    places = []
    for index, text in enumerate(entry.texts(key, _SUBJECT, least=least)):
        name, _, component = text.partition("/")
        suite = repository.configured(name)
        if suite is None or component not in suite.components:
            problem = f"{text!r} must be suite/component, as in debpress.suites"
            raise entry.wrong(f"{key}[{index}]", problem)
        places.append((name, component))
    return tuple(places)
