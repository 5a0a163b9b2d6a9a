"""The workflow's definition: nothing dangles, nothing is uncaught, nothing grows.

The emulator that the system tests run it in lets pass what Step Functions refuses or limits
(docs/emulator.md): so it is checked here, by the rules of the Amazon States Language.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from debpress.publish.opening import share_out

from stacks import machine
from stacks.functions import SIZES, STEPS
from tests.support.press import Press, debs

MACHINE = machine.definition({name: size.seconds for name, size in SIZES.items()})

# Where nothing is left to do but fail: nobody can be answered before there is a run, nor after
# the step that answers. A Map catches what its own states do not.
UNCAUGHT = {"Open", "Finish", "Admit packages"}

# Step Functions quotas: a state's input or output in bytes, an execution's events.
PAYLOAD = 262_144
EVENTS = 25_000


def test_the_machine_is_sound() -> None:
    assert list(faults(MACHINE)) == []


def test_every_step_is_called_with_its_own_function() -> None:
    called = [state["Arguments"]["FunctionName"] for _, state in tasks(MACHINE)]
    assert sorted(called) == sorted(f"${{{step}}}" for step in STEPS)


def test_a_step_may_take_longer_than_its_function_so_that_the_function_says_why() -> None:
    for name, state in tasks(MACHINE):
        step = state["Arguments"]["FunctionName"].strip("${}")
        assert SIZES[step].seconds < state["TimeoutSeconds"], name


def test_every_retry_backs_off_with_jitter_and_ends_within_minutes() -> None:
    for name, state in tasks(MACHINE):
        assert state["Retry"][-1]["ErrorEquals"] == ["States.ALL"], name
        for retry in state["Retry"]:
            assert retry["JitterStrategy"] == "FULL" and retry["BackoffRate"] >= 2, name
            assert longest(retry) <= 15 * 60, name
        assert longest(state["Retry"][-1]) <= 60, name


def test_every_way_out_after_open_passes_finish() -> None:
    """But for a batch that was ignored: of that, nobody waits for an answer."""
    states = MACHINE["States"]
    for name in states:
        if name not in {"Begin", "What started", "Open", "Opened", "Finish", "Finished"}:
            ends = endings(states, name, without="Finish")
            assert ends <= ({name} & {"Done", "Failed"}), name


def test_what_breaks_is_told_to_finish_as_failed() -> None:
    states = MACHINE["States"]
    for name, state in states.items():
        for catcher in state.get("Catch", ()):
            assert states[catcher["Next"]]["Assign"] == {"outcome": "failed"}, name


def test_a_race_is_given_up_before_the_events_run_out() -> None:
    """A round is a merge, a signature, a commit and the states between: entered and exited, and
    five events for each call."""
    a_round = 3 * (2 + 5) + 5 * 2
    chunks = len(share_out([10**7] * 20_000))
    an_iteration = 3 + 2 + 5
    a_retry = 4
    spent = machine.MOST_ROUNDS * a_round + chunks * (an_iteration + 2 * a_retry)
    assert spent < EVENTS * 0.8


@pytest.mark.parametrize("sizes", [[1] * 20_000, [5 * 10**9] * 500, [3 * 10**8] * 5_000])
def test_the_state_stays_small_whatever_the_batch(sizes: list[int]) -> None:
    suite, run = "s" * 100, "r" * 100
    chunks = [{"suite": suite, "run": run, "chunk": n} for n in range(len(share_out(sizes)))]
    opened = {"outcome": "opened", "suite": suite, "run": run, "chunks": chunks}
    assert len(json.dumps(opened)) < PAYLOAD / 2


def test_what_open_returns_is_what_the_above_counts(press: Press) -> None:
    from debpress.publish.opening import Upload, open_batch

    event = press.upload("batch", debs(("foo", "1.0", "all")))
    opened = open_batch(
        press.store, press.repository, press.clock, Upload.of_event(event), "arn", "2026"
    )
    assert set(opened) == {"outcome", "suite", "run", "chunks"}
    assert all(set(chunk) == {"suite", "run", "chunk"} for chunk in opened["chunks"])
    assert len(opened["run"]) <= 100


def test_an_input_of_step_functions_own_is_not_taken_for_a_set_up() -> None:
    """EventBridge's events have no `suite` beside their detail."""
    (condition,) = MACHINE["States"]["What started"]["Choices"]
    assert condition["Condition"] == "{% $exists($states.input.suite) %}"


# The linter finds what it is there for


def _dangling(broken: dict[str, Any]) -> None:
    broken["States"]["Queue"]["Next"] = "Nowhere"


def _unreached(broken: dict[str, Any]) -> None:
    broken["States"]["Island"] = {"Type": "Succeed"}


def _unretried(broken: dict[str, Any]) -> None:
    del broken["States"]["Merge"]["Retry"]


def _uncaught(broken: dict[str, Any]) -> None:
    del broken["States"]["Sign"]["Catch"]


def _endless(broken: dict[str, Any]) -> None:
    del broken["States"]["Queue"]["Next"]


def _two_ends(broken: dict[str, Any]) -> None:
    broken["States"]["Queue"]["End"] = True


def _undecided(broken: dict[str, Any]) -> None:
    del broken["States"]["Merged"]["Default"]


def _unassigned(broken: dict[str, Any]) -> None:
    broken["States"]["Sign"]["Arguments"]["Payload"]["suite"] = "{% $siute %}"


def _json_path(broken: dict[str, Any]) -> None:
    broken["States"]["Queue"]["ResultPath"] = "$.x"


def _inside(broken: dict[str, Any]) -> None:
    broken["States"]["Admit"]["ItemProcessor"]["States"]["Admit packages"]["Next"] = "Queue"


@pytest.mark.parametrize(
    "spoil",
    [
        _dangling,
        _unreached,
        _unretried,
        _uncaught,
        _endless,
        _two_ends,
        _undecided,
        _unassigned,
        _json_path,
        _inside,
    ],
)
def test_a_broken_machine_is_noticed(spoil: Callable[[dict[str, Any]], None]) -> None:
    broken = copy.deepcopy(MACHINE)
    spoil(broken)
    assert list(faults(broken))


# The linter

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
            if "Default" not in state:
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


def longest(retry: dict[str, Any]) -> float:
    """The seconds that a retry's waits may add up to."""
    waits = (
        retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"])
    )
    return sum(min(wait, retry["MaxDelaySeconds"]) for wait in waits)


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
