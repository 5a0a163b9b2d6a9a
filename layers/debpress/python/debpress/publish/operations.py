"""operations.json: what operators ask for, read strictly (docs/contract.md#operations)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from debpress.deb.findings import Findings
from debpress.errors import Code, DebpressError
from debpress.index import relations
from debpress.layout import COMPONENT, OPERATIONS, SUITE
from debpress.manifest import check_size, strict


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


KEEP_DAYS = 30
MOST_KEEP_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A generation (None: the published one) can be read as a suite of its own for some days."""

    generation: int | None = None
    keep_days: int = KEEP_DAYS


Operation = Remove | Copy | Rollback | Prune | Snapshot
_KINDS: dict[str, Any] = {
    "remove": Remove,
    "copy": Copy,
    "rollback": Rollback,
    "prune": Prune,
    "snapshot": Snapshot,
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
    findings = Findings(OPERATIONS)
    found: list[Operation] = []
    with findings.gathering():
        check_size(OPERATIONS, len(body))
        _read(strict.load(body, '{"version": 1, "operations": [...]}'), findings, found)
    findings.close()
    return tuple(found)


def _read(top: Any, findings: Findings, found: list[Operation]) -> None:
    if not isinstance(top, strict.Object):
        findings.add(Code.MANIFEST_VERSION, 'must be an object with "version": 1')
        return
    strict.check_version(top, findings)
    strict.check_keys(top, "it", ("version", "operations"), findings)
    listed = top.get("operations")
    if not isinstance(listed, list):
        findings.add(Code.MANIFEST_FIELD, 'must have a list "operations"')
    elif not listed:
        findings.add(Code.MANIFEST_EMPTY, "lists no operation; name at least one")
    for index, each in enumerate(listed if isinstance(listed, list) else ()):
        try:
            found.append(_operation(each))
        except DebpressError as error:
            findings.add(Code.MANIFEST_FIELD, f"operation {index}: {error}")
    if len(found) > 1 and any(isinstance(each, Snapshot) for each in found):
        # It changes no suite, so there is no one flip for all of them.
        findings.add(
            Code.MANIFEST_FIELD, "a snapshot must be the only operation; ask for others apart"
        )


def _operation(data: Any) -> Operation:
    kind = data.get("op") if isinstance(data, strict.Object) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise DebpressError(f'"op" must be one of {", ".join(_KINDS)}')
    fields = _Fields(data)
    fields.take("op", str)
    made: Operation
    match kind:
        case "remove":
            made = Remove(
                fields.relations(),
                fields.take("architecture", str, None),
                fields.take("force", bool, False),
            )
        case "copy":
            source = _Fields(fields.take("from", strict.Object))
            made = Copy(
                source.name("suite", SUITE),
                source.name("component", COMPONENT),
                fields.relations(),
                fields.take("force", bool, False),
            )
            source.done()
        case "rollback":
            made = Rollback(fields.take("to", int))
        case "snapshot":
            made = Snapshot(
                fields.number("generation", None, 1, 10**8 - 1),
                fields.number("keep_days", KEEP_DAYS, 1, MOST_KEEP_DAYS),
            )
        case _:
            made = Prune()
    fields.done()
    return made


_REQUIRED = object()


class _Fields:
    """The fields of one JSON object; each is taken once, and none may be left."""

    def __init__(self, data: strict.Object) -> None:
        if data.repeated:
            raise DebpressError(f"{', '.join(map(repr, data.repeated))} is there twice")
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

    def number(self, name: str, default: Any, least: int, most: int) -> Any:
        value = self.take(name, int, default)
        if value is not default and not least <= value <= most:
            raise DebpressError(f'"{name}" must be {least} to {most}')
        return value

    def relations(self) -> tuple[str, ...]:
        listed = self.take("packages", list)
        if not listed or not all(isinstance(each, str) for each in listed):
            raise DebpressError('"packages" must list at least one package')
        return tuple(str(relations.parse(each)) for each in listed)

    def done(self) -> None:
        if self._left:
            raise DebpressError(f"unknown field {', '.join(map(repr, sorted(self._left)))}")
