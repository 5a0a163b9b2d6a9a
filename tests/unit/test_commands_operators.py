"""The operators' commands on the press in memory, which works while they wait."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Unpack

import boto3
import pytest
from debpress.commands import connection
from debpress.commands.main import main
from debpress.keys.publication import publish
from debpress.layout import Layout, is_manifest, parse_staged
from moto import mock_aws

from tests.support.press import Place, Press, deb, debs, event
from tests.support.simulated_s3 import credentials


class Bench:
    """A press, a command line, and a workflow that runs whenever somebody sleeps."""

    def __init__(self, press: Press, capsys: pytest.CaptureFixture[str]) -> None:
        self.press = press
        self.asleep = False
        self._capsys = capsys
        self._done: set[tuple[str, str | None]] = set()
        self._batches = 0

    def now(self) -> Any:
        return self.press.clock.now()

    def sleep(self, seconds: float) -> None:
        self.press.clock.sleep(seconds)
        for key in self.press.store.keys("staging/") if not self.asleep else ():
            head, place = self.press.store.head(key), parse_staged(key)
            if head and place and is_manifest(place[1]):
                self._start(event(key, head.etag, head.version_id))

    def _start(self, started: dict[str, Any]) -> str | None:
        """Runs the workflow for an event, once."""
        found = started["detail"]["object"]
        known = (found["key"], found["version-id"])
        if known in self._done:
            return None
        self._done.add(known)
        return self.press.publish(started)

    def publish(self, *packages: tuple[str, str, str], **where: Unpack[Place]) -> None:
        self._batches += 1
        started = self.press.upload(f"b{self._batches}", debs(*packages), **where)
        assert self._start(started) == "published"

    def deploy(self, **settings: Any) -> None:
        """Leaves what set-up leaves."""
        if settings:
            self.press.configure(**settings)
        archive, repository = self.press.archive, self.press.repository
        archive.keep_configuration(repository)
        certificates = b"".join(self.press.signers.certificates())
        publish(archive, repository, "https://h.example", certificates)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, stdout and stderr."""
        self._capsys.readouterr()
        try:
            code = main(arguments, self)
        except SystemExit as stop:
            code = int(str(stop.code))
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def json(self, *arguments: str, code: int = 0) -> Any:
        found, out, _ = self.run(*arguments, "--json")
        assert found == code
        return json.loads(out)

    def names(self, suite: str = "stable", **where: str) -> set[tuple[str, str]]:
        found = self.press.packages(suite=suite, **where)
        return {(identity.package, identity.version) for identity in found}


