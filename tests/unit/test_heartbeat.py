"""Valid-Until: hosts refuse a release that nobody signed anew, and somebody does, in time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from debpress import config, metrics
from debpress.adapters.environment import Environment, begin_to_measure, measure
from debpress.errors import ConfigError, CorruptError
from debpress.index import release
from debpress.inspection.status import status
from debpress.inspection.verification import verify
from debpress.records.messages.merge import Merged, MergeInput, MergeOutput
from debpress.steps import merge

from tests.support.optional import some
from tests.support.press import SUITES, Press, debs
from tests.support.templates import handler

HOUR = 3600.0
DAY = 24 * HOUR
BEAT = 6 * HOUR


@pytest.fixture
def valid(press: Press) -> Press:
    """A press whose releases are valid for nine days, newly deployed."""
    press.configure(valid_for=9)
    press.set_up()
    return press


def flips(press: Press) -> int:
    key = press.repository.layout.inrelease("stable")
    return len([each for each in press.store.log if each.key == key])


def cause(press: Press) -> str:
    record = press.archive.suite("stable").committed()
    assert record is not None
    return record.cause


# The field


def test_off_unless_it_is_configured(press: Press) -> None:
    assert press.release().valid_until is None
    assert b"Valid-Until" not in press.store.body("apt/dists/stable/InRelease")
    press.clock.sleep(1000 * DAY)
    before = flips(press)
    press.beat()
    assert flips(press) == before


def test_a_release_is_valid_for_so_many_days_from_its_date(valid: Press) -> None:
    published = valid.release()
    assert published.valid_until == published.date + timedelta(days=9)
    text = valid.store.body("apt/dists/stable/InRelease").decode()
    assert "\nValid-Until: " + release.rfc1123(published.valid_until) + "\n" in text
    assert release.parse(published.render()) == published


def test_what_is_made_of_a_release_can_leave_it_out(valid: Press) -> None:
    timeless = replace(valid.release(), valid_until=None)
    assert b"Valid-Until" not in timeless.render()
    assert timeless.dated(datetime(2030, 1, 1, tzinfo=UTC)).valid_until is None


def test_a_valid_until_that_cannot_be_read_is_an_error(valid: Press) -> None:
    text = valid.release().render().replace(b"Valid-Until: ", b"Valid-Until: soon, ")
    with pytest.raises(CorruptError, match="Valid-Until"):
        release.parse(text)


@pytest.mark.parametrize("days", [6, 0, 366, 7.5, "9", True, None])
def test_a_validity_that_nobody_can_keep_up_is_refused(days: Any) -> None:
    with pytest.raises(ConfigError, match="valid_for"):
        config.parse({"suites": [{**SUITES["suites"][0], "valid_for": days}]})


def test_the_configuration_is_the_same_on_its_way_to_the_functions(valid: Press) -> None:
    assert config.parse(config.as_json(valid.repository)) == valid.repository
    plain = config.as_json(config.parse(SUITES))
    assert "valid_for" not in plain["suites"][0]


# When it flips


def test_the_validity_alone_flips_nothing(valid: Press) -> None:
    """The same batch again, three days later: nothing new, and no heartbeat is due."""
    assert valid.publish(valid.upload("b1", debs(("a", "1", "all")))) == "published"
    valid.clock.sleep(2.9 * DAY)
    before, held = flips(valid), valid.release()
    assert valid.publish(valid.upload("b2", debs(("a", "1", "all")))) == "published"
    assert flips(valid) == before and valid.release() == held


@pytest.mark.parametrize(("was", "then"), [(None, 9), (9, None), (9, 12)])
def test_another_validity_is_published_with_the_next_batch_though_it_is_no_news(
    press: Press, was: int | None, then: int | None
) -> None:
    def configure(days: int | None) -> None:
        press.configure(**({} if days is None else {"valid_for": days}))

    configure(was)
    press.set_up()
    press.publish(press.upload("b1", debs(("a", "1", "all"))))
    press.clock.sleep(HOUR)
    configure(then)
    before = flips(press)
    assert press.publish(press.upload("b2", debs(("a", "1", "all")))) == "published"
    assert flips(press) == before + 1
    found = press.release()
    assert found.valid_until == (None if then is None else found.date + timedelta(days=then))


def test_a_beat_signs_anew_at_a_third_and_not_before(valid: Press) -> None:
    valid.publish(valid.upload("b1", debs(("a", "1", "all"))))
    old, before, seen = valid.release(), flips(valid), valid.packages()
    told: list[float] = []
    valid.measure = lambda _suite, /, **values: told.append(values["ValidityUsed"])
    while flips(valid) == before:
        valid.clock.sleep(BEAT)
        valid.beat()
    assert 1 / 3 <= max(told) < 1 / 3 + BEAT / (9 * DAY) + 0.001
    assert cause(valid) == "re-sign"
    new = valid.release()
    assert new.date > old.date and some(new.valid_until) > some(old.valid_until)
    assert new.files == old.files and valid.packages() == seen
    valid.clock.sleep(BEAT)
    valid.beat()
    assert flips(valid) == before + 1


def test_a_publish_in_between_makes_it_superfluous(valid: Press) -> None:
    valid.clock.sleep(4 * DAY)
    valid.publish(valid.upload("b1", debs(("a", "1", "all"))))
    before = flips(valid)
    valid.beat()
    assert flips(valid) == before


def test_a_beat_that_loses_to_a_publish_is_done(valid: Press) -> None:
    """It is built, another flips, it loses the commit: and then nothing is due any more."""
    valid.clock.sleep(4 * DAY)
    beat = valid.flip("stable", heartbeat=True)
    next(beat)
    valid.publish(valid.upload("b1", debs(("a", "1", "all"))))
    before = flips(valid)
    assert [*beat][-1] is None
    assert flips(valid) == before and cause(valid) == "batch"


def test_a_beat_takes_along_what_waits_and_answers_it(valid: Press) -> None:
    """Its uploader's execution died; the beat that flips merges it as any flip does."""
    steps = valid.steps(valid.upload("b1", debs(("a", "1", "all"))))
    while not valid.store.keys("state/stable/queue/"):
        next(steps)
    valid.clock.sleep(4 * DAY)
    valid.beat()
    assert cause(valid) == "batch" and valid.result("b1")["status"] == "published"


