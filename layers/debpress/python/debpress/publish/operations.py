"""operations.json: what operators ask for, read strictly (DESIGN section 3)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from debpress.errors import Code, DebpressError, Refusal, RejectedError
from debpress.index import relations
from debpress.layout import COMPONENT, OPERATIONS, SUITE


@dataclass(frozen=True, slots=True)
class Remove:
    """Takes packages out of the path's component. `force` leaves exact dependencies unmet."""

    packages: tuple[str, ...]
    architecture: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """Names packages of another suite here too; no byte moves. No version: the newest.

    `force` leaves exact dependencies behind.
    """

    suite: str
    component: str
    packages: tuple[str, ...]
    force: bool = False


@dataclass(frozen=True, slots=True)
class Rollback:
    """The content of generation `to` again, newly dated and signed."""

    to: int


@dataclass(frozen=True, slots=True)
class Prune:
    """Old versions go, by the configuration."""


Operation = Remove | Copy | Rollback | Prune
_KINDS: dict[str, Any] = {
    "remove": Remove,
    "copy": Copy,
    "rollback": Rollback,
    "prune": Prune,
}


def as_json(operation: Operation) -> dict[str, Any]:
    """How a queue entry keeps it."""
    kind = next(name for name, kind in _KINDS.items() if isinstance(operation, kind))
    return {"op": kind, **asdict(operation)}


def from_json(data: Mapping[str, Any]) -> Operation:
    fields = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k != "op"}
    made: Operation = _KINDS[data["op"]](**fields)
    return made


def parse(body: bytes) -> tuple[Operation, ...]:
    """Raises RejectedError with everything that is wrong."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _refused(Code.MANIFEST_UNREADABLE, f"is not JSON ({error}); correct it") from error
    if not isinstance(data, dict) or data.get("version") != 1:
        raise _refused(Code.MANIFEST_VERSION, 'must be an object with "version": 1')
    listed = data.get("operations")
    if set(data) != {"version", "operations"} or not isinstance(listed, list):
        raise _refused(Code.MANIFEST_FIELD, 'must have "version" and a list "operations", no more')
    if not listed:
        raise _refused(Code.MANIFEST_EMPTY, "lists no operation; name at least one")
    found, refusals = [], []
    for index, each in enumerate(listed):
        try:
            found.append(_operation(each))
        except DebpressError as error:
            refusals.append(Refusal(OPERATIONS, Code.MANIFEST_FIELD, f"operation {index}: {error}"))
    if refusals:
        raise RejectedError(refusals)
    return tuple(found)


def _refused(code: Code, message: str) -> RejectedError:
    return RejectedError([Refusal(OPERATIONS, code, message)])


def _operation(data: Any) -> Operation:
    if not isinstance(data, dict) or data.get("op") not in _KINDS:
        raise DebpressError(f'"op" must be one of {", ".join(_KINDS)}')
    fields = _Fields({k: v for k, v in data.items() if k != "op"})
    made: Operation
    match data["op"]:
        case "remove":
            made = Remove(
                fields.relations(),
                fields.take("architecture", str, None),
                fields.take("force", bool, False),
            )
        case "copy":
            source = _Fields(fields.take("from", dict))
            made = Copy(
                source.name("suite", SUITE),
                source.name("component", COMPONENT),
                fields.relations(),
                fields.take("force", bool, False),
            )
            source.done()
        case "rollback":
            made = Rollback(fields.take("to", int))
        case _:
            made = Prune()
    fields.done()
    return made


_REQUIRED = object()


class _Fields:
    """The fields of one JSON object; each is taken once, and none may be left."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._left = dict(data)

    def take(self, name: str, kind: type, default: Any = _REQUIRED) -> Any:
        if name not in self._left and default is not _REQUIRED:
            return default
        value = self._left.pop(name, None)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise DebpressError(f'"{name}" must be there, as {kind.__name__}')
        return value

    def name(self, name: str, form: re.Pattern[str]) -> str:
        value = str(self.take(name, str))
        if not form.fullmatch(value):
            raise DebpressError(f'"{name}": {value!r} does not fit {form.pattern}')
        return value

    def relations(self) -> tuple[str, ...]:
        listed = self.take("packages", list)
        if not listed or not all(isinstance(each, str) for each in listed):
            raise DebpressError('"packages" must list at least one package')
        return tuple(str(relations.parse(each)) for each in listed)

    def done(self) -> None:
        if self._left:
            raise DebpressError(f"unknown field {', '.join(map(repr, sorted(self._left)))}")
