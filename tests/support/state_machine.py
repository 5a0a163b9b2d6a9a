"""The workflow's definition, executed as AWS documents it: with retries, events and redrives.

The emulator of the system tests has no redrive, no count of retries and no limit of events. Here
one execution at a time goes through a JSONata definition, its functions being Python's, and stops
after each of their answers for as long as the test likes. Only what the definition uses is known.
(Step Functions guide: "Redrive behavior of individual states", "Context object", "Handling
errors"; HistoryEvent in the API reference.)
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from jsonata.jexception import JException

from tests.support import expressions

Function = Callable[[dict[str, Any]], Any]
_T = TypeVar("_T")
# Two executions of a test may have one name, no two of their tasks one token.
_SERIAL = itertools.count()
_Going = Generator[bool, None, _T]


def always(answer: Any) -> Function:
    """A function that says the same, whatever it is given."""
    return lambda _: answer


class Fault(Exception):  # noqa: N818 (what a state reports)
    """A state's error, by its name."""

    def __init__(self, error: str, cause: str) -> None:
        self.error = error
        self.cause = cause
        super().__init__(f"{error}: {cause}")


@dataclass(frozen=True)
class Runtime:
    """What an execution is run by: `functions` by the name that stands in `${...}`, each of which
    is given its payload and returns its answer, both JSON; `sleep` of a Wait, in seconds.

    `attempt`, if given, stands in for every Retry: it calls what it is given as often as it likes.
    A Fault that it raises is the state's, for Catch to see; anything else ends the test.

    `tokens` are those of the executions that wait, each with what it is told; more than one runtime
    may share them, as the executions of one workflow do.
    """

    functions: Mapping[str, Function]
    attempt: Callable[[Callable[[], Any]], Any] | None = None
    sleep: Callable[[float], None] = lambda _seconds: None
    tokens: dict[str, Any] = field(default_factory=dict)

    def tell(self, token: str, output: Any) -> bool:
        """SendTaskSuccess; False where nobody waits with this token, or was told already."""
        if self.tokens.get(token, output) is not None:
            return False
        self.tokens[token] = output
        return True


