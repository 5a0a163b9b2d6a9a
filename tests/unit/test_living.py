"""Suites of a pattern: born by a publish, as many as may be, each with an end that is put off by
publishing."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from debpress import config
from debpress.clock import from_iso
from debpress.errors import Code
from debpress.keys import publication
from debpress.records.messages.merge import MergeInput
from debpress.steps import merge, prune, set_up, watch

from tests.support.clock import FakeClock
from tests.support.faults import At, Fault, Script, World
from tests.support.memory_store import Snapshot
from tests.support.press import URI, Press, debs, event, quick_signers
from tests.support.rotation import Rotation
from tests.support.scenes import PULLS, signers
from tests.unit.test_setting_up import Machine

DAY = 86400.0

PATTERNS: dict[str, Any] = {
    "suites": [
        {"suite": "stable", "components": ["main"], "architectures": ["amd64"]},
        PULLS,
    ]
}


@pytest.fixture
def press() -> Press:
    return made()


def made() -> Press:
    press = Press(signers(), repository=config.parse(PATTERNS))
    quick_signers(press.archive)
    press.set_up()
    press.clock.sleep(60)
    return press


def restored(snapshot: Snapshot, seconds: float) -> Press:
    """As a press was so many seconds after it began."""
    press = Press(signers(), repository=config.parse(PATTERNS))
    press.store.restore(snapshot)
    press.clock.advance(seconds)
    return press


def publish(press: Press, suite: str, *versions: str, batch: str = "b") -> str | None:
    files = debs(*(("a", version, "all") for version in versions or ("1",)))
    return press.publish(press.upload(batch, files, suite=suite))


def ends(press: Press, suite: str) -> timedelta:
    """How long after the Release's Date."""
    state = press.archive.published(suite)
    assert state is not None and state.expires is not None
    return state.expires - state.release.date


def entered(press: Press) -> tuple[str, ...]:
    return press.archive.living(press.repository)


def errors(press: Press, batch: str, suite: str) -> list[tuple[str, str]]:
    return [(e["code"], e["message"]) for e in press.result(batch, suite=suite)["errors"]]


class TestBirth:
    def test_the_first_publish_makes_the_suite(self, press: Press) -> None:
        assert publish(press, "pr-17") == "published"
        assert {i.version for i in press.packages(suite="pr-17")} == {"1"}
        release = press.release("pr-17")
        assert (release.suite, release.codename, release.components) == (
            "pr-17",
            "pr-17",
            ("main", "extra"),
        )
        assert ends(press, "pr-17") == timedelta(days=3)
        assert entered(press) == ("pr-17",)
        assert press.result("b", suite="pr-17")["generation"] == 1

    def test_a_fixed_suite_has_no_end(self, press: Press) -> None:
        assert publish(press, "stable") == "published"
        state = press.archive.published("stable")
        assert state is not None and state.expires is None
        assert entered(press) == ()

    @pytest.mark.parametrize("suite", ["pr-", "qa-1"])
    def test_what_fits_no_pattern_is_no_suite(self, press: Press, suite: str) -> None:
        assert publish(press, suite) == "rejected"
        ((code, message),) = errors(press, "b", suite)
        assert code == Code.SUITE_UNKNOWN and "upload to one of: stable, pr-*" in message

    def test_packages_that_are_refused_make_none(self, press: Press) -> None:
        wrong = press.upload("b", {"a_1_all.deb": b"no package"}, suite="pr-17")
        assert press.publish(wrong) == "rejected"
        assert entered(press) == () and press.archive.published("pr-17") is None

    @pytest.mark.parametrize("kind", ["remove", "prune", "rollback", "snapshot"])
    def test_operations_make_none(self, press: Press, kind: str) -> None:
        given: dict[str, Any] = {"remove": {"packages": ["a"]}, "rollback": {"to": 1}}
        asked = press.operate("o", {"op": kind, **given.get(kind, {})}, suite="pr-17")
        assert press.publish(asked) == "rejected"
        ((code, message),) = errors(press, "o", "pr-17")
        assert code == Code.SUITE_UNKNOWN and "publishes nothing yet" in message
        assert entered(press) == () and press.archive.published("pr-17") is None
        assert not press.store.keys("state/pr-17/queue/")

    def test_nor_does_a_set_up_that_was_started_for_one_that_has_ended(self, press: Press) -> None:
        [*press.flip("pr-17")]
        assert entered(press) == () and press.archive.published("pr-17") is None

    def test_what_waits_beside_an_operation_makes_the_suite_itself(self, press: Press) -> None:
        operation = press.steps(press.operate("o", {"op": "prune"}, suite="pr-17"))
        next(operation)
        batch = press.steps(press.upload("b", debs(("a", "1", "all")), suite="pr-17"))
        next(batch), next(batch)
        press.clock.sleep(1)
        runs = [key.split("/")[3] for key in press.store.keys("state/pr-17/runs/") if "plan" in key]
        own = next(run for run in runs if run.startswith("main.o."))
        assert [*operation][-1] == "rejected" and own
        assert entered(press) == ()
        assert [*batch][-1] == "published" and entered(press) == ("pr-17",)


