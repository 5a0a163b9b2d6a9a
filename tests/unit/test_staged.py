"""What was published goes from staging, hours later: never what somebody may need yet.

The numbers in the names of tests are those of the interleavings in docs/protocol.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from debpress.archive.staged import REPEATED
from debpress.records.messages.open import Opened
from debpress.steps import reap

from tests.support.faults import Script
from tests.support.press import Press, deb, debs, event
from tests.support.scenes import Scene, scene

HOUR = 3600.0
LATER = REPEATED.total_seconds() + HOUR
FILES = debs(("a", "1", "all"), ("b", "1", "amd64"))
PLACE = "staging/stable/main/b1/"


def staged(press: Press) -> set[str]:
    return {key.rpartition("/")[2] for key in press.store.keys(PLACE)}


def publish(press: Press, files: Mapping[str, bytes] = FILES) -> dict[str, Any]:
    started = press.upload("b1", files)
    assert press.publish(started) == "published"
    return started


def reaped(press: Press) -> set[str]:
    found = reap.run(press.services).keys
    return {key for key in found if key.startswith("staging/")}


def test_published_packages_go_hours_later_and_their_manifest_stays(press: Press) -> None:
    publish(press)
    press.clock.sleep(LATER - 2 * HOUR)
    assert not reaped(press) and staged(press) == {*FILES, "manifest.json"}
    press.clock.sleep(2 * HOUR)
    would = {k for k in reap.run(press.services, dry_run=True).keys if k.startswith(PLACE)}
    assert staged(press) == {*FILES, "manifest.json"}
    assert reaped(press) == would == {PLACE + name for name in FILES}
    assert staged(press) == {"manifest.json"}
    assert len(press.packages()) == 2  # It reads them from the pool.
    assert not reaped(press)


def test_what_the_manifest_does_not_list_stays(press: Press) -> None:
    press.store.put(f"{PLACE}a_1.buildinfo", b"x")
    publish(press)
    press.clock.sleep(LATER)
    reap.run(press.services)
    assert staged(press) == {"a_1.buildinfo", "manifest.json"}


def test_places_without_a_result_and_keys_of_any_other_shape_stay(press: Press) -> None:
    """Whoever may put to staging may put what they like there."""
    keys = [
        *("staging/x", "staging/stable/main/b/c/d.deb", "staging/stable/main//x.deb"),
        f"staging/stable/main/{'n' * 900}/x.deb",
        *("staging/stable/main/../manifest.json", "staging/stable/main/../x.deb"),
        *("staging/stable/main/never/manifest.json", "staging/stable/main/never/x.deb"),
    ]
    for key in keys:
        press.store.put(key, b"{}")
    press.clock.sleep(LATER)
    assert not reaped(press)


def test_a_result_that_this_version_cannot_read_keeps_the_files_and_stops_nothing_else(
    press: Press,
) -> None:
    press.store.put("apt/pool/main/x/x/0000/x.deb", b"x")
    publish(press)
    body = press.store.body("results/stable/main/b1.json")
    press.store.put("results/stable/main/b1.json", body.replace(b'"version":1}', b'"version":2}'))
    press.clock.sleep(100 * HOUR)
    assert "apt/pool/main/x/x/0000/x.deb" in reap.run(press.services).keys
    assert staged(press) == {*FILES, "manifest.json"}


def test_an_operators_request_is_no_package(press: Press) -> None:
    publish(press)
    assert press.publish(press.operate("b1", {"op": "remove", "packages": ["a"]})) == "published"
    press.clock.sleep(LATER)
    reap.run(press.services)
    assert staged(press) == {*FILES, "manifest.json", "operations.json"}  # Two manifests.


# Repeats


def test_29_a_repeated_event_changes_nothing(press: Press) -> None:
    started = publish(press)
    press.clock.sleep(LATER)
    assert reaped(press)
    said, release = press.result("b1"), press.release()
    for gone in (None, f"{PLACE}manifest.json", "results/stable/main/b1.json"):
        if gone is not None:
            press.store.delete(gone)
        assert press.publish(started) is None
        assert press.release() == release and not press.store.keys("state/stable/queue/")
        if gone != "results/stable/main/b1.json":
            assert press.result("b1") == said


def a_repeat_goes_on_where_it_stood(press: Press, steps: int) -> None:
    started = press.upload("b1", FILES)
    repeat = press.steps(started)
    for _ in range(steps):
        next(repeat)
    assert press.publish(started) == "published"
    press.clock.sleep(LATER)
    assert reaped(press)
    said = press.result("b1")
    list(repeat)
    assert press.result("b1") == said and len(press.packages()) == 2


@pytest.mark.parametrize("steps", range(6))
def test_29_a_repeat_that_stood_still_meanwhile_finds_its_verdicts(
    press: Press, steps: int
) -> None:
    a_repeat_goes_on_where_it_stood(press, steps)


def test_the_manifest_again_within_hours_is_published_again(press: Press) -> None:
    publish(press)
    press.clock.sleep(LATER - 2 * HOUR)
    reap.run(press.services)
    again = press.upload("b1", {}, manifest=listing(FILES))
    assert press.publish(again) == "published"
    assert {p["action"] for p in press.result("b1")["packages"]} == {"unchanged"}


def test_the_manifest_alone_a_day_later_is_told_that_its_files_are_gone(press: Press) -> None:
    publish(press)
    press.clock.sleep(LATER)
    reap.run(press.services)
    again = press.upload("b1", {}, manifest=listing(FILES))
    assert press.publish(again) == "rejected"
    assert {e["code"] for e in press.result("b1")["errors"]} == {"file-missing"}
    assert len(press.packages()) == 2
    assert press.publish(press.upload("b1", FILES)) == "published"


# Uploads under the same name


def uploaded_anew_meanwhile(first: int) -> None:
    """The next version by the same name of batch and file, at each call of the reaper's; and its
    manifest when the reaper is done."""
    where = scene()
    press = where.press
    assert press.publish(press.upload("b1", {"it.deb": deb("it", "1")})) == "published"
    press.clock.advance(LATER)
    world = where.world(turns=Script([("reaper", first), ("ci", 10**6), ("reaper", 10**6)]))
    newer = deb("it", "2")
    world.run(
        {
            "reaper": lambda press: reap.run(press.services),
            "ci": lambda press: press.store.put(f"{PLACE}it.deb", newer),
        }
    )
    assert not world.surprises, f"surprised: {world.surprises}"
    assert press.publish(press.upload("b1", {}, manifest=listing({"it.deb": newer}))) == "published"


def listing(files: Mapping[str, bytes]) -> dict[str, Any]:
    listed = [{"name": n, "sha256": hashlib.sha256(b).hexdigest()} for n, b in files.items()]
    return {"version": 1, "files": listed}


def replaced_versions_expire(press: Press) -> None:
    """As the bucket's rule has it, a day after they were replaced."""
    for key, versions in press.store.snapshot().objects.items():
        for version in versions[:-1] if key.startswith("staging/") else ():
            press.store.delete(key, version.id)


