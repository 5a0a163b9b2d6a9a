"""A host before and after a heartbeat: what real apt says of a Valid-Until that is over."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.apt_root import AptRoot
from tests.support.clock import FakeClock
from tests.support.press import Press, debs, ed25519_signers
from tests.support.replay import Bucket, objects

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt is not installed")


def press_of(start: datetime) -> Press:
    clock = FakeClock(start)
    press = Press(ed25519_signers(clock), clock=clock)
    press.configure(valid_for=7)
    press.set_up()
    press.publish(press.upload("b1", debs(("a", "1", "all"))))
    return press


def test_a_host_refuses_what_is_too_old_and_comes_back_after_a_heartbeat(
    tmp_path: Path,
) -> None:
    # The host's clock is the machine's, so it is the press that lives in the past: what it
    # publishes was valid until a day ago.
    press = press_of(datetime.now(UTC) - timedelta(days=8))
    bucket = Bucket(objects(press.store.snapshot()))
    key = tmp_path / "key.asc"
    key.write_bytes(press.signers.key_asc())
    with bucket.served() as address:
        source = f"deb [signed-by={key}] {address}apt stable main"
        host = AptRoot(tmp_path / "host", source)
        said = host.update()
        assert said.code == 100 and "expired" in said.err, said
        press.clock.advance(8 * 86400)
        press.beat()
        bucket.objects = objects(press.store.snapshot())
        host.update().clean()
        assert host.versions("a") == ["1"]
