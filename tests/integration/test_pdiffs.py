"""A host that has an index brings it up to date by scripts, as real apt does it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from debpress.keys.publication import sources

from local.apt_root import AptRoot
from tests.support.press import Press, deb, ed25519_signers
from tests.support.replay import Bucket, objects

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt is not installed")


def packages(press: Press, version: str, *numbers: int) -> None:
    """Publishes packages whose stanzas compress as badly as Debian's."""
    chance = random.Random(version)
    files = {}
    for number in numbers:
        said = " ".join(f"{chance.getrandbits(40):x}" for _ in range(30))
        files[f"p{number}_{version}_amd64.deb"] = deb(
            f"p{number}", version, "amd64", extra=f"Tag: {said}\n"
        )
    assert press.publish(press.upload(f"v{version}", files)) == "published"
    press.clock.sleep(60)


def test_a_small_change_is_a_small_download_and_a_lost_script_a_large_one(tmp_path: Path) -> None:
    press = Press(ed25519_signers())
    press.configure(architectures=["amd64"], components=["main"], diff_stanzas=100)
    press.set_up()
    press.clock.sleep(60)
    packages(press, "1", *range(150))
    bucket = Bucket(objects(press.store.snapshot()))
    with bucket.served() as address:
        text = sources(press.repository.suites[0], f"{address}apt", press.signers.key_asc())
        host = AptRoot(tmp_path / "host", text.decode())

        def updated() -> dict[str, int]:
            """What the host fetched, in bytes."""
            bucket.objects = objects(press.store.snapshot())
            bucket.sent.clear()
            host.update().clean()
            return {key.removeprefix("apt/dists/stable/"): n for key, n in bucket.sent.items()}

        whole = updated()
        for version in ("2", "3"):
            packages(press, version, 7, 70, 140)
        fetched = updated()
        assert host.versions("p70") == ["3", "2", "1"]
        assert len([name for name in fetched if "/Packages.diff/T-" in name]) == 2
        assert not any(name.endswith((".xz", ".gz")) and "T-" not in name for name in fetched)
        assert sum(fetched.values()) < sum(whole.values()) / 3

        packages(press, "4", 8)
        for key in press.store.keys("apt/dists/stable/main/binary-amd64/Packages.diff/T-"):
            press.store.delete(key)
        assert any("/binary-amd64/by-hash/" in name for name in updated())
        assert host.versions("p8") == ["4", "1"]
