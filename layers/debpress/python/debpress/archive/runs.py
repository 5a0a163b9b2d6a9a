"""The notes that the steps of a run leave for each other, and the queue of a suite."""

from __future__ import annotations

import json
from collections.abc import Iterable

from debpress import codec
from debpress.archive import objects
from debpress.archive.headers import JSON
from debpress.concurrency import side_by_side
from debpress.layout import Layout
from debpress.records.batch import Plan, Problem, QueueEntry, Verdict, Waiting, in_order
from debpress.store import Store
from debpress.suite.leading import Place


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
        wrote = objects.keep_first(self._store, self._note(plan.run, "plan.json"), plan)
        return plan if wrote else self.plan(plan.run)

    # Verdicts

    def begun(self, run: str) -> tuple[Plan, Verdict | None]:
        """The plan and the first chunk's verdict, if it has one: all there is of most runs, and in
        one object."""
        first = objects.find(self._store, Verdict, self._note(run, _chunk(0)))
        return (first.plan if first and first.plan else self.plan(run)), first

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

    def enqueue(self, entry: QueueEntry) -> bool:
        """Queues a batch, unless an earlier try of the step or a repeated event has done so: False
        then."""
        return objects.keep_first(self._store, Layout.queue(self._suite, entry.run), entry)

    def waiting(self, run: str) -> QueueEntry | None:
        return objects.find(self._store, QueueEntry, Layout.queue(self._suite, run))

    def line(self) -> list[Place]:
        """The queue, its entries unread, the longest waiting first."""
        prefix = Layout.queue(self._suite)
        return sorted(
            Place(head.last_modified, head.key.removeprefix(prefix).removesuffix(".json"))
            for head in self._store.list(prefix)
        )

    def entries(
        self, line: Iterable[Place], known: QueueEntry | None = None
    ) -> list[QueueEntry | None]:
        """The entries of a line, `known` being one that need not be read: None for a batch that was
        finished since, and its entry deleted."""
        read = {known.run: known} if known else {}
        return side_by_side(
            lambda run: read.get(run) or self.waiting(run), [place.run for place in line]
        )

    def queue(self) -> list[QueueEntry]:
        """The waiting batches, the longest waiting first."""
        return in_order(self.entries(self.line()))

    def is_queue_empty(self) -> bool:
        return not any(self._store.list(Layout.queue(self._suite)))

    # Waiting

    def keep_token(self, run: str, token: str) -> None:
        """How to wake the run's execution; a later token replaces the one before."""
        objects.keep(self._store, self._note(run, "waits.json"), Waiting(token))

    def token(self, run: str) -> str | None:
        """None where the run's execution never waited."""
        found = objects.find(self._store, Waiting, self._note(run, "waits.json"))
        return found.token if found else None

    def dequeue(self, run: str) -> None:
        self._store.delete(Layout.queue(self._suite, run))

    def _note(self, run: str, name: str) -> str:
        return Layout.run(self._suite, run, name)


def _chunk(chunk: int) -> str:
    return f"chunk-{chunk:05}.json"
