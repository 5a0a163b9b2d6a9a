"""The workflow's definition: nothing dangles, nothing is uncaught, nothing grows; and what it does
when everything goes wrong.

The emulator that the system tests run it in lets pass what Step Functions refuses or limits, and
can't redrive (docs/emulator.md): so it is checked here, by the rules of the Amazon States Language,
and executed as AWS documents it (tests/support/state_machine.py).
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_type_hints

import pytest
from debpress.clock import iso
from debpress.codec import Record, decode, encode
from debpress.errors import TransientError
from debpress.layout import Batch
from debpress.records.batch import ManifestRef, Plan
from debpress.records.messages.admit import AdmitInput, AdmitOutput
from debpress.records.messages.commit import CommitInput, CommitOutput
from debpress.records.messages.finish import Ended, FinishInput, FinishOutput
from debpress.records.messages.merge import MergeInput, MergeOutput
from debpress.records.messages.open import OpenInput, OpenOutput
from debpress.records.messages.queue import QueueInput, QueueOutput
from debpress.records.messages.sign import SignInput, SignOutput
from debpress.records.messages.told import Told
from debpress.records.result import Result
from debpress.steps.open import _opened
from debpress.suite import snapshot
from debpress.suite.batch import share_out
from debpress.suite.runs import run_name
from hypothesis import given
from hypothesis import strategies as st

from stacks import machine
from stacks.functions import SIZES, STEPS
from tests.support.asl import endings, faults, longest, strings, tasks
from tests.support.press import Press, deb, debs
from tests.support.state_machine import Execution, Fault, Runtime, always
from tests.support.templates import ROOT, synthesise

MACHINE = machine.definition({name: size.seconds for name, size in SIZES.items()})
STATES: dict[str, dict[str, Any]] = MACHINE["States"]

# Step Functions quotas: a state's input or output in bytes, an execution's events.
PAYLOAD = 262_144
EVENTS = 25_000


FAILED = "threw an error: Debpress.Failed"


class TestTheDefinition:
    def test_it_is_sound(self) -> None:
        assert list(faults(MACHINE)) == []

    def test_the_template_has_it(self) -> None:
        deployed = synthesise().one("AWS::StepFunctions::StateMachine")
        assert json.loads(deployed["DefinitionString"]) == MACHINE
        assert set(deployed["DefinitionSubstitutions"]) == {*STEPS, "Partition"}
        assert deployed["StateMachineType"] == "STANDARD"
        assert deployed["TracingConfiguration"] == {"Enabled": True}
        assert deployed["LoggingConfiguration"]["Level"] == "ALL"
        # What was uploaded is called what its uploader liked: no data in the logs.
        assert not deployed["LoggingConfiguration"].get("IncludeExecutionData")

    def test_every_step_is_called_with_its_own_function(self) -> None:
        called = [state["Arguments"]["FunctionName"] for _, state in tasks(MACHINE)]
        assert sorted(called) == sorted(f"${{{step}}}" for step in STEPS)

    def test_a_step_may_take_longer_than_its_function_so_that_the_function_says_why(self) -> None:
        for name, state in tasks(MACHINE):
            assert SIZES[step_of(state)].seconds < state["TimeoutSeconds"], name

    def test_every_way_out_after_open_passes_finish(self) -> None:
        """But for a batch that was ignored, of which nobody waits for an answer; and for one that
        another execution has answered."""
        answered, again = STATES["Told"]["Choices"]
        assert (answered["Next"], again["Next"]) == ("Done", "Again")
        states = {**STATES, "Told": {**STATES["Told"], "Choices": [again]}}
        for name in STATES:
            if name not in {"Begin", "What started", "Open", "Opened", "Finish", "Finished"}:
                ends = endings(states, name, without="Finish")
                assert name == "Failed" or ends <= ({name} & {"Done"}), name

    def test_what_breaks_is_told_to_finish_as_failed(self) -> None:
        for name in ("Admit", "Queue", "Merge", "Sign", "Commit"):
            *untold, caught = STATES[name]["Catch"]
            assert [each["ErrorEquals"] for each in untold] == [["States.Timeout"]] * (
                name == "Queue"
            )
            assert caught["ErrorEquals"] == ["States.ALL"]
            assert caught["Next"] == "Broken"
            # Errors' causes may be long; their names are all that finish tells.
            assert caught["Assign"] == {"failure": {"Error": "{% $states.errorOutput.Error %}"}}
        assert STATES["Broken"]["Assign"]["outcome"] == "failed"
        assert STATES["Finish"]["Next"] == "Finished"

    def test_an_input_of_step_functions_own_is_not_taken_for_a_set_up(self) -> None:
        """EventBridge's events have no `suite` beside their detail."""
        (condition,) = STATES["What started"]["Choices"]
        assert condition["Condition"] == "{% $exists($states.input.suite) %}"


