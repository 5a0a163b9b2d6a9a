"""What goes wrong on this machine, as a sentence that says what to do."""

from __future__ import annotations


class LocalError(Exception):
    """Something the local stack or the demo needs is not there or did not hold."""