def test_a_publish_takes_no_more_requests_but_the_first(press: Press) -> None:
    """Until the flip: the first one enters the suite."""

    def requests(suite: str, version: str) -> int:
        flipped: list[int] = []

        def beside(_operation: str, key: str) -> None:
            if key == f"apt/dists/{suite}/InRelease" and not flipped:
                flipped.append(press.store.requests.total())

        press.clock.sleep(60)
        started = press.upload(f"b{version}", debs((suite, version, "all")), suite=suite)
        press.store.requests.clear()
        press.store.on_write = beside
        assert press.publish(started) == "published"
        return flipped[0]

    plain = {**PULLS, "suite": "testing", "codename": "testing"}
    named = {key: plain[key] for key in plain if key not in ("ttl_days", "at_most")}
    press.repository = config.parse({"suites": [named, PULLS]})
    press.set_up()
    requests("testing", "1")
    first, second = requests("pr-1", "1"), requests("pr-1", "2")
    assert second == requests("testing", "2")
    new = {**named, "suite": "new", "codename": "new"}
    press.repository = config.parse({"suites": [named, new, PULLS]})
    assert first == requests("new", "1") + 2


class TestWhoMayPublish:
    """By IAM's patterns, in which `*` stands for slashes, too. A role for component main, and one
    for an uploader there, must not reach another component."""

    ROLES = ("staging/pr-*/main/*", "staging/pr-*/main/team.*")

    @pytest.mark.parametrize(
        ("role", "component", "batch", "manifest"),
        [
            (ROLES[0], "extra", "main", "manifest.json"),
            (ROLES[0], "extra", "main", "SHA256SUMS"),
            (ROLES[1], "extra", "main", "team.1.changes"),
            (ROLES[1], "main", "main", "team.1.changes"),
        ],
    )
    def test_a_batch_is_not_named_like_a_component(
        self, press: Press, role: str, component: str, batch: str, manifest: str
    ) -> None:
        key = f"staging/pr-1/{component}/{batch}/{manifest}"
        assert iam_matches(role, key)
        head = press.store.put(key, b"")
        assert press.publish(event(key, head.etag, head.version_id)) == "rejected"
        found = press.result(batch, suite="pr-1", component=component)["errors"]
        assert ("key-malformed", "as a component of it is") in [
            (each["code"], each["message"].partition(", ")[2].partition(";")[0]) for each in found
        ]
        assert entered(press) == ()

    def test_other_keys_of_theirs_are_of_their_component(self) -> None:
        """Whatever `*` stands for, a key of five parts has the component third, or fourth: there it
        is the batch's name."""
        for role in self.ROLES:
            for component, batch in (("extra", "b"), ("extra", "team.b"), ("other", "x.main")):
                for manifest in ("manifest.json", "team.1.changes", "main.changes"):
                    assert not iam_matches(role, f"staging/pr-1/{component}/{batch}/{manifest}")
        answers = "results/pr-*/main/*"
        assert not iam_matches(answers, "results/pr-1/extra/main.json")

    def test_in_a_configured_suite_it_may_be(self, press: Press) -> None:
        assert publish(press, "stable", batch="main") == "published"


