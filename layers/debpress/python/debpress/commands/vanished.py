"""Takes out what an import has brought once, and its source has no more.

What others have published is left alone, imports from other sources among them, also where they
were told only that it is there already: an import knows its own packages, and those of others, by
the results of batches, which the bucket keeps for a year.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from debpress import codec
from debpress.archive import Archive
from debpress.clock import Clock
from debpress.commands import text, waiting
from debpress.concurrency import side_by_side
from debpress.config import Repository, Suite
from debpress.errors import CorruptError, RejectedError, SourceError
from debpress.index import entries
from debpress.index.entries import Identity
from debpress.inspection import reading
from debpress.inspection.preview import preview
from debpress.layout import OPERATIONS, Batch
from debpress.records.result import Result
from debpress.source.plan import Offer
from debpress.store import Head
from debpress.suite.operations import Remove, as_manifest

if TYPE_CHECKING:
    from debpress.adapters.s3 import S3Store


def found(
    archive: Archive, suite: str, offer: Offer, components: Iterable[str] | None, start: str
) -> dict[str, list[Identity]]:
    """By component, what is published, was brought by batches whose names begin with `start`, and
    is not offered there any more. Looks into these components; by None into all that there are, as
    a source may have given up one of them."""
    gone: dict[str, list[Identity]] = {}
    published = reading.packages(archive, suite)
    if components is None:
        components = sorted({each.component for each in published})
    for component in components:
        brought = _brought(archive, suite, component, start)
        left = {
            each.identity: sum_
            for each in published
            if each.component == component
            and (component, each.identity) not in offer.named
            and (sum_ := entries.field(each.entry.text, "SHA256")) in brought
        }
        since = {sum_: brought[sum_] for sum_ in left.values()}
        confirmed = _confirmed(archive, suite, component, start, since)
        gone[component] = [each for each, sum_ in left.items() if sum_ not in confirmed]
    return {component: packages for component, packages in gone.items() if packages}


def check_share(
    settings: Suite, offer: Offer, gone: Mapping[str, Iterable[Identity]], *, everything: bool
) -> None:
    """Raises SourceError where more is gone than a prune may take at once: rather was a source
    published empty, or in part. What it has in another component, or in a newer version beside
    what it has dropped, counts as being there."""
    named = {identity for _, identity in offer.named}
    lost = sum(identity not in named for packages in gone.values() for identity in packages)
    total = lost + len(offer.named)
    if lost > settings.prune_share * total and not everything:
        raise SourceError(
            f"--remove would take out {lost} packages of {settings.suite}, and the source has "
            f"{len(offer.named)} now: that is more than the share of {settings.prune_share:g} "
            "(prune_share), so nothing is brought or removed; look at --remove --dry-run, and if "
            "it is right, say --all"
        )


def announce(
    archive: Archive, repository: Repository, suite: str, gone: Mapping[str, Iterable[Identity]]
) -> bool:
    """Says what `remove` would take out, and why it would not, as the suite is now; gives whether
    it would take out all."""
    wrong: list[dict[str, str]] = []
    for component, packages in gone.items():
        would = "would remove"
        try:
            preview(archive, repository, suite, component, *_removals(packages))
        except RejectedError as error:
            wrong += (each.as_json() for each in error.refusals)
            would = "would be refused to remove"
        for identity in packages:
            print(text.printable(f"{suite}/{component}: {would} {identity}"))
    text.print_errors(wrong)
    return not wrong


def remove(
    store: S3Store,
    clock: Clock,
    suite: str,
    gone: Mapping[str, Iterable[Identity]],
    timeout: float,
) -> int:
    """Has them taken out, those of a component in one flip; gives the exit code."""
    name, code = waiting.new_id(clock), 0
    for component, packages in gone.items():
        batch = Batch(suite, component, name)
        head = store.put(batch.staging + OPERATIONS, as_manifest(_removals(packages)))
        result = waiting.wait(store, batch, head, clock, timeout)
        text.print_result(result)
        code = code or int(result.status != "published")
    return code


def _removals(packages: Iterable[Identity]) -> list[Remove]:
    wanted: dict[str, list[str]] = {}
    for package, version, architecture in packages:
        wanted.setdefault(architecture, []).append(f"{package} (= {version})")
    return [Remove(tuple(each), architecture) for architecture, each in wanted.items()]


def _brought(archive: Archive, suite: str, component: str, start: str) -> dict[str, datetime]:
    """The sums of all packages that such batches have published in a component, with the time of
    the last result that says so."""
    sums: dict[str, datetime] = {}
    for at, packages in _results(archive, archive.list(_keys(suite, component, start))):
        for sum_ in packages:
            sums[sum_] = max(at, sums.get(sum_, at))
    return sums


def _confirmed(
    archive: Archive, suite: str, component: str, start: str, since: Mapping[str, datetime]
) -> set[str]:
    """Those of these sums that other batches have published since these times, too: whoever did so
    was told that they are there."""
    if not since:
        return set()
    first, own = min(since.values()), _keys(suite, component, start)
    others = [
        head
        for head in archive.list(_keys(suite, component))
        if head.last_modified >= first and not head.key.startswith(own)
    ]
    return {
        sum_
        for at, packages in _results(archive, others)
        for sum_ in packages & since.keys()
        if at >= since[sum_]
    }


def _keys(suite: str, component: str, start: str = "") -> str:
    """What the keys of results begin with, of batches whose names begin with `start`."""
    return Batch(suite, component, start).result.removesuffix(".json")


def _results(archive: Archive, heads: Iterable[Head]) -> Iterator[tuple[datetime, set[str]]]:
    """When each of these results was written, and the sums that it says are published."""
    heads = list(heads)
    for head, stored in zip(heads, side_by_side(lambda h: archive.read(h.key), heads), strict=True):
        if stored is None:
            continue
        try:
            result = codec.decode(Result, json.loads(stored.body))
        except (ValueError, CorruptError) as error:
            raise CorruptError(f"{head.key} is no result ({error}); tell who runs this") from error
        if result.status == "published":
            there = (each for each in result.packages if each.action != "removed")
            yield head.last_modified, {each.sha256 for each in there}
