"""The publish protocol on the press in memory: what is seen, what is said, what is never lost."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from debpress.archive.suite import SuiteArchive
from debpress.errors import LossError, TransientError
from debpress.index.draft import IndexDraft
from debpress.index.entries import Identity

from tests.support.memory_store import When
from tests.support.optional import some
from tests.support.press import Press, deb, debs

THREE = debs(("one", "1.0", "amd64"), ("two", "1:2.0~rc1", "arm64"), ("three", "3.0+x", "all"))


def names(identities: set[Identity]) -> set[str]:
    return {identity.package for identity in identities}


class TestPublishing:
    def test_a_suite_is_signed_and_empty_after_set_up(self, press: Press) -> None:
        assert press.packages("amd64") == press.packages("arm64", component="extra") == set()
        release = press.release()
        assert release.architectures == ("amd64", "arm64")
        assert len(release.files) == 2 * 2 * 3  # components, architectures, forms

    def test_a_set_up_signs_anew_and_changes_nothing_else(self, press: Press) -> None:
        """By whom may have changed; that is how a key is."""
        before = press.release()
        press.clock.sleep(100)
        press.set_up()
        after = press.release()
        assert after.date > before.date
        assert replace(after, date=before.date) == before

    def test_packages_are_seen_by_their_architectures(self, press: Press) -> None:
        assert press.publish(press.upload("b1", THREE)) == "published"
        assert names(press.packages("amd64")) == {"one", "three"}
        assert names(press.packages("arm64")) == {"two", "three"}
        assert press.packages("amd64", component="extra") == set()
        assert press.packages("amd64", suite="testing") == set()

    def test_the_result_says_what_is_published(self, press: Press) -> None:
        event = press.upload("b1", THREE)
        press.store.put("staging/stable/main/b1/notes.txt", b"hello")
        press.publish(event)
        result = press.result("b1")
        assert result["status"] == "published" and result["errors"] == []
        assert result["batch"] == {"suite": "stable", "component": "main", "id": "b1"}
        assert result["manifest"]["etag"] == event["detail"]["object"]["etag"]
        assert result["manifest"]["version_id"] == event["detail"]["object"]["version-id"]
        assert result["generation"] == 2 and result["ignored"] == ["notes.txt"]
        assert result["execution"] == "execution-3"  # after two set-ups
        two = next(p for p in result["packages"] if p["package"] == "two")
        assert two["version"] == "1:2.0~rc1" and two["action"] == "added"
        assert two["filename"] == f"pool/main/t/two/{two['sha256'][:16]}/two_2.0-rc1_arm64.deb"

    def test_the_plain_names_agree_with_inrelease(self, press: Press) -> None:
        press.publish(press.upload("b1", THREE))
        root = "apt/dists/stable/"
        listed = press.release().files
        for name, each in listed.items():
            head = press.store.head(root + name)
            # The text is listed, or apt would see no packages; nobody needs it served.
            assert (head.sha256 if head else None) == (
                each.sha256 if name.endswith((".gz", ".xz")) else None
            ), name
        assert press.store.body(root + "Release") == press.release().render()

    def test_a_new_architecture_begins_with_the_packages_for_all(self, press: Press) -> None:
        press.publish(press.upload("b1", THREE))
        press.configure(architectures=["amd64", "arm64", "riscv64"])
        press.set_up()
        assert names(press.packages("riscv64")) == {"three"}
        press.configure(architectures=["amd64"])
        press.set_up()
        assert names(press.packages("riscv64")) == {"three"}  # what was listed stays listed


class TestRejection:
    def test_every_error_is_named_and_nothing_is_seen(self, press: Press) -> None:
        files = {"a_1.0_all.deb": deb("a"), "b_1.0_all.deb": b"no archive"}
        listed = [
            {"name": "a_1.0_all.deb", "sha256": "0" * 64},
            {"name": "b_1.0_all.deb", "sha256": "1" * 64},
        ]
        before = press.release()
        event = press.upload("b1", files, manifest={"version": 1, "files": listed})
        assert press.publish(event) == "rejected"
        result = press.result("b1")
        assert result["status"] == "rejected" and result["generation"] is None
        codes = {(e["file"], e["code"]) for e in result["errors"]}
        assert ("a_1.0_all.deb", "sum-mismatch") in codes
        assert ("b_1.0_all.deb", "sum-mismatch") in codes
        assert ("b_1.0_all.deb", "deb-malformed") in codes
        assert press.release() == before

    def test_what_is_missing_hides_nothing_that_is_wrong(self, press: Press) -> None:
        listed = [
            {"name": "a_1.0_all.deb", "sha256": "0" * 64, "size": 7},
            {"name": "absent_1.0_all.deb", "sha256": "1" * 64},
        ]
        files = {"a_1.0_all.deb": deb("a")}
        event = press.upload("b1", files, manifest={"version": 1, "files": listed})
        assert press.publish(event) == "rejected"
        codes = {(e["file"], e["code"]) for e in press.result("b1")["errors"]}
        assert codes == {
            ("a_1.0_all.deb", "sum-mismatch"),
            ("a_1.0_all.deb", "size-mismatch"),
            ("absent_1.0_all.deb", "file-missing"),
        }
        assert not list(press.store.list("apt/pool/"))

    def test_a_rejected_batch_is_mended_under_its_name(self, press: Press) -> None:
        bad = {"version": 1, "files": [{"name": "a_1.0_all.deb", "sha256": "0" * 64}]}
        press.publish(press.upload("b1", {"a_1.0_all.deb": deb("a")}, manifest=bad))
        assert press.publish(press.upload("b1", {"a_1.0_all.deb": deb("a")})) == "published"
        assert press.result("b1")["status"] == "published"
        assert names(press.packages()) == {"a"}

    @pytest.mark.parametrize(
        ("suite", "component", "batch", "code"),
        [
            ("nowhere", "main", "b1", "suite-unknown"),
            ("stable", "nothing", "b1", "component-unknown"),
            ("stable", "main", "b 1", "key-malformed"),
        ],
    )
    def test_a_wrong_place_is_answered_there(
        self, press: Press, suite: str, component: str, batch: str, code: str
    ) -> None:
        event = press.upload(batch, {"a_1.0_all.deb": deb("a")}, suite=suite, component=component)
        assert press.publish(event) == "rejected"
        assert code in {e["code"] for e in press.result(batch, suite, component)["errors"]}

    def test_an_architecture_the_suite_has_not(self, press: Press) -> None:
        assert press.publish(press.upload("b1", debs(("a", "1", "s390x")))) == "rejected"
        assert press.result("b1")["errors"][0]["code"] == "architecture-unknown"

    def test_the_same_version_with_other_bytes(self, press: Press) -> None:
        press.publish(press.upload("b1", {"a_1.0_all.deb": deb("a")}))
        other = {"a_1.0_all.deb": deb("a", note="changed")}
        for component in ("main", "extra"):
            assert press.publish(press.upload("b2", other, component=component)) == "rejected"
            (error,) = press.result("b2", component=component)["errors"]
            assert error["code"] == "version-reused"
            sums = {press.result("b1")["packages"][0]["sha256"]}
            assert all(known in error["message"] for known in sums)
        assert press.publish(press.upload("b2", other, suite="testing")) == "published"

    def test_the_same_bytes_again_are_a_success(self, press: Press) -> None:
        press.publish(press.upload("b1", THREE))
        before = press.release()
        assert press.publish(press.upload("b2", THREE)) == "published"
        assert {p["action"] for p in press.result("b2")["packages"]} == {"unchanged"}
        assert press.release() == before


class TestRepeatsAndSwaps:
    def test_the_same_event_three_times(self, press: Press) -> None:
        event = press.upload("b1", THREE)
        press.publish(event)
        result, release = press.result("b1"), press.release()
        assert press.publish(event) is None
        assert press.publish(event) is None
        assert (press.result("b1"), press.release()) == (result, release)

    def test_the_same_event_three_times_at_once(self, press: Press) -> None:
        event = press.upload("b1", THREE)
        press.interleave([press.steps(event) for _ in range(3)], random.Random(7))
        assert press.result("b1")["status"] == "published"
        assert names(press.packages()) == {"one", "three"}

    @pytest.mark.parametrize("pause", range(1, 3))
    def test_a_file_replaced_meanwhile_is_never_published(self, press: Press, pause: int) -> None:
        steps = press.steps(press.upload("b1", {"a_1.0_all.deb": deb("a")}))
        for _ in range(pause):
            next(steps)
        press.store.put("staging/stable/main/b1/a_1.0_all.deb", deb("a", note="evil"))
        for _ in steps:
            pass
        result = press.result("b1")
        if pause == 1:  # before it was validated
            assert [e["code"] for e in result["errors"]] == ["file-changed"]
        else:  # it is in the pool already, as it was
            assert names(press.packages()) == {"a"}

    def test_a_file_replaced_while_it_is_copied(self, press: Press) -> None:
        event = press.upload("b1", {"a_1.0_all.deb": deb("a")})

        def swap(operation: str, key: str) -> None:
            if operation == "copy":
                press.store.on_write = None
                press.store.put("staging/stable/main/b1/a_1.0_all.deb", deb("a", note="evil"))

        press.store.on_write = swap
        assert press.publish(event) == "rejected"
        assert [e["code"] for e in press.result("b1")["errors"]] == ["file-changed"]

    def test_an_older_upload_does_not_answer_for_a_newer(self, press: Press) -> None:
        older = press.steps(press.upload("b1", debs(("old", "1", "all"))))
        next(older)
        newer = press.upload("b1", debs(("new", "1", "all")))
        assert press.publish(newer) == "published"
        for _ in older:
            pass
        result = press.result("b1")
        assert result["manifest"]["etag"] == newer["detail"]["object"]["etag"]
        assert names(press.packages()) == {"old", "new"}

    @pytest.mark.parametrize(
        "key",
        ["staging/stable/main/b1/a.deb", "staging/stable/main/x/b1/manifest.json", "state/x/y/z"],
    )
    def test_keys_that_are_no_manifest_start_nothing(self, press: Press, key: str) -> None:
        head = press.store.put(key, b"{}")
        writes = len(press.store.log)
        found = {"key": key, "etag": head.etag, "version-id": head.version_id}
        assert press.publish({"detail": {"object": found}}) is None
        assert len(press.store.log) == writes


class TestRaces:
    def test_two_publishers_in_every_order_lose_nothing(self, fresh: Callable[[], Press]) -> None:
        for order in sorted(set(itertools.permutations("aaaabbbb"))):
            press = fresh()
            publishers = {
                name: press.steps(press.upload(name, debs((name, "1", "all")))) for name in "ab"
            }
            for name in order:
                next(publishers[name], None)
            for steps in publishers.values():
                for _ in steps:
                    pass
            assert names(press.packages()) == {"a", "b"}, order
            for name in "ab":
                assert press.result(name)["status"] == "published", order
            assert not list(press.store.list("state/stable/queue/"))

    def test_many_publishers_make_few_flips(self, press: Press) -> None:
        count = 12
        runs = [
            press.steps(press.upload(f"b{n}", debs((f"p{n}", "1", "all")))) for n in range(count)
        ]
        press.interleave(runs, random.Random(3))
        assert len(press.packages()) == count
        results = [press.result(f"b{n}") for n in range(count)]
        assert {r["status"] for r in results} == {"published"}
        assert {p["action"] for r in results for p in r["packages"]} == {"added"}
        assert max(r["generation"] for r in results) - 1 <= 4

    def test_two_batches_that_contradict_each_other(self, press: Press) -> None:
        runs = [
            press.steps(press.upload(n, {"a_1.0_all.deb": deb("a", note=n)})) for n in ("x", "y")
        ]
        press.interleave(runs, random.Random(1))
        assert sorted(press.result(n)["status"] for n in ("x", "y")) == ["published", "rejected"]
        assert len(press.packages()) == 1

    def test_a_batch_whose_execution_died_goes_along_with_the_next(self, press: Press) -> None:
        dead = press.steps(press.upload("dead", debs(("dead", "1", "all"))))
        for _ in range(3):
            next(dead)  # opened, admitted, queued and merged; and then nothing more
        press.publish(press.upload("next", debs(("next", "1", "all"))))
        assert names(press.packages()) == {"dead", "next"}
        assert press.result("dead")["status"] == "published"

    def test_a_queue_entry_left_behind_is_not_merged_again(self, press: Press) -> None:
        steps = press.steps(press.upload("b1", debs(("a", "1", "all"))))
        for _ in range(5):
            next(steps)  # committed; finish never comes
        assert names(press.packages()) == {"a"} and list(press.store.list("state/stable/queue/"))
        press.publish(press.operate("o1", {"op": "remove", "packages": ["a"]}))
        assert press.packages() == set()
        press.publish(press.upload("b2", debs(("b", "1", "all"))))
        assert names(press.packages()) == {"b"}


class TestCrashes:
    def test_whatever_write_fails_a_retry_converges(self, fresh: Callable[[], Press]) -> None:
        """Each write of a publish in turn fails, before or after it took effect; what a host sees
        is whole each time, and running the same event again publishes."""
        trial = fresh()
        before = len(trial.store.log)
        trial.publish(trial.upload("b1", THREE))
        uploads = len(THREE) + 1
        writes = len(trial.store.log) - before - uploads
        assert writes > 15
        moments: tuple[When, ...] = ("before", "after")
        for k, when in itertools.product(range(1, writes + 1), moments):
            press = fresh()
            event = press.upload("b1", THREE)
            press.store.fail_at(k, when=when, error=TransientError("reset"))
            with pytest.raises(TransientError):
                press.publish(event)
            seen = names(press.packages())
            assert seen in (set(), {"one", "three"}), (k, when)
            press.clock.sleep(10)
            press.publish(event)
            assert names(press.packages("amd64")) == {"one", "three"}, (k, when)
            assert names(press.packages("arm64")) == {"two", "three"}, (k, when)
            assert press.result("b1")["status"] == "published", (k, when)

    def test_a_put_whose_answer_was_lost_is_no_lost_race(
        self, press: Press, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put = SuiteArchive.put_inrelease

        def lossy(*args: Any, **kwargs: Any) -> Any:
            put(*args, **kwargs)
            return put(*args, **kwargs)  # what an SDK's own retry does: 412, though it was us

        monkeypatch.setattr(SuiteArchive, "put_inrelease", lossy)
        press.publish(press.upload("b1", THREE))
        assert press.result("b1")["generation"] == 2

    def test_a_failed_publish_says_so_and_leaves_the_queue(self, press: Press) -> None:
        steps = press.steps(press.upload("b1", debs(("a", "1", "all"))))
        for _ in range(3):
            next(steps)
        (entry,) = press.store.list("state/stable/queue/")
        run = entry.key.rpartition("/")[2].removesuffix(".json")
        assert press.finish("stable", run, "failed") == "failed"
        assert press.result("b1")["errors"][0]["code"] == "internal"
        press.publish(press.upload("b2", debs(("b", "1", "all"))))
        assert names(press.packages()) == {"b"}

    def test_a_failure_after_the_flip_is_told_as_published(self, press: Press) -> None:
        steps = press.steps(press.upload("b1", debs(("a", "1", "all"))))
        for _ in range(5):
            next(steps)
        (entry,) = press.store.list("state/stable/queue/")
        run = entry.key.rpartition("/")[2].removesuffix(".json")
        assert press.finish("stable", run, "failed") == "published"
        assert press.result("b1")["status"] == "published"


class TestTime:
    def test_dates_and_modification_times_strictly_rise(self, press: Press) -> None:
        key = press.repository.layout.inrelease("stable")
        seen = [(press.release().date, some(press.store.head(key)).last_modified)]
        for n in range(100):
            press.publish(press.upload(f"b{n}", debs((f"p{n}", "1", "all"))))
            seen.append((press.release().date, some(press.store.head(key)).last_modified))
        for (date, modified), (next_date, next_modified) in itertools.pairwise(seen):
            assert next_date > date and next_modified > modified
        assert seen[-1][0] <= press.clock.now()

    def test_a_clock_set_back_waits_rather_than_going_back(self, press: Press) -> None:
        press.clock.advance(-3600)
        event = press.upload("b1", THREE)
        with pytest.raises(TransientError, match="ahead of the store's clock"):
            press.publish(event)
        press.clock.advance(3700)
        assert press.publish(event) == "published"


class TestTheLastCheck:
    def test_a_merge_that_loses_a_package_is_refused(
        self, press: Press, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        press.publish(press.upload("b1", THREE))
        build = IndexDraft.build
        one = Identity("one", "1.0", "amd64")
        monkeypatch.setattr(IndexDraft, "build", lambda d: d.base.edit(d.added, {one}))
        before = press.release()
        with pytest.raises(LossError, match=r"would lose one 1\.0"):
            press.publish(press.upload("b2", debs(("new", "1", "amd64"))))
        assert press.release() == before
        assert build is not IndexDraft.build
