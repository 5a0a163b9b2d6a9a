"""The second half of an import: what is missing is brought, batch by batch."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from debpress.clock import Clock
from debpress.commands import fetching, text
from debpress.commands.bringing import Bringing
from debpress.commands.fetching import Cache
from debpress.commands.progress import Progress
from debpress.commands.ways import ByThisMachine, InsideS3, Way
from debpress.errors import Refusal, SourceError
from debpress.source import plan
from debpress.source.place import Place
from debpress.source.plan import Offer, Wanted
from debpress.source.suite import SourceSuite

if TYPE_CHECKING:
    from debpress.adapters.s3 import S3Store

Groups = Sequence[Sequence[Wanted]]


def bring(
    arguments: argparse.Namespace, clock: Clock, store: S3Store, source: SourceSuite, missing: Offer
) -> int:
    """Gives the exit code. Without --skip-invalid nothing is published until all is known to be
    good. Raises TransientError, SourceError and what `waiting.wait` raises."""
    suite, skip = arguments.suite, arguments.skip_invalid
    groups = plan.batches(missing.wanted, arguments.batch_size)
    left_out: list[Refusal] = []
    with Progress(suite, missing.size) as progress:
        way = _way(arguments, store, source.place, progress)
        if isinstance(way, ByThisMachine):
            _check_space(way.cache, groups, all_at_once=not skip)
        start = plan.start(source.address)
        bringing = Bringing(way, store, suite, start, clock, arguments.timeout)
        refusals = [] if skip else bringing.prepared(missing.wanted)[1]
        for number, group in enumerate(groups, 1):
            if refusals:
                return _refused(suite, refusals)
            if skip:
                left_out += bringing.without_invalid(group)
            elif refusals := bringing.all_or_none(group):
                return _refused(suite, refusals)
            print(f"{suite}: batch {number} of {len(groups)} is published", flush=True)
    _conclude(suite, missing, left_out)
    return 0


def _way(arguments: argparse.Namespace, store: S3Store, place: Place, progress: Progress) -> Way:
    from debpress.adapters.places import BucketPlace  # noqa: PLC0415 (the SDK: see connection)

    if isinstance(place, BucketPlace):
        return InsideS3(place, store, progress)
    # An import into another suite may run beside this one, and drops what it has published.
    folder = (arguments.cache or fetching.default_cache()) / arguments.suite
    return ByThisMachine(Cache(folder, place, progress), store)


def _conclude(suite: str, missing: Offer, left_out: Sequence[Refusal]) -> None:
    text.print_errors([each.as_json() for each in left_out])
    failed = {each.file for each in left_out}
    skipped = len(failed | {each.file for each in missing.problems})
    brought = len(missing.wanted) - len(failed)
    said = f"{brought} packages were brought, {skipped} were left out"
    print(f"{suite}: {said if brought or skipped else 'nothing is left to do'}")


def _refused(suite: str, refusals: Sequence[Refusal]) -> int:
    text.print_errors([each.as_json() for each in refusals])
    files = len({each.file for each in refusals})
    print(
        f"{suite}: {files} refused, and nothing of that batch, or of those after it, is published: "
        "mend them there, or leave them out (--skip-invalid)",
        file=sys.stderr,
    )
    return 1


def _check_space(cache: Cache, groups: Groups, *, all_at_once: bool) -> None:
    """Raises SourceError where the disk would be full before the first package is published."""
    sizes = [sum(map(cache.lacking, group)) for group in groups]
    needed = sum(sizes) if all_at_once else max(sizes, default=0)
    home = cache.home()
    free = shutil.disk_usage(home).free
    if needed > free:
        raise SourceError(
            f"{text.amount(needed)} are to be fetched, and {home} has {text.amount(free)} left: "
            "say --cache on a larger disk, or --skip-invalid, which keeps one batch at a time "
            "(and --batch-size)"
        )
