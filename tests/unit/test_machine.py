"""The workflow's expressions and its agreement with the page that describes it.

test_stacks_machine.py lints its states.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from debpress.layout import Batch
from debpress.publish import opening
from debpress.publish.notes import Manifest, Plan

from stacks import machine
from stacks.functions import SIZES, STEPS
from tests.support.templates import ROOT, synthesise

States = dict[str, dict[str, Any]]
# Step Functions: "Quotas related to task executions".
MOST_BYTES = 262_144
MOST_EVENTS = 25_000


@pytest.fixture(scope="module")
def definition() -> dict[str, Any]:
    return machine.definition({name: size.seconds for name, size in SIZES.items()})


def scopes(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The machine itself, and each machine in it."""
    yield definition
    for state in definition["States"].values():
        if "ItemProcessor" in state:
            yield from scopes(state["ItemProcessor"])


def tasks(definition: dict[str, Any]) -> States:
    return {
        name: state
        for scope in scopes(definition)
        for name, state in scope["States"].items()
        if state["Type"] == "Task"
    }


def test_a_call_that_is_throttled_waits_for_minutes(definition: dict[str, Any]) -> None:
    # A new account makes ten calls at once, and Map asks for four times as many.
    for task in tasks(definition).values():
        (throttled,) = [
            r for r in task["Retry"] if "Lambda.TooManyRequestsException" in r["ErrorEquals"]
        ]
        waits = [
            min(throttled["IntervalSeconds"] * throttled["BackoffRate"] ** n, 30)
            for n in range(throttled["MaxAttempts"])
        ]
        assert sum(waits) / 2 > 6 * 60


def test_what_fails_once_a_run_is_known_is_finished_as_failed(definition: dict[str, Any]) -> None:
    states = definition["States"]
    for name in ("Admit", "Queue", "Merge", "Sign", "Commit"):
        (caught,) = states[name]["Catch"]
        assert caught["ErrorEquals"] == ["States.ALL"]
        assert caught["Next"] == "Broken"
        # Errors' causes may be long; their names are all that finish tells.
        assert caught["Assign"] == {"error": {"Error": "{% $states.errorOutput.Error %}"}}
    assert states["Broken"]["Assign"] == {"outcome": "failed"}
    assert states["Finish"]["Next"] == "Finished"


# What each step may answer, as docs/architecture.md has it, and what follows.
OUTCOMES = {
    "Opened": {"opened": "Admit", "rejected": "Rejected", "ignored": "Done"},
    "Queued": {"queued": "Merge", "rejected": "Rejected"},
    "Merged": {"merged": "Sign", "wait": "Wait", "done": "Published", "rejected": "Rejected"},
    "Committed": {"committed": "Published", "lost": "Wait"},
}


@pytest.mark.parametrize("choice", OUTCOMES)
def test_every_outcome_has_its_way(definition: dict[str, Any], choice: str) -> None:
    states = definition["States"]
    (task,) = [name for name, state in states.items() if state.get("Next") == choice]
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {task.lower()} |")]
    documented = set(re.findall(r'"outcome": "(\w+)"', row.split("|")[-2]))
    assert documented == set(OUTCOMES[choice])
    named = {
        found[1]: each["Next"]
        for each in states[choice]["Choices"]
        if (found := re.fullmatch(r"\{% \$states\.input\.outcome = '(\w+)' %\}", each["Condition"]))
    }
    assert len(named) == len(states[choice]["Choices"])
    for outcome, following in OUTCOMES[choice].items():
        assert named.get(outcome, states[choice]["Default"]) == following


def strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from strings(each)
        case list():
            for each in value:
                yield from strings(each)


def test_expressions_are_well_formed(definition: dict[str, Any]) -> None:
    assert definition["QueryLanguage"] == "JSONata"
    found = [text for text in strings(definition) if "{%" in text or "%}" in text]
    assert found
    assigned = {name for state in definition["States"].values() for name in state.get("Assign", {})}
    for text in found:
        # AWS takes a string for an expression only where it begins and ends as one.
        assert re.fullmatch(r"\{% [^{}%]+ %\}", text), text
        for opening_, closing in ("()", "[]"):
            assert text.count(opening_) == text.count(closing)
        assert text.count("'") % 2 == 0 and '"' not in text
        names = set(re.findall(r"\$(\w+)", text))
        assert names <= assigned | {"states", "exists"}, text
        # A field of a caught error or a result is where it may be.
        for field in re.findall(r"\$states\.(\w+)", text):
            assert field in ("input", "result", "errorOutput", "context")


def test_conditions_are_comparisons(definition: dict[str, Any]) -> None:
    # AWS fails an execution whose Condition is no boolean.
    for state in definition["States"].values():
        for choice in state.get("Choices", ()):
            assert re.search(r"(=|!=|<|\$exists\(.*\)) ?", choice["Condition"])


def test_every_variable_is_there_before_it_is_read(definition: dict[str, Any]) -> None:
    # AWS fails an execution that reads one that was never assigned.
    states = definition["States"]

    def walk(name: str, known: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> None:
        if (name, known) in seen:
            return
        seen.add((name, known))
        state = states[name]
        reads = {
            variable
            for text in strings({k: v for k, v in state.items() if k != "Catch"})
            for variable in re.findall(r"\$(\w+)", text)
        } - {"states", "exists"}
        assert reads <= known, (name, reads - known)
        for each in state.get("Catch", ()):
            walk(each["Next"], known | set(each.get("Assign", {})), seen)
        after = known | set(state.get("Assign", {}))
        for each in state.get("Choices", ()):
            walk(each["Next"], after, seen)
        for key in ("Next", "Default"):
            if key in state:
                walk(state[key], after, seen)

    walk(definition["StartAt"], frozenset(), set())


def test_100_000_files_fit_the_state_and_the_history() -> None:
    batch = Batch("s" * 60, "c" * 60, "b" * 128)
    identity = Manifest(f"{batch.staging}manifest.json", "0" * 32, "v" * 32)
    run = opening.run_name(batch, identity)
    for sizes in ([10_000] * 100_000, [300 * 10**6] * 100_000, [5 * 10**9] * 100_000):
        plan = Plan(*(run, batch, identity, "", "", None), chunks=opening.share_out(sizes))
        opened = opening._opened(plan)
        assert plan.chunks[-1][1] == len(sizes)
        assert len(json.dumps(opened)) < MOST_BYTES / 2
        # An iteration takes some ten events, and half as many again when calls are throttled.
        assert len(plan.chunks) * 15 < MOST_EVENTS / 2


def test_the_template_has_this_machine(definition: dict[str, Any]) -> None:
    deployed = synthesise().one("AWS::StepFunctions::StateMachine")
    assert json.loads(deployed["DefinitionString"]) == definition
    assert set(deployed["DefinitionSubstitutions"]) == set(STEPS)
    assert deployed["StateMachineType"] == "STANDARD"
    assert deployed["TracingConfiguration"] == {"Enabled": True}
    assert deployed["LoggingConfiguration"]["Level"] == "ALL"
    # What was uploaded is called what its uploader liked: no data in the logs.
    assert not deployed["LoggingConfiguration"].get("IncludeExecutionData")