def iam_matches(pattern: str, key: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), key) is not None


@pytest.mark.parametrize("suites", [["pr-1", "stable"], ["stable", "pr-1"], ["pr-1", "pr-2"]])
def test_a_batch_for_several_suites_names_none(press: Press, suites: list[str]) -> None:
    listed = [{"name": "a_1_all.deb", "sha256": "0" * 64}]
    manifest = {"version": 1, "suites": suites, "files": listed}
    started = press.upload("b", debs(("a", "1", "all")), suite=suites[0], manifest=manifest)
    assert press.publish(started) == "rejected"
    (told,) = [m for code, m in errors(press, "b", suites[0]) if code == "manifest-field"]
    assert "may end at any time, so a batch for it is for it alone" in told


class TestAtMost:
    def test_one_too_many_is_refused_and_told_which_ends_next(self, press: Press) -> None:
        assert publish(press, "pr-1") == "published"
        press.clock.sleep(DAY)
        assert publish(press, "pr-2") == "published"
        press.clock.sleep(60)
        assert publish(press, "pr-1", "2", batch="b2") == "published", "it is there already"
        assert publish(press, "pr-3") == "rejected"
        ((code, message),) = errors(press, "b", "pr-3")
        state = press.archive.published("pr-2")
        assert code == "suites-too-many" and state and state.expires
        assert "there are 2 suites of pr-*" in message
        assert f"pr-2 is the next to end, at {press.archive.suite('pr-2').ends()}" in message
        assert entered(press) == ("pr-1", "pr-2")
        assert not press.store.keys("state/pr-3/queue/")
        assert press.archive.published("pr-3") is None

    def test_a_place_that_is_free_again_is_taken(self, press: Press) -> None:
        for suite in ("pr-1", "pr-2", "pr-3"):
            publish(press, suite)
        leave(press, "pr-1")
        assert publish(press, "pr-3", batch="again") == "published"
        assert entered(press) == ("pr-2", "pr-3")

    def test_a_step_that_comes_twice_finds_its_suite_entered(self, press: Press) -> None:
        assert publish(press, "pr-1") == "published"
        steps = press.steps(press.upload("b", debs(("a", "1", "all")), suite="pr-2"))
        for _ in range(3):
            next(steps)
        (key,) = press.store.keys("state/pr-2/queue/")
        run = key.split("/")[3].removesuffix(".json")
        again = merge.run(press.services, MergeInput("pr-2", run, queued=True))
        assert again.outcome == "merged" and entered(press) == ("pr-1", "pr-2")
        assert [*steps][-1] == "published"

    def test_who_is_refused_is_not_taken_along_by_who_finds_a_place(self, press: Press) -> None:
        """Interleaving 57: one is refused and not told yet; then there is a place, and another
        batch of the same suite finds it."""
        for suite in ("pr-1", "pr-2"):
            publish(press, suite)
        refused = press.steps(press.upload("refused", debs(("r", "1", "all")), suite="pr-3"))
        for _ in range(3):
            next(refused)
        leave(press, "pr-1")
        press.clock.sleep(300)
        assert publish(press, "pr-3", batch="other") == "published"
        assert {i.package for i in press.packages(suite="pr-3")} == {"a"}
        assert [*refused][-1] == "rejected"
        assert press.result("refused", suite="pr-3")["status"] == "rejected"

    def test_who_is_refused_and_whose_execution_dies_is_told_by_the_next_flip(
        self, press: Press
    ) -> None:
        """Interleaving 57: nobody is left who would answer, though others publish."""
        for suite in ("pr-1", "pr-2"):
            publish(press, suite)
        steps = press.steps(press.upload("refused", debs(("r", "1", "all")), suite="pr-3"))
        for _ in range(3):
            next(steps)
        leave(press, "pr-1")
        for wait, left in ((300, 1), (5400, 0)):
            press.clock.sleep(wait)
            assert publish(press, "pr-3", str(wait), batch=f"b{wait}") == "published"
            assert len(press.store.keys("state/pr-3/queue/")) == left
        assert {i.package for i in press.packages(suite="pr-3")} == {"a"}
        told = press.result("refused", suite="pr-3")
        assert (told["status"], told["errors"][0]["code"]) == ("rejected", "suites-too-many")
        assert watch.run(press.services)["pr-*"] == {"SecondsWaiting": 0.0}
        assert [*steps][-1] == "rejected", "and so it is when it is redriven"


