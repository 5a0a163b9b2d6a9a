"""Calls that wait for something else than this processor, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, overload

_T = TypeVar("_T")
_R = TypeVar("_R")
_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")
_D = TypeVar("_D")

# S3 answers in some 20 ms and takes thousands of requests a second; a step's wait is its round
# trips, so those that don't depend on each other go side by side.
THREADS = 16


def side_by_side(call: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    """`call` on each item, the results in the items' order; the first error is raised."""
    items = list(items)
    return _in_threads(call, items) if len(items) > 1 else [call(item) for item in items]


@overload
def at_once(a: Callable[[], _A], b: Callable[[], _B], /) -> tuple[_A, _B]: ...
@overload
def at_once(
    a: Callable[[], _A], b: Callable[[], _B], c: Callable[[], _C], /
) -> tuple[_A, _B, _C]: ...
@overload
def at_once(
    a: Callable[[], _A], b: Callable[[], _B], c: Callable[[], _C], d: Callable[[], _D], /
) -> tuple[_A, _B, _C, _D]: ...
def at_once(*calls: Callable[[], Any]) -> tuple[Any, ...]:
    """What the calls return, which go side by side; the error of the first that has one is
    raised, when all have ended."""
    return tuple(side_by_side(lambda call: call(), calls))


def _in_threads(call: Callable[[_T], _R], items: list[_T]) -> list[_R]:
    with ThreadPoolExecutor(min(THREADS, len(items))) as pool:
        return list(pool.map(call, items))
