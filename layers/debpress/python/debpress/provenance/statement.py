"""What an attestation says: in-toto's statement, and the SLSA provenance in it."""

from __future__ import annotations

import json
from typing import Any

from debpress.errors import Code, ProvenanceError
from debpress.findings import shown
from debpress.provenance.bundles import values_of

_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENTS = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
# Values in its JSON: a thousand files, as many as GitHub attests together, have ten thousand.
_MOST_VALUES = 100_000
# A statement of another kind, as the result of a test, says nothing of where its subject is from.
_PREDICATES = "https://slsa.dev/provenance/"


def check(payload_type: str, payload: bytes, sha256: str) -> None:
    """Raises ProvenanceError unless it is provenance, and one of its subjects has this SHA-256."""
    if payload_type != _PAYLOAD:
        raise _no_provenance(f"a {shown(payload_type)}")
    if values_of(payload) > _MOST_VALUES:
        raise _no_provenance(f"of more than {_MOST_VALUES} values")
    try:
        statement: Any = json.loads(payload)
        kind, predicate = statement["_type"], statement["predicateType"]
        # In-toto has digits in lower case, and some makers write others: the number is the same.
        subjects = [str(each["digest"].get("sha256", "")).lower() for each in statement["subject"]]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _no_provenance("malformed") from error
    if kind not in _STATEMENTS or not str(predicate).startswith(_PREDICATES):
        raise _no_provenance(f"a {shown(str(predicate))}")
    if sha256 not in subjects:
        raise of_other_bytes(sha256, *subjects)


def of_other_bytes(sha256: str, *others: str) -> ProvenanceError:
    told = ", ".join(map(shown, others[:3])) + f" and {len(others) - 3} more" * (len(others) > 3)
    return ProvenanceError(
        Code.PROVENANCE_DIGEST,
        f"is of other bytes: it is of SHA-256 {told}, and the package's is {sha256}; upload the "
        "package that was attested, or attest this one",
    )


def _no_provenance(what: str) -> ProvenanceError:
    return ProvenanceError(
        Code.PROVENANCE_INVALID,
        f"holds a statement that is {what}, which is no provenance; attest the package with "
        "actions/attest-build-provenance or another maker of SLSA provenance",
    )
