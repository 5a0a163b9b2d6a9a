"""The executor, and that the press in memory goes by the definition that is deployed, no other."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from debpress.errors import TransientError
from hypothesis import given
from hypothesis import strategies as st
from jsonata.jexception import JException

from stacks import machine
from stacks.functions import SIZES
from tests.support import expressions
from tests.support.asl import strings, targets, tasks
from tests.support.press import DEFINITION, STEPS, Broken, Press, deb, debs
from tests.support.scenes import fresh
from tests.support.state_machine import Execution, Fault, Runtime, always
from tests.unit.test_joint import both

MACHINE = machine.definition({name: size.seconds for name, size in SIZES.items()})
FOO = {"foo_1.0_all.deb": deb("foo")}


def without_timeouts(definition: dict[str, Any]) -> dict[str, Any]:
    bare = copy.deepcopy(definition)
    for _, state in tasks(bare):
        del state["TimeoutSeconds"]
    return bare


class TestThePressGoesByTheDefinition:
    def test_which_is_the_deployed_one(self) -> None:
        assert without_timeouts(DEFINITION) == without_timeouts(MACHINE)
        assert sorted(STEPS) == sorted(
            state["Arguments"]["FunctionName"].strip("${}") for _, state in tasks(MACHINE)
        )

    def test_another_definition_makes_another_workflow(self, press: Press) -> None:
        """So none of it is told a second time."""
        changed = copy.deepcopy(DEFINITION)
        changed["States"]["Admit"]["Next"] = "Rejected"
        press.definition = changed
        execution = press.start(press.upload("b1", FOO))
        assert [*press.go_on(execution)][-1] != "published"
        assert "Merge" not in execution.entered and press.packages() == set()

    def test_there_is_no_way_in_it_that_a_press_does_not_go(self, press: Press) -> None:
        where = both()
        executions, joint = kept(press), kept(where.press)
        play(press)
        assert where.press.publish(where.joint(fresh("it"))) == "published"
        taken = {way for each in executions + joint for way in itertools.pairwise(each.entered)}
        known = {("Admit packages" if a == "Admit" else a, b) for a, b in ways(DEFINITION)}
        # An answer that no step gives, and the two hundredth round: test_machine has it.
        never = {(state, "Broken") for state in ("Told", "Merged", "Committed", "Again")}
        assert known - taken == never


def kept(press: Press) -> list[Execution]:
    """The executions that the press will start."""
    executions: list[Execution] = []
    start = press.start

    def keeping(started: Any) -> Execution:
        executions.append(start(started))
        return executions[-1]

    press.start = keeping  # type: ignore[method-assign]
    return executions


def play(press: Press) -> None:
    """All that may happen to a batch, and to a set-up."""
    event = press.upload("b1", FOO)
    assert press.publish(event) == "published"
    assert press.publish(event) is None  # ignored: it was answered
    assert press.publish(press.upload("b2", FOO)) == "published"  # which changes nothing
    assert press.publish(press.upload("b3", FOO, manifest={"version": 9})) == "rejected"
    assert press.publish(press.upload("b4", {"a_1_all.deb": b"no package"})) == "rejected"
    other = {"foo_1.0_all.deb": deb("foo", note="other")}
    assert press.publish(press.upload("b5", other)) == "rejected"
    race = [press.steps(press.upload(n, debs((n, "1", "all")))) for n in "xyz"]
    for steps, answers in zip(race, (3, 4, 4), strict=True):
        press.clock.sleep(1)
        for _ in range(answers):
            next(steps)  # x has merged, alone; y and z wait to be told.
    assert [[*steps][-1] for steps in race] == ["published"] * 3  # y leads, and takes z along.
    late = press.flip("stable")
    next(late)  # merged; and another is committed first
    press.clock.sleep(2)
    press.set_up()
    assert list(late)
    for step in ("admit", "merge", "sign", "commit"):
        breaks(press, step)
    cannot_wait(press)


def breaks(press: Press, step: str) -> None:
    """For good; then its reason is gone, and it is redriven."""
    setattr(press, f"_{step}", _gone)
    execution = press.start(press.upload(f"broken-{step}", debs((step, "1", "all"))))
    assert [*press.go_on(execution)][-1] == "failed"
    delattr(press, f"_{step}")
    execution.runtime = press.runtime()
    assert execution.redrive().status == "SUCCEEDED"


def cannot_wait(press: Press) -> None:
    """One batch leads and dies, which nobody is told; another's step `queue` breaks, and a third
    waits in vain."""
    dead = press.start(press.upload("dead", debs(("dead", "1", "all"))))
    for _ in range(3):
        dead.advance()
    press.clock.sleep(2)
    press._queue = _gone  # type: ignore[method-assign]
    assert press.publish(press.upload("broken", debs(("broken", "1", "all")))) == "failed"
    del press._queue
    assert press.publish(press.upload("third", debs(("third", "1", "all")))) == "published"


def _gone(given: Any) -> Any:
    raise Broken("Gone", "as the test asked")


def ways(scope: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """From state to state, into the Map's own."""
    for name, state in scope["States"].items():
        yield from ((name, target) for target in targets(state))


