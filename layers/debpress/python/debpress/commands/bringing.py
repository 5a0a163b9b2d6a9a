"""Brings packages of a foreign repository into a suite: fetched or copied, checked, published.

What is done is seen from the bucket alone: a package that is published is not brought again, a file
that is staged is not sent again. So whoever runs it again after a cut does what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from debpress.clock import Clock
from debpress.commands import sending, text, waiting
from debpress.commands.ways import Way
from debpress.concurrency import side_by_side
from debpress.errors import Code, Refusal, RejectedError, TransientError
from debpress.layout import Batch
from debpress.records.result import Result
from debpress.source import plan
from debpress.source.plan import Wanted

if TYPE_CHECKING:
    from debpress.adapters.s3 import S3Store


@dataclass(frozen=True, slots=True)
class Bringing:
    """`suite` is the one here, `start` what the names of its batches begin with; results are waited
    for `timeout` seconds each."""

    way: Way
    store: S3Store
    suite: str
    start: str
    clock: Clock
    timeout: float

    def prepared(self, wanted: Sequence[Wanted]) -> tuple[list[Wanted], list[Refusal]]:
        """Those that are good, checked and ready to be staged, and what is wrong with the others.
        Raises SourceError, TransientError."""
        good: list[Wanted] = []
        refusals: list[Refusal] = []
        found = side_by_side(lambda each: _refusals(self.way.prepare, each), wanted)
        for each, wrong in zip(wanted, found, strict=True):
            refusals += wrong
            if not wrong:
                good.append(each)
        return good, refusals

    def all_or_none(self, wanted: Sequence[Wanted]) -> list[Refusal]:
        """Publishes prepared packages of one component; gives what is wrong where they are not."""
        try:
            result = self._publish(wanted)
        except RejectedError as error:
            return list(error.refusals)
        if result.status == "published":
            return []
        paths = {each.name: each.path for each in wanted}
        if result.status != "rejected" or not result.errors:
            text.print_result(result)
            raise TransientError(f"batch {result.batch.id} {result.status}; run this again")
        return [
            Refusal(paths.get(each.file, each.file), Code(each.code), each.message)
            for each in result.errors
        ]

    def without_invalid(self, wanted: Sequence[Wanted]) -> list[Refusal]:
        """Publishes packages of one component without those that are refused; gives what is wrong
        with these."""
        good, refusals = self.prepared(wanted)
        while good:
            wrong = self.all_or_none(good)
            refusals += wrong
            if not wrong:
                break
            bad = {each.file for each in wrong}
            left = [each for each in good if each.path not in bad]
            if len(left) == len(good):
                raise RejectedError(wrong)  # To leave one of them out is no help.
            good = left
        return refusals

    def _publish(self, wanted: Sequence[Wanted]) -> Result:
        """Stages prepared packages of one component, has them published, and waits. Raises
        RejectedError, with nothing asked of the press, where one is not what it has to be."""
        batch = plan.batch(self.suite, wanted, self.start)
        wrong = side_by_side(lambda each: self._stage(batch, each), wanted)
        if any(wrong):
            raise RejectedError(chain.from_iterable(wrong))
        head = sending.put_manifest(self.store, batch, wanted)
        result = waiting.wait(self.store, batch, head, self.clock, self.timeout)
        if result.status == "published":
            for each in wanted:
                self.way.done(each)
        return result

    def _stage(self, batch: Batch, wanted: Wanted) -> list[Refusal]:
        key = batch.staging + wanted.name
        head = self.store.head(key)
        if head is not None and head.sha256 == wanted.sha256:
            return []
        return _refusals(self.way.stage, wanted, key)


def _refusals(call: Callable[..., None], *given: Any) -> list[Refusal]:
    try:
        call(*given)
    except RejectedError as error:
        return list(error.refusals)
    return []
