"""Where published packages are from, by the bundles that are kept of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from debpress.archive import Archive
from debpress.archive.headers import GENERATION
from debpress.concurrency import side_by_side
from debpress.config import Suite
from debpress.errors import ProvenanceError
from debpress.index.entries import field
from debpress.inspection import reading
from debpress.inspection.reading import ListedPackage
from debpress.inspection.report import Report
from debpress.provenance import bundles
from debpress.provenance.claims import claims_of
from debpress.provenance.policy import Policy
from debpress.provenance.proof import Verifier, first

_PART = 256


def told(archive: Archive, package: ListedPackage) -> list[dict[str, Any]]:
    """What the bundles kept of a package say, each with its key; admission has verified it, this
    does not. Raises ProvenanceError."""
    keys = archive.bundles.of(field(package.entry.text, "SHA256"))
    found = archive.bundles.read(keys)
    return [
        {"bundle": key, **asdict(claims_of(bundles.certificate_of(body)))}
        for key, body in found.items()
        if body is not None
    ]


def verify(archive: Archive, suites: Sequence[Suite], verifier: Verifier, report: Report) -> None:
    """Verifies every package of the suites that have a policy, by today's policy, and adds to the
    report."""
    asked = [suite for suite in suites if suite.provenance is not None]
    if not asked:
        report.note("no suite has a provenance policy, so no provenance was looked at")
        return
    kept = archive.bundles.every()
    for suite in asked:
        assert suite.provenance is not None
        look = _Look(archive, suite.provenance, verifier, kept)
        lacking: list[tuple[ListedPackage, str]] = []
        left = iter(reading.packages(archive, suite.suite))
        while part := list(islice(left, _PART)):
            for package, wrong in zip(part, side_by_side(look.at, part), strict=True):
                key = archive.layout.pool(field(package.entry.text, "Filename"))
                if wrong:
                    report.wrong(suite.suite, key, f"{package.identity} {wrong}")
                elif field(package.entry.text, "SHA256") not in kept:
                    lacking.append((package, key))
        if suite.provenance.require:
            _judge(archive, suite.suite, lacking, report)
        elif lacking:
            unproven = tuple(key for _, key in lacking)
            report.note(
                f"{len(unproven)} packages of {suite.suite}, such as {unproven[0]}, have no "
                "provenance, which it does not require",
                unproven,
            )


def _judge(
    archive: Archive, suite: str, lacking: Sequence[tuple[ListedPackage, str]], report: Report
) -> None:
    """What an operator answers for, by the generation that took it in, needs no proof."""
    vouched = _vouched(archive, suite, {field(p.entry.text, "SHA256") for p, _ in lacking})
    keys = []
    for package, key in lacking:
        if field(package.entry.text, "SHA256") in vouched:
            keys.append(key)
        else:
            report.wrong(suite, key, f"{package.identity} {_WITHOUT}")
    if keys:
        report.note(
            f"{len(keys)} packages of {suite}, such as {keys[0]}, have no provenance; an operator "
            "answers for them (debpress history says when they came)",
            tuple(keys),
        )


def _vouched(archive: Archive, suite: str, wanted: set[str]) -> set[str]:
    """Those of the `wanted` SHA-256 that an operator answers for. Reads the generations back to
    where all of them came, one after another."""
    found: set[str] = set()
    if not wanted:
        return found
    head = archive.head(archive.layout.inrelease(suite))
    for record in archive.chain(suite, head.metadata.get(GENERATION) if head else None, None):
        outcomes = (package for outcome in record.batches for package in outcome.packages)
        found |= {each.sha256 for each in outcomes if each.vouched_by} & wanted
        if found == wanted:
            break
    return found


class _Look:
    """`kept` are the keys of all bundles by the SHA-256 of what they are of."""

    def __init__(
        self,
        archive: Archive,
        policy: Policy,
        verifier: Verifier,
        kept: Mapping[str, list[str]],
    ) -> None:
        self._archive = archive
        self._policy = policy
        self._verifier = verifier
        self._kept = kept

    def at(self, package: ListedPackage) -> str | None:
        """What is wrong with a package's provenance, where it has some."""
        sha256 = field(package.entry.text, "SHA256")
        keys = self._kept.get(sha256)
        if keys is None:
            return None
        found = self._archive.bundles.read(keys)
        good = [body for body in found.values() if body is not None]
        if not good:
            return (
                f"has provenance that is gone or altered: {keys[0]} is not what its name says; "
                "restore its earlier version"
            )
        try:
            first(self._verifier, self._policy, good, sha256)
        except ProvenanceError as error:
            return f"has provenance that {error}"
        return None


_WITHOUT = (
    "has no provenance, and the suite requires it: it came before the policy, or by a copy, which "
    "asks for none; upload the same bytes once more with their bundle, or remove it"
)
