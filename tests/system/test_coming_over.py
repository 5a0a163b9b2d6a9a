"""A team moves from aptly: it tries, compares, follows, cuts over by one address, and goes back."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from debpress import signing
from debpress.adapters.kms import KmsService
from debpress.adapters.s3 import S3Store
from debpress.archive import Archive
from debpress.commands import connection
from debpress.layout import Layout

from local import debs
from local.apt_root import AptRoot
from local.ci import Ci
from local.stack import Stack
from tests.integration.test_coming_over import candidates, served
from tests.support.clock import FakeClock
from tests.support.gpg import Gpg, gpg
from tests.support.operator import Debpress
from tests.support.press import Press, keys
from tests.support.sources import ORIGIN, Aptly, Publisher
from tests.support.uploads import Uploads
from tests.unit.test_commands_operators import Bench

SUITE = "testing"


class Switched:
    """A web server whose folder is another one whenever somebody says so, as DNS or a proxy may."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        switched = self

        class Handler(SimpleHTTPRequestHandler):
            def translate_path(self, path: str) -> str:
                return str(switched.folder / path.partition("?")[0].lstrip("/"))

            def log_message(self, *_said: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Switched:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_from_aptly_by_one_change_of_address_and_back(
    stack: Stack, ci: Ci, key: Path, tmp_path: Path
) -> None:
    debpress = Debpress(Uploads(stack, ci))
    built = tmp_path / "debs"
    app = {"Depends": "coming-lib (= 1:1.0)"}
    packages = [
        debs.build(built, "coming-app", "1.0", "amd64", fields=app),
        debs.build(built, "coming-lib", "1:1.0", "all"),
    ]
    with gpg(passphrase="") as aptly_key:
        aptly_key.make("rsa2048")
        old_key = tmp_path / "old.gpg"
        old_key.write_bytes(aptly_key.certificate())
        old = Aptly(tmp_path / "old", aptly_key, SUITE, ("amd64",))
        old.origin = "Tests"
        old.publish(packages)
        cache = ("--cache", str(tmp_path / "cache"))
        place = ("--suite", SUITE, "--keyring", str(old_key))
        with Switched(old.root) as server:
            address = server.address

            def differences() -> list[dict[str, str]]:
                """Others publish here, too, packages of other names."""
                found = debpress.run("compare", address, *place, "--json")
                said = json.loads(found.stdout)
                assert said["judge"].startswith("apt ") and said["disagreements"] == []
                return [d for d in said["differences"] if d["about"].startswith("coming-")]

            # A host of the old repository, which knows both keys by now.
            line = f"deb [signed-by={old_key},{key}] {{}} {SUITE} main"
            host = AptRoot(tmp_path / "host", line.format(address))
            sources = host.path / "etc/apt/sources.list.d/its.list"
            host.update().clean()
            host.install("coming-app").clean()

            assert "2 packages were brought" in debpress("import", address, *place, *cache)
            assert differences() == []

            sources.write_text(line.format(stack.outputs.apt_uri) + "\n")
            host.update().clean()
            nothing = host.run("apt-get", "upgrade").clean().out
            assert "0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded" in nothing
            archives = [file.name for file in (host.path / "var/cache/apt/archives").glob("*.deb")]
            again = host.run("apt-get", "install", "--reinstall", "coming-lib", "coming-app")
            assert archives and "Need to get 0 B" in again.clean().out

            old.publish([*packages, debs.build(built, "coming-app", "1.1", "amd64")])
            assert "1 package was brought" in debpress("import", address, *place, *cache)
            assert differences() == []
            host.update().clean()
            assert host.versions("coming-app") == ["1.1", "1.0"]

            sources.write_text(line.format(address) + "\n")
            host.update().clean()
            assert host.versions("coming-app") == ["1.1", "1.0"]

            old.publish(packages)
            out = debpress("import", address, *place, *cache, "--remove")
            assert "removed  coming-app  1.1" in out

        # The same repository in a bucket: nothing comes over this machine.
        old.publish([*packages, debs.build(built, "coming-app", "1.2~rc1", "amd64")])
        stack.client("s3").create_bucket(Bucket="old-repository")
        ci.aws("s3", "cp", "--quiet", "--recursive", str(old.root), "s3://old-repository/apt")
        out = debpress("import", "s3://old-repository/apt", *place, "--remove")
        assert "1 package was brought" in out and "  removed  " not in out
        compared = debpress.run("compare", "s3://old-repository/apt", *place, "--json")
        about = {each["about"] for each in json.loads(compared.stdout)["differences"]}
        assert not any(each.startswith("coming-") for each in about)
        # What the rules refuse, and hosts live with, comes by an operator's list.
        odd = debs.build(built, "coming-odd", "1", "all", fields={"Source": "Its_Source"})
        old.publish([*packages, odd])
        ci.aws("s3", "sync", "--quiet", str(old.root), "s3://old-repository/apt")
        said = debpress.refused("import", "s3://old-repository/apt", *place)
        assert "name-malformed: its Source is 'Its_Source'" in said
        out = debpress("import", "s3://old-repository/apt", *place, "--as-published")
        assert "as published, though name-malformed" in out and "1 package was brought" in out
        sources.write_text(line.format(stack.outputs.apt_uri) + "\n")
        host.update().clean()
        assert host.versions("coming-odd") == ["1"]
        # What it has brought from there, and the source has no more, goes on demand.
        old.publish(packages)
        ci.aws("s3", "sync", "--quiet", "--delete", str(old.root), "s3://old-repository/apt")
        assert "  removed  " not in debpress("import", "s3://old-repository/apt", *place)
        out = debpress("import", "s3://old-repository/apt", *place, "--remove")
        assert "  removed  coming-app  1.2~rc1" in out and "  removed  coming-odd  1" in out


def dated(source: Publisher, key: Gpg, ago: timedelta) -> None:
    """Makes what is published one of some time before, to the signature and the file's own time."""
    folder, then = source.root / "dists" / source.suite, datetime.now(UTC) + ago
    text = (folder / "Release").read_text()
    date = format_datetime(then, usegmt=True).replace("GMT", "UTC")
    release = re.sub(r"(?m)^Date: .*$", f"Date: {date}", text).encode()
    (folder / "InRelease").write_bytes(key.run("--clear-sign", text=release))
    os.utime(folder / "InRelease", (then.timestamp(),) * 2)


class TestTheKeyComesAlong:
    """The command puts aptly's key into the KMS of the stack as it is, and a press signs by it; a
    host of the old repository is told nothing."""

    @pytest.fixture
    def aptly_key(self) -> Iterator[Gpg]:
        with gpg(passphrase="") as made:
            made.make("rsa2048")
            yield made

    @pytest.fixture
    def moved(
        self,
        aptly_key: Gpg,
        stack: Stack,
        ci: Ci,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> Bench:
        """A press of ten minutes ago, in memory: that of the stack goes on with its own key."""
        secret = tmp_path / "secret.gpg"
        secret.write_bytes(aptly_key.secret())
        said = Debpress(Uploads(stack, ci))("key", "import", str(secret))
        uri = re.search(r"^  (awskms:\S+)$", said, re.M)
        assert uri is not None
        store, kms = S3Store(stack.client("s3"), stack.outputs.bucket), stack.client("kms")
        clock = FakeClock(datetime.now(UTC) - timedelta(minutes=10))
        archive = Archive(store, Layout(), clock)
        found = keys(lambda _: KmsService(kms), clock=clock, archive=archive, user_id="Not used")
        press = Press(signing.load([uri[1]], found), clock)
        press.configure(origin=ORIGIN, label=ORIGIN)
        press.set_up()
        press.store.bucket = "press-in-memory"  # type: ignore[attr-defined]
        monkeypatch.setattr(connection, "connect", lambda _, **_more: (None, press.store))
        made = Bench(press, capsys)
        made.deploy(origin=ORIGIN, label=ORIGIN)
        return made

    def test_a_host_goes_on_behind_the_same_address_and_back(
        self, aptly_key: Gpg, moved: Bench, tmp_path: Path
    ) -> None:
        packages = [
            debs.build(tmp_path, "tool", "2.0-1", "all"),
            debs.build(tmp_path, "app", "0.10", "amd64"),
        ]
        keyring = tmp_path / "old.gpg"
        keyring.write_bytes(aptly_key.certificate())
        source = Aptly(tmp_path / "old", aptly_key, "stable", ("amd64",))
        source.publish(packages)
        dated(source, aptly_key, timedelta(hours=-1))
        with Switched(source.root) as server:
            line = f"deb [signed-by={keyring}] {server.address} stable main"
            host = AptRoot(tmp_path / "host", line)
            host.update().clean()
            host.install("tool").clean()
            place = (server.address, "--suite", "stable", "--keyring", str(keyring))
            assert moved.run("import", *place, "--cache", str(tmp_path / "cache"))[0] == 0
            assert moved.run("compare", *place)[0] == 0
            # To the letter the certificate that the host has.
            assert moved.press.signers.key_gpg() == keyring.read_bytes()

            server.folder = served(moved.press, tmp_path / "new")
            said = host.update().clean()
            assert "Get:1 " in said.out and "InRelease" in said.out
            nothing = host.run("apt-get", "upgrade").clean().out
            assert "0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded" in nothing
            again = host.run("apt-get", "install", "--reinstall", "tool").clean().out
            assert "Need to get 0 B" in again
            assert candidates(host, ["tool", "app"]) == {"tool": "2.0-1", "app": "0.10"}
            moved.publish(("tool", "3.0", "all"))
            served(moved.press, server.folder)
            host.update().clean()
            assert candidates(host, ["tool"]) == {"tool": "3.0"}

            # Back: an older release would be passed over, so the old one is published once more.
            server.folder = source.root
            host.update().clean()
            assert candidates(host, ["tool"]) == {"tool": "3.0"}
            source.publish(packages)
            host.update().clean()
            assert candidates(host, ["tool"]) == {"tool": "2.0-1"}