@functools.cache
def _with_one_place() -> tuple[Snapshot, float]:
    press = made()
    publish(press, "pr-1")
    start = FakeClock().now()
    return press.store.snapshot(), (press.clock.now() - start).total_seconds()


def with_one_place() -> Press:
    return restored(*_with_one_place())


def born_at_once(turns: tuple[int, int]) -> None:
    """Interleaving 56: there is place for one of two."""
    press = with_one_place()
    suites = {"a": "pr-8", "b": "pr-9"}
    events = {n: press.upload("b", debs(("a", "1", "all")), suite=s) for n, s in suites.items()}
    world = World(press, turns=Script([("a", turns[0]), ("b", turns[1])]))
    said = world.publish(events)
    assert not world.surprises, f"surprised by {world.surprises}"
    assert sorted(said.values()) == ["published", "rejected"], "one too many"
    there = {suites[name] for name, status in said.items() if status == "published"}
    assert set(entered(press)) == {"pr-1", *there}
    for suite in suites.values():
        assert (press.archive.published(suite) is not None) == (suite in there)


def refused_while_another_is_born(press: Press) -> None:
    """Interleaving 57, the other way round: just before a refusal is noted there is a place, and
    another batch of the suite finds it, and takes this one along."""
    for suite in ("pr-1", "pr-2"):
        publish(press, suite)
    refused = press.upload("refused", debs(("r", "1", "all")), suite="pr-3")

    def beside(_operation: str, key: str) -> None:
        if key.startswith("state/pr-3/runs/main.refused") and key.endswith("errors.json"):
            press.store.on_write = None
            leave(press, "pr-1")
            press.clock.sleep(300)
            assert publish(press, "pr-3", batch="other") == "published"

    press.store.on_write = beside
    said = press.publish(refused)
    shown = "r" in {identity.package for identity in press.packages(suite="pr-3")}
    told = press.result("refused", suite="pr-3")["status"]
    assert press.store.on_write is None and shown
    assert said == told == "published", "published, and said to be refused"


class TestAtOnce:
    @pytest.mark.parametrize("first", range(15, 20))
    def test_of_two_that_are_one_too_many_one_is_refused(self, first: int) -> None:
        """Each reads which suites there are by its seventeenth call, and enters its own after."""
        for second in (16, 17, 18, 30):
            born_at_once((first, second))

    @pytest.mark.parametrize("fault", [Fault.KILL_AFTER, Fault.ERROR_AFTER, Fault.LOST_AFTER])
    def test_a_birth_that_dies_at_any_write_is_made_good(self, fault: Fault) -> None:
        for k in range(1, 23, 2):
            press = with_one_place()
            event = press.upload("b", debs(("a", "1", "all")), suite="pr-8")
            world = World(press, faults=At(k, fault))
            assert world.publish({"ci": event}) == {"ci": "published"}
            assert not world.surprises, f"surprised by {world.surprises}"
            assert entered(press) == ("pr-1", "pr-8") and press.packages(suite="pr-8")
            assert press.store.keys("apt/pr-8.sources")

    def test_who_is_refused_a_moment_too_late_is_published(self, press: Press) -> None:
        refused_while_another_is_born(press)


