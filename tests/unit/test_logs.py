"""What operators find in the functions' logs, and the runbook's queries over real lines."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jmespath
import pytest
from debpress.adapters.logs import log, logged
from debpress.errors import TransientError

from stacks import machine
from stacks.functions import SIZES
from tests.support import insights
from tests.support.press import Press, debs
from tests.support.state_machine import Execution, Runtime
from tests.support.templates import ROOT, synthesise

pytest.importorskip("awslambdaric", reason="Lambda's runtime is Linux's alone")

from tests.support.lambda_runtime import STEPS, LambdaRuntime

MACHINE = machine.definition({name: size.seconds for name, size in SIZES.items()})
RUNBOOK = (ROOT / "docs/runbook.md").read_text("utf-8")
QUERIES = re.findall(r"```insights\n(.*?)```", RUNBOOK, re.DOTALL)


@pytest.fixture
def runtime(press: Press, monkeypatch: pytest.MonkeyPatch) -> LambdaRuntime:
    return LambdaRuntime(press, monkeypatch)


def publish(runtime: LambdaRuntime, event: Any) -> Execution:
    """By the real definition, each step its own handler."""

    def function(name: str) -> Callable[[dict[str, Any]], Any]:
        return lambda payload: runtime.call(name, payload)

    functions = {name: function(name) for name in STEPS}
    return Execution(MACHINE, Runtime(functions), event).run()


@pytest.fixture
def published(press: Press, runtime: LambdaRuntime) -> list[dict[str, Any]]:
    publish(runtime, press.upload("b1", debs(("foo", "1.0", "all"))))
    return runtime.lines()


def ours(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if "event" in line]


# The lines


def test_every_line_of_a_publish_says_what_it_belongs_to(published: list[dict[str, Any]]) -> None:
    lines = ours(published)
    assert {line["event"] for line in lines} == set(STEPS) - {"queue"}  # It is alone.
    (execution,) = {line["execution"] for line in lines}
    assert execution.startswith("arn:aws:states:")
    assert {line["suite"] for line in lines} == {"stable"}
    assert len({line["run"] for line in lines}) == 1
    assert all(line["requestId"] and line["level"] == "INFO" for line in lines)
    assert all(line["message"] == line["event"] for line in lines)


def test_a_line_of_the_set_up_has_no_run(runtime: LambdaRuntime) -> None:
    publish(runtime, {"suite": "stable"})
    lines = ours(runtime.lines())
    assert lines and all(line["execution"] and line["suite"] == "stable" for line in lines)
    assert not any("run" in line for line in lines)


def test_what_a_step_raises_is_told_with_its_execution_and_by_lambda_too(
    press: Press, runtime: LambdaRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_down(runtime, monkeypatch)
    execution = publish(runtime, press.upload("b1", debs(("foo", "1.0", "all"))))
    assert execution.status == "FAILED"
    wrong = [line for line in runtime.lines() if line.get("level") == "ERROR"]
    told = [line for line in wrong if line.get("event") == "failed"]
    lambdas = [line for line in wrong if "event" not in line]
    assert len(told) == len(lambdas) > 1  # Each try.
    for mine, its in zip(told, lambdas, strict=True):
        said = ("TransientError", "S3 did not answer")
        assert (mine["errorType"], mine["errorMessage"]) == said
        assert (its["errorType"], its["errorMessage"]) == said
        assert mine["requestId"] == its["requestId"]
        assert mine["stackTrace"] and mine["execution"] and mine["suite"] and mine["run"]


def break_down(runtime: LambdaRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    def environment() -> None:
        raise TransientError("S3 did not answer")

    monkeypatch.setattr(runtime.modules["merge"], "environment", environment)


def test_a_line_is_one_line_whatever_it_holds(runtime: LambdaRuntime) -> None:
    hostile = 'a\n{"event": "forged"}\r\x1b[31m\u2028\ud800'
    at = datetime(2026, 11, 23, tzinfo=UTC)
    with runtime.logging():
        log("rejected", file=hostile, within=[{hostile: (1, hostile)}], at=at, none=None)
    text = runtime.written.getvalue()
    assert text.count("\n") == 1 and text.strip().isprintable()
    line = json.loads(text)
    assert line["event"] == "rejected" and line["at"] == str(at) and "none" not in line
    assert line["file"] == repr(hostile)[1:-1]


def test_a_warm_function_keeps_nothing_of_the_call_before(runtime: LambdaRuntime) -> None:
    handle = logged(lambda _event, _context: log("said"))
    with runtime.logging():
        handle({"execution": "arn:1", "run": "r1", "suite": "stable"}, None)
        handle({"suite": "testing"}, None)
        log("outside")
    first, second, third = runtime.lines()
    assert (first["execution"], first["run"]) == ("arn:1", "r1")
    assert second["suite"] == "testing" and "execution" not in second and "run" not in second
    assert "suite" not in third


def test_the_sdk_s_lines_are_left_out(runtime: LambdaRuntime) -> None:
    with runtime.logging():
        logging.getLogger("botocore.credentials").info("Found credentials in the environment")
        logging.getLogger("botocore").warning("That matters")
    assert [line["message"] for line in runtime.lines()] == ["That matters"]


def test_the_log_costs_no_cold_start() -> None:
    """`logging` is loaded by the runtime, before any handler; nothing else comes with ours."""
    script = (
        "import sys, __future__, logging, contextvars, functools, typing, collections.abc; "
        "before = set(sys.modules); import debpress.adapters; before |= set(sys.modules); "
        "import debpress.adapters.logs; print(sorted(set(sys.modules) - before))"
    )
    library = str(ROOT / "layers/debpress/python")
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": library},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['debpress.adapters.logs']"


def test_every_function_writes_json_from_info_on() -> None:
    functions = synthesise().resources("AWS::Lambda::Function").values()
    for each in functions:
        wanted = {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
        assert wanted.items() <= each["LoggingConfig"].items()


# The runbook's queries


def test_what_a_query_finds_is_printed_by_name_and_value() -> None:
    """The shape is that of GetQueryResults (CloudWatch Logs API): a list of rows of fields."""
    [shown] = re.findall(r"get-query-results .* --query '(results[^']*)'", RUNBOOK)
    row = [{"field": "event", "value": "failed"}, {"field": "suite", "value": "stable"}]
    found = jmespath.search(shown, {"results": [row, row], "status": "Complete"})
    assert found == [[["event", "failed"], ["suite", "stable"]]] * 2


def test_every_query_of_the_runbook_finds_something(
    press: Press, runtime: LambdaRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the lines of a good publish, a rejected one and one that broke down."""
    publish(runtime, press.upload("b1", debs(("foo", "1.0", "all"))))
    assert publish(runtime, press.upload("b2", {"d_1_all.deb": b"none"})).status == "SUCCEEDED"
    break_down(runtime, monkeypatch)
    broken = publish(runtime, press.upload("b3", debs(("bar", "1.0", "all"))))
    lines = runtime.lines()
    request = next(line["requestId"] for line in lines if line.get("event") == "failed")
    arn = broken._execution["Id"]
    assert len(QUERIES) == RUNBOOK.count("```insights") > 3
    for query in QUERIES:
        asked = query.replace("EXECUTION", arn).replace("REQUEST", request)
        found = insights.run(asked, lines)
        assert found, query
        for row in found:
            # What the query names, and no line has, is a name that is written wrong.
            assert row, query
        names = {name for row in found for name in row}
        assert names == wanted(query), query