@pytest.fixture
def bench(
    press: Press, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Bench:
    press.store.bucket = "press-in-memory"  # type: ignore[attr-defined]
    monkeypatch.setattr(connection, "connect", lambda _, **_more: (None, press.store))
    made = Bench(press, capsys)
    made.deploy()
    return made


class TestForget:
    def test_a_version_that_is_gone_may_come_with_other_bytes(self, bench: Bench) -> None:
        bench.publish(("a", "1", "all"), ("b", "1", "all"))
        other = {"a_1_all.deb": deb("a", "1", note="other")}
        code, _, err = bench.run("forget", "a=1", "--suite", "stable")
        assert code == 1 and "still-published: a 1 (all) is published" in err
        bench.run("remove", "a", "--suite", "stable")
        assert bench.press.publish(bench.press.upload("o1", other)) == "rejected"
        code, out, _ = bench.run("forget", "a=1", "--suite", "stable", "--dry-run")
        assert code == 0 and out.startswith("stable: would forget 1 (")
        assert bench.press.publish(bench.press.upload("o2", other)) == "rejected"
        code, out, err = bench.run("forget", "a (= 1)", "--suite", "stable")
        assert (code, err) == (0, "") and "  forgotten  a  1  all\n" in out
        assert bench.press.publish(bench.press.upload("o3", other)) == "published"
        code, out, _ = bench.run("history", "--suite", "stable", "--package", "a")
        assert "  forget  " in out and "  forgotten  a  1  all\n" in out

    @pytest.mark.parametrize("wanted", ["a", "a (<< 2)", "a="])
    def test_only_an_exact_version(self, bench: Bench, wanted: str) -> None:
        assert bench.run("forget", wanted, "--suite", "stable")[0] == 2


class TestRemove:
    def test_what_is_removed_is_printed_when_it_is(self, bench: Bench) -> None:
        bench.publish(("a", "1.0", "all"), ("a", "2.0", "all"))
        code, out, err = bench.run("remove", "a (<< 2.0)", "--suite", "stable")
        assert (code, err) == (0, "")
        assert "published in generation 3" in out
        assert "  removed  a  1.0  all\n" in out
        assert bench.names() == {("a", "2.0")}

    def test_yank_takes_exact_versions_and_no_others(self, bench: Bench) -> None:
        bench.publish(("a", "1.0", "all"), ("a", "2:2.0", "all"), component="extra")
        for wanted in ("a", "a=", "a (<< 2)", "a (= 1.0)"):
            assert bench.run("yank", "stable/extra", wanted)[0] == 2
        assert bench.run("yank", "stable/extra", "a=2:2.0")[0] == 0
        assert bench.names(component="extra") == {("a", "1.0")}

    def test_of_one_architecture_and_component(self, bench: Bench) -> None:
        bench.publish(("a", "1", "amd64"), ("a", "1", "arm64"), component="extra")
        place = ("--suite", "stable", "--component", "extra", "--arch", "arm64")
        assert bench.run("remove", "a", *place)[0] == 0
        assert bench.names(component="extra") == {("a", "1")}
        assert not bench.press.packages("arm64", component="extra")

    def test_a_refusal_is_told_and_exits_1(self, bench: Bench) -> None:
        bench.publish(("lib", "1", "all"))
        files = {"app_1.0_all.deb": deb("app", extra="Depends: lib (= 1)\n")}
        assert bench.press.publish(bench.press.upload("app", files)) == "published"
        for more in ((), ("--dry-run",)):
            code, _, err = bench.run("remove", "lib", "--suite", "stable", *more)
            assert code == 1
            assert "operations.json: dependency-broken: app 1.0 (all) needs lib (= 1)" in err
            assert ("lib", "1") in bench.names()
        assert bench.run("remove", "lib", "--suite", "stable", "--force")[0] == 0
        assert bench.names() == {("app", "1.0")}

    def test_a_dry_run_changes_nothing(self, bench: Bench) -> None:
        bench.publish(("a", "1.0", "all"), ("b", "1.0", "all"))
        writes = len(bench.press.store.log)
        code, out, _ = bench.run("remove", "a", "--suite", "stable", "--dry-run")
        assert code == 0
        assert out.startswith("stable: would remove 1 (") and "  removed  a  1.0  all\n" in out
        assert len(bench.press.store.log) == writes
        plan = bench.json("remove", "a", "--suite", "stable", "--dry-run")
        result = bench.json("remove", "a", "--suite", "stable")
        assert plan["packages"] == result["packages"] and plan["errors"] == []
        assert bench.run("remove", "a", "--suite", "stable", "--dry-run")[1] == (
            "stable: nothing to do\n"
        )

    def test_what_is_gone_already(self, bench: Bench) -> None:
        code, out, _ = bench.run("remove", "a", "--suite", "stable")
        assert code == 0 and out.endswith("generation 1, in which there was nothing left to do\n")

    def test_without_the_deployments_configuration(self, bench: Bench) -> None:
        """Asking needs no more than the right to write operations.json."""
        bench.publish(("a", "1.0", "all"))
        bench.press.store.delete(Layout.repository())
        assert bench.run("remove", "a", "--suite", "stable")[0] == 0
        code, _, err = bench.run("remove", "a", "--suite", "stable", "--dry-run")
        assert code == 1 and "state/_repository.json is not there" in err

    def test_who_does_not_wait_is_told_where_to_look(self, bench: Bench) -> None:
        sent = bench.json("remove", "a", "--suite", "stable", "--no-wait")
        assert bench.press.store.head(sent["manifest"]["key"]) is not None
        code, out, _ = bench.run("remove", "a", "--suite", "stable", "--no-wait")
        assert code == 0 and out.startswith("results/stable/main/")

    def test_no_answer_in_time(self, bench: Bench) -> None:
        bench.asleep = True
        code, _, err = bench.run("remove", "a", "--suite", "stable", "--timeout", "30")
        assert code == 1 and "No result after 30 s" in err


class TestCopy:
    def test_the_newest_and_an_exact_version(self, bench: Bench) -> None:
        bench.publish(
            ("a", "1.9", "all"), ("a", "1.10", "all"), ("b", "1:1", "all"), suite="testing"
        )
        bench.publish(("b", "1:2", "all"), suite="testing")
        code, out, _ = bench.run("copy", "a", "b=1:1", "--from", "testing", "--to", "stable")
        assert code == 0 and "generation 2" in out
        assert bench.names() == {("a", "1.10"), ("b", "1:1")}

    def test_between_components(self, bench: Bench) -> None:
        bench.publish(("a", "1", "all"), suite="testing", component="extra")
        both = ("--from", "testing", "--to", "stable")
        code, _, err = bench.run("copy", "a", *both)
        assert code == 1 and "package-unknown" in err
        assert bench.run("copy", "a", *both, "--from-component", "extra")[0] == 0
        assert bench.names() == {("a", "1")}
        assert bench.run("copy", "a", *both, "--component", "extra")[0] == 0
        assert bench.names(component="extra") == {("a", "1")}

    def test_promote_is_the_same_with_the_places_first(self, bench: Bench) -> None:
        bench.publish(("a", "1", "all"), ("b", "2", "all"), suite="testing", component="extra")
        assert bench.run("promote", "testing", "stable", "a")[0] == 1
        assert bench.run("promote", "testing/extra", "stable", "a=1")[0] == 0
        assert bench.names(component="extra") == {("a", "1")}
        assert bench.run("promote", "testing/extra", "stable/main", "b")[0] == 0
        assert bench.names() == {("b", "2")}
        assert bench.run("promote", "testing", "stable/Main", "a")[0] == 2

    def test_a_dry_run_says_what_is_here_already(self, bench: Bench) -> None:
        for suite in ("testing", "stable"):
            bench.publish(("a", "1", "all"), suite=suite)
        bench.publish(("b", "1", "all"), suite="testing")
        ask = ("copy", "a", "b", "--from", "testing", "--to", "stable")
        plan = bench.json(*ask, "--dry-run")
        assert {(p["package"], p["action"]) for p in plan["packages"]} == {
            ("a", "unchanged"),
            ("b", "added"),
        }
        assert bench.json(*ask)["packages"] == plan["packages"]


class TestRollback:
    def test_to_a_generation_of_the_history(self, bench: Bench) -> None:
        bench.publish(("a", "1", "all"))
        bench.publish(("a", "2", "all"))
        flips = bench.json("history", "--suite", "stable")
        to = next(f["number"] for f in flips if f["number"] == 2)
        plan = bench.json("rollback", "--suite", "stable", "--to", str(to), "--dry-run")
        result = bench.json("rollback", "--suite", "stable", "--to", str(to))
        assert plan["packages"] == result["packages"]
        assert [(p["action"], p["version"]) for p in plan["packages"]] == [("removed", "2")]
        assert bench.names() == {("a", "1")}

    def test_to_none(self, bench: Bench) -> None:
        code, _, err = bench.run("rollback", "--suite", "stable", "--to", "7")
        assert code == 1 and "generation-unknown" in err
        code, _, err = bench.run("rollback", "--suite", "nowhere", "--to", "7")
        assert code == 1 and "there is stable, testing" in err


class TestPrune:
    @pytest.fixture
    def full(self, bench: Bench) -> Bench:
        bench.deploy(keep=1)
        for suite in ("stable", "testing"):
            bench.publish(("a", "1", "all"), ("a", "2", "all"), suite=suite)
        return bench

    def test_every_suite(self, full: Bench) -> None:
        code, out, _ = full.run("prune")
        assert code == 0 and out.count("  removed  a  1  all\n") == 2
        assert full.names() == full.names("testing") == {("a", "2")}

    def test_one_suite(self, full: Bench) -> None:
        assert full.json("prune", "--suite", "testing")["status"] == "published"
        assert (full.names(), full.names("testing")) == (
            {("a", "1"), ("a", "2")},
            {("a", "2")},
        )

    def test_the_dry_run_is_the_plan_of_the_run(self, full: Bench) -> None:
        plans = full.json("prune", "--dry-run")
        results = full.json("prune")
        assert [p["packages"] for p in plans] == [r["packages"] for r in results]
        assert full.run("prune")[0] == 0
        assert (
            full.run("prune", "--dry-run")[1] == "stable: nothing to do\ntesting: nothing to do\n"
        )

    def test_what_would_be_too_much_is_shown_all_the_same(self, full: Bench) -> None:
        full.deploy(keep=1, prune_share=0.1)
        code, out, err = full.run("prune", "--suite", "stable", "--dry-run")
        assert code == 1
        assert "stable: refused; would remove 1 (" in out and "  removed  a  1  all\n" in out
        assert "prune-too-much" in err
        assert full.run("prune")[0] == 1
        assert len(full.names()) == 2

    def test_in_parts(self, full: Bench) -> None:
        full.publish(("a", "3", "all"), ("a", "4", "all"))
        assert full.run("prune", "--suite", "stable")[0] == 1
        code, out, _ = full.run("prune", "--suite", "stable", "--partial")
        assert code == 0 and "1 more is left for the next prune" in out
        assert full.names() == {("a", "3"), ("a", "4")}
        assert full.json("prune", "--suite", "stable", "--partial")["status"] == "published"
        assert full.names() == {("a", "4")}


class TestLooking:
    def test_list(self, bench: Bench) -> None:
        bench.publish(("liba", "1.9", "amd64"), ("liba", "1.10", "amd64"), ("b", "1", "all"))
        code, out, _ = bench.run("list", "lib*", "--suite", "stable")
        assert code == 0
        assert [line.split()[:4] for line in out.splitlines()] == [
            ["liba", "1.10", "amd64", "main"],
            ["liba", "1.9", "amd64", "main"],
        ]
        found = bench.json("list", "--suite", "stable")
        assert [p["package"] for p in found] == ["b", "liba", "liba"]
        assert bench.json("list", "none*", "--suite", "stable") == []
        code, out, _ = bench.run("list", "none*", "--suite", "stable")
        assert (code, out) == (0, "")

    def test_show(self, bench: Bench) -> None:
        bench.publish(("a", "1", "all"), ("a", "2", "all"))
        bench.publish(("a", "1", "all"), suite="testing")
        code, out, _ = bench.run("show", "a")
        assert code == 0
        assert "  stable/main   2  all" in out and "  testing/main  1  all" in out
        assert "Version: 2\n" in out and "Description: test\n" in out
        assert "Version: 1\n" in bench.run("show", "a=1")[1]
        found = bench.json("show", "a", "--suite", "testing")
        assert [(p["suite"], p["fields"]["Maintainer"]) for p in found] == [
            ("testing", "A <a@example.org>")
        ]
        code, _, err = bench.run("show", "b")
        assert code == 1 and "nothing that is b" in err

    def test_history(self, bench: Bench) -> None:
        bench.publish(("a", "1", "all"))
        bench.publish(("b", "1", "all"))
        bench.run("remove", "a", "--suite", "stable")
        code, out, _ = bench.run("history", "--suite", "stable")
        assert code == 0
        assert [line.split()[0] for line in out.splitlines()] == [
            "4", "removed", "3", "added", "2", "added", "1",
        ]  # fmt: skip
        assert "batch  stable/main/b1\n" in out
        found = bench.json("history", "--suite", "stable", "--package", "a")
        assert [(f["number"], f["cause"]) for f in found] == [(4, "remove"), (2, "batch")]
        assert len(bench.json("history", "--suite", "stable", "--limit", "2")) == 2

    def test_status(self, bench: Bench) -> None:
        bench.publish(("a", "1", "all"))
        bench.press.publish(bench.press.upload("bad", {"a_2_all.deb": b"no package"}))
        bench.press.clock.sleep(1000)
        bench.press.upload("waits", debs(("c", "1", "all")))
        code, out, _ = bench.run("status")
        assert code == 0
        assert "stable: generation 2, InRelease of 2026-" in out and "(16 min ago)" in out
        assert "stable/main/waits" in out and "uploaded" in out
        assert "rejected  stable/main/bad" in out and "deb-malformed" in out
        assert "testing: generation 1" in out and "  waiting: nothing\n" in out
        found = bench.json("status", "--suite", "stable")
        assert [w["batch"] for w in found[0]["waiting"]] == ["stable/main/waits"]


class TestVerify:
    def test_a_good_repository(self, bench: Bench) -> None:
        bench.publish(("a", "1", "all"))
        bench.press.clock.sleep(3600)
        for more in ((), ("--deep",), ("--suite", "stable")):
            code, out, _ = bench.run("verify", *more)
            assert code == 0, out
            assert out.endswith(" indices and 1 packages, nothing wrong\n")

    def test_what_is_wrong_exits_1(self, bench: Bench) -> None:
        bench.publish(("a", "1", "all"))
        (key,) = bench.press.store.keys("apt/pool/")
        bench.press.store.delete(key)
        code, out, _ = bench.run("verify")
        assert code == 1
        assert f"wrong: stable: {key} is not there" in out and out.endswith(", 1 wrong\n")
        report = bench.json("verify", code=1)
        assert (report["good"], [f["key"] for f in report["findings"]]) == (False, [key])


@pytest.mark.parametrize(
    "arguments",
    [
        ["remove", "--suite", "stable"],
        ["remove", "a"],
        ["remove", "a (< 1)", "--suite", "stable"],
        ["remove", "a", "--suite", "Stable!"],
        ["copy", "a", "--from", "testing"],
        ["copy", "a=", "--from", "testing", "--to", "stable"],
        ["rollback", "--suite", "stable"],
        ["rollback", "--suite", "stable", "--to", "0"],
        ["list"],
        ["history", "--suite", "stable", "--limit", "none"],
    ],
)
def test_usage_errors_exit_2(bench: Bench, arguments: list[str]) -> None:
    writes = len(bench.press.store.log)
    code, _, err = bench.run(*arguments)
    assert code == 2 and "usage: debpress" in err
    assert len(bench.press.store.log) == writes


def test_control_characters_of_others_do_not_reach_the_terminal(bench: Bench) -> None:
    bench.press.publish(bench.press.upload("bad", {"a\x1b[2J_1_all.deb": b"no package"}))
    for command in ("status", "history --suite stable"):
        assert "\x1b" not in bench.run(*command.split())[1]


class TestOnS3:
    @pytest.fixture
    def bucket(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
        credentials(monkeypatch)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        with mock_aws():
            client = boto3.client("s3", region_name="us-east-1")
            client.create_bucket(Bucket="press")
            yield client

    def test_the_commands_read_a_real_bucket(
        self, press: Press, capsys: pytest.CaptureFixture[str], bucket: Any
    ) -> None:
        made = Bench(press, capsys)
        made.publish(("a", "1", "all"))
        made.deploy()
        store = press.store
        for key in (*store.keys("apt/"), *store.keys("state/"), *store.keys("results/")):
            bucket.put_object(
                Bucket="press",
                Key=key,
                Body=store.body(key),
                Metadata=dict(store.headers(key).metadata),
                ChecksumAlgorithm="SHA256",
            )
        for command in ("list --suite stable", "show a", "history --suite stable", "status"):
            code, out, err = made.run(*command.split(), "--bucket", "press")
            assert (code, err) == (0, "") and "a" in out, command
        for more in ((), ("--deep",)):
            report = made.json("verify", "--bucket", "press", *more)
            assert report["packages"] == 1
        ask = ("remove", "a", "--suite", "stable", "--bucket", "press", "--dry-run")
        assert [p["package"] for p in made.json(*ask)["packages"]] == ["a"]
        sent = made.json(*ask[:-1], "--no-wait")
        found = bucket.get_object(Bucket="press", Key=sent["manifest"]["key"])["Body"].read()
        assert json.loads(found)["operations"] == [{"op": "remove", "packages": ["a"]}]