class TestAdvancing:
    def test_it_stops_after_each_answer(self, press: Press) -> None:
        execution = press.start(press.upload("b1", FOO))
        answers = []
        while execution.advance():
            answers.append(execution.answer.get("outcome"))
        assert answers == ["opened", None, "merged", "signed", "committed", None]
        assert execution.answer == {"status": "published"}
        assert execution.status == "SUCCEEDED" and not execution.advance()

    def test_each_package_s_chunk_is_a_step(self) -> None:
        said = answers_to({"chunks": [{"suite": "s", "run": "r", "chunk": n} for n in range(3)]})
        execution = Execution(MACHINE, Runtime(said), {})
        seen = [execution.entered[-1] for _ in iter(execution.advance, False)]
        assert seen[:4] == ["Open", *["Admit packages"] * 3]

    def test_another_runtime_goes_on_with_it(self) -> None:
        execution = Execution(MACHINE, Runtime(answers_to({})), {})
        execution.advance()
        execution.runtime = Runtime({**answers_to({}), "finish": lambda _: {"status": "other's"}})
        assert execution.run().answer == {"status": "other's"}

    def test_what_functions_are_given_and_give_is_json(self) -> None:
        """So nothing is shared that a Lambda would not share."""
        chunks: list[Any] = [{"suite": ["ours"], "run": "r", "chunk": 0}]
        given: list[Any] = []
        said = {**answers_to({"chunks": chunks}), "admit": given.append}
        Execution(MACHINE, Runtime(said), {}).run()
        assert given[0]["suite"] == ["ours"] and given[0]["suite"] is not chunks[0]["suite"]
        with pytest.raises(TypeError, match="JSON"):
            said = {**said, "merge": lambda _: {"outcome": object()}}
            Execution(MACHINE, Runtime(said, attempt=lambda call: call()), {}).run()

    def test_waits_take_the_clock_s_time(self) -> None:
        slept: list[float] = []
        said = answers_to({"outcome": "opened", "chunks": []})
        said |= {"commit": iter_of({"outcome": "lost"}, {"outcome": "committed"})}
        execution = Execution(MACHINE, Runtime(said, sleep=slept.append), {}).run()
        assert slept == [1] and execution.entered.count("Merge") == 2


class TestWaitingToBeTold:
    """An execution whose task has a token (Step Functions guide, "Wait for a callback")."""

    def waiting(self, **functions: Any) -> tuple[Execution, list[float]]:
        slept: list[float] = []
        said = answers_to({"outcome": "opened", "chunks": []})
        said |= {"merge": iter_of({"outcome": "wait"}, {"outcome": "rejected"}), **functions}
        return Execution(MACHINE, Runtime(said, sleep=slept.append), {}), slept

    def test_it_waits_until_it_is_told(self) -> None:
        given: list[Any] = []
        execution, slept = self.waiting(queue=given.append)
        for _ in range(5):
            assert execution.advance()
        assert execution.runtime.tell(given[0]["token"], {"outcome": "answered"})
        assert not execution.runtime.tell(given[0]["token"], {"outcome": "again"})
        execution.run()
        assert execution.entered[-2:] == ["Told", "Done"] and slept == [1, 1, 1]
        assert not execution.runtime.tell(given[0]["token"], {"outcome": "again"})

    def test_it_may_be_told_before_its_function_has_ended(self) -> None:
        def tell(given: dict[str, Any]) -> bool:
            return execution.runtime.tell(given["token"], {"outcome": "again"})

        execution, slept = self.waiting(queue=tell)
        execution.run()
        assert execution.entered.count("Merge") == 2 and slept == []

    def test_nobody_tells_it_and_it_goes_on_after_its_time(self) -> None:
        execution, slept = self.waiting()
        execution.run()
        assert execution.entered.count("Merge") == 2 and sum(slept) == 120
        assert execution.entered.count("Queue") == 1, "a wait is not tried again"

    def test_its_function_is_tried_again_with_another_token(self) -> None:
        tokens: list[str] = []

        def fails_once(given: dict[str, Any]) -> None:
            tokens.append(given["token"])
            if len(tokens) == 1:
                raise TransientError("as the test asked")
            execution.runtime.tell(given["token"], {"outcome": "answered"})

        execution, _ = self.waiting(queue=fails_once)
        execution.run()
        assert len(set(tokens)) == 2 and execution.status == "SUCCEEDED"