def test_a_suite_that_publishes_nothing_yet_has_no_beat(press: Press) -> None:
    press.configure(valid_for=9)
    press.store.delete(press.repository.layout.inrelease("stable"))
    done = merge.run(press.services, MergeInput("stable", None, heartbeat=True))
    assert done == MergeOutput(Merged.DONE)


def test_a_rollback_has_a_validity_of_its_own(valid: Press) -> None:
    valid.publish(valid.upload("b1", debs(("a", "1", "all"))))
    number = valid.result("b1")["generation"]
    valid.publish(valid.upload("b2", debs(("b", "1", "all"))))
    valid.clock.sleep(20 * HOUR)
    assert valid.publish(valid.operate("o1", {"op": "rollback", "to": number})) == "published"
    found = valid.release()
    assert found.valid_until == found.date + timedelta(days=9)
    assert valid.clock.now() - found.date < timedelta(minutes=2)


# What people and alarms are told


def test_status_says_until_when(valid: Press) -> None:
    said = status(valid.archive, "stable")
    assert said.valid_until == some(valid.release().valid_until).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("days", "complaint"), [(4, ""), (5, "half of the time is over"), (10, "hosts refuse it")]
)
def test_verify_tells_of_a_heartbeat_that_stopped(valid: Press, days: int, complaint: str) -> None:
    valid.clock.sleep(days * DAY)
    report = verify(valid.archive, valid.clock, ["stable"])
    found = [f.message for f in report.findings if "valid until" in f.message]
    assert [complaint in message for message in found] == ([True] if complaint else [])


