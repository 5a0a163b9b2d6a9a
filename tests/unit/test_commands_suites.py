"""The commands and suites that came by being published to: which there are, and what they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from debpress import config
from debpress.clock import iso
from debpress.layout import Layout
from debpress.steps import reap

from tests.support.press import Press, quick_signers
from tests.support.scenes import signers
from tests.unit.test_commands_operators import Bench, bench  # noqa: F401

SUITE = {"components": ["main", "extra"], "architectures": ["amd64", "arm64"]}
SUITES = [
    *({**SUITE, "suite": name} for name in ("stable", "testing")),
    {**SUITE, "suite": "pr-*", "ttl_days": 3, "at_most": 2},
]


@pytest.fixture
def press() -> Press:
    press = Press(signers(), repository=config.parse({"suites": SUITES}))
    quick_signers(press.archive)
    press.set_up()
    press.clock.sleep(600)
    return press


@pytest.fixture
def pulls(bench: Bench) -> Bench:  # noqa: F811
    """A press with a pattern of suites, of which pr-7 was published to."""
    bench.publish(("a", "1", "all"), ("b", "1", "amd64"), suite="pr-7")
    return bench


def test_every_suite_is_listed_with_its_end_and_the_room_that_is_left(pulls: Bench) -> None:
    found = pulls.json("suites")
    stable, _, seven = found["suites"]
    assert (stable["suite"], stable["pattern"], stable["expires"]) == ("stable", None, None)
    assert (seven["suite"], seven["pattern"], seven["packages"]) == ("pr-7", "pr-*", 2)
    assert seven["expires"] is not None
    assert found["patterns"] == [{"pattern": "pr-*", "suites": 1, "at_most": 2, "ttl_days": 3}]
    code, out, _ = pulls.run("suites")
    assert code == 0 and "pr-*: 1 of at most 2, each for 3 days after its last publish\n" in out
    [line] = [line for line in out.splitlines() if line.startswith("  pr-7")]
    assert "2 packages" in line and f"ends at {seven['expires']} (in 2 d)" in line
    assert "ends at" not in out.partition("pr-7")[0]


@pytest.mark.parametrize("look", range(1, 4))
def test_of_one_that_ends_while_they_are_listed_nothing_is_said(
    pulls: Bench, monkeypatch: pytest.MonkeyPatch, look: int
) -> None:
    """It is gone before the first look at its InRelease, or before it is read; that is not read a
    third time."""
    key, looks = Layout().inrelease("pr-7"), 0

    def ending(read: Callable[..., Any]) -> Callable[..., Any]:
        def ended(*asked: Any, **how: Any) -> Any:
            nonlocal looks
            looks += key in asked
            if looks == look:
                pulls.press.store.delete(key)
            return read(*asked, **how)

        return ended

    for name in ("head", "get"):
        monkeypatch.setattr(pulls.press.store, name, ending(getattr(pulls.press.store, name)))
    names = [each["suite"] for each in pulls.json("suites")["suites"]]
    assert names == ["stable", "testing", *["pr-7"] * (look == 3)]


@pytest.mark.parametrize(
    "asked",
    [
        ("status",),
        ("verify",),
        ("list", "--suite", "pr-7"),
        ("show", "a", "--suite", "pr-7"),
        ("history", "--suite", "pr-7"),
        ("status", "--suite", "pr-7"),
        ("verify", "--suite", "pr-7"),
        ("rollback", "--suite", "pr-7", "--to", "1"),
        ("snapshot", "--suite", "pr-7"),
        ("prune",),
        ("prune", "--suite", "pr-7", "--dry-run"),
        ("remove", "a", "--suite", "pr-7", "--dry-run"),
        ("copy", "a", "--from", "pr-7", "--to", "testing"),
        ("promote", "pr-7", "stable", "a"),
    ],
    ids=" ".join,
)
def test_a_suite_that_is_there_is_one_like_any(pulls: Bench, asked: tuple[str, ...]) -> None:
    code, out, err = pulls.run(*asked)
    assert (code, err) == (0, "")
    assert "pr-7" in out or asked[0] in ("show", "history", "list", "copy", "promote")


@pytest.mark.parametrize(
    "asked",
    [
        ("list", "--suite", "pr-8"),
        ("history", "--suite", "pr-8"),
        ("status", "--suite", "pr-8"),
        ("verify", "--suite", "pr-8"),
        ("show", "a", "--suite", "pr-8"),
        ("rollback", "--suite", "pr-8", "--to", "1"),
        ("prune", "--suite", "pr-8", "--dry-run"),
    ],
    ids=" ".join,
)
def test_one_that_is_not_there_comes_by_a_publish(pulls: Bench, asked: tuple[str, ...]) -> None:
    code, _, err = pulls.run(*asked)
    assert code == 1
    assert "there is no suite 'pr-8' yet, or it has ended: the first publish makes it" in err


def test_a_name_that_fits_nothing_is_told_what_there_is(pulls: Bench) -> None:
    for name in ("other", "pr-"):
        code, _, err = pulls.run("list", "--suite", name)
        assert code == 1 and f"no suite {name!r} here; there is stable, testing, pr-*" in err


def test_what_was_tried_in_a_suite_of_its_own_goes_to_stable_without_a_byte(pulls: Bench) -> None:
    pool = set(pulls.press.store.keys("apt/pool/"))
    assert pulls.run("promote", "pr-7", "stable", "a", "b")[0] == 0
    assert pulls.names() == {("a", "1"), ("b", "1")}
    assert set(pulls.press.store.keys("apt/pool/")) == pool


def test_verify_reads_them_all_and_calls_nothing_of_theirs_left_over(pulls: Bench) -> None:
    found = pulls.json("verify")
    assert found["suites"] == ["stable", "testing", "pr-7"]
    assert found["packages"] == 2
    assert not [note for note in found["notes"] if "no suite names" in note["message"]]
    key = Layout().pool(next(iter(pulls.press.store.keys("apt/pool/"))).removeprefix("apt/"))
    pulls.press.store.delete(key)
    [wrong] = pulls.json("verify", code=1)["findings"]
    assert (wrong["suite"], wrong["key"]) == ("pr-7", key)


def test_an_operator_ends_one_before_its_time(pulls: Bench) -> None:
    code, out, err = pulls.run("suites", "--end", "pr-7", "--dry-run")
    assert (code, out, err) == (0, "pr-7: would end\n", "")
    assert pulls.json("suites")["suites"][2]["expires"] > iso(pulls.now())
    code, out, err = pulls.run("suites", "--end", "pr-7")
    assert (code, err) == (0, "") and "published in generation 2" in out
    seven = pulls.json("suites")["suites"][2]
    assert seven["expires"] <= iso(pulls.now()) and seven["packages"] == 2
    pulls.press.clock.sleep(60)
    assert f"ended at {seven['expires']}" in pulls.run("suites")[1]


def test_what_can_not_be_ended(pulls: Bench) -> None:
    code, _, err = pulls.run("suites", "--end", "stable")
    assert code == 1 and "suite stable is configured by its name, and stays" in err
    code, _, err = pulls.run("suites", "--end", "pr-8")
    assert code == 1 and "there is no suite 'pr-8' yet" in err
    assert pulls.run("suites", "--dry-run")[0] == pulls.run("suites", "--no-wait")[0] == 2


def test_of_a_suite_that_has_ended_nothing_is_told(pulls: Bench) -> None:
    pulls.run("suites", "--end", "pr-7")
    pulls.press.clock.sleep(4 * 3600)
    reap.run(pulls.press.services)
    assert [each["suite"] for each in pulls.json("suites")["suites"]] == ["stable", "testing"]
    assert pulls.json("suites")["patterns"][0]["suites"] == 0
    assert pulls.json("verify")["suites"] == ["stable", "testing"]
    assert "it has ended" in pulls.run("list", "--suite", "pr-7")[2]
    pulls.publish(("a", "2", "all"), suite="pr-7")
    assert pulls.json("verify")["suites"] == ["stable", "testing", "pr-7"]
