"""A small part of CloudWatch's Logs Insights, as much as the runbook's queries use.

CloudWatch Logs user guide, "CloudWatch Logs Insights language query syntax": `fields`, `filter`,
`stats`, `sort` and `limit`; a field of an inner object is named with dots. Here a comparison with
a field that a line lacks does not hold, and what a row lacks is not in it, so that a name written
wrong shows. Anything else is a ValueError, so that no query passes for being misread.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Row = dict[str, Any]

_TOKEN = re.compile(r'\s*("[^"]*"|\'[^\']*\'|/[^/]+/|[\w@.]+(?:\(\*?\))?|[()=,]|!=|<=|>=|<|>)')
_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OF_MANY: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "max": max,
    "min": min,
    "sum": sum,
}


def run(query: str, lines: list[Row]) -> list[Row]:
    """The rows of the answer."""
    rows = [_flat(line) for line in lines]
    shown: list[str] | None = None
    for command in re.split(r"\|", query):
        name, _, rest = command.strip().partition(" ")
        match name:
            case "fields":
                shown = [_name(each) for each in rest.split(",")]
            case "filter":
                holds = _Condition(rest).read()
                rows = [row for row in rows if holds(row)]
            case "stats":
                rows = _stats(rest, rows)
            case "sort":
                key, _, order = rest.strip().partition(" ")
                rows = _sorted(rows, _name(key), order.strip())
            case "limit":
                rows = rows[: int(rest)]
            case _:
                raise ValueError(f"{name!r} is no command known here")
    if shown is None:
        return rows
    return [{key: row[key] for key in shown if key in row} for row in rows]


def _flat(line: Mapping[str, Any], prefix: str = "") -> Row:
    """The fields that are discovered in a line of JSON, and its time."""
    row: Row = {}
    for key, value in line.items():
        if isinstance(value, Mapping):
            row |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            row[f"{prefix}{key}"] = value
    if not prefix:
        row["@timestamp"] = line.get("timestamp") or line.get("time")
    return row


def _name(text: str) -> str:
    if not re.fullmatch(r"@?[A-Za-z_][\w.]*", text.strip()):
        raise ValueError(f"{text!r} is no field's name")
    return text.strip()


def _sorted(rows: list[Row], key: str, order: str) -> list[Row]:
    if order not in ("", "asc", "desc"):
        raise ValueError(f"{order!r} is no order")
    return sorted(rows, key=lambda row: (key in row, row.get(key)), reverse=order == "desc")


def _stats(text: str, rows: list[Row]) -> list[Row]:
    made, _, by = text.partition(" by ")
    columns = [_column(each) for each in made.split(",")]
    keys = [_name(each) for each in by.split(",")] if by else []
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(key) for key in keys), []).append(row)
    return [
        {k: v for k, v in zip(keys, values, strict=True) if v is not None}
        | {name: value for name, of in columns if (value := of(group)) is not None}
        for values, group in groups.items()
    ]


def _column(text: str) -> tuple[str, Callable[[list[Row]], Any]]:
    found = re.fullmatch(r"(\w+)\(([\w@.*]+)\) as (\w+)", text.strip())
    if not found or found[1] not in _OF_MANY:
        raise ValueError(f"{text!r} is no column known here")
    function, field = _OF_MANY[found[1]], found[2]

    def of(rows: list[Row]) -> Any:
        values = rows if field == "*" else [row[field] for row in rows if field in row]
        return function(values) if values or found[1] == "count" else None

    return found[3], of


class _Condition:
    """`and` binds closer than `or`; `not` is not known here, nor are parentheses."""

    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text)]

    def read(self) -> Callable[[Row], bool]:
        any_of: list[list[Callable[[Row], bool]]] = [[self._one()]]
        while self._tokens:
            word = self._tokens.pop(0)
            if word == "or":
                any_of.append([])
            elif word != "and":
                raise ValueError(f"{word!r} where `and` or `or` must be")
            any_of[-1].append(self._one())
        return lambda row: any(all(holds(row) for holds in every) for every in any_of)

    def _one(self) -> Callable[[Row], bool]:
        field = self._tokens.pop(0)
        if field == "ispresent":
            name = _name("".join(self._tokens[1:2]))
            if [self._tokens[0], self._tokens[2]] != ["(", ")"]:
                raise ValueError("ispresent(field)")
            del self._tokens[:3]
            return lambda row: name in row
        name, compared, value = _name(field), self._tokens.pop(0), self._tokens.pop(0)
        if compared == "like":
            form = re.compile(value[1:-1] if value.startswith("/") else re.escape(value[1:-1]))
            return lambda row: name in row and form.search(str(row[name])) is not None
        wanted = value[1:-1] if value[0] in "\"'" else float(value)
        return lambda row: name in row and bool(_COMPARED[compared](row[name], wanted))


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if not found:
            raise ValueError(f"{text[at:]!r} can't be read")
        yield found[1]
        at = found.end()