def again(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except TransientError:
        return call()


class TestAttempts:
    """In the place of Retry."""

    def test_what_an_attempt_gives_up_is_caught(self) -> None:
        tried = []

        def attempt(call: Callable[[], Any]) -> Any:
            for _ in range(3):
                try:
                    return call()
                except TransientError:
                    tried.append(call)
            raise Fault("Given.Up", "three times")

        def fails(_: Any) -> Any:
            raise TransientError("as the test asked")

        told: list[Any] = []

        def finish(payload: Any) -> Any:
            told.append(payload)
            return {"status": "failed"}

        said = {**answers_to({}), "sign": fails, "finish": finish}
        execution = Execution(MACHINE, Runtime(said, attempt), {}).run()
        assert len(tried) == 3 and execution.entered.count("Sign") == 1
        assert [(t["outcome"], t["error"]) for t in told] == [("failed", {"Error": "Given.Up"})]

    def test_what_is_no_fault_comes_out(self) -> None:
        def fails(_: Any) -> Any:
            raise AssertionError("a test's own")

        said = {**answers_to({}), "sign": fails}
        with pytest.raises(AssertionError, match="a test's own"):
            Execution(MACHINE, Runtime(said, attempt=lambda call: call()), {}).run()

    @pytest.mark.parametrize("attempt", [None, again])
    def test_its_tries_are_counted_as_retries_are(self, attempt: Any) -> None:
        """`rounds` grows by a tenth for each: ten of them are one round less."""
        rounds = {}
        for fails in (False, True):
            merge = iter_of(TransientError("once"), {"outcome": "wait"}, repeat=True)
            said = answers_to({}) | {"merge": merge if fails else (lambda _: {"outcome": "wait"})}
            execution = Execution(MACHINE, Runtime(said, attempt), {}).run()
            rounds[fails] = execution.entered.count("Merge")
        assert rounds == {False: machine.MOST_ROUNDS, True: -(-machine.MOST_ROUNDS * 10 // 11)}


def answers_to(opened: dict[str, Any]) -> dict[str, Callable[[dict[str, Any]], Any]]:
    """Steps to whom nothing happens."""
    where = {"suite": "stable", "run": "it"}
    said = {
        "open": {"outcome": "opened", **where, "chunks": [], **opened},
        "admit": {},
        "queue": {"outcome": "queued"},
        "merge": {"outcome": "merged", "generation": "1"},
        "sign": {"outcome": "signed"},
        "commit": {"outcome": "committed"},
        "finish": {"status": "published"},
    }
    return {name: always(answer) for name, answer in said.items()}


def iter_of(*answers: Any, repeat: bool = False) -> Callable[[dict[str, Any]], Any]:
    """A function that says one thing after the other, or raises it."""
    turns = itertools.cycle(answers) if repeat else iter(answers)

    def call(_: dict[str, Any]) -> Any:
        answer = next(turns)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call


EXPRESSIONS = sorted({text[2:-2].strip() for text in strings(MACHINE) if text.startswith("{%")})

# What a path may lead to: what it does lead to, and what it must not.
scalars = st.none() | st.booleans() | st.sampled_from([*range(3), 0.5, 199.9, 200])
scalars |= st.sampled_from(["", "opened", "merged", "wait", "failed", "published", "x"])
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.just("suite"), scalars)
values |= st.lists(st.lists(scalars, max_size=2), min_size=1, max_size=2)


@st.composite
def variables(draw: st.DrawFn, expression: str) -> dict[str, Any]:
    """Something, or nothing, at each of the paths that the expression names."""
    known: dict[str, Any] = {}
    for path in re.findall(r"\$(\w+(?:\.\w+)*)\b(?!\()", expression):
        *way, last = path.split(".")
        place = known
        for name in way:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                break
        else:
            if draw(st.integers(0, 3)):
                place[last] = draw(values)
            elif way and draw(st.booleans()):
                # Not even the way there: a list or a scalar stands in it.
                known[way[0]] = draw(values | st.lists(st.just({last: 1}), max_size=2))
    return known


class TestExpressions:
    @pytest.mark.parametrize("expression", EXPRESSIONS)
    @given(data=st.data())
    def test_each_is_what_the_library_finds(self, expression: str, data: st.DataObject) -> None:
        """Twice, for the second time it may be remembered."""
        known = data.draw(variables(expression))
        expected = found_by(expressions.evaluate_by_library, expression, known)
        for _ in range(2):
            assert found_by(expressions.evaluate, expression, known) == expected

    def test_what_they_read_is_known_of_all(self) -> None:
        """Or a press in memory would be slow."""
        assert [e for e in EXPRESSIONS if expressions._understood(e).reads is None] == []

    @pytest.mark.parametrize(
        "expression", ["$now()", "$random()", "$states.input[outcome='x']", "$a.(b + 1)", "$$.a"]
    )
    def test_what_depends_on_more_is_not_remembered(self, expression: str) -> None:
        assert expressions._understood(expression).reads is None

    def test_null_is_not_nothing(self) -> None:
        assert expressions.evaluate("$a", {"a": None}) is None
        assert expressions.evaluate("$a.b", {"a": {}}) is expressions.UNDEFINED
        assert expressions.evaluate("$a.b ? 1 : $c", {"a": {}, "c": None}) is None

    def test_true_is_not_one(self) -> None:
        assert expressions.evaluate("$a = true", {"a": 1}) is False
        assert expressions.evaluate("$a = true", {"a": True}) is True


def found_by(evaluate: Callable[..., Any], expression: str, known: dict[str, Any]) -> Any:
    """With its types, for 1 == True; or how it failed."""
    try:
        found = evaluate(expression, known)
    except JException as error:
        return str(error)
    return found if found is expressions.UNDEFINED else json.dumps(found)
