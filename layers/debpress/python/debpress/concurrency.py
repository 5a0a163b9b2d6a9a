"""Calls that wait for something else than this processor, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")

# S3 answers in some 20 ms and takes thousands of requests a second; a step's wait is its round
# trips, so those that don't depend on each other go side by side.
_THREADS = 16


def side_by_side(call: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    """`call` on each item, the results in the items' order; the first error is raised."""
    items = list(items)
    return _in_threads(call, items) if len(items) > 1 else [call(item) for item in items]


def _in_threads(call: Callable[[_T], _R], items: list[_T]) -> list[_R]:
    with ThreadPoolExecutor(min(_THREADS, len(items))) as pool:
        return list(pool.map(call, items))
