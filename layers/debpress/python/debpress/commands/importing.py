"""The second half of an import: what is missing is brought, batch by batch."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING

from debpress.clock import Clock
from debpress.commands import fetching, text
from debpress.commands.bringing import Bringing, Staged
from debpress.commands.fetching import Cache
from debpress.commands.progress import Progress
from debpress.commands.ways import ByThisMachine, InsideS3, Way, inside_s3
from debpress.errors import Code, Refusal, RejectedError, SourceError, TransientError
from debpress.manifest import MOST_FILES
from debpress.source import plan
from debpress.source.place import Place
from debpress.source.plan import Offer, Wanted
from debpress.source.suite import SourceSuite
from debpress.store import Head

if TYPE_CHECKING:
    from debpress.adapters.s3 import S3Store

# Of these codes some refusals are for a new package alone (docs/decisions/0029-as-published.md).
_LIVED_WITH = (Code.NAME_MALFORMED, Code.CONTROL_MALFORMED, Code.RELATION_MALFORMED)

Groups = Sequence[Sequence[Wanted]]


def bring(
    arguments: argparse.Namespace,
    clock: Clock,
    store: S3Store,
    source: SourceSuite,
    missing: Offer,
    *,
    vouched: bool,
) -> int:
    """Gives the exit code. Without --skip-invalid nothing is published until all is known to be
    good. `vouched` is as in `Bringing`. Raises TransientError, SourceError and what `waiting.wait`
    raises."""
    suite = arguments.suite
    most = MOST_FILES if arguments.together else arguments.batch_size
    groups = plan.batches(missing.wanted, most)
    # How often the bytes of a package are on their way: fetched and sent, or copied.
    legs = 1 if inside_s3(source.place) else 2
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(suite, missing.size * legs))
        way = _way(arguments, store, source.place, progress)
        if isinstance(way, ByThisMachine) and missing.wanted:
            stack.enter_context(way.cache.alone())
            at_once = arguments.together or not arguments.skip_invalid
            _check_space(way.cache, groups, all_at_once=at_once)
        start = plan.start(source.address)
        bringing = Bringing(way, store, suite, start, clock, arguments.timeout, vouched)
        run = _Run(bringing, groups, progress, skip=arguments.skip_invalid)
        if not arguments.skip_invalid:
            run.refusals = bringing.prepared(missing.wanted)[1]
        if not run.refusals:
            publish = run.together if arguments.together else run.as_they_come
            publish()
    _tell_lived_with(suite, bringing)
    if run.refusals:
        _check_is_as_it_was(source, run.refusals)
        return _refused(suite, run)
    _conclude(suite, missing, run.left_out)
    return 0


class _Run:
    """Batches on their way: `published` are how many of them hosts can see; `left_out` is what is
    wrong with packages that were left out, `refusals` what ends it. With `skip` what is refused is
    left out, and else nothing follows upon it."""

    def __init__(
        self, bringing: Bringing, groups: Groups, progress: Progress, *, skip: bool
    ) -> None:
        self.bringing = bringing
        self.progress = progress
        self.groups = groups
        self.published = 0
        self.left_out: list[Refusal] = []
        self.refusals: list[Refusal] = []
        self._skip = skip

    def as_they_come(self) -> None:
        """Each batch is published while the next one is staged, and before that one is asked for:
        the press works, and nobody waits for it."""
        asked: tuple[Staged, Head] | None = None
        for group in self.groups:
            staged = self._staged(group)
            if asked:
                self._answered(*asked)
            if self.refusals:
                return
            asked = (staged, self.bringing.asked(staged)) if staged else None
        if asked:
            self._answered(*asked)

    def together(self) -> None:
        """The press is asked when all is staged, for all of it at once: what waits in its queue
        goes into one flip, and each batch becomes visible whole."""
        staged = [each for group in self.groups if (each := self._staged(group))]
        if not self.refusals:
            for each, manifest in [(each, self.bringing.asked(each)) for each in staged]:
                self._answered(each, manifest)

    def _staged(self, group: Sequence[Wanted]) -> Staged | None:
        if self._skip:
            staged, wrong = self.bringing.staged_without_invalid(group)
            self.left_out += wrong
            return staged
        try:
            return self.bringing.staged(group)
        except RejectedError as error:
            self.refusals += error.refusals
            return None

    def _answered(self, staged: Staged, manifest: Head) -> None:
        wrong = self.bringing.answered(staged, manifest)
        if wrong and not self._skip:
            self.refusals += wrong
            return
        if wrong:
            self.left_out += self.bringing.without_invalid(staged.wanted, wrong)
        self.published += 1
        said = f"batch {self.published} of {len(self.groups)} is published"
        self.progress.say(f"{self.bringing.suite}: {said}", on_stdout=True)


def _way(arguments: argparse.Namespace, store: S3Store, place: Place, progress: Progress) -> Way:
    as_published = arguments.as_published
    if inside_s3(place):
        return InsideS3(place, store, progress, as_published=as_published)
    # An import into another suite may run beside this one, and drops what it has published.
    folder = (arguments.cache or fetching.default_cache()) / arguments.suite
    cache = Cache(folder, place, progress)
    return ByThisMachine(cache, store, progress, as_published=as_published)


def _conclude(suite: str, missing: Offer, left_out: Sequence[Refusal]) -> None:
    text.print_errors([each.as_json() for each in left_out])
    failed = {each.file for each in left_out}
    skipped = len(failed | {each.file for each in missing.problems})
    brought = len(missing.wanted) - len(failed)
    packages = text.count(brought, "package was", "packages were")
    said = f"{packages} brought, {text.count(skipped, 'was', 'were')} left out"
    print(f"{suite}: {said if brought or skipped else 'nothing is left to do'}")


def _tell_lived_with(suite: str, bringing: Bringing) -> None:
    """Says what was passed over, of which nobody is told again."""
    if not bringing.lived_with:
        return
    for each in sorted(chain.from_iterable(bringing.lived_with.values()), key=lambda r: r.file):
        print(text.printable(f"{each.file}: as published, though {each.code}: {each.message}"))
    packages = text.count(len(bringing.lived_with), "package is", "packages are")
    print(f"{suite}: {packages} taken as published there")


def _refused(suite: str, run: _Run) -> int:
    text.print_errors([each.as_json() for each in run.refusals])
    files = text.count(len({each.file for each in run.refusals}), "package")
    batches = text.count(run.published, "batch is", "batches are")
    there = f", and {batches} published, of {len(run.groups)}"
    done = there if run.published else ", and nothing is published"
    print(f"{suite}: {files} refused{done}: {_advice(run.refusals)}", file=sys.stderr)
    return 1


def _check_is_as_it_was(source: SourceSuite, refusals: Sequence[Refusal]) -> None:
    """Raises TransientError where packages are refused that only the index which was read has: who
    publishes there may have taken them out of the pool since."""
    lost = [each for each in refusals if each.code in (Code.FILE_MISSING, Code.SUM_MISMATCH)]
    if lost and source.changed():
        raise TransientError(
            f"{lost[0].file}: {lost[0].message}; but {source.release.uri} has changed since it was "
            "read, by a publish there: run this again"
        )


def _advice(refusals: Sequence[Refusal]) -> str:
    them = "it" if len({each.file for each in refusals}) == 1 else "them"
    advice = f"mend {them} there, or leave {them} out (--skip-invalid)"
    if any(each.code in _LIVED_WITH for each in refusals):
        advice += "; of what the rules refuse, hosts live with some (--as-published takes that)"
    return advice


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