def test_30_a_batch_uploaded_anew_while_the_reaper_looks_loses_nothing() -> None:
    for first in range(40):
        uploaded_anew_meanwhile(first)


def uploaded_before_its_manifest(press: Press) -> None:
    """The files of the next batch, which are those of the last, and hours later its manifest."""
    publish(press)
    press.clock.sleep(HOUR)
    for name, body in FILES.items():
        press.store.put(PLACE + name, body)
    press.clock.sleep(25 * HOUR)
    replaced_versions_expire(press)
    reap.run(press.services)
    assert press.publish(press.upload("b1", {}, manifest=listing(FILES))) == "published"


def test_30_files_that_wait_for_their_manifest_stay(press: Press) -> None:
    uploaded_before_its_manifest(press)


def an_older_run_ends_last(press: Press, steps: int) -> None:
    older = press.steps(press.upload("b1", debs(("old", "1", "all"))))
    for _ in range(steps):
        next(older)
    press.clock.sleep(60)
    newer = publish(press)
    press.clock.sleep(LATER)
    assert reaped(press)
    list(older)
    told = press.result("b1")["manifest"]["etag"]
    assert told == newer["detail"]["object"]["etag"], "the result answers another manifest"


@pytest.mark.parametrize("steps", range(1, 7))
def test_31_an_older_run_does_not_answer_for_the_newer(press: Press, steps: int) -> None:
    an_older_run_ends_last(press, steps)


def beside_another_manifest(where: Scene) -> None:
    """Two files and their sums, of which one is wrong; then one of them by a manifest of its own.
    A day later the other one is mended, and the sums come again."""
    press, good = where.press, debs(("good", "1", "all"))
    both = {**good, "bad_1_all.deb": deb("bad", "1")}
    started = where.sums("b1", both)
    press.store.put(f"{PLACE}bad_1_all.deb", b"something else")
    assert press.publish(started) == "rejected"
    assert press.publish(where.upload("b1", good)) == "published"
    press.clock.sleep(25 * HOUR)
    replaced_versions_expire(press)
    reap.run(press.services)
    press.store.put(f"{PLACE}bad_1_all.deb", both["bad_1_all.deb"])
    head = press.store.put(f"{PLACE}SHA256SUMS", press.store.body(f"{PLACE}SHA256SUMS"))
    assert press.publish(event(head.key, head.etag, head.version_id)) == "published"


def test_32_what_another_manifest_may_list_stays() -> None:
    beside_another_manifest(scene())


def mended_days_later(press: Press) -> None:
    files = {**FILES, "c_1_all.deb": b"no package"}
    assert press.publish(press.upload("b1", files)) == "rejected"
    press.clock.sleep(48 * HOUR)
    reap.run(press.services)
    mended = {**FILES, "c_1_all.deb": deb("c", "1")}
    press.store.put(f"{PLACE}c_1_all.deb", mended["c_1_all.deb"])
    assert press.publish(press.upload("b1", {}, manifest=listing(mended))) == "published"


def test_33_a_rejected_batch_is_mended_by_the_wrong_file_alone(press: Press) -> None:
    mended_days_later(press)


def redriven_days_later(press: Press) -> None:
    """It broke down before anything was admitted."""
    execution = press.start(press.upload("b1", FILES))
    steps = press.go_on(execution)
    next(steps)
    (plan,) = press.store.keys("state/stable/runs/")
    run = plan.split("/")[3]
    assert press.finish("stable", run, "failed", error={"Error": "Broken"}) == "failed"
    press.clock.sleep(48 * HOUR)
    reap.run(press.services)
    assert [*steps][-1] == "published"
    assert press.result("b1")["status"] == "published"


def test_33_a_failed_batch_is_redriven(press: Press) -> None:
    redriven_days_later(press)


def test_a_manifest_that_expired_starts_nothing(press: Press) -> None:
    """By then its run's notes may be gone as well."""
    started = publish(press)
    for key in [*press.store.keys(PLACE), *press.store.keys("state/stable/runs/")]:
        press.store.delete(key)
    opened = press.functions()["open"](
        {"event": started, "execution": "e", "started_at": "2026-11-23T01:02:03Z"}
    )
    assert opened["outcome"] == Opened.IGNORED.value
