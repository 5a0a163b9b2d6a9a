"""Reaping: what nobody can be told of any more goes, and nothing else does."""

from __future__ import annotations

import pytest
from debpress import config
from debpress.errors import CorruptError
from debpress.steps import reap

from tests.support.optional import some
from tests.support.press import Press, deb, debs
from tests.support.scenes import SMALL, signers

HOUR = 3600.0
GRACE = 24 * HOUR


def collect(press: Press, *, dry_run: bool = False) -> set[str]:
    """What was deleted of all that hosts could read; test_staged.py is about the rest."""
    return {key for key in reap.run(press.services, dry_run=dry_run).keys if key.startswith("apt/")}


def pool(press: Press) -> list[str]:
    return [head.key.rpartition("/")[2] for head in press.store.list("apt/pool/")]


def publish(
    press: Press, batch: str, *packages: tuple[str, str, str], suite: str = "stable"
) -> None:
    assert press.publish(press.upload(batch, debs(*packages), suite=suite)) == "published"


def remove(press: Press, batch: str, package: str) -> None:
    asked = press.operate(batch, {"op": "remove", "packages": [package]})
    assert press.publish(asked) == "published"


def test_what_is_published_stays_however_old(press: Press) -> None:
    publish(press, "b1", ("a", "1", "all"))
    press.clock.sleep(100 * GRACE)
    assert not [key for key in collect(press) if "/pool/" in key]
    assert len(press.packages()) == 1


def test_a_removed_package_stays_for_the_grace_and_then_goes(press: Press) -> None:
    publish(press, "b1", ("a", "1", "all"))
    press.clock.sleep(100 * GRACE)
    remove(press, "o1", "a")
    press.clock.sleep(GRACE)
    assert not collect(press)
    assert pool(press) == ["a_1_all.deb"]
    press.clock.sleep(2 * HOUR)
    would = collect(press, dry_run=True)
    assert pool(press) == ["a_1_all.deb"]
    assert collect(press) == would and len(would) > 1  # and the indices that named it
    assert pool(press) == []
    assert press.packages() == set()


def test_a_host_in_the_middle_finds_all_that_its_release_names(press: Press) -> None:
    publish(press, "b1", ("a", "1", "all"))
    press.clock.sleep(50 * GRACE)
    held = press.release()
    for n in range(5):
        publish(press, f"c{n}", (f"p{n}", "1", "all"))
        press.clock.sleep(3 * HOUR)
    remove(press, "o1", "a")
    press.clock.sleep(8 * HOUR)
    collect(press)
    for name, listed in held.files.items():
        if name.endswith((".gz", ".xz")):
            key = press.repository.layout.by_hash("stable", name, listed.sha256)
            assert press.store.head(key) is not None, name
    assert "a_1_all.deb" in pool(press)


def test_called_hourly_a_file_lives_two_hours_longer_than_the_grace(press: Press) -> None:
    publish(press, "b1", ("a", "1", "all"))
    press.clock.sleep(30 * HOUR)
    remove(press, "o1", "a")
    hours = 0
    while pool(press):
        press.clock.sleep(HOUR)
        collect(press)
        hours += 1
    assert 25 <= hours <= 26


def test_the_text_of_an_index_that_an_older_debpress_wrote_goes(press: Press) -> None:
    text = "apt/dists/stable/main/binary-amd64/Packages"
    press.store.put(text, b"stale")
    press.clock.sleep(GRACE)
    publish(press, "b1", ("a", "1", "all"))
    assert text not in collect(press)
    press.clock.sleep(2 * HOUR)
    assert text in collect(press)


def test_a_call_that_finds_nothing_is_cheap(press: Press) -> None:
    """It comes every hour. On a day of fifteen releases of five packages it asks for the list of
    each folder, for each suite its release and indices, and for each flip of the day its record."""
    for n in range(15):
        publish(press, f"b{n}", *((f"p{i}", f"1.{n}", "all") for i in range(5)))
        press.clock.sleep(1.6 * HOUR)
    collect(press)
    press.store.requests.clear()
    assert not collect(press)
    assert press.store.requests["list"] <= 8
    assert press.store.requests["get"] + press.store.requests["head"] <= 50
    assert set(press.store.requests) <= {"list", "get", "head"}


