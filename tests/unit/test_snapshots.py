"""Snapshots: a generation goes on being readable as a suite of its own, until its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from debpress import codec, config
from debpress.clock import iso
from debpress.errors import ConfigError, CorruptError, IndexGoneError, SigningError, TransientError
from debpress.index.entries import Identity
from debpress.inspection.status import status
from debpress.inspection.verification import verify
from debpress.records.generation import Generation, Parent
from debpress.records.messages.commit import CommitInput
from debpress.records.messages.sign import SignInput
from debpress.records.result import Result
from debpress.steps import commit, reap, sign
from debpress.suite.snapshot import of_result

from tests.support.faults import At, Fault, Random, Script
from tests.support.press import Press, debs
from tests.support.scenes import Scene, fresh, scene

HOUR = 3600.0
DAY = 24 * HOUR
OLD = Identity("a", "1", "all")
NEW = Identity("a", "2", "all")


def publish(press: Press, batch: str, version: str) -> int:
    assert press.publish(press.upload(batch, debs(("a", version, "all")))) == "published"
    return int(press.result(batch)["generation"])


def remove(press: Press, batch: str, *packages: str) -> None:
    asked = press.operate(batch, {"op": "remove", "packages": list(packages)})
    assert press.publish(asked) == "published"


def snapshot(press: Press, batch: str = "s1", **fields: Any) -> str:
    """Asks for one; gives its path."""
    before = set(paths(press))
    assert press.publish(press.operate(batch, {"op": "snapshot", **fields})) == "published"
    (path,) = set(paths(press)) - before
    assert of_result(codec.decode(Result, press.result(batch))) == path
    return path


def paths(press: Press) -> list[str]:
    keys = press.store.keys("apt/dists/snapshots/")
    names = [k.removeprefix("apt/dists/") for k in keys if k.endswith("/InRelease")]
    return [name.removesuffix("/InRelease") for name in names]


def collect(press: Press) -> set[str]:
    return set(reap.run(press.services).keys)


def left(press: Press) -> list[str]:
    return [*press.store.keys("apt/dists/snapshots/"), *press.store.keys("state/snapshots/")]


def errors(press: Press, batch: str) -> list[tuple[str, str]]:
    return [(e["code"], e["message"]) for e in press.result(batch)["errors"]]


class TestMaking:
    def test_hosts_read_the_old_content_by_the_snapshots_path(self, press: Press) -> None:
        number = publish(press, "b1", "1")
        before = press.store.get("apt/dists/stable/InRelease")
        path = snapshot(press)
        after = press.store.get("apt/dists/stable/InRelease")
        assert before and after and before.head.etag == after.head.etag
        remove(press, "o1", "a")

        assert press.packages() == set()
        assert press.packages(suite=path) == {OLD}
        release = press.release(path)
        assert (release.suite, release.codename, release.origin) == (path, "stable", "debpress")
        result = press.result("s1")
        assert (result["status"], result["generation"], result["packages"]) == (
            "published",
            number,
            [],
        )

    def test_readers_that_know_no_by_hash_find_plain_names(self, press: Press) -> None:
        publish(press, "b1", "1")
        path = snapshot(press)
        for name, listed in press.release(path).files.items():
            if not name.endswith((".gz", ".xz")):
                continue
            head = press.store.head(f"apt/dists/{path}/{name}")
            assert head is not None and head.sha256 == listed.sha256, name
        for name in ("Release", "Release.gpg"):
            assert press.store.head(f"apt/dists/{path}/{name}") is not None

    def test_an_earlier_generation_within_the_grace(self, press: Press) -> None:
        number = publish(press, "b1", "1")
        press.clock.sleep(60)
        publish(press, "b2", "2")
        assert press.packages(suite=snapshot(press, generation=number)) == {OLD}
        assert press.packages(suite=snapshot(press, "s2")) == {OLD, NEW}

    @pytest.mark.parametrize("wanted", [999, 2])
    def test_no_generation_that_never_was_or_is_too_old(self, press: Press, wanted: int) -> None:
        assert publish(press, "b1", "1") == 2
        press.clock.sleep(60)
        publish(press, "b2", "2")
        press.clock.sleep(DAY + 60)
        asked = press.operate("s1", {"op": "snapshot", "generation": wanted})
        assert press.publish(asked) == "rejected"
        ((code, message),) = errors(press, "s1")
        assert code == "generation-unknown" and "24 hours" in message
        assert left(press) == []

    def test_nor_one_whose_packages_were_taken_with_a_shorter_grace(self, press: Press) -> None:
        number = publish(press, "b1", "1")
        remove(press, "o1", "a")
        press.store.delete(press.store.keys("apt/pool/main/a/")[0])
        asked = press.operate("s1", {"op": "snapshot", "generation": number})
        assert press.publish(asked) == "rejected"
        assert "in all 1 of its packages are deleted" in errors(press, "s1")[0][1]

    @pytest.mark.parametrize(
        ("operations", "said"),
        [
            ([{"op": "snapshot"}, {"op": "prune"}], "must be the only operation"),
            ([{"op": "snapshot"}, {"op": "snapshot"}], "must be the only operation"),
            ([{"op": "snapshot", "keep_days": 0}], '"keep_days" must be 1 to 3650'),
            ([{"op": "snapshot", "generation": 0}], '"generation" must be 1'),
            ([{"op": "snapshot", "generation": True}], '"generation" must be there, as int'),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, press: Press, operations: list[dict[str, Any]], said: str
    ) -> None:
        assert press.publish(press.operate("s1", *operations)) == "rejected"
        assert any(said in message for _, message in errors(press, "s1"))

    def test_two_of_one_second_are_two(self, press: Press) -> None:
        publish(press, "b1", "1")
        runs = [press.steps(press.operate(name, {"op": "snapshot"})) for name in ("s1", "s2")]
        for run in runs:
            next(run)
        for run in runs:
            assert [*run][-1] == "published"
        assert len(paths(press)) == 2

    def test_it_waits_for_no_batch_and_none_for_it(self, press: Press) -> None:
        publish(press, "b1", "1")
        stuck = press.steps(press.operate("s1", {"op": "snapshot"}))
        for _ in range(2):
            next(stuck)  # as far as the queue
        publish(press, "b2", "2")
        assert [*stuck][-1] == "published"
        # What was published when it was asked for.
        assert press.packages(suite=paths(press)[0]) == {OLD}

    def test_a_suite_may_not_stand_where_snapshots_are(self) -> None:
        with pytest.raises(ConfigError, match="is where snapshots are"):
            config.parse({"suites": [{"suite": "snapshots", "architectures": ["amd64"]}]})


def asked(where: Scene) -> dict[str, Any]:
    """A snapshot of what everybody finds published, whatever comes beside it."""
    return where.press.operate("s1", {"op": "snapshot", "generation": 2})


def whole(press: Press) -> None:
    """What the snapshot names is there, and the result is true."""
    (path,) = paths(press)
    assert {i.package for i in press.packages(suite=path)} == {"old0", "old1", "old2"}
    assert press.result("s1")["status"] == "published"


class TestInterleavings:
    @pytest.mark.parametrize("fault", [f for f in Fault if "LOST" not in f.name])
    def test_dying_at_any_write_makes_one_and_the_same(self, fault: Fault) -> None:
        for k in range(1, 40):
            where = scene()
            at = At(k, fault)
            world = where.world(faults=at)
            assert world.publish({"s1": asked(where)}) == {"s1": "published"}, at.struck
            assert not world.surprises
            whole(where.press)
            if at.struck is None:
                assert k > 10  # every write was tried
                return
        pytest.fail("writes without end")

    @pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER])
    def test_a_conditional_put_that_seems_lost(self, fault: Fault) -> None:
        for k in range(1, 40):
            where = scene()
            world = where.world(faults=At(k, fault))
            assert world.publish({"s1": asked(where)}) == {"s1": "published"}
            whole(where.press)

    def test_a_repeat_of_the_event_at_any_moment_makes_no_second(self) -> None:
        for k in range(0, 90, 3):
            where = scene()
            event = asked(where)
            world = where.world(turns=Script([("a", k), ("b", 10**6)]))
            said = world.publish({"a": event, "b": event})
            assert set(said.values()) <= {"published", None} and "published" in said.values()
            assert not world.surprises
            whole(where.press)

    def test_a_repeat_long_after_makes_no_second(self, press: Press) -> None:
        publish(press, "b1", "1")
        event = press.operate("s1", {"op": "snapshot"})
        assert press.publish(event) == "published"
        publish(press, "b2", "2")
        press.clock.sleep(3 * DAY)
        press.store.delete("results/stable/main/s1.json")
        assert press.publish(event) == "published"
        assert len(paths(press)) == 1

    @pytest.mark.parametrize("seed", range(12))
    def test_publishes_and_removals_beside_it(self, seed: int) -> None:
        import random

        where = scene(removals=True)
        events = {
            "s1": asked(where),
            "b": where.upload("b", fresh("b")),
            "o": where.operate("o", {"op": "remove", "packages": ["old0", "old1"]}),
        }
        world = where.world(turns=Random(random.Random(seed)))
        assert set(world.publish(events).values()) == {"published"}
        assert not world.surprises
        whole(where.press)
        where.witness.settled()

    def test_a_run_that_broke_down_is_told_the_truth(self) -> None:
        """Whether or not the snapshot stands when everything has been tried."""
        for k in range(3, 16):
            where = scene()
            event = asked(where)
            calls: list[Any] = []

            def dead(call: Any, k: int = k, calls: list[Any] = calls) -> Fault | None:
                if not call.writes or call.key.startswith("results/"):
                    return None
                calls.append(call)
                return Fault.KILL_BEFORE if len(calls) >= k and "/dists/" in call.key else None

            said = where.world(faults=dead).publish({"s1": event})
            stands = bool(paths(where.press))
            assert said == {"s1": "published" if stands else "failed"}
            assert where.press.result("s1")["status"] == said["s1"]


class TestTheGuards:
    """The record is what merge wrote; the signer and the committer believe nothing of it."""

    def record(self, press: Press) -> Generation:
        publish(press, "b1", "1")
        run = press.steps(press.operate("s1", {"op": "snapshot"}))
        for _ in range(2):
            next(run)  # merged
        (key,) = press.store.keys("state/snapshots/")
        return codec.load(Generation, press.store.body(key), key)

    def sign(self, press: Press, record: Generation) -> None:
        press.archive.suite(record.suite).keep_record(record)
        sign.run(press.services, SignInput(record.suite, record.id), lambda: press.signers)

    def test_the_signer_signs_what_was_merged(self, press: Press) -> None:
        self.sign(press, self.record(press))
        assert press.store.keys("state/snapshots/")[-1].count("/signed/") == 1

    @pytest.mark.parametrize(
        ("field", "old", "new"),
        [
            ("release", "Origin: debpress", "Origin: other"),
            ("release", "Label: debpress", "Label: other"),
            ("release", "Codename: stable", "Codename: testing"),
            ("release", "Suite: snapshots/", "Suite: "),
            ("release", "Components: main", "Components: more main"),
            ("release", " main/binary-amd64/Packages.xz", " main/binary-amd64/Packages.lzma"),
            ("suite", "/stable", "/unknown"),
            ("suite", "snapshots/", "snap/"),
        ],
    )
    def test_the_signer_signs_nothing_else(
        self, press: Press, field: str, old: str, new: str
    ) -> None:
        record = self.record(press)
        text = getattr(record, field)
        assert old in text
        with pytest.raises(SigningError):
            self.sign(press, replace(record, **{field: text.replace(old, new)}))

    @pytest.mark.parametrize("field", ["number", "expires", "parent"])
    def test_nor_a_record_that_is_none_of_a_snapshot(self, press: Press, field: str) -> None:
        record = self.record(press)
        other: dict[str, Any] = {"number": 1, "expires": None, "parent": None}
        if field == "parent":
            other["parent"] = Parent("e", iso(press.clock.now()), None)
        with pytest.raises(SigningError):
            self.sign(press, replace(record, **{field: other[field]}))

    def test_a_commit_that_comes_too_late_is_none(self, press: Press) -> None:
        """The reaper may have taken what it names, or be at it."""
        record = self.record(press)
        self.sign(press, record)
        press.clock.sleep(DAY + HOUR)
        with pytest.raises(CorruptError, match="ask again"):
            commit.run(press.services, CommitInput(record.suite, record.id), press.keys)
        assert paths(press) == []


class TestReaping:
    def test_what_it_names_is_kept_as_long_as_it_stands(self, press: Press) -> None:
        publish(press, "b1", "1")
        path = snapshot(press, keep_days=5)
        remove(press, "o1", "a")
        for _ in range(4):
            press.clock.sleep(DAY)
            collect(press)
        assert press.packages(suite=path) == {OLD}

    def test_at_its_end_inrelease_goes_first_and_the_rest_after_the_grace(
        self, press: Press
    ) -> None:
        publish(press, "b1", "1")
        path = snapshot(press, keep_days=5)
        release = press.release(path)
        remove(press, "o1", "a")
        press.clock.sleep(5 * DAY + 60)
        assert f"apt/dists/{path}/InRelease" in collect(press)
        assert paths(press) == []
        # A host that read InRelease just before still gets all that it names.
        press.clock.sleep(DAY)
        collect(press)
        for name, listed in release.files.items():
            if name.endswith((".gz", ".xz")):
                key = press.repository.layout.by_hash(path, name, listed.sha256)
                assert press.store.head(key) is not None
        assert press.store.keys("apt/pool/main/a/")
        press.clock.sleep(2 * HOUR)
        collect(press)
        assert left(press) == [] and not press.store.keys("apt/pool/main/a/")
        assert collect(press) == set()

    def test_a_dry_run_says_so_and_takes_nothing(self, press: Press) -> None:
        publish(press, "b1", "1")
        path = snapshot(press, keep_days=1)
        press.clock.sleep(2 * DAY)
        before = press.store.keys()
        would = reap.run(press.services, dry_run=True)
        there = [key for key in would.keys if "snapshots" in key]
        assert there == [f"apt/dists/{path}/InRelease"]
        assert press.store.keys() == before

    def test_a_reaper_that_dies_anywhere_is_made_good_by_the_next(self, press: Press) -> None:
        """At no moment does an InRelease name what is gone, and in the end nothing is left."""
        publish(press, "b1", "1")
        path = snapshot(press, keep_days=1)
        remove(press, "o1", "a")
        start = press.store.snapshot()
        for k in range(1, 60):
            press.store.restore(start)
            press.clock.sleep(2 * DAY)
            press.store.fail_at(k)
            died = False
            for _ in range(6):
                try:
                    collect(press)
                except TransientError:  # the fault that was asked for
                    died = True
                if paths(press):
                    assert press.packages(suite=path) == {OLD}
                press.clock.sleep(13 * HOUR)
            assert left(press) == [], k
            if not died:
                assert k > 5
                return
        pytest.fail("writes without end")

    def test_without_the_note_hosts_in_the_middle_would_be_stranded(
        self, press: Press, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put = type(press.store).put

        def forgetful(store: Any, key: str, *args: Any, **options: Any) -> Any:
            return None if key.endswith("/ended.json") else put(store, key, *args, **options)

        monkeypatch.setattr(type(press.store), "put", forgetful)
        with pytest.raises(AssertionError):
            self.test_at_its_end_inrelease_goes_first_and_the_rest_after_the_grace(press)

    def test_one_never_finished_goes_after_the_grace(self, press: Press) -> None:
        publish(press, "b1", "1")
        run = press.steps(press.operate("s1", {"op": "snapshot"}))
        for _ in range(3):
            next(run)  # signed
        press.clock.sleep(DAY)
        collect(press)
        assert left(press)
        press.clock.sleep(2 * HOUR)
        collect(press)
        assert left(press) == []

    def test_a_damaged_snapshot_reaps_nothing(self, press: Press) -> None:
        publish(press, "b1", "1")
        path = snapshot(press)
        remove(press, "o1", "a")
        listed = press.release(path).files["main/binary-amd64/Packages.gz"]
        name = "main/binary-amd64/Packages"
        press.store.delete(press.repository.layout.by_hash(path, name, listed.sha256))
        press.clock.advance(timedelta(days=3).total_seconds())
        before = press.store.keys()
        with pytest.raises(IndexGoneError, match="is gone; restore"):
            collect(press)
        assert press.store.keys() == before


class TestLooking:
    def test_status_lists_those_of_the_suite_with_their_ends(self, press: Press) -> None:
        number = publish(press, "b1", "1")
        begun = press.clock.now()
        path = snapshot(press, keep_days=5)
        other = press.operate("s2", {"op": "snapshot"}, suite="testing")
        assert press.publish(other) == "published"
        (kept,) = status(press.archive, "stable").snapshots
        assert (kept.path, kept.generation) == (path, number)
        assert kept.expires == iso(begun + timedelta(days=5))

    def test_verify_reads_snapshots_so_that_what_they_name_is_no_leftover(
        self, press: Press
    ) -> None:
        publish(press, "b1", "1")
        path = snapshot(press)
        remove(press, "o1", "a")
        press.clock.sleep(HOUR)
        (pooled,) = press.store.keys("apt/pool/main/a/")

        def found() -> tuple[str, ...]:
            report = verify(press.archive, press.clock, ["stable", "testing"])
            assert path in report.suites
            assert not [n for n in report.notes if pooled in n.keys]
            return tuple(f.message for f in report.findings if f.suite == path)

        assert not [said for said in found() if "by-hash" in said or "pool" in said]
        press.store.delete(pooled)
        assert any(pooled in said for said in found())
