"""What goes side by side, in threads."""

from __future__ import annotations

import threading

import pytest

# As it is before conftest.py puts something quicker in its place.
from debpress.concurrency import THREADS, _in_threads


def test_they_go_at_the_same_time_and_answer_in_the_order_of_the_items() -> None:
    meeting = threading.Barrier(THREADS, timeout=30)

    def call(item: int) -> int:
        meeting.wait()
        return item * item

    assert _in_threads(call, list(range(THREADS))) == [n * n for n in range(THREADS)]


def test_the_first_error_is_raised_when_all_have_ended() -> None:
    ended, meeting = [], threading.Barrier(4, timeout=30)

    def call(item: int) -> None:
        meeting.wait()
        ended.append(item)
        if item in (1, 2):
            raise ValueError(item)

    with pytest.raises(ValueError, match="1"):
        _in_threads(call, [0, 1, 2, 3])
    assert sorted(ended) == [0, 1, 2, 3]
