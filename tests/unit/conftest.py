from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from debpress import concurrency
from debpress.signing import Signers

from tests.support.press import Press, ed25519_signers


@pytest.fixture(scope="session", autouse=True)
def one_after_another() -> Iterator[None]:
    """Nothing waits for an answer in memory, so what a step does side by side goes one after
    another: no two runs differ, and starting threads would be most of what the tests take. As where
    each has a thread, all are called, also behind one that fails. Threads themselves are used by
    tests/integration and tests/system, and judged by test_concurrency.py."""

    def in_order(call: Callable[[Any], Any], items: list[Any]) -> list[Any]:
        results, errors = [], []
        for item in items:
            try:
                results.append(call(item))
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return results

    with mock.patch.object(concurrency, "_in_threads", in_order):
        yield


@pytest.fixture(scope="session")
def signers() -> Signers:
    return ed25519_signers()


@pytest.fixture
def fresh(signers: Signers) -> Callable[[], Press]:
    """Makes a press whose suites are set up, as often as it is called."""

    def make() -> Press:
        press = Press(signers)
        press.set_up()
        press.clock.sleep(600)
        return press

    return make


@pytest.fixture
def press(fresh: Callable[[], Press]) -> Press:
    return fresh()
