"""The notes that the steps of a run leave for each other, and the queue of a suite."""

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
    """The runs of one suite. Every method that takes a run's name may raise CorruptError."""

    def __init__(self, store: Store, suite: str) -> None:
        self._store = store
        self._suite = suite

    # Plans

    def find_plan(self, run: str) -> Plan | None:
        return objects.find(self._store, Plan, self._note(run, "plan.json"))

    def plan(self, run: str) -> Plan:
        return objects.require(self._store, Plan, self._note(run, "plan.json"))

    def keep_plan(self, plan: Plan) -> Plan:
        """Stores the plan unless the run has one, from an earlier delivery of the same event;
        returns the stored one.

        The first plan stands, because a later one could have a later `base`: who searches the chain
        from there would not find a generation that has decided the run already. It could also list
        files that were replaced since the first plan pinned them.
        """
        objects.keep_first(self._store, self._note(plan.run, "plan.json"), plan)
        return self.plan(plan.run)

    # Verdicts

    def keep_verdict(self, run: str, chunk: int, verdict: Verdict) -> None:
        """Stores a chunk's verdict unless it has one. The first stands: a repeat of the event that
        finds a file replaced must not reject a batch that is being published already."""
        objects.keep_first(self._store, self._note(run, _chunk(chunk)), verdict)

    def verdicts(self, plan: Plan) -> list[Verdict]:
        """The verdict of each chunk, in the chunks' order."""
        keys = [self._note(plan.run, _chunk(n)) for n in range(len(plan.chunks))]
        return side_by_side(lambda key: objects.require(self._store, Verdict, key), keys)

    def size_of_verdicts(self, run: str) -> int:
        """The bytes that all verdicts of a run take in the store."""
        return sum(head.size for head in self._store.list(self._note(run, "chunk-")))

    # Refusals

    def refusals(self, run: str) -> tuple[Problem, ...] | None:
        """Why a run is rejected; None where it was not rejected."""
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
        """Queues a batch, unless an earlier try of the step or a repeated event has done so."""
        objects.keep_first(self._store, Layout.queue(self._suite, entry.run), entry)

    def waiting(self, run: str) -> QueueEntry | None:
        return objects.find(self._store, QueueEntry, Layout.queue(self._suite, run))

    def queue(self) -> list[QueueEntry]:
        """The waiting batches, the longest waiting first."""
        keys = [head.key for head in self._store.list(Layout.queue(self._suite))]
        # Between the list and the read a batch may be finished, and its entry deleted: None.
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