def test_a_package_that_another_suite_names_stays(press: Press) -> None:
    publish(press, "b1", ("a", "1", "all"))
    publish(press, "b1", ("a", "1", "all"), suite="testing")
    remove(press, "o1", "a")
    press.clock.sleep(3 * GRACE)
    assert not [key for key in collect(press) if "/pool/" in key]
    assert len(press.packages(suite="testing")) == 1


def test_a_package_admitted_and_never_published_goes(press: Press) -> None:
    steps = press.steps(press.upload("b1", debs(("a", "1", "all"))))
    next(steps), next(steps)
    press.clock.sleep(GRACE)
    assert not collect(press)
    press.clock.sleep(2 * HOUR)
    assert len(collect(press)) == 1


def test_a_publish_that_names_it_again_at_that_moment_keeps_it(press: Press) -> None:
    publish(press, "b1", ("a", "1", "all"))
    remove(press, "o1", "a")
    press.clock.sleep(3 * GRACE)
    deleting: list[str] = []

    def republish(operation: str, key: str) -> None:
        if operation == "delete" and not deleting:
            deleting.append(key)
            press.store.on_write = None
            publish(press, "b2", ("a", "1", "all"))

    press.store.on_write = republish
    collect(press)
    assert deleting and len(press.packages()) == 1  # reads the pool object, too


def test_publishes_without_end_leave_a_bounded_number_of_indices() -> None:
    """Fifteen a day, reaped daily: what is left is what flipped within the grace and a day, after
    eight days and so after as many as one likes."""
    press = Press(signers(), repository=config.parse(SMALL))
    press.set_up()
    left = []
    for n in range(8 * 15):
        press.clock.sleep(GRACE / 15)
        publish(press, "b", (f"p{n % 7}", f"1.{n}", "all"))
        if n % 15 == 14:
            collect(press)
            left.append(sum("/by-hash/" in head.key for head in press.store.list("apt/dists/")))
    assert max(left) <= 2 * (15 + 2)  # two forms of one index a flip, and the margin of an hour
    assert len(set(left[2:])) == 1


def test_more_than_a_page_of_leftovers(press: Press) -> None:
    for n in range(1100):
        press.store.put(f"apt/pool/main/x/x/{n:016}/x.deb", b"x")
    press.clock.sleep(2 * GRACE)
    assert len([key for key in collect(press) if "/pool/" in key]) == 1100


def test_nothing_goes_when_history_is_missing(press: Press) -> None:
    publish(press, "b1", ("a", "1", "all"))
    remove(press, "o1", "a")
    current = some(press.store.head("apt/dists/stable/InRelease")).metadata["generation"]
    press.store.delete(f"state/stable/generations/{current}.json")
    press.store.put("apt/pool/main/x/x/0000/x.deb", deb("x"))
    press.clock.sleep(GRACE)
    with pytest.raises(CorruptError, match="nothing was reaped"):
        collect(press)
    press.clock.sleep(GRACE)
    assert collect(press)  # it is out of the grace, and matters no more


def test_one_goes_back_no_farther_than_the_reaper_lets(press: Press) -> None:
    publish(press, "b1", ("a", "1", "all"))
    remove(press, "o1", "a")
    press.clock.sleep(GRACE - 60)
    back = press.operate("o2", {"op": "rollback", "to": 2}, {"op": "remove", "packages": ["a"]})
    assert press.publish(back) == "published"
    press.clock.sleep(GRACE + 60)
    assert press.publish(press.operate("o3", {"op": "rollback", "to": 2})) == "rejected"
    (error,) = press.result("o3")["errors"]
    assert error["code"] == "generation-unknown" and "24 hours" in error["message"]