class TestItsEnd:
    def test_is_put_off_by_publishing(self, press: Press) -> None:
        publish(press, "pr-1")
        for batch, version in (("b2", "2"), ("b2", "2")):  # The same once more, too.
            before = press.archive.suite("pr-1").ends()
            press.clock.sleep(DAY)
            assert publish(press, "pr-1", version, batch=batch) == "published"
            now = press.archive.suite("pr-1").ends()
            assert now and before and from_iso(now) - from_iso(before) >= timedelta(days=1)
            assert ends(press, "pr-1") == timedelta(days=3)

    @pytest.mark.parametrize(
        "change",
        [
            lambda press: [*press.flip("pr-1")],
            lambda press: press.publish(press.operate("o", {"op": "prune"}, suite="pr-1")),
            lambda press: press.publish(
                press.operate("o", {"op": "remove", "packages": ["a"]}, suite="pr-1")
            ),
        ],
        ids=["set-up", "prune", "remove"],
    )
    def test_stays_whatever_else_flips_it(
        self, press: Press, change: Callable[[Press], Any]
    ) -> None:
        publish(press, "pr-1")
        before = press.archive.published("pr-1")
        press.clock.sleep(DAY)
        change(press)
        after = press.archive.published("pr-1")
        assert before and after and after.expires == before.expires

    def test_goes_when_the_suite_is_configured_by_its_name(self, press: Press) -> None:
        publish(press, "pr-1")
        fixed = {"suite": "pr-1", "components": ["main", "extra"], "architectures": ["amd64"]}
        press.repository = config.parse({"suites": [PATTERNS["suites"][0], fixed]})
        press.set_up()
        state = press.archive.published("pr-1")
        assert state is not None and state.expires is None
        assert press.packages(suite="pr-1")

    def test_comes_to_a_suite_that_was_there_before_its_pattern(self, press: Press) -> None:
        fixed = {"suite": "pr-9", "components": ["main", "extra"], "architectures": ["amd64"]}
        press.repository = config.parse({"suites": [PATTERNS["suites"][0], fixed]})
        press.set_up()
        press.repository = config.parse(PATTERNS)
        for suite in ("pr-1", "pr-2", "pr-9"):
            press.clock.sleep(60)
            assert publish(press, suite) == "published", "it has its place, though there is none"
        assert entered(press) == ("pr-1", "pr-2", "pr-9")
        assert ends(press, "pr-9") == timedelta(days=3)


class TestItsSource:
    KEY = "apt/pr-1.sources"

    def test_is_there_when_the_batch_is_answered(self, press: Press) -> None:
        steps = press.steps(press.upload("b", debs(("a", "1", "all")), suite="pr-1"))
        written = []
        press.store.on_write = lambda _, key: written.append(key)
        assert [*steps][-1] == "published"
        keys = ["apt/dists/pr-1/InRelease", self.KEY, "results/pr-1/main/b.json"]
        assert [key for key in written if key in keys] == keys
        lines = press.store.body(self.KEY).decode().splitlines()
        assert lines[:4] == [
            "Types: deb",
            f"URIs: {URI}",
            "Suites: pr-1",
            "Components: main extra",
        ]
        certificate = press.signers.key_asc().decode().strip().splitlines()
        assert lines[-len(certificate) :] == [f" {line or '.'}" for line in certificate]

    def test_is_written_once(self, press: Press) -> None:
        publish(press, "pr-1")
        (before,) = press.store.versions(self.KEY)
        publish(press, "pr-1", "2", batch="b2")
        assert press.store.versions(self.KEY) == [before]

    @pytest.mark.parametrize("heal", ["repeat", "next"])
    def test_is_written_by_whoever_comes_where_its_function_died(
        self, press: Press, heal: str
    ) -> None:
        steps = press.steps(press.upload("b", debs(("a", "1", "all")), suite="pr-1"))
        for _ in range(5):
            next(steps)
        assert press.archive.published("pr-1") and not press.store.keys(self.KEY)
        press.clock.sleep(5400)
        if heal == "repeat":
            assert [*steps][-1] == "published"
        else:
            assert publish(press, "pr-1", "2", batch="b2") == "published"
        assert press.store.keys(self.KEY)

    def test_is_not_replaced_by_one_that_was_made_before_a_rotations_step(
        self, press: Press
    ) -> None:
        """Interleaving 59: the step is taken when `finish` has read who is trusted."""

        def beside(_operation: str, key: str) -> None:
            if key == self.KEY:
                press.store.on_write = None
                press.store.put(key, b"both keys")

        press.store.on_write = beside
        assert publish(press, "pr-1") == "published"
        assert press.store.on_write is None and press.store.body(self.KEY) == b"both keys"

    def test_nothing_tells_of_a_suite_that_is_yet_to_come(self, press: Press) -> None:
        steps = press.steps(press.upload("b", debs(("a", "1", "all")), suite="pr-1"))
        for _ in range(3):
            next(steps)
        assert entered(press) == ("pr-1",)
        publication.publish_keys(press.archive, press.repository, URI)
        assert not press.store.keys(self.KEY)


