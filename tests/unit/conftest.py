from __future__ import annotations

from collections.abc import Callable

import pytest
from debpress.signing import Signers

from tests.support.press import Press, ed25519_signers


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
