"""A key is changed step by step: what hosts see at each stage, by the real apt, gpgv and sqv."""

from __future__ import annotations

from pathlib import Path

import pytest
from debpress.keys import keyring

from local.apt_root import AptRoot, Said
from tests.support.press import debs
from tests.support.rotation import DAYS, GOES_ON, NEXT, Rotation


class Archive:
    """A rotating press whose root is copied to a folder, which apt reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rotation = Rotation(uri=f"file:{folder / 'apt'}")
        self.copy()

    def copy(self) -> None:
        for key in self.rotation.store.keys("apt/"):
            path = self.folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.rotation.store.body(key))

    def publish(self, name: str) -> None:
        assert self.rotation.publish(name) == "published"
        self.copy()

    def publish_keyring(self) -> str:
        """As `debpress key package --publish`; gives the version."""
        press = self.rotation.press
        built = keyring.build(press.archive, press.repository)
        event = press.upload(f"keyring-{press.executions}", {built.name: built.body})
        assert press.publish(event) == "published"
        self.copy()
        return built.version

    def host(self, *names: str) -> AptRoot:
        """A host that has exactly these certificates, in a file of its own."""
        name = "-".join(names)
        file = self.folder / f"{name}.gpg"
        file.write_bytes(b"".join(self.rotation.certificate(each) for each in names))
        source = f"deb [signed-by={file}] {self.rotation.uri} stable main"
        return AptRoot(self.folder / f"host-{name}", source)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def test_each_host_goes_on_or_fails_as_the_procedure_says(archive: Archive) -> None:
    rotation = archive.rotation.stand_at("announce")
    hosts = {names: archive.host(*names) for names in GOES_ON["announce"]}
    for stage, expected in GOES_ON.items():
        archive.publish(f"with-{stage}")
        for names, good in expected.items():
            said = hosts[names].update()
            case = f"{stage}, {names}: {said.err}"
            assert (said.code == 0) == (not said.complaints) == good, case
            assert (f"with-{stage}" in hosts[names].packages()) == good, case
            assert good or "NO_PUBKEY" in said.err, case
            assert rotation.accepts(*names) == (good, good), case
        if stage in NEXT:
            step, days = NEXT[stage]
            rotation.wait(days)
            rotation.take(step)


def test_going_back_takes_the_hosts_along_that_the_switch_left_behind(archive: Archive) -> None:
    rotation = archive.rotation.stand_at("switch")
    host = archive.host("old")
    archive.copy()
    assert host.update().code != 0
    rotation.take("back")
    archive.copy()
    host.update().clean()


class Subscriber:
    """A host that was set up by the published source, and then has the keyring as a package."""

    def __init__(self, archive: Archive) -> None:
        source = archive.rotation.store.body("apt/stable.sources").decode()
        self.apt = AptRoot(archive.folder / "subscriber", source)
        self.apt.update().clean()
        self.apt.install("debpress-archive-keyring").clean()
        share = self.apt.path / "usr/share"
        self.keyring = share / "keyrings/debpress-archive-keyring.gpg"
        # As docs/hosts.md has it; apt takes the path from the machine's root, whatever Dir says.
        packaged = (share / "debpress-archive-keyring/stable.sources").read_text()
        assert "Signed-By: /usr/share/keyrings/debpress-archive-keyring.gpg\n" in packaged
        moved = packaged.replace("/usr/share/keyrings", str(self.keyring.parent))
        (share / "moved.sources").write_text(moved)
        link = self.apt.path / "etc/apt/sources.list.d/its.sources"
        link.unlink()
        link.symlink_to(share / "moved.sources")
        self.apt.update().clean()

    def upgrade(self) -> Said:
        self.apt.update().clean()
        return self.apt.run("apt-get", "upgrade", "--yes").clean()


def test_hosts_that_upgrade_get_each_certificate_in_time(archive: Archive) -> None:
    rotation = archive.rotation
    first = archive.publish_keyring()
    host = Subscriber(archive)
    assert host.keyring.read_bytes() == rotation.certificate("old")

    rotation.clock.sleep(60)
    rotation.stand_at("announce")
    second = archive.publish_keyring()
    assert second > first
    host.upgrade()
    assert host.apt.installed("debpress-archive-keyring") == second
    assert host.keyring.read_bytes() == rotation.certificate("old") + rotation.certificate("new")

    for step, days in (("dual", DAYS.announce), ("switch", DAYS.dual)):
        rotation.wait(days)
        rotation.take(step)
        assert archive.publish_keyring() == second, "what hosts trust has not changed"
        host.upgrade()

    rotation.wait(DAYS.switch)
    rotation.take("retire")
    assert archive.publish_keyring() > second
    host.upgrade()
    assert host.keyring.read_bytes() == rotation.certificate("new")
    rotation.take("back")
    archive.publish_keyring()
    host.upgrade()
    assert host.keyring.read_bytes() == rotation.certificate("old") + rotation.certificate("new")


def test_packages_stay_through_it(archive: Archive) -> None:
    rotation = archive.rotation
    started = rotation.press.upload("b1", debs(("one", "1.0", "all")))
    assert rotation.press.publish(started) == "published"
    for stage in ("announce", "dual", "switch"):
        if stage == "announce":
            rotation.stand_at(stage)
        else:
            rotation.wait(30)
            rotation.take(stage)
        archive.copy()
        host = archive.host("old", "new")
        host.update().clean()
        assert host.versions("one") == ["1.0"]
