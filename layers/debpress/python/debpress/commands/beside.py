"""The Sigstore bundles beside the packages that are about to be sent, or are only to be checked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from debpress.commands.packages import LocalPackage, unread
from debpress.config import Repository
from debpress.errors import Code, ProvenanceError, Refusal, StoreError
from debpress.layout import BUNDLE
from debpress.provenance.bundles import check_size
from debpress.provenance.claims import Claims
from debpress.provenance.judging import judge, refused
from debpress.provenance.policy import Policy
from debpress.provenance.proof import Proof, Verifier


@dataclass(slots=True)
class Judged:
    """What is wrong, of paths as they were named; and where packages were built, by their path,
    where that is proven."""

    refusals: list[Refusal] = field(default_factory=list)
    proven: dict[Path, Claims] = field(default_factory=dict)


def beside(package: LocalPackage) -> Path | None:
    path = Path(f"{package.path}{BUNDLE}")
    return path if path.is_file() else None


def bundles(packages: Sequence[LocalPackage]) -> list[LocalPackage]:
    """Of each package that has one, as a file to upload. Raises StoreError where one can't be read.

    They are sent whatever the suite asks for, which CI's role can't know, and are in no manifest.
    """
    found = []
    for package in packages:
        if path := beside(package):
            try:
                body = path.read_bytes()
            except OSError as error:
                raise StoreError(f"{path} can't be read: {error.strerror}") from error
            sha256 = hashlib.sha256(body).hexdigest()
            found.append(replace(package, path=path, sha256=sha256, size=len(body)))
    return found


def judged(
    packages: Sequence[LocalPackage],
    policy: Policy | None,
    verifier: Callable[[], Verifier] | None,
) -> Judged:
    """As admission would judge them by that policy, and in its words; see `judging.judge`."""
    found = Judged()
    for package in packages:
        verdict = _judged(package, policy, verifier)
        if isinstance(verdict, Refusal):
            found.refusals.append(replace(verdict, file=str(package.path)))
        elif verdict is not None:
            found.proven[package.path] = verdict.claims
    return found


def refused_by(
    repository: Repository | None, suites: Sequence[str], packages: Sequence[LocalPackage]
) -> list[Refusal]:
    """What the policies of suites have against packages, as far as that can be told before they are
    sent, without Sigstore's library: the press tells the rest, and where nobody knows the
    configuration here, all of it."""
    named = [repository.suite(name) for name in suites] if repository else []
    policies = dict.fromkeys(suite.provenance for suite in named if suite and suite.provenance)
    found = (each for policy in policies for each in judged(packages, policy, None).refusals)
    return list(dict.fromkeys(found))


def _judged(
    package: LocalPackage, policy: Policy | None, verifier: Callable[[], Verifier] | None
) -> Proof | Refusal | None:
    path, body = beside(package), None
    if path is not None:
        try:
            check_size(path.stat().st_size)
            body = path.read_bytes()
        except ProvenanceError as error:
            return refused(package.name, error)
        except OSError as error:
            return Refusal(package.name, Code.FILE_MISSING, f"{path.name} {unread(error)}")
    return judge(verifier, policy, package.name, package.sha256, body)
