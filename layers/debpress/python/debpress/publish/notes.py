"""What the steps of a run leave for each other in `state/<suite>/`: JSON, small, immutable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from debpress import codec
from debpress.errors import CorruptError, Refusal, TransientError
from debpress.layout import Batch, Layout
from debpress.store import ObjectHeaders, PreconditionFailed, Store

JSON = ObjectHeaders("application/json")

_T = TypeVar("_T")
_R = TypeVar("_R")

# S3 answers in some 20 ms and takes thousands of requests a second; a step's wait is its round
# trips, so those that don't depend on each other go side by side.
_THREADS = 16


def side_by_side(call: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    """`call` on each item, the results in the items' order; the first error is raised."""
    items = list(items)
    if len(items) < 2:
        return [call(item) for item in items]
    with ThreadPoolExecutor(min(_THREADS, len(items))) as pool:
        return list(pool.map(call, items))


def dump(data: Any) -> bytes:
    """The same data are the same bytes. Lone surrogates (undecodable bytes) come back as such."""
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()


def load(store: Store, key: str) -> Any | None:
    """The JSON at `key`, or None where there is none."""
    found = store.get(key)
    return None if found is None else json.loads(found.body)


def put_first(store: Store, key: str, data: Any) -> None:
    """Writes a note unless it is there, whoever wrote it. Raises TransientError."""
    for _ in range(5):
        try:
            store.put(key, dump(data), JSON, if_absent=True)
            return
        except PreconditionFailed:
            # S3 answers 409 also while a write is under way, which may yet come to nothing.
            if store.head(key) is not None:
                return
    raise TransientError(f"{key} is being written by somebody again and again")


def require(store: Store, key: str) -> Any:
    data = load(store, key)
    if data is None:
        raise CorruptError(f"{key} is gone; upload the batch's manifest again to start anew")
    return data


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest a run answers: exactly this upload of it."""

    key: str
    etag: str
    version_id: str | None

    def as_json(self) -> dict[str, str | None]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Staged:
    """A listed file, as it was when the run began."""

    name: str
    sha256: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run takes. `base` is the suite's generation when the run began.

    `chunks` are the files shared out among the admitting functions: index ranges of `files`.
    `operations` are an operator's, in place of files. `errors` are
    what is wrong before any file is read; then nothing is taken.
    """

    run: str
    batch: Batch
    manifest: Manifest
    started_at: str
    execution: str
    base: str | None
    files: tuple[Staged, ...] = ()
    ignored: tuple[str, ...] = ()
    chunks: tuple[tuple[int, int], ...] = ()
    operations: tuple[Mapping[str, Any], ...] = ()
    errors: tuple[Mapping[str, str], ...] = ()

    def save(self, store: Store) -> Plan:
        """Returns the run's plan: this one, or the one that a repeat of the event saved before it.

        One upload has one plan for ever: a later one would have a later `base`, from where the run
        is not seen to be in, and might see files that are not those the first one pinned.
        """
        key = Layout.run(self.batch.suite, self.run, "plan.json")
        put_first(store, key, self.as_json())
        return Plan.load(store, self.batch.suite, self.run)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "batch": codec.encode(self.batch)}

    @property
    def refusals(self) -> list[Refusal]:
        return [Refusal.from_json(dict(each)) for each in self.errors]

    def account(self) -> dict[str, Any]:
        """What generations, and in the end results, say of the run."""
        return {
            "run": self.run,
            "batch": codec.encode(self.batch),
            "manifest": self.manifest.as_json(),
            "started_at": self.started_at,
            "execution": self.execution,
            "kinds": sorted({str(each["op"]) for each in self.operations}) or ["batch"],
            "ignored": list(self.ignored),
            "packages": [],
        }

    @classmethod
    def load(cls, store: Store, suite: str, run: str) -> Plan:
        return cls.from_json(require(store, Layout.run(suite, run, "plan.json")))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        return cls(
            **{
                **data,
                "batch": Batch(**data["batch"]),
                "manifest": Manifest(**data["manifest"]),
                "files": tuple(Staged(**f) for f in data["files"]),
                "ignored": tuple(data["ignored"]),
                "chunks": tuple((a, b) for a, b in data["chunks"]),
                "operations": tuple(data["operations"]),
                "errors": tuple(data.get("errors", ())),
            }
        )


@dataclass(frozen=True, slots=True)
class Admitted:
    """A package that is valid and in the pool. `stanza` ends with one newline."""

    file: str
    package: str
    version: str
    architecture: str
    filename: str
    sha256: str
    size: int
    stanza: str

    def public(self) -> dict[str, Any]:
        """What a result says of it."""
        return {
            "package": self.package,
            "version": self.version,
            "architecture": self.architecture,
            "filename": self.filename,
            "sha256": self.sha256,
            "size": self.size,
        }


@dataclass(frozen=True, slots=True)
class Queued:
    """A validated batch that waits to be merged."""

    plan: Plan
    queued_at: str
    packages: tuple[Admitted, ...]

    @property
    def order(self) -> tuple[str, str]:
        return self.queued_at, self.plan.run

    def as_json(self) -> dict[str, Any]:
        return {
            "version": 1,
            "plan": self.plan.as_json(),
            "queued_at": self.queued_at,
            "packages": [asdict(p) for p in self.packages],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Queued:
        return cls(
            Plan.from_json(data["plan"]),
            data["queued_at"],
            tuple(Admitted(**p) for p in data["packages"]),
        )


def bounded(refusals: Sequence[Refusal], most: int) -> list[Refusal]:
    """The first of them, and how many more there are: nobody reads a million."""
    kept = list(refusals[:most])
    if unsaid := len(refusals) - len(kept):
        last = refusals[most]
        kept.append(replace(last, message=f"and {unsaid} more errors; mend these first"))
    return kept


def save_refusals(store: Store, suite: str, run: str, refusals: Iterable[Refusal]) -> None:
    """Why a run is rejected; `finish` turns it into the result."""
    body = dump([r.as_json() for r in refusals])
    store.put(Layout.run(suite, run, "errors.json"), body, JSON)


def load_refusals(store: Store, suite: str, run: str) -> list[Refusal] | None:
    data = load(store, Layout.run(suite, run, "errors.json"))
    return None if data is None else [Refusal.from_json(r) for r in data]