# What each step may answer, as docs/architecture.md has it, and what follows.
OUTCOMES = {
    "Opened": {"opened": "Admit", "rejected": "Rejected", "ignored": "Done"},
    "Told": {"answered": "Done", "again": "Again"},
    "Merged": {"merged": "Sign", "wait": "Queue", "done": "Published", "rejected": "Rejected"},
    "Committed": {"committed": "Published", "lost": "Wait"},
}


@pytest.mark.parametrize("choice", OUTCOMES)
def test_every_outcome_has_its_way(choice: str) -> None:
    (task,) = [name for name, state in STATES.items() if state.get("Next") == choice]
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {task.lower()} |")]
    documented = set(re.findall(r'"outcome": "(\w+)"', row.split("|")[-2]))
    assert documented == set(OUTCOMES[choice]) == outcomes_of(task.lower())
    named = {
        found[1]: each["Next"]
        for each in STATES[choice]["Choices"]
        if (found := re.fullmatch(r"\{% \$states\.input\.outcome = '(\w+)' %\}", each["Condition"]))
    }
    assert len(named) == len(STATES[choice]["Choices"]) and set(named) <= set(OUTCOMES[choice])
    for outcome, following in OUTCOMES[choice].items():
        assert named.get(outcome, STATES[choice]["Default"]) == following


# What each step is told and what it answers.
MESSAGES: dict[str, tuple[type[Record], type[Record]]] = {
    "open": (OpenInput, OpenOutput),
    "admit": (AdmitInput, AdmitOutput),
    "queue": (QueueInput, QueueOutput),
    "merge": (MergeInput, MergeOutput),
    "sign": (SignInput, SignOutput),
    "commit": (CommitInput, CommitOutput),
    "finish": (FinishInput, FinishOutput),
}


def outcomes_of(step: str) -> set[str]:
    """Of the step that waits, what another execution tells this one."""
    if step == "queue":
        return {str(each) for each in Told}
    return {str(each) for each in get_type_hints(MESSAGES[step][1])["outcome"]}


def names(message: type[Record]) -> set[str]:
    """What the JSON of a message with every field calls them."""
    known = (each.name for each in fields(message) if each.name != "unknown")
    values: dict[str, Any] = dict.fromkeys(known, "x")
    return set(encode(message(**values)))


def step_of(task: dict[str, Any]) -> str:
    return str(task["Arguments"]["FunctionName"]).strip("${}")


class TestMessages:
    def test_every_step_is_told_all_that_it_takes_and_nothing_else(self) -> None:
        assert set(MESSAGES) == set(STEPS)
        for name, state in tasks(MACHINE):
            taken, payload = names(MESSAGES[step_of(state)][0]), state["Arguments"]["Payload"]
            assert set(payload) == taken, name
        assert get_type_hints(OpenOutput)["chunks"] == tuple[AdmitInput, ...] | None

    def test_what_is_read_of_an_answer_is_there(self) -> None:
        """By the task itself, and by all that has its answer for an input: Choices, and the Map."""
        for name, state in tasks(MACHINE):
            answers = names(MESSAGES[step_of(state)][1])
            read = set(re.findall(r"\$states\.result\.Payload\.(\w+)", json.dumps(state)))
            assert read <= answers, name
            following = STATES.get(state.get("Next", ""), {})
            if following.get("Type") == "Choice":
                read = set(re.findall(r"\$states\.input\.(\w+)", json.dumps(following)))
                assert read and read <= answers, name
        assert STATES["Opened"]["Choices"][0]["Next"] == "Admit"
        assert STATES["Admit"]["Items"] == "{% $states.input.chunks %}"

    def test_an_execution_ends_in_every_way_that_finish_knows_and_in_no_other(self) -> None:
        ends = [state["Assign"] for state in STATES.values() if state.get("Next") == "Finish"]
        assert {assigned["outcome"] for assigned in ends} == {str(each) for each in Ended}
        (asked,) = re.findall(r"\$outcome = '(\w+)'", json.dumps(STATES["Finished"]["Choices"]))
        assert asked in set(Ended)


