"""What operators' operations do, on the press in memory: seen by hosts, told in results."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any, Unpack

import pytest
from debpress.codec import encode
from debpress.errors import RejectedError
from debpress.index.entries import Identity
from debpress.inspection.preview import preview
from debpress.steps import prune
from debpress.suite.operations import (
    Copy,
    Forget,
    Operation,
    Prune,
    Remove,
    Rollback,
    Snapshot,
    as_json,
    as_manifest,
    from_json,
    parse,
)

from tests.support.press import Place, Press, deb, debs, event

Names = set[tuple[str, str]]


def seen(press: Press, architecture: str = "amd64", suite: str = "stable", **more: str) -> Names:
    found = press.packages(architecture, suite, **more)
    return {(identity.package, identity.version) for identity in found}


def versions(press: Press, package: str, architecture: str = "amd64") -> set[str]:
    return {version for name, version in seen(press, architecture) if name == package}


_batches = itertools.count()


def publish(press: Press, *packages: tuple[str, str, str], **where: Unpack[Place]) -> None:
    """Publishes packages in one batch of its own."""
    publish_files(press, debs(*packages), **where)


def publish_files(press: Press, files: dict[str, bytes], **where: Unpack[Place]) -> None:
    assert press.publish(press.upload(f"b{next(_batches)}", files, **where)) == "published"


def needing(package: str, version: str, needed: str, architecture: str = "all") -> dict[str, bytes]:
    body = deb(package, version, architecture, extra=f"Depends: {needed}\n")
    return {f"{package}_{version}_{architecture}.deb": body}


def operate(press: Press, *operations: dict[str, Any], suite: str = "stable") -> dict[str, Any]:
    """Runs operations through the workflow; returns their result."""
    batch = f"o{next(_batches)}"
    status = press.publish(press.operate(batch, *operations, suite=suite))
    result = press.result(batch, suite)
    assert result["status"] == status
    return result


def remove(*packages: str, **more: Any) -> dict[str, Any]:
    return {"op": "remove", "packages": list(packages), **more}


def copy(*packages: str, suite: str = "testing", component: str = "main", **more: Any) -> Any:
    source = {"suite": suite, "component": component}
    return {"op": "copy", "from": source, "packages": list(packages), **more}


def rollback(to: int) -> dict[str, Any]:
    return {"op": "rollback", "to": to}


def forget(*packages: str) -> dict[str, Any]:
    return {"op": "forget", "packages": list(packages)}


PRUNE = {"op": "prune"}
PARTIAL = {"op": "prune", "partial": True}


def effects(result: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(p["action"], p["package"], p["version"]) for p in result["packages"]}


def codes(result: dict[str, Any]) -> list[str]:
    assert result["packages"] == []
    return [error["code"] for error in result["errors"]]


def planned(press: Press, operation: Operation) -> list[dict[str, Any]]:
    """What a dry run says, as a result would say it."""
    before = press.store.snapshot()
    plan = preview(press.archive, press.repository, "stable", "main", operation)
    assert press.store.snapshot().log == before.log, "a dry run wrote something"
    return [encode(each) for each in plan]


class TestReadingThem:
    @pytest.mark.parametrize(
        ("body", "code", "words"),
        [
            (b"{", "manifest-unreadable", "not JSON"),
            (b"[]", "manifest-version", "version"),
            (b'{"version": 2, "operations": [{"op": "prune"}]}', "manifest-version", "version"),
            (b'{"version": 1, "operations": []}', "manifest-empty", "at least one"),
            (b'{"version": 1, "operations": {}}', "manifest-field", "a list"),
            (b'{"version": true, "operations": [{"op": "prune"}]}', "manifest-version", "True"),
            (b'{"version": 1, "operations": [{"op": "prune"}], "x": 1}', "manifest-field", "'x'"),
            (b'{"version": 1, "operations": [{"op": ["prune"]}]}', "manifest-field", "one of"),
            (
                b'{"version": 1, "operations": [{"op": "rollback", "to": 1, "to": 2}]}',
                "manifest-field",
                "twice",
            ),
            (b'{"version": 1, "operations": [{"op": "drop"}]}', "manifest-field", "one of remove"),
            (b'{"version": 1, "operations": [{"op": "prune", "x": 1}]}', "manifest-field", "'x'"),
            (b'{"version": 1, "operations": [{"op": "rollback"}]}', "manifest-field", '"to"'),
            (
                b'{"version": 1, "operations": [{"op": "rollback", "to": true}]}',
                "manifest-field",
                '"to"',
            ),
            (
                b'{"version": 1, "operations": [{"op": "remove", "packages": ["a (< 1)"]}]}',
                "manifest-field",
                "no package relation",
            ),
            *(
                (
                    b'{"version": 1, "operations": [{"op": "forget", "packages": ["%s"]}]}' % each,
                    "manifest-field",
                    "exact versions",
                )
                for each in (b"a", b"a (<= 1)")
            ),
        ],
    )
    def test_what_is_wrong_is_said(self, body: bytes, code: str, words: str) -> None:
        with pytest.raises(RejectedError) as raised:
            parse(body)
        (refusal,) = raised.value.refusals
        assert refusal.code == code and words in refusal.message

    def test_every_error_is_said_at_once(self) -> None:
        with pytest.raises(RejectedError) as raised:
            parse(b'{"version": 1, "operations": [{"op": "x"}, {"op": "prune"}, {"op": "copy"}]}')
        assert [r.message[:11] for r in raised.value.refusals] == ["operation 0", "operation 2"]

    def test_a_request_asks_for_just_what_it_was_given(self) -> None:
        asked: list[Operation] = [
            Remove(("a (<< 2.0)", "b"), "amd64", force=True),
            Copy("testing", "extra", ("c", "d (= 1)")),
            Rollback(3),
            Prune(),
            Prune(partial=True),
            Forget(("e (= 1:2)",)),
        ]
        assert list(parse(as_manifest(asked))) == asked
        assert parse(as_manifest([Snapshot(3, 5)])) == (Snapshot(3, 5),)  # Only ever alone.
        assert [from_json(as_json(each)) for each in asked] == asked


class TestRemoving:
    def test_by_relation(self, press: Press) -> None:
        publish(press, *(("a", v, "amd64") for v in ("1.0~rc1", "1.0", "1.9", "1.10", "1:0.1")))
        result = operate(press, remove("a (<< 1.9)"))
        assert versions(press, "a") == {"1.9", "1.10", "1:0.1"}
        assert effects(result) == {("removed", "a", "1.0~rc1"), ("removed", "a", "1.0")}
        operate(press, remove("a (>> 1.10)", "a (= 1.9)"))
        assert versions(press, "a") == {"1.10"}

    def test_of_one_architecture(self, press: Press) -> None:
        publish(press, ("a", "1", "amd64"), ("a", "1", "arm64"), ("b", "1", "all"))
        operate(press, remove("a", "b", architecture="arm64"))
        assert seen(press, "amd64") == {("a", "1"), ("b", "1")}
        assert seen(press, "arm64") == {("b", "1")}
        operate(press, remove("a", "b", architecture="all"))
        assert seen(press, "amd64") == {("a", "1")}
        assert seen(press, "arm64") == set()

    def test_a_package_for_all_goes_from_every_architecture(self, press: Press) -> None:
        publish(press, ("a", "1", "all"), ("a", "2", "amd64"))
        result = operate(press, remove("a"))
        assert seen(press, "amd64") == seen(press, "arm64") == set()
        assert len(result["packages"]) == 2

    def test_only_from_the_component_of_its_path(self, press: Press) -> None:
        publish(press, ("a", "1", "all"))
        publish(press, ("a", "1", "all"), component="extra")
        operate(press, remove("a"))
        assert seen(press) == set()
        assert seen(press, component="extra") == {("a", "1")}

    def test_what_is_not_there_is_done_already(self, press: Press) -> None:
        before = press.release()
        result = operate(press, remove("nothing"))
        assert (result["status"], result["packages"]) == ("published", [])
        assert result["generation"] == 1
        assert press.release() == before

    def test_the_package_stays_in_the_pool_for_who_is_about_to_fetch_it(self, press: Press) -> None:
        publish(press, ("a", "1", "all"))
        pool = press.store.keys("apt/pool/")
        operate(press, remove("a"))
        assert press.store.keys("apt/pool/") == pool


class TestExactDependencies:
    def test_what_stays_keeps_what_it_needs(self, press: Press) -> None:
        publish(press, ("lib", "1", "amd64"))
        publish_files(press, needing("app", "1", "lib (= 1), other", "amd64"))
        result = operate(press, remove("lib"))
        assert codes(result) == ["dependency-broken"]
        assert "app 1 (amd64) needs lib (= 1)" in result["errors"][0]["message"]
        assert ("lib", "1") in seen(press)

    def test_both_may_go_together(self, press: Press) -> None:
        publish(press, ("lib", "1", "all"))
        publish_files(press, needing("app", "1", "lib (= 1)"))
        assert operate(press, remove("lib"), remove("app"))["status"] == "published"
        assert seen(press) == set()

    def test_force_leaves_it_unmet(self, press: Press) -> None:
        publish(press, ("lib", "1", "all"))
        publish_files(press, needing("app", "1", "lib (= 1)"))
        assert operate(press, remove("lib", force=True))["status"] == "published"
        assert seen(press) == {("app", "1")}

    def test_each_architecture_is_looked_at_by_itself(self, press: Press) -> None:
        publish(press, ("lib", "1", "amd64"), ("lib", "1", "arm64"))
        publish_files(press, needing("app", "1", "lib (= 1)", "amd64"))
        assert operate(press, remove("lib", architecture="arm64"))["status"] == "published"
        assert codes(operate(press, remove("lib", architecture="amd64"))) == ["dependency-broken"]

    def test_and_the_last_of_them_too(self, press: Press) -> None:
        publish(press, ("lib", "1", "amd64"), ("lib", "1", "arm64"))
        publish_files(press, needing("app", "1", "lib (= 1)", "arm64"))
        assert codes(operate(press, remove("lib", architecture="arm64"))) == ["dependency-broken"]

    def test_another_component_may_have_it_too(self, press: Press) -> None:
        publish(press, ("lib", "1", "all"))
        publish(press, ("lib", "1", "all"), component="extra")
        publish_files(press, needing("app", "1", "lib (= 1)"), component="extra")
        assert operate(press, remove("lib"))["status"] == "published"

    def test_a_copy_comes_with_what_it_needs(self, press: Press) -> None:
        publish(press, ("lib", "1", "all"), suite="testing")
        publish_files(press, needing("app", "1", "lib (= 1), elsewhere (= 3)"), suite="testing")
        result = operate(press, copy("app"))
        assert codes(result) == ["dependency-broken"]
        assert "app 1 (all) needs lib (= 1)" in result["errors"][0]["message"]
        assert operate(press, copy("app", "lib"))["status"] == "published"
        assert seen(press) == {("app", "1"), ("lib", "1")}

    def test_or_without_it_when_told_so(self, press: Press) -> None:
        publish(press, ("lib", "1", "all"), suite="testing")
        publish_files(press, needing("app", "1", "lib (= 1)"), suite="testing")
        assert operate(press, copy("app", force=True))["status"] == "published"
        assert seen(press) == {("app", "1")}


class TestCopying:
    def test_the_newest_version_by_debians_order(self, press: Press) -> None:
        publish(press, *(("a", v, "all") for v in ("1.9", "1.10~rc1", "1.10")), suite="testing")
        result = operate(press, copy("a"))
        assert effects(result) == {("added", "a", "1.10")}
        assert seen(press, "arm64") == {("a", "1.10")}

    def test_an_exact_version(self, press: Press) -> None:
        publish(press, *(("a", v, "all") for v in ("1.9", "1.10")), suite="testing")
        operate(press, copy("a (= 1.9)"))
        assert seen(press) == {("a", "1.9")}
        assert seen(press, suite="testing") == {("a", "1.9"), ("a", "1.10")}

    def test_every_architecture_of_it(self, press: Press) -> None:
        publish(press, ("a", "1", "amd64"), ("a", "1", "arm64"), suite="testing")
        operate(press, copy("a"))
        assert seen(press, "amd64") == seen(press, "arm64") == {("a", "1")}

    def test_from_one_component_into_another(self, press: Press) -> None:
        publish(press, ("a", "1", "all"), suite="testing", component="extra")
        operate(press, copy("a", component="extra"))
        assert seen(press, component="main") == {("a", "1")}

    def test_no_byte_moves(self, press: Press) -> None:
        publish(press, ("a", "1", "all"), ("b", "1", "all"), suite="testing")
        pool, before = press.store.keys("apt/pool/"), len(press.store.log)
        operate(press, copy("a", "b"))
        assert press.store.keys("apt/pool/") == pool
        assert not [w.key for w in press.store.log[before:] if w.key.startswith("apt/pool/")]

    def test_several_at_once_or_none(self, press: Press) -> None:
        publish(press, ("a", "1", "all"), suite="testing")
        before = press.release()
        result = operate(press, copy("a", "b"))
        assert codes(result) == ["package-unknown"]
        assert "nothing that is b" in result["errors"][0]["message"]
        assert press.release() == before
        publish(press, ("b", "1", "all"), suite="testing")
        assert operate(press, copy("a", "b"))["generation"] == 2
        assert seen(press) == {("a", "1"), ("b", "1")}

    def test_a_version_that_is_here_with_other_bytes_is_refused(self, press: Press) -> None:
        publish_files(press, {"a_1_all.deb": deb("a", "1", note="here")}, component="extra")
        publish_files(press, {"a_1_all.deb": deb("a", "1", note="there")}, suite="testing")
        result = operate(press, copy("a"))
        assert codes(result) == ["version-reused"]
        assert seen(press) == set()

    def test_what_is_here_already_is_a_success(self, press: Press) -> None:
        publish(press, ("a", "1", "all"), ("b", "1", "all"), suite="testing")
        operate(press, copy("a"))
        assert effects(operate(press, copy("a", "b"))) == {
            ("unchanged", "a", "1"),
            ("added", "b", "1"),
        }
        before = press.release()
        assert operate(press, copy("a"))["status"] == "published"
        assert press.release() == before

    @pytest.mark.parametrize(("suite", "component"), [("nowhere", "main"), ("testing", "none")])
    def test_from_nowhere(self, press: Press, suite: str, component: str) -> None:
        result = operate(press, copy("a", suite=suite, component=component))
        assert codes(result) == ["suite-unknown"]


def by_hash(press: Press) -> list[str]:
    return [key for key in press.store.keys("apt/dists/stable/") if "/by-hash/" in key]


class TestRollingBack:
    def test_the_content_is_as_it_was_and_newer(self, press: Press) -> None:
        publish(press, ("a", "1", "all"), ("b", "1", "amd64"))  # 2
        publish(press, ("a", "2", "all"), ("c", "1", "arm64"))
        operate(press, remove("b"))
        then, files = press.release().date, press.release().files
        result = operate(press, rollback(2))
        assert seen(press, "amd64") == {("a", "1"), ("b", "1")}
        assert seen(press, "arm64") == {("a", "1")}
        assert effects(result) == {
            ("removed", "a", "2"),
            ("removed", "c", "1"),
            ("added", "b", "1"),
        }
        assert result["generation"] == 5
        assert press.release().date > then
        operate(press, rollback(4))
        assert press.release().files == files

    def test_to_now_is_nothing_to_do(self, press: Press) -> None:
        publish(press, ("a", "1", "all"))
        before = press.release()
        result = operate(press, rollback(2))
        assert (result["status"], result["packages"]) == ("published", [])
        assert press.release() == before

    @pytest.mark.parametrize("to", [-1, 0, 3, 99])
    def test_to_no_generation(self, press: Press, to: int) -> None:
        publish(press, ("a", "1", "all"))
        assert codes(operate(press, rollback(to))) == ["generation-unknown"]
        assert seen(press) == {("a", "1")}

    @pytest.mark.parametrize("gone", ["pool", "by-hash", "generation"])
    def test_beyond_what_is_kept_is_refused(self, press: Press, gone: str) -> None:
        publish(press, ("a", "1", "all"))  # 2
        operate(press, remove("a"))
        if gone == "pool":
            keys = press.store.keys("apt/pool/")
        elif gone == "generation":
            keys = press.store.keys("state/stable/generations/00000002-")
        else:
            now = {listed.sha256 for listed in press.release().files.values()}
            keys = [key for key in by_hash(press) if key.rpartition("/")[2] not in now]
        assert keys
        for key in keys:
            press.store.delete(key)
        before = press.release()
        assert codes(operate(press, rollback(2))) == ["generation-unknown"]
        assert press.release() == before

    def test_after_a_prune(self, press: Press) -> None:
        press.configure(keep=1)
        publish(press, *(("a", str(n), "all") for n in range(2)))
        publish(press, *(("b", str(n), "all") for n in range(2)))  # 3
        operate(press, PRUNE)
        assert seen(press) == {("a", "1"), ("b", "1")}
        operate(press, rollback(3))
        assert seen(press) == {(n, v) for n in "ab" for v in "01"}

    def test_a_version_never_goes_back_to_other_bytes(self, press: Press) -> None:
        publish_files(press, {"a_1_all.deb": deb("a", "1", note="first")})  # 2
        operate(press, remove("a"), forget("a (= 1)"))
        publish_files(press, {"a_1_all.deb": deb("a", "1", note="second")}, component="extra")
        assert codes(operate(press, rollback(2))) == ["version-reused"]
        assert seen(press, component="extra") == {("a", "1")}

    def test_before_an_architecture_came(self, fresh: Callable[[], Press]) -> None:
        press = fresh()
        publish(press, ("a", "1", "all"), ("b", "1", "amd64"))  # 2
        press.configure(architectures=["amd64", "arm64", "riscv64"])
        press.set_up()
        publish(press, ("c", "1", "riscv64"), ("d", "1", "all"))
        operate(press, rollback(2))
        assert seen(press, "amd64") == {("a", "1"), ("b", "1")}
        assert seen(press, "riscv64") == {("a", "1")}

    def test_after_another_operation_of_the_same_flip(self, press: Press) -> None:
        publish(press, ("a", "1", "all"))  # 2
        operate(press, remove("a"))  # 3
        publish(press, ("b", "1", "all"))  # 4
        result = operate(press, rollback(2), rollback(3))
        assert seen(press) == set()
        assert result["generation"] == 5
        operate(press, rollback(4), rollback(2))
        assert seen(press) == {("a", "1")}
        publish(press, ("c", "1", "all"), suite="testing")
        operate(press, copy("c"), remove("a"), rollback(4))
        assert seen(press) == {("b", "1")}

    def test_two_asked_at_once_are_one_after_the_other(self, press: Press) -> None:
        for n in range(4):
            publish(press, (f"p{n}", "1", "all"))
        runs = [press.steps(press.operate(f"r{to}", rollback(to))) for to in (4, 2)]
        for steps in runs:  # opened, and merged or waiting, both, before either flips
            next(steps)
            next(steps)
        press.interleave(runs, random.Random(5))
        assert {press.result(f"r{to}")["status"] for to in (4, 2)} == {"published"}
        assert seen(press) in ({("p0", "1")}, {(f"p{n}", "1") for n in range(3)})


ORDERED = ("1.0~rc1", "1.0", "1.9", "1.10", "1:0.1")


class TestPruning:
    @pytest.mark.parametrize("seed", range(4))
    def test_the_newest_stay_in_whatever_order_they_came(self, press: Press, seed: int) -> None:
        press.configure(keep=2, prune_share=0.6)
        order = list(ORDERED)
        random.Random(seed).shuffle(order)
        for version in order:
            publish(press, ("a", version, "all"))
        result = operate(press, PRUNE)
        assert versions(press, "a") == {"1.10", "1:0.1"}
        assert effects(result) == {("removed", "a", v) for v in ORDERED[:3]}

    def test_for_each_package_architecture_component_and_suite(self, press: Press) -> None:
        press.configure(keep=1, prune_share=1)
        everything = [(p, v, a) for p in "ab" for v in "12" for a in ("amd64", "arm64")]
        everything += [(p, f"0.{v}", "all") for p in "ab" for v in "12"]
        publish(press, *everything)
        publish(press, ("a", "1", "amd64"), component="extra")
        publish(press, *everything, suite="testing")
        operate(press, PRUNE)
        for architecture in ("amd64", "arm64"):
            assert press.packages(architecture) == {
                Identity(p, v, a) for p in "ab" for v, a in (("2", architecture), ("0.2", "all"))
            }
        assert seen(press, component="extra") == {("a", "1")}
        assert len(press.packages(suite="testing")) == 8

    def test_some_packages_keep_more(self, press: Press) -> None:
        press.configure(keep=1, keep_packages={"a": 3})
        publish(press, *((p, str(n), "all") for p in "ab" for n in range(4)))
        operate(press, PRUNE)
        assert (versions(press, "a"), versions(press, "b")) == ({"1", "2", "3"}, {"3"})

    def test_what_is_old_goes_but_for_the_newest(self, press: Press) -> None:
        """Five days with a version each, of the same two packages."""
        press.configure(
            keep=4, keep_days=2, keep_at_least=2, keep_packages={"b": {"keep_days": 30}, "c": 3}
        )
        for n in range(5):
            publish(press, *((p, str(n), "all") for p in "abc"))
            press.clock.advance(86400)
        plan = planned(press, Prune())
        assert plan == operate(press, PRUNE)["packages"]
        assert versions(press, "a") == {"3", "4"}  # 3 is two days old, and a minute.
        assert versions(press, "b") == {"1", "2", "3", "4"}
        assert versions(press, "c") == {"3", "4"}
        press.clock.advance(40 * 86400)
        operate(press, PRUNE)
        assert (versions(press, "a"), versions(press, "b")) == ({"3", "4"}, {"3", "4"})

    def test_a_version_is_as_old_as_its_being_here(self, press: Press) -> None:
        """Copied here late, taken out and back, or seen again in an architecture that is new."""
        press.configure(keep_days=2, prune_share=1)
        publish(press, ("a", "1", "all"), ("b", "1", "all"), suite="testing")
        publish(press, *((p, v, "all") for p in "abc" for v in "23"), ("a", "4", "all"))
        press.clock.advance(3 * 86400)
        press.configure(keep_days=2, prune_share=1, architectures=["amd64", "arm64", "armhf"])
        operate(press, copy("a (= 1)"))
        operate(press, remove("b (= 2)"))
        publish(press, ("b", "2", "all"))
        operate(press, PRUNE)
        assert seen(press, "armhf") == {
            *(("a", "1"), ("a", "4")),
            *(("b", "2"), ("b", "3"), ("c", "3")),
        }

    def test_what_nobody_knows_the_age_of_stays(self, press: Press) -> None:
        """The records of history are lost, but for the last. That one gets old, too."""
        press.configure(keep_days=2, prune_share=1)
        publish(press, ("a", "1", "all"), ("a", "2", "all"))
        press.clock.advance(3 * 86400)
        publish(press, ("a", "3", "all"))
        *older, _ = press.store.keys("state/stable/generations/")
        for key in older:
            press.store.delete(key)
        operate(press, PRUNE)
        assert versions(press, "a") == {"1", "2", "3"}
        press.clock.advance(3 * 86400)
        operate(press, PRUNE)
        assert versions(press, "a") == {"3"}

    def test_protected_versions_stay(self, press: Press) -> None:
        press.configure(keep=1, protected=["a (= 1)", "b"], prune_share=1)
        publish(press, *((p, str(n), "all") for p in "abc" for n in range(4)))
        operate(press, PRUNE)
        assert versions(press, "a") == {"1", "3"}
        assert len(versions(press, "b")) == 4
        assert versions(press, "c") == {"3"}

    def test_what_is_needed_exactly_stays_and_what_that_needs(self, press: Press) -> None:
        press.configure(keep=1)
        publish_files(press, needing("app", "1", "lib (= 1)"))
        for n in range(4):
            publish_files(press, needing("lib", str(n), f"base (= {n})", "amd64"))
            publish(press, ("base", str(n), "all"))
        operate(press, PRUNE)
        assert versions(press, "lib") == {"1", "3"}
        assert versions(press, "base") == {"1", "3"}

    def test_by_another_suite_too(self, press: Press) -> None:
        press.configure(keep=1)
        publish(press, *(("lib", str(n), "all") for n in range(3)), component="extra")
        publish_files(press, needing("app", "1", "lib (= 0)"), suite="testing")
        operate(press, PRUNE)
        assert seen(press, component="extra") == {("lib", "0"), ("lib", "2")}

    def test_a_dependency_of_what_goes_keeps_nothing(self, press: Press) -> None:
        press.configure(keep=1)
        for n in range(2):
            publish_files(press, needing("app", str(n), f"lib (= {n})"))
            publish(press, ("lib", str(n), "all"))
        operate(press, PRUNE)
        assert seen(press) == {("app", "1"), ("lib", "1")}

    def test_too_much_at_once_is_refused(self, press: Press) -> None:
        press.configure(keep=1, prune_share=0.5)
        publish(press, *(("a", str(n), "all") for n in range(3)))
        result = operate(press, PRUNE)
        assert codes(result) == ["prune-too-much"]
        assert "2 of the 3 packages" in result["errors"][0]["message"]
        assert len(seen(press)) == 3
        publish(press, ("b", "1", "all"))
        assert operate(press, PRUNE)["status"] == "published"  # half, and no more than half

    def test_again_is_nothing_to_do(self, press: Press) -> None:
        press.configure(keep=1)
        publish(press, *((p, str(n), "all") for p in "ab" for n in range(2)))
        operate(press, PRUNE)
        before = press.release()
        result = operate(press, PRUNE)
        assert (result["status"], result["packages"]) == ("published", [])
        assert press.release() == before

    def test_a_dry_run_says_what_the_run_does(self, press: Press) -> None:
        press.configure(keep=2, protected=["a (= 1)"])
        publish(press, *((p, str(n), "all") for p in "abc" for n in range(4)))
        plan = planned(press, Prune())
        assert plan and plan == operate(press, PRUNE)["packages"]
        assert planned(press, Prune()) == []

    def test_a_partial_one_takes_the_oldest_that_the_share_allows(self, press: Press) -> None:
        press.configure(keep=1, prune_share=0.5)
        publish(press, *((p, str(n), "all") for p in "ab" for n in range(10)))
        result = operate(press, PARTIAL)
        gone = {("removed", p, str(n)) for p in "ab" for n in range(5)}
        assert (result["status"], effects(result), result["left_over"]) == ("published", gone, 8)
        assert [operate(press, PARTIAL)["left_over"] for _ in range(2)] == [3, 1]
        result = operate(press, PARTIAL)
        assert "left_over" not in result
        assert seen(press) == {("a", "9"), ("b", "9")}

    def test_no_part_of_it_takes_what_is_needed_by_what_is_left(self, press: Press) -> None:
        press.configure(keep=1, prune_share=0.4)
        for n in range(8):
            publish_files(press, needing("app", str(n), f"lib (= {n})"))
            publish(press, ("lib", str(n), "all"))
        while "left_over" in operate(press, PARTIAL):
            assert versions(press, "app") <= versions(press, "lib")
        assert versions(press, "app") == versions(press, "lib") == {"7"}

    def test_a_partial_one_of_which_the_share_allows_nothing_is_refused(self, press: Press) -> None:
        press.configure(keep=1, prune_share=0.1)
        publish(press, *(("a", str(n), "all") for n in range(3)))
        assert codes(operate(press, PARTIAL)) == ["prune-too-much"]

    def test_the_schedule_asks_for_every_suite(self, press: Press) -> None:
        press.configure(keep=1)
        for suite in ("stable", "testing"):
            publish(press, *(("a", str(n), "all") for n in range(5)), suite=suite)
        run_schedule(press)
        for suite in ("stable", "testing"):
            assert seen(press, suite=suite) == {("a", n) for n in "234"}

    def test_34_a_schedules_call_that_comes_twice_asks_once(self, press: Press) -> None:
        scheduled_twice(press)

    def test_and_a_person_asks_as_often_as_they_like(self, press: Press) -> None:
        press.configure(keep=1)
        publish(press, *(("a", str(n), "all") for n in range(8)))
        for left in (4, 2, 1):
            run_schedule(press)
            assert len(seen(press)) == left


def run_schedule(press: Press, scheduled: datetime | None = None) -> None:
    """What is asked for, and what comes of it."""
    press.clock.sleep(60)
    for batch in prune.run(press.services, scheduled):
        head = press.store.head(batch.staging + "operations.json")
        assert head is not None
        press.publish(event(head.key, head.etag, head.version_id))
        assert press.result(batch.id, batch.suite)["status"] == "published"


def scheduled_twice(press: Press) -> None:
    press.configure(keep=1)
    publish(press, *(("a", str(n), "all") for n in range(8)))
    scheduled = press.clock.now()
    for _ in range(2):
        run_schedule(press, scheduled)
    assert len(seen(press)) == 4


class TestSeveralAtOnce:
    def test_one_file_is_one_flip(self, press: Press) -> None:
        publish(press, ("b", "1", "all"))
        publish(press, ("a", "1", "all"), suite="testing")
        result = operate(press, copy("a"), remove("b"))
        assert result["generation"] == 3
        assert seen(press) == {("a", "1")}

    @pytest.mark.parametrize("wrong", [copy("none"), rollback(77)])
    def test_or_none_of_it(self, press: Press, wrong: dict[str, Any]) -> None:
        publish(press, ("b", "1", "all"))
        before = press.release()
        assert operate(press, remove("b"), wrong)["status"] == "rejected"
        assert press.release() == before

    def test_a_refusal_takes_nothing_from_who_is_in_the_same_flip(self, press: Press) -> None:
        runs = [
            press.steps(press.operate("bad", remove("a"), copy("none"))),
            press.steps(press.upload("good", debs(("a", "1", "all")))),
        ]
        press.interleave(runs, random.Random(11))
        assert press.result("bad")["status"] == "rejected"
        assert press.result("good")["status"] == "published"
        assert seen(press) == {("a", "1")}


class TestRacing:
    def test_prune_and_publish_in_every_order_lose_nothing(
        self, fresh: Callable[[], Press]
    ) -> None:
        base = fresh()
        base.configure(keep=1)
        publish(base, ("a", "1", "all"), ("a", "2", "all"))
        snapshot, now = base.store.snapshot(), base.clock.now()
        for order in sorted(_orders()):
            base.store.restore(snapshot)
            base.clock.advance((now - base.clock.now()).total_seconds())
            uploads = debs(("b", "1", "all"), ("a", "3", "all"))
            runs = {
                "p": base.steps(base.operate("prune", PRUNE)),
                "u": base.steps(base.upload("new", uploads)),
            }
            for name in order:
                next(runs[name], None)
            for steps in runs.values():
                for _ in steps:
                    pass
            assert base.result("prune")["status"] == "published", order
            assert base.result("new")["status"] == "published", order
            assert {("a", "3"), ("b", "1")} <= seen(base), order
            assert ("a", "1") not in seen(base), order

    def test_a_version_uploaded_while_it_is_pruned(self, fresh: Callable[[], Press]) -> None:
        """The same bytes of a version that is on its way out: afterwards it is wholly there or
        wholly gone, and whoever was told that it is there was told the truth at that moment."""
        for seed in range(6):
            press = fresh()
            press.configure(keep=1)
            publish(press, ("a", "1", "all"), ("a", "2", "all"))
            runs = [
                press.steps(press.operate("prune", PRUNE)),
                press.steps(press.upload("again", debs(("a", "1", "all")))),
            ]
            press.interleave(runs, random.Random(seed))
            assert press.result("again")["status"] == "published"
            assert press.result("prune")["status"] == "published"
            assert seen(press) - {("a", "1")} == {("a", "2")}

    def test_copies_and_removals_of_two_suites_at_once(self, press: Press) -> None:
        publish(press, *((f"p{n}", "1", "all") for n in range(4)), suite="testing")
        runs = [press.steps(press.operate(f"c{n}", copy(f"p{n}"))) for n in range(4)]
        runs += [
            press.steps(press.operate(f"r{n}", remove(f"p{n}"), suite="testing")) for n in (2, 3)
        ]
        press.interleave(runs, random.Random(2))
        statuses = {n: press.result(f"c{n}")["status"] for n in range(4)}
        assert statuses[0] == statuses[1] == "published"
        assert {p for p, _ in seen(press)} == {
            f"p{n}" for n, status in statuses.items() if status == "published"
        }
        assert seen(press, suite="testing") == {("p0", "1"), ("p1", "1")}


def _orders() -> set[tuple[str, ...]]:
    """Which of the two takes the next step, some forty ways."""
    chance = random.Random(23)
    return {tuple(chance.choice("pu") for _ in range(7)) for _ in range(60)}
