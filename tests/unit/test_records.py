"""Records: every golden file is read and written to the byte; what is not known is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from debpress import codec
from debpress.codec import Record
from debpress.errors import CorruptError
from debpress.layout import Batch
from debpress.records.batch import ManifestRef, Plan, QueueEntry, Verdict
from debpress.records.generation import Ended, Generation, SignedRelease
from debpress.records.gone import GoneUpTo, GoneVersion
from debpress.records.result import PruneReport, ReapReport, Result
from debpress.records.rotation import Rotation, StoredCertificate
from debpress.records.setup import SetUpDone

from tests.support import golden

# By a part of the golden file's name.
KINDS: dict[str, type[Record]] = {
    "results__": Result,
    "_reports__reap": ReapReport,
    "_rotation": Rotation,
    "_setup": SetUpDone,
    "_signers__": StoredCertificate,
    "__generations__": Generation,
    "__gone___upto": GoneUpTo,
    "__gone__": GoneVersion,
    "__queue__": QueueEntry,
    "__reports__prune": PruneReport,
    "__chunk-": Verdict,
    "__plan.json": Plan,
    "__signed__": SignedRelease,
    "__ended.json": Ended,
}

# A list of problems, which is no object; and the configuration, which `config` reads.
OTHERS = ("__errors.json", "_repository.json")

FILES = [file for file in sorted(golden.FOLDER.iterdir()) if not file.name.endswith(OTHERS)]


def kind(file: Path) -> type[Record]:
    found, *others = (cls for part, cls in KINDS.items() if part in file.name)
    assert not others or found is GoneUpTo, file.name
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
class TestGoldenFiles:
    def test_are_read_and_written_to_the_byte(self, file: Path) -> None:
        body = file.read_bytes()
        record = codec.load(kind(file), body, file.name)
        assert codec.encode(record) == json.loads(body)
        if kind(file) is not StoredCertificate:  # which people look at: it has lines
            assert codec.dump(record) == body

    def test_of_a_newer_minor_version_are_read_and_nothing_is_lost(self, file: Path) -> None:
        newer = grown(json.loads(file.read_bytes()))
        record = codec.load(kind(file), json.dumps(newer).encode(), file.name)
        assert codec.encode(record) == newer

    def test_of_another_major_version_are_refused(self, file: Path) -> None:
        other = {**json.loads(file.read_bytes()), "version": 2}
        with pytest.raises(CorruptError, match=f"{file.name}.*version 2"):
            codec.load(kind(file), json.dumps(other).encode(), file.name)


def test_there_is_a_golden_file_of_every_kind() -> None:
    assert {kind(file) for file in FILES} == set(KINDS.values())


# Maps whose keys are data, and what is kept as it came: a field more is an entry more.
FREE = ("added", "removed", "before", "history", "operations")


def grown(value: Any, *, free: bool = False) -> Any:
    """With a field more in every object that is a record."""
    match value:
        case dict():
            found = {k: grown(v, free=k in FREE or free) for k, v in value.items()}
            return found if free else {**found, "novelty": {"a": [1, None]}}
        case list():
            return [grown(each, free=free) for each in value]
    return value


PLAN = {
    "run": "main.b.0",
    "batch": {"suite": "stable", "component": "main", "id": "b"},
    "manifest": {"key": "k", "etag": "e", "version_id": None},
    "started_at": "",
    "execution": "",
    "base": None,
}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({**PLAN, "run": 1}, "run: 1 is no str"),
        ({**PLAN, "batch": "b"}, "batch: a Batch is no object but 'b'"),
        ({**PLAN, "chunks": [[0]]}, r"chunks: \[0\] is no list of 2"),
        ({**PLAN, "chunks": [[0, True]]}, "chunks: True is no int"),
        ({**PLAN, "files": {}}, "files: {} is no list"),
        ({k: v for k, v in PLAN.items() if k != "base"}, "a Plan without base"),
        ([], r"a Plan is no object but \[\]"),
    ],
)
def test_what_is_no_record_is_said_to_be_none(data: Any, said: str) -> None:
    with pytest.raises(CorruptError, match=f"state/plan.json can't be read: {said}"):
        codec.load(Plan, json.dumps(data).encode(), "state/plan.json")


def test_bytes_that_are_no_json_are_said_to_be_none() -> None:
    with pytest.raises(CorruptError, match=r"state/plan.json can't be read"):
        codec.load(Plan, b"{", "state/plan.json")


def test_an_altered_record_keeps_what_it_did_not_know() -> None:
    plan = codec.decode(Plan, {**PLAN, "novelty": 1})
    assert codec.encode(replace(plan, run="other"))["novelty"] == 1


def test_records_are_one_where_what_is_known_of_them_is() -> None:
    same = codec.decode(Batch, {"suite": "s", "component": "c", "id": "i", "novelty": 1})
    assert same == Batch("s", "c", "i") and hash(same) == hash(Batch("s", "c", "i"))
    assert ManifestRef("k", "e", None) != ManifestRef("k", "e", "v")
