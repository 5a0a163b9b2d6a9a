"""A suite's policy: builds of which repositories, workflows and refs it takes."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from debpress.findings import shown
from debpress.provenance.claims import Claims
from debpress.strict import ObjectReader

GITHUB = "https://token.actions.githubusercontent.com"

_ON_GITHUB = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_REPOSITORY = re.compile(rf"https://[a-z0-9.:-]+(/[A-Za-z0-9_.-]+)+|{_ON_GITHUB.pattern}")
_WORKFLOW = re.compile(r"[^\s/@*][^\s@*]*")
# No pull request's: whoever opens one has chosen what is built.
_REF = re.compile(r"refs/(heads|tags)/((?!\{\*\})\S)+")
# In the policy of a pattern of suites: what `*` stands for in the suite's name. By it each pull
# request has a suite of its own, and no other one's.
OPEN = "{*}"
_REF_OF_PATTERN = re.compile(r"refs/(heads|tags)/\S+|refs/pull/\{\*\}/merge")
_ISSUER = re.compile(r"https://[!-~]+[^/\s]")


@dataclass(frozen=True, slots=True)
class Identity:
    """A workflow whose builds are taken: a file of a repository (by its address), run at a ref, in
    which `*` stands for any characters, by the CI whose tokens `issuer` signs."""

    repository: str
    workflow: str
    ref: str
    issuer: str = GITHUB

    def misfits(self, claims: Claims) -> list[str]:
        """What of the claims is not as it must be, each in words."""
        found = [
            f"{what} {shown(said)} in place of {wanted}"
            for what, said, wanted in (
                ("the issuer", claims.issuer, self.issuer),
                ("the repository", claims.repository, self.repository),
                ("the workflow", claims.workflow, self.workflow),
            )
            if said != wanted
        ]
        any_characters = ".*".join(map(re.escape, self.ref.split("*")))
        if not re.fullmatch(any_characters, claims.ref):
            found.append(f"the ref {shown(claims.ref)} in place of {self.ref}")
        return found


@dataclass(frozen=True, slots=True)
class Policy:
    """`require`: a package that comes without a bundle is refused. One that comes with a bundle has
    to be of one of the `identities` in any case."""

    identities: tuple[Identity, ...]
    require: bool = False

    def misfit(self, claims: Claims) -> str | None:
        """Why the claims are of none of the identities, told by the one that is nearest."""
        found = [each.misfits(claims) for each in self.identities]
        nearest = min(found, key=len)
        if not nearest:
            return None
        others = len(found) - 1
        return f"has {', '.join(nearest)}" + (f" (nor is it of {others} others)" if others else "")

    def of(self, part: str) -> Policy:
        """Of a pattern's policy, the one of the suite in whose name `*` stands for `part`."""
        identities = [replace(each, ref=each.ref.replace(OPEN, part)) for each in self.identities]
        return replace(self, identities=tuple(identities))

    def as_json(self) -> dict[str, Any]:
        """What `parse` reads back."""
        return {"require": self.require, "identities": [asdict(each) for each in self.identities]}


def parse(entry: ObjectReader, *, of_pattern: bool = False) -> Policy:
    """Raises ConfigError. One identity may stand in the policy itself. `of_pattern`: it is that of
    a pattern of suites, whose refs may have `{*}` in them."""
    require = entry.flag("require", False)
    several = "identities" in entry.data
    each = entry.objects("identities") if several else [entry]
    ref = _REF_OF_PATTERN if of_pattern else _REF
    identities = tuple(_fields(one, ref) for one in each)
    for one in (*each, entry):
        one.done()
    return Policy(identities, require)


def _fields(entry: ObjectReader, ref: re.Pattern[str]) -> Identity:
    repository = entry.text("repository", _REPOSITORY)
    if _ON_GITHUB.fullmatch(repository):
        repository = f"https://github.com/{repository}"
    return Identity(
        repository,
        entry.text("workflow", _WORKFLOW),
        entry.text("ref", ref),
        entry.text("issuer", _ISSUER, GITHUB),
    )
