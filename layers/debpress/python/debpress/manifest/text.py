"""Bytes of a manifest as text."""

from __future__ import annotations

import codecs

from debpress.errors import Code
from debpress.findings import refused

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PLAINLY = "write it in UTF-8 without a mark, in PowerShell with `| Set-Content -Encoding ascii`"


def decoded(body: bytes) -> str:
    """UTF-8 without a byte order mark. Raises RejectedError."""
    # Without a mark it is told by its zeros: no manifest has one in its first two characters.
    if body.startswith(_UTF_16) or b"\0" in body[:2]:
        raise refused(
            Code.MANIFEST_UNREADABLE,
            f"is UTF-16, as PowerShell's > and Out-File write; {_PLAINLY}",
        )
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise refused(
            Code.MANIFEST_UNREADABLE,
            f"is not UTF-8 at byte {error.start}; write it in UTF-8",
        ) from error
    if text.startswith("\ufeff"):
        raise refused(
            Code.MANIFEST_UNREADABLE,
            f"begins with a byte order mark; {_PLAINLY}",
        )
    return text
