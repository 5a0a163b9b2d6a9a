"""The error of the local stack: its text is a sentence that says what to do."""

from __future__ import annotations


class LocalError(Exception):
    """The local stack or the demo lacks something that it needs, or a check of it failed."""
