"""What may be missing, and is there in this test."""

from __future__ import annotations

from typing import TypeVar

_T = TypeVar("_T")


def some(found: _T | None) -> _T:
    assert found is not None
    return found
