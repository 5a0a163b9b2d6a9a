"""The workflow's definition, executed as AWS documents it: with retries, events and redrives.

The emulator of the system tests has no redrive, no count of retries and no limit of events. Here
one execution at a time goes through a JSONata definition, its functions being Python's; no time
passes. Only what the definition uses is known. (Step Functions guide: "Redrive behavior of
individual states", "Context object", "Handling errors"; HistoryEvent in the API reference.)
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.utils import Utils

Function = Callable[[dict[str, Any]], Any]


class Fault(Exception):  # noqa: N818 (what a state reports)
    """A state's error, by its name."""

    def __init__(self, error: str, cause: str) -> None:
        self.error = error
        self.cause = cause
        super().__init__(f"{error}: {cause}")


class Execution:
    """`functions` by the name that stands in `${...}`; what one raises is known by its class, or
    is a Fault. `entered` lists the states that were gone through, `events` counts the history's.
    """

    def __init__(
        self, definition: Mapping[str, Any], functions: Mapping[str, Function], given: Any
    ) -> None:
        self._definition = definition
        self._functions = functions
        self._variables: dict[str, Any] = {}
        self._execution: dict[str, Any] = {
            "Id": "arn:aws:states:eu-central-1:111122223333:execution:press:one",
            "Input": given,
            "StartTime": "2026-11-23T01:02:03.400Z",
            "RedriveCount": 0,
        }
        self._at: tuple[str, Any] = (definition["StartAt"], given)
        self.status = "RUNNING"
        self.error = self.cause = ""
        self.entered: list[str] = []
        self.events = 0

    def run(self) -> Execution:
        """To its end, from the beginning or from where it was redriven."""
        self.events += 1
        try:
            while self.status == "RUNNING":
                name, given = self._at
                state = self._definition["States"][name]
                if state["Type"] == "Succeed":
                    self.status = "SUCCEEDED"
                    self.events += 3
                else:
                    self._at = self._step(name, state, given)
        except Fault as fault:
            self.status, self.error, self.cause = "FAILED", fault.error, fault.cause
            self.events += 1
        return self

    def redrive(self) -> Execution:
        """Goes on at the state that failed, with the input it had. A Fail state fails again; a Pass
        that failed is passed over, which is not to be relied upon."""
        assert self.status == "FAILED", "ExecutionNotRedrivable"
        assert self._definition["States"][self._at[0]]["Type"] != "Pass"
        self._execution["RedriveCount"] += 1
        self.status = "RUNNING"
        return self.run()

    def _step(self, name: str, state: Mapping[str, Any], given: Any) -> tuple[str, Any]:
        self.entered.append(name)
        self.events += 2  # entered and exited
        match state["Type"]:
            case "Fail":
                raise Fault(state["Error"], state["Cause"])
            case "Choice":
                return self._choose(state, given), given
            case "Task" | "Map":
                return self._try(state, given)
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

    def _try(self, state: Mapping[str, Any], given: Any) -> tuple[str, Any]:
        """A state that may be retried and caught."""
        tried = [0] * len(state.get("Retry", ()))
        while True:
            context = {"input": given, "context": {"State": {"RetryCount": sum(tried)}}}
            try:
                result = self._result(state, given)
            except Fault as fault:
                for number, retry in enumerate(state.get("Retry", ())):
                    if _is_of(fault, retry) and tried[number] < retry["MaxAttempts"]:
                        tried[number] += 1
                        break
                else:
                    return self._catch(state, fault, context)
                continue
            context["result"] = result
            self._assign(state, context)
            output = self._value(state["Output"], context) if "Output" in state else result
            return state.get("Next", ""), output

    def _catch(
        self, state: Mapping[str, Any], fault: Fault, context: dict[str, Any]
    ) -> tuple[str, Any]:
        found = {"Error": fault.error, "Cause": fault.cause}
        for catcher in state.get("Catch", ()):
            if _is_of(fault, catcher):
                self._assign(catcher, {**context, "errorOutput": found})
                return catcher["Next"], found
        raise fault

    def _result(self, state: Mapping[str, Any], given: Any) -> Any:
        if state["Type"] == "Map":
            self.events += 2  # started, and succeeded or failed
            return [
                self._iterate(state["ItemProcessor"], item)
                for item in self._value(state["Items"], {"input": given})
            ]
        self.events += 3  # scheduled, started, and succeeded or failed
        arguments = self._value(state["Arguments"], {"input": given})
        function = self._functions[arguments["FunctionName"].strip("${}")]
        try:
            return {"Payload": function(arguments["Payload"])}
        except Fault:
            raise
        except Exception as error:
            raise Fault(type(error).__name__, str(error)) from error

    def _iterate(self, processor: Mapping[str, Any], item: Any) -> Any:
        self.events += 2  # an iteration started, and succeeded or failed
        name = processor["StartAt"]
        while name:
            name, item = self._step(name, processor["States"][name], item)
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
        bound = _nulls({**self._variables, "states": {**states, "context": context}})
        try:
            if not _compiled(f"$exists({expression})").evaluate(None, bound):
                raise Fault("States.QueryEvaluationError", f"{expression} is undefined")
            found = _compiled(expression).evaluate(None, bound)
        except JException as error:
            message = f"The JSONata expression '{expression}' threw an error: {error}"
            raise Fault("States.QueryEvaluationError", message) from error
        return _no_nulls(found)


def _is_of(fault: Fault, names: Mapping[str, Any]) -> bool:
    return bool({fault.error, "States.ALL"} & set(names["ErrorEquals"]))


def _nulls(value: Any) -> Any:
    """The library takes None for undefined."""
    match value:
        case None:
            return Utils.NULL_VALUE
        case dict():
            return {key: _nulls(each) for key, each in value.items()}
        case list():
            return [_nulls(each) for each in value]
    return value


def _no_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {key: _no_nulls(each) for key, each in value.items()}
        case list():
            return [_no_nulls(each) for each in value]
    return None if value is Utils.NULL_VALUE else value


@functools.cache
def _compiled(expression: str) -> Jsonata:
    return Jsonata.jsonata(expression)
