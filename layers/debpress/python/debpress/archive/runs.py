"""What the steps of a run leave for each other, and the queue of a suite."""

from __future__ import annotations

import json
from collections.abc import Iterable

from debpress import codec
from debpress.archive import objects
from debpress.archive.headers import JSON
from debpress.concurrency import side_by_side
from debpress.layout import Layout
from debpress.records.batch import Plan, Problem, QueueEntry, Verdict
from debpress.store import Store


class Runs:
    """The runs of one suite. All that names a run by `run` may raise CorruptError."""

    def __init__(self, store: Store, suite: str) -> None:
        self._store = store
        self._suite = suite

    # Plans

    def find_plan(self, run: str) -> Plan | None:
        return objects.find(self._store, Plan, self._note(run, "plan.json"))

    def plan(self, run: str) -> Plan:
        return objects.require(self._store, Plan, self._note(run, "plan.json"))

    def keep_plan(self, plan: Plan) -> Plan:
        """Returns the run's plan: this one, or the one that a repeat of the event saved before it.

        One upload has one plan for ever: a later one would have a later `base`, from where the run
        is not seen to be in, and might see files that are not those the first one pinned.
        """
        objects.keep_first(self._store, self._note(plan.run, "plan.json"), plan)
        return self.plan(plan.run)

    # Verdicts

    def keep_verdict(self, run: str, chunk: int, verdict: Verdict) -> None:
        """The first verdict on a chunk stands: should a repeat of the event find a file replaced
        since, it must not reject what goes its way already."""
        objects.keep_first(self._store, self._note(run, _chunk(chunk)), verdict)

    def verdicts(self, plan: Plan) -> list[Verdict]:
        """One a chunk."""
        keys = [self._note(plan.run, _chunk(n)) for n in range(len(plan.chunks))]
        return side_by_side(lambda key: objects.require(self._store, Verdict, key), keys)

    def size_of_verdicts(self, run: str) -> int:
        """Their bytes."""
        return sum(head.size for head in self._store.list(self._note(run, "chunk-")))

    # Refusals

    def refusals(self, run: str) -> tuple[Problem, ...] | None:
        """Why a run is rejected; None where nobody said that it is."""
        found = self._store.get(self._note(run, "errors.json"))
        if found is None:
            return None
        return tuple(codec.decode(Problem, each) for each in json.loads(found.body))

    def keep_refusals(self, run: str, errors: Iterable[Problem]) -> None:
        """Why a run is rejected; `finish` turns it into the result."""
        body = codec.dump_json([codec.encode(each) for each in errors])
        self._store.put(self._note(run, "errors.json"), body, JSON)

    # The queue

    def enqueue(self, entry: QueueEntry) -> None:
        """There already where an earlier try of the step queued it, or a repeat of the event."""
        objects.keep_first(self._store, Layout.queue(self._suite, entry.run), entry)

    def waiting(self, run: str) -> QueueEntry | None:
        return objects.find(self._store, QueueEntry, Layout.queue(self._suite, run))

    def queue(self) -> list[QueueEntry]:
        """The waiting batches, the longest waiting first."""
        keys = [head.key for head in self._store.list(Layout.queue(self._suite))]
        # One may be finished, and its entry deleted, between the list and the read.
        found = side_by_side(lambda key: objects.find(self._store, QueueEntry, key), keys)
        return sorted((each for each in found if each), key=lambda entry: entry.order)

    def is_queue_empty(self) -> bool:
        return not any(self._store.list(Layout.queue(self._suite)))

    def dequeue(self, run: str) -> None:
        self._store.delete(Layout.queue(self._suite, run))

    def _note(self, run: str, name: str) -> str:
        return Layout.run(self._suite, run, name)


def _chunk(chunk: int) -> str:
    return f"chunk-{chunk:05}.json"
