"""The record of the last set-up that succeeded."""

from __future__ import annotations

from dataclasses import dataclass

from debpress.codec import Record, versioned


@versioned
@dataclass(frozen=True, slots=True)
class SetUpDone(Record):
    """`properties` is a digest of the deployment's, as CloudFormation told them; `fingerprint` is
    the signing certificate's, which was the answer."""

    properties: str
    fingerprint: str
