"""operations.json: what operators ask for, read strictly (docs/contract.md#operations)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from debpress import strict
from debpress.errors import Code, CorruptError, DebpressError, Refusal, RejectedError
from debpress.findings import Findings
from debpress.index import relations
from debpress.layout import COMPONENT, OPERATIONS, SUITE
from debpress.manifest import check_size
from debpress.manifest.fields import Fields, check_version, load


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
    """Old versions go, by the configuration. A `partial` one takes the oldest, as many as the
    configured share allows at once; any other is refused where that is not all of them."""

    partial: bool = False


@dataclass(frozen=True, slots=True)
class Forget:
    """Versions that are gone may come again with other bytes; exact ones, `foo (= 1.2)`."""

    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class End:
    """A suite of a pattern ends now: the next reaping takes it away."""


KEEP_DAYS = 30
MOST_KEEP_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A generation (None: the published one) can be read as a suite of its own for some days."""

    generation: int | None = None
    keep_days: int = KEEP_DAYS


Operation = Remove | Copy | Rollback | Prune | Forget | End | Snapshot
_KINDS: dict[str, Any] = {
    "remove": Remove,
    "copy": Copy,
    "rollback": Rollback,
    "prune": Prune,
    "forget": Forget,
    "end": End,
    "snapshot": Snapshot,
}


def as_json(operation: Operation) -> dict[str, Any]:
    """How a queue entry keeps it."""
    kind = next(name for name, kind in _KINDS.items() if isinstance(operation, kind))
    if isinstance(operation, Prune) and not operation.partial:
        return {"op": kind}  # As older versions, which know no partial one, queued and read it.
    return {"op": kind, **asdict(operation)}


def as_manifest(operations: Sequence[Operation]) -> bytes:
    """An operations.json that asks for them."""
    listed = []
    for operation in operations:
        fields = {k: v for k, v in as_json(operation).items() if v is not None and v is not False}
        if isinstance(operation, Copy):
            fields["from"] = {key: fields.pop(key) for key in ("suite", "component")}
        listed.append(fields)
    return json.dumps({"version": 1, "operations": listed}).encode()


def from_json(data: Mapping[str, Any]) -> Operation:
    """Of a queue entry, perhaps a newer version's. Raises CorruptError for an operation that is not
    known; a field that is not known says how to do it otherwise, so that is refused as well."""
    try:
        fields = {k: tuple(v) if isinstance(v, list | tuple) else v for k, v in data.items()}
        kind = str(fields.pop("op"))
        made: Operation = _KINDS[kind](**fields)
    except (KeyError, TypeError) as error:
        raise CorruptError(
            f"the operation {dict(data)!r:.200} is none that this debpress knows; deploy the newer "
            "one that queued it"
        ) from error
    return made


def refused(code: Code, message: str) -> RejectedError:
    """An operation can't be done, and why."""
    return RejectedError([Refusal(OPERATIONS, code, message)])


def parse(body: bytes) -> tuple[Operation, ...]:
    """Raises RejectedError with everything that is wrong."""
    findings = Findings(OPERATIONS)
    found: list[Operation] = []
    with findings.gathering():
        check_size(OPERATIONS, len(body))
        _read(load(body, '{"version": 1, "operations": [...]}'), findings, found)
    findings.close()
    return tuple(found)


def _read(value: Any, findings: Findings, found: list[Operation]) -> None:
    if not isinstance(value, strict.JsonObject):
        findings.add(Code.MANIFEST_VERSION, 'must be an object with "version": 1')
        return
    top = Fields(value, "")
    check_version(top, findings)
    top.gather(findings, "version", "operations")
    listed = top.take("operations", list)
    if not listed:
        findings.add(Code.MANIFEST_EMPTY, "lists no operation; name at least one")
    for index, each in enumerate(listed):
        with findings.gathering():
            fields = Fields(each, f"operation {index}")
            operation = _READERS[fields.one_of("op", tuple(_READERS))](fields)
            fields.done()
            found.append(operation)
    if len(found) > 1 and any(isinstance(each, Snapshot) for each in found):
        # It changes no suite, so there is no one flip for all of them.
        findings.add(
            Code.MANIFEST_FIELD, "a snapshot must be the only operation; ask for others apart"
        )


def _remove(fields: Fields) -> Remove:
    architecture = fields.take("architecture", str, None)
    return Remove(_relations(fields), architecture, fields.flag("force", False))


def _copy(fields: Fields) -> Copy:
    source = fields.object("from")
    suite, component = source.text("suite", SUITE), source.text("component", COMPONENT)
    source.done()
    return Copy(suite, component, _relations(fields), fields.flag("force", False))


def _rollback(fields: Fields) -> Rollback:
    return Rollback(fields.take("to", int))


def _forget(fields: Fields) -> Forget:
    packages = _relations(fields)
    if any(relations.parse(each).operator != "=" for each in packages):
        raise fields.wrong("packages", "must hold exact versions, as in 'foo (= 1.2)'")
    return Forget(packages)


def _snapshot(fields: Fields) -> Snapshot:
    return Snapshot(
        fields.number("generation", 1, 10**8 - 1, None),
        fields.number("keep_days", 1, MOST_KEEP_DAYS, KEEP_DAYS),
    )


_READERS: dict[str, Callable[[Fields], Operation]] = {
    "remove": _remove,
    "copy": _copy,
    "rollback": _rollback,
    "prune": lambda fields: Prune(fields.flag("partial", False)),
    "forget": _forget,
    "end": lambda _: End(),
    "snapshot": _snapshot,
}


def _relations(fields: Fields) -> tuple[str, ...]:
    listed = fields.take("packages", list)
    if not listed or not all(isinstance(each, str) for each in listed):
        raise fields.wrong("packages", "must list at least one package")
    try:
        return tuple(str(relations.parse(each)) for each in listed)
    except DebpressError as error:
        raise fields.wrong("packages", f"must hold relations: {error}") from error