def test_the_step_that_looks_says_how_much_is_used(
    valid: Press, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = handler("merge")
    env = Environment("bucket", valid.store, valid.repository, valid.clock)
    monkeypatch.setattr(module, "environment", lambda: env)
    valid.clock.sleep(5 * DAY)
    module.handle({"suite": "stable", "run": None, "heartbeat": True}, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (said,) = [line for line in lines if "_aws" in line]
    assert 5 / 9 < said["ValidityUsed"] < 5.1 / 9
    module.handle({"suite": "stable", "run": None, "heartbeat": False}, None)
    assert "_aws" not in capsys.readouterr().out


def test_a_metric_is_what_cloudwatch_reads(
    valid: Press, capsys: pytest.CaptureFixture[str]
) -> None:
    """User guide, "Specification: Embedded metric format": every dimension and metric that is
    named is a member of the line."""
    env = Environment("bucket", valid.store, valid.repository, valid.clock)
    measure(env, "stable", ValidityUsed=0.25)
    said = json.loads(capsys.readouterr().out)
    (about,) = said["_aws"]["CloudWatchMetrics"]
    assert about["Namespace"] == metrics.NAMESPACE
    assert said["_aws"]["Timestamp"] == int(valid.clock.now().timestamp() * 1000)
    assert {name: said[name] for name in about["Dimensions"][0]} == {
        "Bucket": "bucket",
        "Suite": "stable",
    }
    assert [said[each["Name"]] for each in about["Metrics"]] == [0.25]


def metrics_of(
    env: Environment, capsys: pytest.CaptureFixture[str], **values: float
) -> dict[str, Any]:
    """The metrics that CloudWatch makes of what is said, by name, with their dimensions."""
    measure(env, "stable", **values)
    said = json.loads(capsys.readouterr().out)
    assert {name: said[name] for name in values} == values
    directives = said.get("_aws", {"CloudWatchMetrics": []})["CloudWatchMetrics"]
    return {m["Name"]: d["Dimensions"] for d in directives for m in d["Metrics"]}


def test_a_value_is_a_metric_only_where_an_alarm_looks_at_it(
    valid: Press, capsys: pytest.CaptureFixture[str]
) -> None:
    """CloudWatch charges for each by the hours in which it is said, whatever its value."""
    env = Environment("bucket", valid.store, valid.repository, valid.clock)
    by_hour = []
    for _ in range(24):
        found = metrics_of(env, capsys, SecondsWaiting=1, InReleaseAge=5, PrunesAsked=0)
        assert found.pop("PrunesAsked") == [["Bucket"]]
        by_hour.append(found)
        late = metrics_of(env, capsys, SecondsWaiting=61, SecondsBehind=61, ValidityUsed=0.1)
        by_suite = [["Bucket", "Suite"]]
        assert late == {
            "SecondsWaiting": [["Bucket"]], "SecondsBehind": by_suite, "ValidityUsed": by_suite
        }  # fmt: skip
        valid.clock.sleep(3600)
    # The signs of life, of which the alarm of silence needs one in so many hours.
    alive = [bool(found) for found in by_hour]
    assert sum(alive) == 4
    assert {name for found in by_hour for name in found} == {"SecondsWaiting"}
    assert metrics.SILENCE_HOURS > 2 * metrics.LIFE_HOURS


def test_the_first_values_are_metrics_at_whatever_hour(
    valid: Press, capsys: pytest.CaptureFixture[str]
) -> None:
    env = Environment("bucket", valid.store, valid.repository, valid.clock)
    for _ in range(3):
        begin_to_measure(env)
        (about,) = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
        assert about["Dimensions"] == [["Bucket"]]
        assert {each["Name"] for each in about["Metrics"]} == {
            "PrunesAsked", "ObjectsLeftOver", "SecondsWaiting"
        }  # fmt: skip
        valid.clock.sleep(3600)
