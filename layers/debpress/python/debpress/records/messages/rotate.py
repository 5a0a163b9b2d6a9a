"""What asks for a step of a rotation."""

from __future__ import annotations

from dataclasses import dataclass

from debpress.codec import Record, named


@dataclass(frozen=True, slots=True)
class RotateInput(Record):
    """`rotate` is the step of a key's rotation. The first step (`announce`) names the new signer in
    `to`, and, where several are configured, the old one in `from`. Both are URIs."""

    rotate: str
    to: str | None = None
    off: str | None = named("from", None)
