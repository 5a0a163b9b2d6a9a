"""Who is told of events, what is watched, and the dashboard, as the template has them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from debpress import metrics
from debpress.records.events import Kind

from tests.support.templates import ROOT, Template, permissions, readable, synthesise

TOPIC = "arn:aws:sns:eu-central-1:111122223333:releases"
PAGES = "https://example.org/docs"


@pytest.fixture(scope="module")
def stack() -> Template:
    listeners = [{"topic": TOPIC}, {"topic": TOPIC, "events": ["published", "rolled back"]}]
    return synthesise(event_topics=listeners, docs_url=PAGES)


def rule(stack: Template, name: str) -> Any:
    return stack.one("AWS::Events::Rule", name)


# Events


def test_s3_calls_announce_for_what_is_told_and_nothing_else(stack: Template) -> None:
    pattern = rule(stack, "EventsRecords")["EventPattern"]
    assert pattern["detail"]["object"]["key"] == [
        {"prefix": "results/"},
        {"wildcard": "state/*/reports/*"},
        "state/_rotation.json",
    ]
    assert readable(pattern["detail"]["bucket"]["name"]) == "<StorageBucket>"
    (target,) = rule(stack, "EventsRecords")["Targets"]
    assert readable(target["Arn"]) == "<FunctionsAnnounce>"


def test_an_event_that_can_t_be_sent_is_kept(stack: Template) -> None:
    lost = "<TriggerLostEvents>"
    for name in ("EventsRecords", "EventsTopic0", "EventsTopic1"):
        (target,) = rule(stack, name)["Targets"]
        assert readable(target["DeadLetterConfig"]["Arn"]) == lost, name
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 86400
    calls = stack.resources("AWS::Lambda::EventInvokeConfig").values()
    (announce,) = (c for c in calls if readable(c["FunctionName"]) == "<FunctionsAnnounce>")
    assert readable(announce["DestinationConfig"]["OnFailure"]["Destination"]) == lost
    assert announce["MaximumRetryAttempts"] == 2


def test_one_function_may_send_and_only_as_debpress(stack: Template) -> None:
    assert [line for line in permissions(stack) if "events:Put" in line] == [
        "FunctionsAnnounceRole | events:PutEvents | "
        "arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:event-bus/default "
        "if {StringEquals: {events:source: debpress}}"
    ]


def test_topics_are_told_of_this_press_in_words(stack: Template) -> None:
    for name, kinds in (
        ("EventsTopic0", ("rejected", "failed")),
        ("EventsTopic1", ("published", "rolled back")),
    ):
        pattern = rule(stack, name)["EventPattern"]
        assert pattern["detail-type"] == [*kinds] and set(kinds) <= {str(kind) for kind in Kind}
        assert readable(pattern["detail"]["record"]["bucket"]) == "<StorageBucket>"
        (target,) = rule(stack, name)["Targets"]
        assert target["Arn"] == TOPIC and "RoleArn" not in target
        assert target["InputTransformer"] == {
            "InputPathsMap": {"detail-summary": "$.detail.summary"},
            "InputTemplate": '"debpress: <detail-summary>"',
        }


def test_nobody_is_told_unless_it_is_configured() -> None:
    rules = synthesise().resources("AWS::Events::Rule")
    assert not [name for name in rules if name.startswith("EventsTopic")]


# The watch


def test_the_watch_looks_often_enough_for_its_alarm(stack: Template) -> None:
    look = stack.one("AWS::Scheduler::Schedule", "WatchLook")
    assert look["ScheduleExpression"] == "rate(5 minutes)"
    alarms = stack.resources("AWS::CloudWatch::Alarm").values()
    (waiting,) = (
        a for a in alarms if a.get("MetricName") == "SecondsWaiting" and a["Threshold"] > 1
    )
    # One for all suites.
    assert [each["Name"] for each in waiting["Dimensions"]] == ["Bucket"]
    assert (waiting["Threshold"], waiting["Statistic"]) == (metrics.PATIENCE, "Maximum")
    assert waiting["Period"] >= 3 * 300  # Three looks: one may fail, one come late.


# The dashboard


@pytest.fixture(scope="module")
def widgets(stack: Template) -> list[dict[str, Any]]:
    return _widgets(stack)


def _widgets(stack: Template) -> list[dict[str, Any]]:
    body = readable(stack.one("AWS::CloudWatch::Dashboard")["DashboardBody"])
    found: list[dict[str, Any]] = json.loads(body)["widgets"]
    return found


def test_two_presses_of_an_account_have_a_dashboard_each(stack: Template) -> None:
    # Dashboards are the account's and no Region's (CloudWatch user guide, "Dashboards").
    name = readable(stack.one("AWS::CloudWatch::Dashboard")["DashboardName"])
    assert name == "debpress-<AWS::Region>"


def test_it_begins_with_what_rings_and_shows_all_of_it(
    stack: Template, widgets: list[dict[str, Any]]
) -> None:
    ordered = sorted(widgets, key=lambda widget: (widget["y"], widget["x"]))
    assert [widget["type"] for widget in ordered[:2]] == ["text", "alarm"]
    shown = set(ordered[1]["properties"]["alarms"])
    every = {f"<{name[:-8]}>" for name in stack.resources("AWS::CloudWatch::Alarm")}
    assert shown == every


def test_no_widget_shows_more_alarms_than_it_may() -> None:
    suite = {"components": ["main"], "architectures": ["amd64"], "valid_for": 7}
    suites = [{**suite, "suite": f"s{number}", "origin": "Tests"} for number in range(35)]
    stack = synthesise(debpress={"suites": suites}, replica={"region": "eu-west-1"})
    shown = [each["properties"]["alarms"] for each in _widgets(stack) if each["type"] == "alarm"]
    every = stack.resources("AWS::CloudWatch::Alarm")
    assert sum(map(len, shown)) == len(every) > 100
    assert max(map(len, shown)) <= 100


def test_it_links_pages_that_there_are(widgets: list[dict[str, Any]]) -> None:
    links = re.findall(rf"\({PAGES}/([a-z.]+)\)", widgets[0]["properties"]["markdown"])
    assert "runbook.md" in links
    for link in links:
        assert (ROOT / "docs" / link).is_file(), link


def test_every_graph_has_a_title_a_unit_and_a_place_of_its_own(
    widgets: list[dict[str, Any]],
) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in widgets:
        properties = widget["properties"]
        if widget["type"] == "log":
            assert properties["title"]
        if widget["type"] == "metric":
            assert properties["title"] and properties["yAxis"]["left"]["label"], properties
        place = {
            (widget["x"] + x, widget["y"] + y)
            for x in range(widget["width"])
            for y in range(widget["height"])
        }
        assert not place & taken and max(x for x, _ in place) < 24
        taken |= place


def test_it_shows_metrics_that_there_are_and_costs_nothing(
    widgets: list[dict[str, Any]],
) -> None:
    shown = [m for w in widgets if w["type"] == "metric" for m in w["properties"]["metrics"]]
    searched = [m[0]["expression"] for m in shown if isinstance(m[0], dict)]
    names = {m[1] for m in shown if m[0] == metrics.NAMESPACE}
    names |= {n for each in searched for n in re.findall(r'MetricName="(\w+)"', each)}
    assert names == {"ValidityUsed"}
    logged = [w["properties"]["query"] for w in widgets if w["type"] == "log"]
    found = {n for each in logged for n in re.findall(r"\b[a-z]+\((\w+)[,)]", each)} - {"1h"}
    found = {name for name in found if name[0].isupper()}
    assert found <= metrics.LOGGED | metrics.METRICS.keys()
    assert metrics.LOGGED - {"BytesUnnamed"} <= found
    # CloudWatch's prices: three dashboards of fifty metrics each are free.
    named = {json.dumps([part for part in m if isinstance(part, str)]) for m in shown}
    assert len(named) + len(searched) <= 50