class TestWhatIsDoneInEverySuite:
    def test_a_set_up_signs_it_anew_and_writes_its_source(self, press: Press) -> None:
        publish(press, "pr-1")
        before = press.archive.published("pr-1")
        pulls = {**PULLS, "components": ["main", "extra", "more"]}
        press.repository = config.parse({"suites": [PATTERNS["suites"][0], pulls]})
        press.clock.sleep(60)
        set_up.run(press.services, Machine(press), URI, "p")
        after = press.archive.published("pr-1")
        assert before and after and after.release.components == ("main", "extra", "more")
        assert after.expires == before.expires
        assert b"Components: main extra more\n" in press.store.body("apt/pr-1.sources")

    def test_a_rotation_does_and_waits_for_none_that_is_yet_to_come(self) -> None:
        rotation = Rotation()
        press = rotation.press
        press.repository = replace(press.repository, patterns=config.parse(PATTERNS).patterns)
        assert publish(press, "pr-1") == "published"
        coming = press.steps(press.upload("b", debs(("a", "1", "all")), suite="pr-2"))
        for _ in range(3):
            next(coming)
        rotation.stand_at("dual")
        assert entered(press) == ("pr-1", "pr-2")
        assert rotation.signers("pr-1") == rotation.signers("stable") == ["old", "new"]
        assert rotation.trusted_by("pr-1.sources") == {"old", "new"}
        assert [*coming][-1] == "published" and rotation.signers("pr-2") == ["old", "new"]

    def test_the_schedule_prunes_what_there_is(self, press: Press) -> None:
        publish(press, "pr-1")
        press.archive.suites.enter("pr-*", "pr-2", press.clock.now(), None)
        asked = {batch.suite for batch in prune.run(press.services)}
        assert asked == {"stable", "pr-1"}

    def test_who_waits_is_measured_by_the_pattern(self, press: Press) -> None:
        assert watch.run(press.services)["pr-*"] == {"SecondsWaiting": 0.0}
        for suite, wait in (("pr-1", 100), ("pr-2", 0)):
            steps = press.steps(press.upload("b", debs(("a", "1", "all")), suite=suite))
            for _ in range(3):
                next(steps)
            press.clock.sleep(wait)
        said = watch.run(press.services)
        assert 100 <= said["pr-*"]["SecondsWaiting"] < 110
        assert set(said) == {"stable", "pr-*"}

    def test_one_of_a_pattern_that_is_configured_no_more_is_left_alone(self, press: Press) -> None:
        publish(press, "pr-1")
        before = press.store.body("apt/dists/pr-1/InRelease")
        press.repository = config.parse({"suites": PATTERNS["suites"][:1]})
        set_up.run(press.services, Machine(press), URI, "p")
        assert press.store.body("apt/dists/pr-1/InRelease") == before
        assert publish(press, "pr-1", "2", batch="b2") == "rejected"
        assert errors(press, "b2", "pr-1")[0][0] == "suite-unknown"


def leave(press: Press, suite: str) -> None:
    """As the reaper takes one out."""
    press.archive.suites.change(
        "pr-*", lambda since: {n: s for n, s in since.items() if n != suite}
    )


def test_the_record_is_what_the_page_says(press: Press) -> None:
    publish(press, "pr-17")
    record = json.loads(press.store.body("state/_suites/pr-.json"))
    assert record["version"] == 1 and list(record) == ["since", "version"]
    assert from_iso(record["since"]["pr-17"]) <= press.clock.now()


def test_a_pattern_may_let_no_more_suites_come(press: Press) -> None:
    fixed, pattern = PATTERNS["suites"]
    press.repository = config.parse({"suites": [fixed, {**pattern, "at_most": 0}]})
    assert publish(press, "pr-9") == "rejected"
    [(code, message)] = errors(press, "b", "pr-9")
    assert (code, message.partition(";")[0]) == (
        "suites-too-many",
        "no more suites of pr-* are made (at_most is 0)",
    )
