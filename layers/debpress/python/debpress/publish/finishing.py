"""finish: tell everybody whose batch is decided, and only what is true."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from debpress.clock import Clock, iso
from debpress.config import Repository
from debpress.errors import Code, DebpressError, Refusal
from debpress.layout import Batch, Layout
from debpress.metrics import Measure, unmeasured
from debpress.publish import notes, published, reports, snapshots
from debpress.publish.notes import Manifest, Plan, Queued
from debpress.publish.published import Generation
from debpress.store import ObjectHeaders, PreconditionFailed, Store

_RESULT = ObjectHeaders("application/json", "no-cache")

# Seconds. A merge, with its signature and its commit, takes less; should one take longer, and flip,
# its own finish corrects what was said here.
_MOST_WAITS = 60


def finish(
    store: Store,
    repository: Repository,
    clock: Clock,
    suite: str,
    run: str | None,
    outcome: str,
    generation: str | None = None,
    error: Mapping[str, str] | None = None,
    target: str | None = None,
    *,
    measure: Measure = unmeasured,
) -> str | None:
    """Writes the results that a run's end decides, and clears the queue of their entries.

    `outcome` is `published` (with the generation that has the run in it, or that made its packages
    nothing new), `rejected`, or `failed`. `target` is the path that the generation is of, where it
    is not the suite but a snapshot of it. Returns the run's own status; None where nobody asked.
    What a prune took out, or that it was refused, is measured when its result is first written.
    """
    answers = _Answers(store, clock, suite, measure)
    if outcome == "failed":
        return answers.failed(repository, run, error or {}) if run is not None else None
    if outcome == "rejected" and run is not None:
        return answers.rejected(run)
    if generation is None:
        return None
    return answers.published(Generation.load(store, target or suite, generation), run)


class _Answers:
    def __init__(self, store: Store, clock: Clock, suite: str, measure: Measure) -> None:
        self.store = store
        self.clock = clock
        self.suite = suite
        self.measure = measure

    def published(self, record: Generation, run: str | None) -> str | None:
        """Answers the run; and, where the generation is of its making, every batch it decided.

        The others' executions will do the same when they get there; should one have died, its CI
        gets its answer all the same. A result comes before its queue entry goes: should this die in
        between, the entry is seen to be in, by the chain, and is cleared by the next to merge it.
        """
        if record.by == run:  # Fifty executions need not write fifty results each.
            for each in sorted(record.decided - {run}):
                self._decided(record, each)
            for left in record.left:
                earlier = Generation.load(self.store, self.suite, left["generation"])
                self._decided(earlier, left["run"])
        if run is None:
            return None
        return self._decided(record, run) or self._unchanged(record, run)

    def _decided(self, record: Generation, run: str) -> str | None:
        """Answers one run with what a generation decided of it; None where it says nothing."""
        for account in record.batches:
            if account["run"] == run:
                # Before the result: should this die in between, whoever repeats it does both.
                pruned = reports.PRUNE in account["kinds"] and reports.save_pruned(
                    self.store, record
                )
                if self._answer(account, "published", record, []) and pruned:
                    count, size = len(pruned["removed"]), pruned["unnamed_bytes"]
                    self.measure(self.suite, VersionsPruned=count, BytesUnnamed=size)
                return "published"
        for account in record.refused:
            if account["run"] == run:
                refusals = [Refusal.from_json(e) for e in account["errors"]]
                self._answer(account, "rejected", None, refusals)
                return "rejected"
        return None

    def _unchanged(self, record: Generation, run: str) -> str | None:
        """All the run's packages were published before: that is a success (law 4)."""
        data = notes.load(self.store, Layout.queue(self.suite, run))
        if data is None:
            return self._answered(run)
        entry = Queued.from_json(data)
        packages = [{**p.public(), "action": "unchanged"} for p in entry.packages]
        account = {**entry.plan.account(), "packages": packages}
        self._answer(account, "published", record, [])
        return "published"

    def _answered(self, run: str) -> str | None:
        """What was said by this step's earlier try, or by a repeat of the event, which cleared the
        entry. None where a newer upload of the manifest is to be answered instead, or another
        manifest in the same place was answered since, over the same result."""
        plan = Plan.load(self.store, self.suite, run)
        result = notes.load(self.store, plan.batch.result)
        if result is not None and result["manifest"] == plan.manifest.as_json():
            return str(result["status"])
        if not self._is_newest(plan.manifest):
            return None
        if result is not None and result["manifest"]["key"] != plan.manifest.key:
            return None
        raise DebpressError(
            f"the queue entry of run {run} is gone, and nobody was told what became of it; upload "
            "the batch's manifest again to start anew"
        )

    def _is_newest(self, manifest: Manifest) -> bool:
        head = self.store.head(manifest.key)
        return head is None or (head.etag, head.version_id) == (manifest.etag, manifest.version_id)

    def rejected(self, run: str) -> str:
        plan = Plan.load(self.store, self.suite, run)
        refusals = notes.load_refusals(self.store, self.suite, run) or plan.refusals
        self._answer(plan.account(), "rejected", None, refusals)
        return "rejected"

    def failed(self, repository: Repository, run: str, error: Mapping[str, str]) -> str | None:
        """The workflow broke down: say so, unless the batch is in all the same.

        The entry leaves the queue first, so that no later merge takes up what CI is told has
        failed. One that has read it by now may still flip, and is waited for: no such merge is left
        when InRelease has changed, or when nobody else waits.
        """
        plan = Plan.load(self.store, self.suite, run)
        snapshot = snapshots.asked(plan)
        if snapshot and (made := snapshots.made(self.store, repository.layout, plan)):
            return self.published(made, run)
        self.store.delete(Layout.queue(self.suite, run))
        first = None
        for _ in range(0 if snapshot else _MOST_WAITS):  # Nobody else makes a snapshot.
            alone = not any(self.store.list(Layout.queue(self.suite)))
            state = published.current(self.store, repository.layout, self.suite, self.clock.now())
            newest = state.generation if state else None
            for record in published.chain(self.store, self.suite, newest, plan.base):
                if run in record.decided:
                    return self.published(record, run)
            first = first or newest
            if alone or newest != first:
                break
            self.clock.sleep(1)
        name = plan.manifest.key.rpartition("/")[2]
        message = (
            f"debpress could not finish ({error.get('Error', 'unknown error')}); nothing of this "
            "batch is published. Upload the manifest again; should it fail again, ask the "
            f"repository's operators to look at execution {plan.execution}"
        )
        self._answer(plan.account(), "failed", None, [Refusal(name, Code.INTERNAL, message)])
        return "failed"

    def _answer(
        self,
        account: Mapping[str, Any],
        status: str,
        record: Generation | None,
        refusals: list[Refusal],
    ) -> bool:
        """Writes one result, unless its manifest has been uploaded anew, and clears its entry.
        Says whether it wrote it: not where it was written before.

        Two uploads of one batch name share a result's key. The conditional put closes the race in
        which the older answer would replace the newer one: read the result, then see whether the
        manifest is still ours, then put over what was read. The newer answer comes after the newer
        manifest, so it is either seen in the manifest or it fails the put.
        """
        batch = Batch(**account["batch"])
        result = {
            "version": 1,
            "batch": account["batch"],
            "manifest": account["manifest"],
            "status": status,
            "generation": record.number if record else None,
            "release_date": record.date if record else None,
            "packages": account["packages"],
            "ignored": account["ignored"],
            "errors": [r.as_json() for r in refusals],
            "started_at": account["started_at"],
            "finished_at": iso(self.clock.now()),
            "execution": account["execution"],
        }
        wrote = False
        for _ in range(5):
            present = self.store.get(batch.result)
            if not self._is_newest(Manifest(**account["manifest"])):
                break
            if present is not None and _says_enough(json.loads(present.body), result):
                break
            try:
                self.store.put(
                    batch.result,
                    notes.dump(result),
                    _RESULT,
                    if_match=present.head.etag if present else None,
                    if_absent=present is None,
                )
                wrote = True
                break
            except PreconditionFailed:
                continue
        else:
            raise DebpressError(f"{batch.result} is being written again and again by others")
        self.store.delete(Layout.queue(self.suite, account["run"]))
        if wrote and any(refusal.code == Code.PRUNE_TOO_MUCH for refusal in refusals):
            # Untold where this dies right here; tomorrow's prune is refused as well.
            self.measure(self.suite, PrunesRefused=1)
        return wrote


def _says_enough(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """The same already, or that it is published, which nothing said of this manifest unsays."""
    said = ("manifest", "status", "generation", "errors")
    if all(old.get(key) == new[key] for key in said):
        return True
    return old.get("manifest") == new["manifest"] and old.get("status") == "published"
