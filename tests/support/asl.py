"""A linter of the Amazon States Language, for what the emulator lets pass and AWS does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# Where nothing is left to do but fail: nobody can be answered before there is a run, nor after
# the step that answers. A Map catches what its own states do not.
UNCAUGHT = {"Open", "Finish", "Admit packages"}

# Fails where it has no way to go, which it is there for.
UNDECIDED = {"Failed"}

_ENDS = {"Succeed", "Fail"}
_PATHS = {"InputPath", "OutputPath", "ResultPath", "ResultSelector", "Parameters", "ItemsPath"}
_VARIABLE = re.compile(r"\$([a-z]\w*)(?![\w(])")
_RESERVED = {"states"}


def faults(definition: dict[str, Any]) -> Iterator[str]:
    """What is wrong, a sentence each."""
    assigned = {name for _, state in every(definition) for name in state.get("Assign", {})}
    for name, state in every(definition):
        text = json.dumps({key: value for key, value in state.items() if key != "ItemProcessor"})
        used = {v for part in re.findall(r"\{%(.*?)%\}", text) for v in _VARIABLE.findall(part)}
        for variable in used - assigned - _RESERVED:
            yield f"{name}: ${variable} is never assigned"
        for field in _PATHS & set(state):
            yield f"{name}: {field} is JSONPath's, the machine is JSONata's"
        if state["Type"] == "Task":
            yield from _unsafe(name, state)
        if state["Type"] == "Map" and not _catches(state):
            yield f"{name}: what breaks in it is not caught"
    for scope in scopes(definition):
        yield from _ways(scope)


def _unsafe(name: str, state: dict[str, Any]) -> Iterator[str]:
    if not any("States.ALL" in retry["ErrorEquals"] for retry in state.get("Retry", ())):
        yield f"{name}: is not retried whatever is raised"
    if not _catches(state) and name not in UNCAUGHT:
        yield f"{name}: what is raised is not caught"
    if "TimeoutSeconds" not in state:
        yield f"{name}: may take for ever"


def _catches(state: dict[str, Any]) -> bool:
    return any("States.ALL" in catcher["ErrorEquals"] for catcher in state.get("Catch", ()))


def _ways(scope: dict[str, Any]) -> Iterator[str]:
    states = scope["States"]
    for name, state in states.items():
        for target in targets(state):
            if target not in states:
                yield f"{name}: goes to {target}, which is not there"
        if state["Type"] == "Choice":
            if "Default" not in state and name not in UNDECIDED:
                yield f"{name}: is undecided where no choice holds"
        elif state["Type"] not in _ENDS and ("Next" in state) == bool(state.get("End")):
            yield f"{name}: has to have one of Next and End"
    seen, left = set(), [scope["StartAt"]]
    while left:
        name = left.pop()
        if name in states and name not in seen:
            seen.add(name)
            left += targets(states[name])
    for name in set(states) - seen:
        yield f"{name}: is never reached"


def targets(state: dict[str, Any]) -> list[str]:
    ways = [state, *state.get("Choices", ()), *state.get("Catch", ())]
    found = [way[key] for way in ways for key in ("Next", "Default") if key in way]
    return [str(each) for each in found]


def scopes(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield definition
    for state in definition["States"].values():
        if "ItemProcessor" in state:
            yield from scopes(state["ItemProcessor"])


def every(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for scope in scopes(definition):
        yield from scope["States"].items()


def tasks(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, state) for name, state in every(definition) if state["Type"] == "Task")


def strings(value: Any) -> Iterator[str]:
    """All the texts in a definition, or in a part of one."""
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from strings(each)
        case list():
            for each in value:
                yield from strings(each)


def longest(retry: dict[str, Any]) -> float:
    """The seconds that a retry's waits may add up to."""
    waits = (
        retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"])
    )
    return float(sum(min(wait, retry["MaxDelaySeconds"]) for wait in waits))


def endings(states: dict[str, Any], start: str, *, without: str) -> set[str]:
    """The ends that can be reached from a state without passing another."""
    seen: set[str] = set()
    left = [start]
    while left:
        name = left.pop()
        if name not in seen and name != without:
            seen.add(name)
            left += targets(states[name])
    return {name for name in seen if states[name]["Type"] in _ENDS}