class Execution:
    """`given` is its input, `entered` lists the states that were gone through, `events` counts the
    history's. `runtime` may be replaced between two calls of `advance`. Without an `attempt`, what
    a function raises is known by its class, or is a Fault, and no time passes between its tries.
    """

    def __init__(
        self,
        definition: Mapping[str, Any],
        runtime: Runtime,
        given: Any,
        *,
        name: str = "arn:aws:states:eu-central-1:111122223333:execution:press:one",
        started_at: str = "2026-11-23T01:02:03.400Z",
    ) -> None:
        self.runtime = runtime
        self.given = given
        self._definition = definition
        self._variables: dict[str, Any] = {}
        self._execution: dict[str, Any] = {
            "Id": name,
            "Input": given,
            "StartTime": started_at,
            "RedriveCount": 0,
        }
        self._at: tuple[str, Any] = (definition["StartAt"], given)
        self._going = self._go()
        self._calls = 0
        self.status = "RUNNING"
        self.fault: Fault | None = None
        self.answer: Any = None
        self.entered: list[str] = []
        self.events = 0

    @property
    def error(self) -> str:
        return self.fault.error if self.fault else ""

    @property
    def cause(self) -> str:
        return self.fault.cause if self.fault else ""

    def advance(self) -> bool:
        """Goes on until a function has given its `answer`; False at the execution's end instead."""
        return next(self._going, False)

    def run(self) -> Execution:
        """To its end, from wherever it is."""
        while self.advance():
            pass
        return self

    def redrive(self) -> Execution:
        """Goes on at the state that failed, with the input it had. A Fail state fails again; a Pass
        that failed is passed over, which is not to be relied upon."""
        assert self.status == "FAILED", "ExecutionNotRedrivable"
        assert self._definition["States"][self._at[0]]["Type"] != "Pass"
        self._execution["RedriveCount"] += 1
        self.status, self.fault = "RUNNING", None
        self._going = self._go()
        return self.run()

    def _go(self) -> _Going[None]:
        self.events += 1
        try:
            while self.status == "RUNNING":
                name, given = self._at
                state = self._definition["States"][name]
                if state["Type"] == "Succeed":
                    self.entered.append(name)
                    self.status = "SUCCEEDED"
                    self.events += 3
                else:
                    self._at = yield from self._step(name, state, given)
        except Fault as fault:
            self.status, self.fault = "FAILED", fault
            self.events += 1

    def _step(self, name: str, state: Mapping[str, Any], given: Any) -> _Going[tuple[str, Any]]:
        """The following state's name, and its input."""
        self.entered.append(name)
        self.events += 2  # entered and exited
        match state["Type"]:
            case "Fail":
                raise Fault(state["Error"], state["Cause"])
            case "Choice":
                return self._choose(state, given), given
            case "Task" | "Map":
                return (yield from self._try(state, given))
            case "Wait":
                self.runtime.sleep(state["Seconds"])
        self._assign(state, {"input": given})
        if "Output" in state:
            given = self._value(state["Output"], {"input": given})
        return state["Next"], given

    def _choose(self, state: Mapping[str, Any], given: Any) -> str:
        for choice in state["Choices"]:
            holds = self._value(choice["Condition"], {"input": given})
            if not isinstance(holds, bool):
                raise Fault("States.QueryEvaluationError", f"{choice['Condition']} is no boolean")
            if holds:
                return str(choice["Next"])
        if "Default" not in state:
            raise Fault("States.NoChoiceMatched", "no choice matched")
        return str(state["Default"])

    def _try(self, state: Mapping[str, Any], given: Any) -> _Going[tuple[str, Any]]:
        """A state that may be retried and caught."""
        retries = () if self.runtime.attempt else state.get("Retry", ())
        tried = [0] * len(retries)
        before = self._calls
        while True:
            try:
                result = yield from self._result(state, given)
            except Fault as fault:
                # The first that names the error decides, also where it has used up its attempts.
                number = next((n for n, each in enumerate(retries) if _is_of(fault, each)), None)
                if number is None or tried[number] == retries[number]["MaxAttempts"]:
                    return self._catch(state, fault, given)
                tried[number] += 1
                continue
            count = self._calls - before - 1 if state["Type"] == "Task" else sum(tried)
            context = {
                "input": given,
                "context": {"State": {"RetryCount": count}},
                "result": result,
            }
            self._assign(state, context)
            output = self._value(state["Output"], context) if "Output" in state else result
            return state.get("Next", ""), output

    def _catch(self, state: Mapping[str, Any], fault: Fault, given: Any) -> tuple[str, Any]:
        found = {"Error": fault.error, "Cause": fault.cause}
        for catcher in state.get("Catch", ()):
            if _is_of(fault, catcher):
                self._assign(catcher, {"input": given, "errorOutput": found})
                return catcher["Next"], found
        raise fault

    def _result(self, state: Mapping[str, Any], given: Any) -> _Going[Any]:
        if state["Type"] == "Map":
            self.events += 2  # started, and succeeded or failed
            results = []
            for item in self._value(state["Items"], {"input": given}):
                results.append((yield from self._iterate(state["ItemProcessor"], item)))
            return results
        if state["Resource"].endswith(".waitForTaskToken"):
            return (yield from self._wait_to_be_told(state, given))
        arguments = self._value(state["Arguments"], {"input": given})
        function = self.runtime.functions[arguments["FunctionName"].strip("${}")]
        self.answer = self._call(function, json.dumps(arguments["Payload"]))
        yield True
        return {"Payload": self.answer}

    def _wait_to_be_told(self, state: Mapping[str, Any], given: Any) -> _Going[Any]:
        """Calls the function, whose answer is of no account, and stops each second until another
        execution's function has told this one (Step Functions guide, "Wait for a callback with task
        token")."""
        token = f"{self._execution['Id']}/{next(_SERIAL)}"
        self.runtime.tokens[token] = None
        context = {"input": given, "context": {"Task": {"Token": token}}}
        arguments = self._value(state["Arguments"], context)
        function = self.runtime.functions[arguments["FunctionName"].strip("${}")]
        try:
            self._call(function, json.dumps(arguments["Payload"]))
            for _ in range(state["TimeoutSeconds"]):
                if self.runtime.tokens[token] is not None:
                    return self.runtime.tokens[token]
                yield True
                self.runtime.sleep(1)
            raise Fault("States.Timeout", f"nobody told {token}")
        finally:
            del self.runtime.tokens[token]

    def _call(self, function: Function, payload: str) -> Any:
        def call() -> Any:
            self.events += 3  # scheduled, started, and succeeded or failed
            self._calls += 1
            return json.loads(json.dumps(function(json.loads(payload))))

        if self.runtime.attempt is not None:
            return self.runtime.attempt(call)
        try:
            return call()
        except Fault:
            raise
        except Exception as error:
            raise Fault(type(error).__name__, str(error)) from error

    def _iterate(self, processor: Mapping[str, Any], item: Any) -> _Going[Any]:
        self.events += 2  # an iteration started, and succeeded or failed
        name = processor["StartAt"]
        while name:
            name, item = yield from self._step(name, processor["States"][name], item)
        return item

    def _assign(self, state: Mapping[str, Any], states: dict[str, Any]) -> None:
        """All at once, from the variables' values before."""
        self._variables |= {
            name: self._value(value, states) for name, value in state.get("Assign", {}).items()
        }

    def _value(self, template: Any, states: dict[str, Any]) -> Any:
        match template:
            case str() if template.startswith("{%"):
                return self._evaluate(template[2:-2].strip(), states)
            case dict():
                return {key: self._value(value, states) for key, value in template.items()}
            case list():
                return [self._value(value, states) for value in template]
        return template

    def _evaluate(self, expression: str, states: dict[str, Any]) -> Any:
        context = {"Execution": self._execution, **states.get("context", {})}
        bound = {**self._variables, "states": {**states, "context": context}}
        try:
            found = expressions.evaluate(expression, bound)
        except JException as error:
            message = f"The JSONata expression '{expression}' threw an error: {error}"
            raise Fault("States.QueryEvaluationError", message) from error
        if found is expressions.UNDEFINED:
            raise Fault("States.QueryEvaluationError", f"{expression} is undefined")
        return found


def _is_of(fault: Fault, names: Mapping[str, Any]) -> bool:
    return bool({fault.error, "States.ALL"} & set(names["ErrorEquals"]))
