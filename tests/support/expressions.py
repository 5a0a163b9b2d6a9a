"""JSONata expressions, evaluated by the library that speaks it, but seldom twice.

A test in memory goes through the workflow thousands of times, and the library takes some hundred
microseconds for each of a dozen expressions. So a bare path is walked here, and of any other
expression the library's answer is kept by what the expression reads: a function of those values is
all that it is. test_state_machine.py compares with the library for every expression there is.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonata import Jsonata
from jsonata.utils import Utils


class _Undefined:
    """JSONata's "nothing there", which is not null."""

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED = _Undefined()
_SCALARS = frozenset({str, int, float, bool, type(None), _Undefined})

_Path = tuple[str, ...]

_STRING = re.compile(r"'[^']*'")
_READ = re.compile(r"\$(\w+(?:\.\w+)*)\b(?!\()")
# What may stand beside the paths without making the value depend on anything else.
_PURE = re.compile(r"\b(?:and|or|true|false|null|\d+)\b|\$(?:exists|sum|error)\b")


def evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    """JSON data or UNDEFINED, of variables that are JSON data by name.

    Raises jsonata's JException, where the expression does.
    """
    known = _understood(expression)
    if known.reads is None:
        return evaluate_by_library(expression, variables)
    values = [_walk(variables, path) for path in known.reads]
    if known.bare and not isinstance(values[0], _Many):
        return values[0]
    types = tuple(map(type, values))
    if not _SCALARS.issuperset(types):
        return evaluate_by_library(expression, variables)
    key = (types, *values)
    if key not in known.answers:
        known.answers[key] = evaluate_by_library(expression, variables)
    return known.answers[key]


def evaluate_by_library(expression: str, variables: Mapping[str, Any]) -> Any:
    """As `evaluate`, every time."""
    bound = {name: _nulls(value) for name, value in variables.items()}
    found = _compiled(expression).evaluate(None, bound)
    return UNDEFINED if found is None else _no_nulls(found)


@dataclass(frozen=True)
class _Understood:
    """The paths that an expression reads, None if it may read more; whether it is nothing else; and
    what it was found to be, by the values at those paths."""

    reads: tuple[_Path, ...] | None
    bare: bool = False
    answers: dict[tuple[Any, ...], Any] = field(default_factory=dict)


@functools.cache
def _understood(expression: str) -> _Understood:
    code = _STRING.sub("", expression)
    reads = dict.fromkeys(_READ.findall(code))
    if re.search(r"[\w$]", _PURE.sub("", _READ.sub("", code))):
        return _Understood(None)
    paths = tuple(tuple(path.split(".")) for path in reads)
    return _Understood(paths, bare=bool(_READ.fullmatch(expression)))


class _Many:
    """A list on the way: JSONata looks into all its items."""


def _walk(variables: Mapping[str, Any], path: _Path) -> Any:
    found: Any = variables
    for name in path:
        if isinstance(found, list):
            return _Many()
        if not isinstance(found, dict) or name not in found:
            return UNDEFINED
        found = found[name]
    return found


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
    compiled = Jsonata.jsonata(expression)
    # Its own nulls stay, or null and undefined would both come out as None.
    compiled.output_convert_nulls = False
    return compiled
