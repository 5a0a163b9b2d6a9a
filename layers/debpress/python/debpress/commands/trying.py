"""Tries an operation: what it would add and remove if it were asked for now (`--dry-run`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from debpress.archive import Archive
from debpress.commands import text
from debpress.config import Repository
from debpress.errors import Code, RejectedError
from debpress.inspection.preview import preview
from debpress.suite.operations import End, Operation, Snapshot

# What takes nothing out of a suite and puts nothing in.
_WOULD = {Snapshot: "would make a snapshot", End: "would end"}


@dataclass(frozen=True, slots=True)
class Trial:
    """Trials of operations on a repository as it is now. Changes nothing."""

    archive: Archive
    repository: Repository

    def plan(
        self, suite: str, component: str, operation: Operation, *, quiet: bool
    ) -> dict[str, Any]:
        """The changes that an operation would make, and its errors; printed unless `quiet`."""
        errors: list[dict[str, str]] = []
        packages: list[dict[str, Any]] = []
        try:
            packages = self._packages(suite, component, operation)
        except RejectedError as error:
            errors = [refusal.as_json() for refusal in error.refusals]
            if any(refusal.code == Code.PRUNE_TOO_MUCH for refusal in error.refusals):
                # A prune that is refused as too large: show what it would remove without the limit.
                unbound = replace(self, repository=_unbound(self.repository))
                packages = unbound._packages(suite, component, operation)
        if not quiet:
            if said := _WOULD.get(type(operation)):
                print(f"{suite}: {'refused' if errors else said}")
            else:
                _print(suite, packages, refused=bool(errors))
            text.print_errors(errors)
        return {"dry_run": True, "suite": suite, "packages": packages, "errors": errors}

    def _packages(self, suite: str, component: str, operation: Operation) -> list[dict[str, Any]]:
        found = preview(self.archive, self.repository, suite, component, operation)
        return [text.as_json(each) for each in found]


def _unbound(repository: Repository) -> Repository:
    """The configuration without the limit on how much a prune may remove."""
    suites, patterns = (
        tuple(replace(suite, prune_share=1.0) for suite in each)
        for each in (repository.suites, repository.patterns)
    )
    return replace(repository, suites=suites, patterns=patterns)


def _print(suite: str, packages: Sequence[dict[str, Any]], *, refused: bool) -> None:
    would = [
        f"{verb} {len(found)} ({text.amount(sum(p['size'] for p in found))})"
        for verb, action in (("add", "added"), ("remove", "removed"), ("forget", "forgotten"))
        if (found := [p for p in packages if p["action"] == action])
    ]
    said = [f"would {' and '.join(would)}"] if would else [] if refused else ["nothing to do"]
    print(f"{suite}: {'; '.join(['refused'] * refused + said)}")
    columns = ("action", "package", "version", "architecture")
    text.print_table(sorted([p[c] for c in columns] for p in packages))