class TestExpressions:
    functions = frozenset({"exists", "sum", "error"})

    def test_they_are_well_formed(self) -> None:
        assert MACHINE["QueryLanguage"] == "JSONata"
        found = [text for text in strings(MACHINE) if "{%" in text or "%}" in text]
        assert found
        assigned = {name for state in STATES.values() for name in state.get("Assign", {})}
        # A variable of a function's name would hide it.
        assert not assigned & self.functions
        for text in found:
            # AWS takes a string for an expression only where it begins and ends as one.
            assert re.fullmatch(r"\{% [^{}%]+ %\}", text), text
            for opening_, closing in ("()", "[]"):
                assert text.count(opening_) == text.count(closing)
            assert text.count("'") % 2 == 0 and '"' not in text
            names = set(re.findall(r"\$(\w+)", text))
            assert names <= assigned | {"states"} | self.functions, text
            # A field of a caught error or a result is where it may be.
            for field in re.findall(r"\$states\.(\w+)", text):
                assert field in ("input", "result", "errorOutput", "context")

    def test_conditions_are_comparisons(self) -> None:
        """AWS fails an execution whose Condition is no boolean."""
        for state in STATES.values():
            for choice in state.get("Choices", ()):
                assert re.search(r" (=|!=|<|>) |^\{% \$exists\(\S+\) %\}$", choice["Condition"])

    def test_every_variable_is_there_before_it_is_read(self) -> None:
        """AWS fails an execution that reads one that was never assigned."""

        def walk(name: str, known: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> None:
            if (name, known) in seen:
                return
            seen.add((name, known))
            state = STATES[name]
            reads = {
                variable
                for text in strings({k: v for k, v in state.items() if k != "Catch"})
                for variable in re.findall(r"\$(\w+)", text)
            } - ({"states"} | self.functions)
            assert reads <= known, (name, reads - known)
            for each in state.get("Catch", ()):
                walk(each["Next"], known | set(each.get("Assign", {})), seen)
            after = known | set(state.get("Assign", {}))
            for each in state.get("Choices", ()):
                walk(each["Next"], after, seen)
            for key in ("Next", "Default"):
                if key in state:
                    walk(state[key], after, seen)

        walk(MACHINE["StartAt"], frozenset(), set())


def backing_off(state: dict[str, Any]) -> list[dict[str, Any]]:
    """What is tried again: a wait that is over is not."""
    return [retry for retry in state["Retry"] if retry["MaxAttempts"]]


class TestRetries:
    def test_every_one_backs_off_with_jitter_and_ends_within_minutes(self) -> None:
        for name, state in tasks(MACHINE):
            assert state["Retry"][-1]["ErrorEquals"] == ["States.ALL"], name
            for retry in backing_off(state):
                assert retry["JitterStrategy"] == "FULL" and retry["BackoffRate"] >= 2, name
                assert longest(retry) <= 15 * 60, name
            assert longest(state["Retry"][-1]) <= 60, name

    def test_a_call_that_is_throttled_waits_for_minutes(self) -> None:
        """A new account makes ten calls at once, and Map asks for four times as many."""
        for _, task in tasks(MACHINE):
            (throttled,) = [
                r for r in task["Retry"] if "Lambda.TooManyRequestsException" in r["ErrorEquals"]
            ]
            assert longest(throttled) / 2 > 6 * 60


class TestQuotas:
    """An execution that meets one of them ends with nobody told."""

    sizes = (
        [1] * 20_000,
        [10_000] * 100_000,
        [3 * 10**8] * 5_000,
        [3 * 10**8] * 100_000,
        [5 * 10**9] * 500,
    )

    @pytest.mark.parametrize("sizes", sizes, ids=lambda sizes: f"{len(sizes)}x{sizes[0]}")
    def test_the_state_stays_small_whatever_the_batch(self, sizes: list[int]) -> None:
        batch = Batch("s" * 60, "c" * 60, "b" * 128)
        identity = ManifestRef(f"{batch.staging}manifest.json", "0" * 32, "v" * 32)
        run = run_name(batch, identity)
        plan = Plan(*(run, batch, identity, "", "", None), chunks=share_out(sizes, WHOLE))
        assert plan.chunks[-1][1] == len(sizes)
        assert len(json.dumps(encode(_opened(plan)))) < PAYLOAD / 2

    @given(st.lists(st.sampled_from([1, 10**6, 10**8, 3 * 10**8, 5 * 10**9]), max_size=5000))
    def test_chunks_are_bound_in_number(self, sizes: list[int]) -> None:
        chunks = share_out(sizes, WHOLE)
        assert [*itertools.chain(*(range(*chunk) for chunk in chunks))] == [*range(len(sizes))]
        assert len(chunks) <= MOST_CHUNKS

    def test_a_hundred_small_files_share_a_call_and_what_takes_long_does_not(self) -> None:
        assert share_out([30_000] * 100, WHOLE) == ((0, 100),)
        assert share_out([250 * 10**6] * 5, WHOLE) == ((0, 3), (3, 5))
        assert share_out([30 * 10**6] * 7, WHOLE) == ((0, 6), (6, 7))

    def test_the_events_suffice_when_everything_is_throttled_to_the_last(self) -> None:
        """As many chunks as may be, each of them tried as often as may be; then a race lost again
        and again, its steps tried as often; until the batch is given up and that is said."""
        for each_step in (True, False):
            says = outcomes(chunks=MOST_CHUNKS)
            functions = {
                name: fails_as_often_as_may_be(function)
                if each_step or name == "admit"
                else function
                for name, function in says.items()
            }
            execution = Execution(MACHINE, Runtime(functions), {"detail": {}}).run()
            assert execution.status == "FAILED" and FAILED in execution.cause
            assert execution.entered[-3:] == ["Finish", "Finished", "Failed"]
            assert EVENTS / 4 < execution.events < EVENTS * 0.9, execution.events

    def test_a_race_that_is_lost_for_ever_is_given_up(self) -> None:
        execution = Execution(MACHINE, Runtime(outcomes(chunks=1)), {"detail": {}}).run()
        assert execution.entered.count("Merge") == machine.MOST_ROUNDS
        assert execution.error == "States.QueryEvaluationError"


# A hundred, of which each two have more work than is meant for one; and the last.
MOST_CHUNKS = 101
# Bytes, as `inspect_bytes`.
WHOLE = 32 * 10**6


def outcomes(chunks: int) -> dict[str, Callable[[dict[str, Any]], Any]]:
    """Steps that lose every race."""
    where = {"suite": "stable", "run": "it"}
    listed = [{**where, "chunk": n} for n in range(chunks)]
    said = {
        "open": {"outcome": "opened", **where, "chunks": listed},
        "admit": {},
        "queue": {"outcome": "queued"},
        "merge": {"outcome": "merged", **where, "generation": "1"},
        "sign": {"outcome": "signed"},
        "commit": {"outcome": "lost"},
        "finish": {"status": "failed"},
    }
    return {name: always(answer) for name, answer in said.items()}


def fails_as_often_as_may_be(
    function: Callable[[dict[str, Any]], Any],
) -> Callable[[dict[str, Any]], Any]:
    """Each call works at the very last try."""
    (retries,) = {json.dumps(backing_off(state)) for _, state in tasks(MACHINE)}
    errors = [e["ErrorEquals"][0] for e in json.loads(retries) for _ in range(e["MaxAttempts"])]
    assert len(errors) == 30
    turns = itertools.cycle([*errors, None])

    def call(payload: dict[str, Any]) -> Any:
        if error := next(turns):
            raise Fault(error, "as the test asked")
        return function(payload)

    return call


def test_what_open_returns_is_what_the_above_counts(press: Press) -> None:
    event = press.upload("batch", debs(("foo", "1.0", "all")))
    execution = press.start(event)
    assert execution.advance()
    opened = execution.answer
    assert set(opened) == {"outcome", "suite", "run", "chunks"}
    assert all(set(chunk) == {"suite", "run", "chunk"} for chunk in opened["chunks"])
    assert len(opened["run"]) <= 100


class Machine:
    """The definition over a press's steps, with its own Retry; `broken` names those that raise."""

    def __init__(self, press: Press) -> None:
        self.press = press
        self.broken: set[str] = set()
        self.functions = press.functions()

    def start(self, given: Any, definition: dict[str, Any] = MACHINE) -> Execution:
        functions = {name: self._function(name) for name in STEPS}
        return Execution(definition, Runtime(functions, sleep=self.press.clock.sleep), given).run()

    def _function(self, name: str) -> Callable[[dict[str, Any]], Any]:
        def call(payload: dict[str, Any]) -> Any:
            if name in self.broken:
                raise TransientError("as the test asked")
            assert (payload["execution"].startswith("arn:") and "run" in payload) or name == "open"
            return self.functions[name](payload)

        return call


@pytest.fixture
def running(press: Press) -> Machine:
    return Machine(press)


FOO = {"foo_1.0_all.deb": deb("foo")}


class TestRedrive:
    """A failed execution goes on from its last state (Step Functions guide, "Redrive behavior of
    individual states"), which is one that leads back to the beginning."""

    @pytest.mark.parametrize("step", ["open", "admit", "merge", "sign", "commit"])
    def test_what_had_failed_is_published_when_the_reason_is_gone(
        self, running: Machine, step: str
    ) -> None:
        press = running.press
        running.broken = {step}
        execution = running.start(press.upload("b1", FOO))
        assert execution.status == "FAILED"
        before = press.release()
        if step != "open":
            assert press.result("b1")["status"] == "failed"
            assert "threw an error: Debpress.Failed: a step failed after" in execution.cause
        execution.redrive()
        assert execution.status == "FAILED" and press.release() == before  # The reason is not gone.
        running.broken = set()
        press.clock.sleep(3 * 24 * 3600)
        execution.redrive()
        assert execution.status == "SUCCEEDED"
        result = press.result("b1")
        assert (result["status"], result["errors"]) == ("published", [])
        assert {i.package for i in press.packages()} == {"foo"}
        assert not press.store.keys("state/stable/queue/")

    def test_one_whose_answer_could_not_be_given_gives_it(self, running: Machine) -> None:
        running.broken = {"finish"}
        execution = running.start(running.press.upload("b1", FOO))
        assert (execution.status, execution.error) == ("FAILED", "TransientError")
        running.broken = set()
        assert execution.redrive().status == "SUCCEEDED"
        assert execution.entered.count("Merge") == 1
        assert running.press.result("b1")["status"] == "published"

    def test_one_that_could_not_even_say_that_it_failed_is_done_again(
        self, running: Machine
    ) -> None:
        running.broken = {"sign", "finish"}
        execution = running.start(running.press.upload("b1", FOO))
        running.broken = set()
        assert execution.redrive().status == "SUCCEEDED"
        assert running.press.result("b1")["status"] == "published"

    def test_a_batch_that_is_published_meanwhile_is_left_as_it_is(self, running: Machine) -> None:
        """By somebody who uploaded the manifest again; the older one's redrive answers nothing."""
        press = running.press
        running.broken = {"commit"}
        execution = running.start(press.upload("b1", FOO))
        running.broken = set()
        newer = press.upload("b1", {"bar_1.0_all.deb": deb("bar")})
        assert press.publish(newer) == "published"
        result, release = press.result("b1"), press.release()
        assert execution.redrive().status == "SUCCEEDED"
        assert (press.result("b1"), press.release()) == (result, release)

    def test_a_newer_manifest_is_answered_by_its_own_execution(self, running: Machine) -> None:
        """It comes when the redriven one is on its way already."""
        press = running.press
        running.broken = {"commit"}
        execution = running.start(press.upload("b1", FOO))
        running.broken = {"finish"}
        assert execution.redrive().error == "TransientError"
        newer = press.upload("b1", {"bar_1.0_all.deb": deb("bar")})
        assert press.publish(newer) == "published"
        result = press.result("b1")
        running.broken = set()
        assert execution.redrive().status == "SUCCEEDED"
        assert press.result("b1") == result
        assert {i.package for i in press.packages()} == {"foo", "bar"}

    def test_what_was_removed_since_it_was_published_does_not_come_back(
        self, running: Machine
    ) -> None:
        """Its commit flipped, but nothing more of it worked; then an operator removed it."""
        press = running.press
        commit = running.functions["commit"]

        def flips(payload: dict[str, Any]) -> Any:
            commit(payload)
            raise TransientError("as the test asked")

        running.functions["commit"] = flips
        running.broken = {"finish"}
        execution = running.start(press.upload("b1", FOO))
        assert {i.package for i in press.packages()} == {"foo"}
        press.clock.sleep(10)
        remove = {"op": "remove", "packages": ["foo"]}
        assert press.publish(press.operate("o1", remove)) == "published"
        running.broken, running.functions["commit"] = set(), commit
        assert execution.redrive().status == "SUCCEEDED"
        assert press.packages() == set()
        assert press.result("b1")["status"] == "published"

    def test_a_set_up_too(self, running: Machine) -> None:
        running.broken = {"sign"}
        execution = running.start({"suite": "stable"})
        assert execution.status == "FAILED" and FAILED in execution.cause
        running.broken = set()
        before = running.press.release()
        assert execution.redrive().status == "SUCCEEDED"
        assert running.press.release().date > before.date

    def test_without_a_way_back_a_redrive_is_of_no_use(self, running: Machine) -> None:
        """The guard: a Fail state fails again, whatever the reason was."""
        definition = copy.deepcopy(MACHINE)
        definition["States"]["Failed"] = {"Type": "Fail", "Error": "Debpress.Failed", "Cause": ""}
        running.broken = {"sign"}
        execution = running.start(running.press.upload("b1", FOO), definition)
        running.broken = set()
        assert execution.redrive().status == "FAILED"

    def test_a_heartbeat_is_one_again(self, running: Machine) -> None:
        press = running.press
        press.configure(valid_for=9)
        press.set_up()
        held = press.release()
        assert running.start({"suite": "stable", "heartbeat": True}).status == "SUCCEEDED"
        assert press.release() == held
        press.clock.sleep(4 * 86400)
        running.broken = {"sign"}
        execution = running.start({"suite": "stable", "heartbeat": True})
        assert execution.status == "FAILED"
        running.broken = set()
        assert execution.redrive().status == "SUCCEEDED"
        assert press.release().date > held.date

    def test_a_snapshot_s_signature_and_commit_are_of_its_own_path(self, running: Machine) -> None:
        press = running.press
        assert running.start(press.upload("b1", FOO)).status == "SUCCEEDED"
        before = press.release()
        execution = running.start(press.operate("s1", {"op": "snapshot"}))
        assert execution.status == "SUCCEEDED" and "Sign" in execution.entered
        assert press.result("s1")["status"] == "published"
        path = snapshot.of_result(decode(Result, press.result("s1")))
        assert press.packages(suite=path) == press.packages()
        assert press.release() == before

    def test_the_workflow_reads_what_it_was_started_at(self, running: Machine) -> None:
        event = running.press.upload("b1", FOO)
        assert running.start(event).status == "SUCCEEDED"
        result = running.press.result("b1")
        assert result["execution"].startswith("arn:") and result["started_at"].startswith("2026")
        assert result["finished_at"] <= iso(running.press.clock.now())


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
