"""Two flips as close as can be, seen by hosts that ask whether anything is newer (law 2).

apt sends If-Modified-Since with the Last-Modified of the InRelease it has, in whole seconds, by
https as by http: of two flips in one second it would see the first for as long as there is no
third. Real apt asks a copy of the bucket that answers 304 as S3 does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from debpress import openpgp
from debpress.steps import commit

from local.apt_root import AptRoot
from tests.support import replay, tls
from tests.support.clock import FakeClock
from tests.support.press import Press, debs, ed25519_signers
from tests.support.replay import Bucket, Write

INRELEASE = "apt/dists/stable/InRelease"


class Two:
    """One flip upon another, by a clock that stands still but for what publishing waits for."""

    def __init__(self, meanwhile: Callable[[Press], None] = lambda _: None) -> None:
        self.clock = FakeClock(datetime.now(UTC) - timedelta(days=1))
        press = Press(ed25519_signers(self.clock), self.clock)
        press.set_up()
        self.clock.advance(3600)
        self.key = openpgp.armor(b"".join(press.signers.certificates()), "PUBLIC KEY BLOCK")
        self.before = replay.objects(press.store.snapshot())
        self.acts: list[list[Write]] = []
        for number in (1, 2):
            event = press.upload(f"b{number}", debs(("foo", f"{number}", "all")))

            def publish(event: dict[str, object] = event, second: bool = number == 2) -> None:
                if second:
                    meanwhile(press)
                assert press.publish(event) == "published"

            self.acts.append(replay.record(press.store, publish))


def seen(two: Two, path: Path) -> list[list[str]]:
    """What a host sees that updates after each of the two."""
    context, trusted = tls.loopback(path)
    key = path / "press.asc"
    key.write_bytes(two.key)
    bucket = Bucket(dict(two.before))
    with bucket.served(context) as uri:
        assert uri.startswith("https://")
        host = AptRoot(path / "host", f"deb [signed-by={key}] {uri}apt stable main")
        ca = host.path / "etc/apt/apt.conf.d/ca"
        ca.write_text(f'Acquire::https::CAInfo "{trusted}";\n')
        found = []
        for writes in two.acts:
            for write in writes:
                bucket.apply(write)
            host.update().clean()
            found.append(host.versions("foo"))
        assert bucket.unchanged == ([] if len(found[-1]) == 2 else [INRELEASE])
        host.update().clean()
        assert bucket.unchanged[-1] == INRELEASE, "it does not ask by If-Modified-Since"
    return found


def back(press: Press) -> None:
    """The store's clock goes back by more than a second as InRelease is put."""

    def jump(operation: str, key: str) -> None:
        if (operation, key) == ("put", INRELEASE):
            press.store.on_write = None
            press.clock.advance(-1.5)

    press.store.on_write = jump


def test_hosts_see_both(tmp_path: Path) -> None:
    assert seen(Two(), tmp_path) == [["1"], ["2", "1"]]


def test_hosts_see_both_when_the_clock_goes_back_between_them(tmp_path: Path) -> None:
    assert seen(Two(back), tmp_path) == [["1"], ["2", "1"]]


def test_without_a_second_between_them_and_a_look_afterwards_the_second_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "leave_a_second", lambda *_: None)
    monkeypatch.setattr(commit, "see_it_rise", lambda *_: None)
    assert seen(Two(), tmp_path) == [["1"], ["1"]]


def test_without_the_look_afterwards_one_is_missed_when_the_clock_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "see_it_rise", lambda *_: None)
    assert seen(Two(back), tmp_path) == [["1"], ["1"]]
