"""Laws 7 and 10 of docs/invariants.md, each by itself; the others have pages of tests of their own.

By the whole press in memory, whose steps and records alone are used.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from debpress.errors import ConfigError, DebpressError, SigningError, TransientError
from debpress.index import release

from tests.support.press import Press, debs


class TestNames:
    """Law 7: what hosts know a suite by never changes."""

    @pytest.mark.parametrize("name", ["origin", "label", "codename"])
    def test_a_configuration_that_renames_a_published_suite_is_refused(
        self, press: Press, name: str
    ) -> None:
        inrelease = press.repository.layout.inrelease("stable")
        before = press.store.body(inrelease)
        press.configure(**{name: "renamed"})
        with pytest.raises(ConfigError, match=f"{name} is published as .* apt update would stop"):
            press.set_up()
        assert press.store.body(inrelease) == before

    def test_and_no_batch_renames_it_either(self, press: Press) -> None:
        event = press.upload("b1", debs(("a", "1", "all")))
        press.configure(origin="renamed")
        with pytest.raises(ConfigError, match="origin is published as"):
            press.publish(event)
        assert press.release().origin == "debpress"

    def test_what_hosts_do_not_mind_may_change(self, press: Press) -> None:
        press.configure(description="another description")
        press.set_up()
        assert press.release().description == "another description"


def forged(press: Press, forge: Callable[[str], str]) -> None:
    """Publishes a batch whose generation's record is altered between merge and sign."""
    prefix = "state/stable/generations/"
    known = set(press.store.keys(prefix))
    run = press.steps(press.upload("b1", debs(("a", "1", "all"))))
    while not (new := set(press.store.keys(prefix)) - known):
        next(run)
    (key,) = new
    record = json.loads(press.store.body(key))
    record["release"] = forge(record["release"])
    press.store.put(key, json.dumps(record).encode())
    next(run)  # sign


class TestTheSigner:
    """Law 10: it believes nothing of the record, which whoever took over a step could write."""

    def test_it_signs_the_release_of_its_suite(self, press: Press) -> None:
        forged(press, lambda text: text)
        assert any("00000002-" in key for key in press.store.keys("state/stable/signed/"))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("Origin: debpress", "Origin: other"),
            ("Suite: stable", "Suite: testing"),
            ("Suite: stable", "Suite: unknown"),
            ("SHA256:\n", "Signed-By: 0123456789ABCDEF\nSHA256:\n"),
            ("Origin: debpress\n", "A letter.\nOrigin: debpress\n"),
        ],
    )
    def test_it_signs_nothing_else(self, press: Press, old: str, new: str) -> None:
        with pytest.raises(SigningError):
            forged(press, lambda text: text.replace(old, new))
        assert not any("00000002-" in key for key in press.store.keys("state/stable/signed/"))

    def test_nor_what_is_no_release_at_all(self, press: Press) -> None:
        with pytest.raises(DebpressError):
            forged(press, lambda _: "I owe you five\n")
        assert not any("00000002-" in key for key in press.store.keys("state/stable/signed/"))

    def test_nor_a_date_that_is_still_to_come(self, press: Press) -> None:
        with pytest.raises(TransientError, match="in the future"):
            forged(press, lambda text: dated(text, press.clock.now() + timedelta(days=1)))

    def test_nor_a_date_that_is_over(self, press: Press) -> None:
        forged(press, lambda text: dated(text, press.clock.now() - timedelta(days=1)))
        assert not any("00000002-" in key for key in press.store.keys("state/stable/signed/"))


def dated(text: str, date: datetime) -> str:
    return release.parse(text.encode()).dated(date.replace(microsecond=0)).render().decode()
