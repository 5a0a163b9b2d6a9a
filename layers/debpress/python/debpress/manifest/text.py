"""Bytes of a manifest as text."""

from __future__ import annotations

from debpress.deb.findings import refused
from debpress.errors import Code


def decoded(body: bytes) -> str:
    """UTF-8 without a byte order mark. Raises RejectedError."""
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
            "begins with a byte order mark; write it in UTF-8 without one",
        )
    return text