def wanted(query: str) -> set[str]:
    """The columns that a query asks for."""
    shown = re.search(r"^fields (.*)$", query, re.MULTILINE)
    if shown:
        return {each.strip() for each in shown[1].split(",")}
    stats = re.search(r"stats (.*) by (.*)$", query, re.MULTILINE)
    assert stats
    return {*re.findall(r" as (\w+)", stats[1]), *(each.strip() for each in stats[2].split(","))}


def test_a_failed_execution_s_lines_tell_its_story(
    press: Press, runtime: LambdaRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_down(runtime, monkeypatch)
    broken = publish(runtime, press.upload("b1", debs(("foo", "1.0", "all"))))
    query = next(each for each in QUERIES if "sort @timestamp asc" in each)
    found = insights.run(query.replace("EXECUTION", broken._execution["Id"]), runtime.lines())
    events = [row["event"] for row in found]
    assert events[:2] == ["open", "admit"]
    assert events[-1] == "finish" and set(events[2:-1]) == {"failed"}
    assert found[2]["errorMessage"] == "S3 did not answer"
    assert found[-1]["status"] == "failed"


@pytest.mark.parametrize(
    "query",
    [
        "parse @message /x/",
        "filter event is 'x'",
        "filter event = 'x' xor suite = 'y'",
        "sort event down",
        "stats avg(x) as y by z",
        "fields a b",
    ],
)
def test_a_query_that_is_not_understood_is_no_query(query: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        insights.run(query, [{"event": "x"}])
