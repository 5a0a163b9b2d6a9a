"""What a generation changed, as pages tell it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from debpress.records.generation import Generation, PackageOutcome, PackageRef
from debpress.records.page import Moved, PackageEvent, ReleaseNote

# Of a release's packages; the rest are counted. An import has tens of thousands.
_MOST_NAMED = 12
# Of a suite's releases.
MOST_NOTES = 20


def events(record: Generation) -> Iterator[tuple[str, PackageEvent]]:
    """What came and went, by package; once, in however many indices a package for `all` is."""
    seen = set()
    outcomes = _outcomes(record)
    for action, packages in (("removed", record.removed), ("added", record.added)):
        for index, refs in (packages or {}).items():
            component = index.partition("/")[0]
            for ref in refs:
                if (key := (action, component, ref.identity)) not in seen:
                    seen.add(key)
                    outcome = outcomes.get((action, component, ref.sha256))
                    yield ref.package, _event(record, action, component, ref, outcome)


def _outcomes(record: Generation) -> dict[tuple[str, str, str], PackageOutcome]:
    """What became of packages, by that, their component and their SHA-256."""
    return {
        (found.action, outcome.batch.component, found.sha256): found
        for outcome in record.batches
        for found in outcome.packages
    }


def _event(
    record: Generation,
    action: str,
    component: str,
    ref: PackageRef,
    outcome: PackageOutcome | None,
) -> PackageEvent:
    return PackageEvent(
        suite=record.suite,
        generation=record.number,
        date=record.date,
        cause=record.cause,
        action=action,
        version=ref.version,
        architecture=ref.architecture,
        component=component,
        sha256=ref.sha256,
        provenance=outcome.provenance if outcome else None,
        vouched_by=outcome.vouched_by if outcome else None,
    )


def note(record: Generation) -> ReleaseNote | None:
    """The release as the repository's page tells it; None where it changed nothing."""
    came, went = _moved(record.added), _moved(record.removed)
    if not came and not went:
        return None
    return ReleaseNote(
        suite=record.suite,
        generation=record.number,
        date=record.date,
        cause=record.cause,
        came=len(came),
        went=len(went),
        added=tuple(came[:_MOST_NAMED]),
        removed=tuple(went[:_MOST_NAMED]),
    )


def _moved(packages: Mapping[str, tuple[PackageRef, ...]] | None) -> list[Moved]:
    found: dict[tuple[str, str], set[str]] = {}
    for refs in (packages or {}).values():
        for ref in refs:
            found.setdefault((ref.package, ref.version), set()).add(ref.architecture)
    return [Moved(*key, tuple(sorted(places))) for key, places in sorted(found.items())]


def notes(known: Iterable[ReleaseNote], news: Iterable[ReleaseNote]) -> tuple[ReleaseNote, ...]:
    """The last releases of each suite, the newest first: in whatever order they are told, and
    however often."""
    found = {(each.suite, each.generation): each for each in (*known, *news)}
    suites: dict[str, list[ReleaseNote]] = {}
    for _, each in sorted(found.items(), reverse=True):
        suites.setdefault(each.suite, []).append(each)
    kept = [each for group in suites.values() for each in group[:MOST_NOTES]]
    return tuple(sorted(kept, key=lambda n: (n.date, n.suite, n.generation), reverse=True))
