"""Brings packages of a foreign repository into a suite: fetched or copied, checked, published.

What is done is seen from the bucket alone: a package that is published is not brought again, a file
that is staged is not sent again. So whoever runs it again after a cut does what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from debpress.clock import Clock
from debpress.commands import sending, text, waiting
from debpress.commands.ways import Way
from debpress.concurrency import THREADS, side_by_side
from debpress.errors import Code, Refusal, RejectedError, StoreError, TransientError
from debpress.layout import Batch
from debpress.source import plan
from debpress.source.plan import Wanted
from debpress.store import Head

if TYPE_CHECKING:
    from debpress.adapters.s3 import S3Store


@dataclass(frozen=True, slots=True)
class Bringing:
    """`suite` is the one here, `start` what the names of its batches begin with; results are waited
    for `timeout` seconds each. `vouched`: the suite requires provenance, and an operator answers
    for what comes. `lived_with` is what was passed over of packages that are prepared, as they are
    taken as they are published."""

    way: Way
    store: S3Store
    suite: str
    start: str
    clock: Clock
    timeout: float
    vouched: bool = False
    lived_with: dict[Wanted, Sequence[Refusal]] = field(default_factory=dict)

    def prepared(self, wanted: Sequence[Wanted]) -> tuple[list[Wanted], list[Refusal]]:
        """Those that are good, checked and ready to be staged, and what is wrong with the others.
        Raises SourceError, TransientError."""
        good: list[Wanted] = []
        refusals: list[Refusal] = []
        for each, wrong in zip(wanted, side_by_side(self._prepare, wanted), strict=True):
            refusals += wrong
            if not wrong:
                good.append(each)
        return good, refusals

    def staged(self, wanted: Sequence[Wanted]) -> Staged:
        """Stages prepared packages of one component. Raises RejectedError where one is not what it
        has to be."""
        batch = plan.batch(self.suite, wanted, self.start)
        # An earlier run, which was cut, has sent none if it has sent none of the first: it sends so
        # many side by side, and the next one when one of them is there.
        first = side_by_side(lambda each: self._is_staged(batch, each), wanted[:THREADS])
        begun = any(first)
        wrong = side_by_side(lambda each: self._stage(batch, each, begun=begun), wanted)
        if any(wrong):
            raise RejectedError(chain.from_iterable(wrong))
        return Staged(batch, tuple(wanted))

    def asked(self, staged: Staged) -> Head:
        """Has the press publish what is staged; gives the head of the manifest that says so."""
        by_operator = self.vouched or any(each in self.lived_with for each in staged.wanted)
        return sending.put_manifest(
            self.store, staged.batch, staged.wanted, as_published=by_operator
        )

    def answered(self, staged: Staged, manifest: Head) -> list[Refusal]:
        """Waits until it is published; gives what is wrong where it is not."""
        result = waiting.wait(self.store, staged.batch, manifest, self.clock, self.timeout)
        if result.status == "published":
            for each in staged.wanted:
                self.way.done(each)
            return []
        paths = {each.name: each.path for each in staged.wanted}
        if result.status != "rejected" or not result.errors:
            text.print_result(result)
            raise TransientError(f"batch {result.batch.id} {result.status}; run this again")
        return [
            Refusal(paths.get(each.file, each.file), Code(each.code), each.message)
            for each in result.errors
        ]

    def staged_without_invalid(
        self, wanted: Sequence[Wanted]
    ) -> tuple[Staged | None, list[Refusal]]:
        """Stages packages of one component without those that are refused here; gives them, and
        what is wrong with these."""
        good, refusals = self.prepared(wanted)
        while good:
            try:
                return self.staged(good), refusals
            except RejectedError as error:
                refusals += error.refusals
                good = _without(good, error.refusals)
        return None, refusals

    def without_invalid(self, wanted: Sequence[Wanted], wrong: list[Refusal]) -> list[Refusal]:
        """Publishes packages of which some are `wrong`, as the press has said, and perhaps others;
        gives all that is wrong."""
        refusals, good = list(wrong), _without(wanted, wrong)
        while good:
            staged = self.staged(good)
            wrong = self.answered(staged, self.asked(staged))
            refusals += wrong
            if not wrong:
                break
            good = _without(good, wrong)
        return refusals

    def _prepare(self, wanted: Wanted) -> list[Refusal]:
        try:
            lived_with = self.way.prepare(wanted)
        except RejectedError as error:
            return list(error.refusals)
        if lived_with:
            self.lived_with[wanted] = lived_with
        return []

    def _is_staged(self, batch: Batch, wanted: Wanted) -> bool:
        from debpress.adapters import aws  # noqa: PLC0415 (the SDK: see connection)

        try:
            head = self.store.head(batch.staging + wanted.name)
        except StoreError as error:
            # Whoever may write there and no more (a CI job) sends again what is there.
            if not aws.refused(error):
                raise
            return False
        return head is not None and head.sha256 == wanted.sha256

    def _stage(self, batch: Batch, wanted: Wanted, *, begun: bool) -> list[Refusal]:
        if not (begun and self._is_staged(batch, wanted)):
            try:
                self.way.stage(wanted, batch.staging + wanted.name)
            except RejectedError as error:
                return list(error.refusals)
        self.way.staged(wanted)
        return []


@dataclass(frozen=True, slots=True)
class Staged:
    """Packages of one component that only lack a manifest."""

    batch: Batch
    wanted: tuple[Wanted, ...]


def _without(wanted: Sequence[Wanted], wrong: Sequence[Refusal]) -> list[Wanted]:
    """Raises RejectedError where nothing is won by leaving those out."""
    bad = {each.file for each in wrong}
    left = [each for each in wanted if each.path not in bad]
    if len(left) == len(wanted):
        raise RejectedError(wrong)
    return left
