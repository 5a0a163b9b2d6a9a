"""Hosts update while releases are published, pruned and rolled back, through caches as stale as
the distribution allows, and from a bucket that is as strict as S3.

Each publish takes effect at the worst moment: after a host has read `InRelease`, and before it
reads the index that this names.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from debpress.records import generation

from local.apt_root import AptRoot, Said
from tests.support import bare_root, tls, web
from tests.support.clock import FakeClock
from tests.support.front import Front
from tests.support.press import Press, debs, ed25519_signers
from tests.support.replay import Bucket, Live
from tests.support.sigv4 import Verifier
from tests.support.web import Answer, Asked

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt is not installed")

PUBLISHES = 50
HOSTS = 4
INRELEASE = "apt/dists/stable/InRelease"
_INDEX = re.compile(r"dists/stable/main/binary-amd64/(by-hash|Packages)")


@dataclass
class Repository:
    """A press that publishes a release whenever it is told, of 20 packages, each time newer ones of
    two. `releases` are the texts that were ever signed, in their order."""

    press: Press
    published: int = 0
    releases: list[bytes] = field(default_factory=list)

    @classmethod
    def made(cls) -> Repository:
        clock = FakeClock()
        press = Press(ed25519_signers(clock), clock=clock)
        press.configure(architectures=["amd64"], components=["main"], keep=3, diff_stanzas=10)
        press.set_up()
        made = cls(press)
        made.take(press.upload("first", debs(*((f"p{n}", "0", "amd64") for n in range(20)))))
        return made

    def take(self, started: dict[str, Any]) -> None:
        self.press.clock.sleep(7)
        assert self.press.publish(started) == "published"
        self.releases.append(self.press.store.body(INRELEASE))

    def go_on(self) -> None:
        """The next of them; among them a prune, and a rollback to the release before the last."""
        self.published += 1
        press, number = self.press, self.published
        if number == PUBLISHES // 2:
            self.take(press.operate("prune", {"op": "prune"}))
        elif number == PUBLISHES * 4 // 5:
            now = press.store.headers(INRELEASE).metadata["generation"]
            to = generation.number(now) - 2
            self.take(press.operate("rollback", {"op": "rollback", "to": to}))
        else:
            new = ((f"p{n % 20}", str(number), "amd64") for n in (number, number + 1))
            self.take(press.upload(f"b{number}", debs(*new)))


@dataclass
class Host:
    """`seen` is of each update the number of the release that it had then."""

    apt: AptRoot
    repository: Repository
    seen: list[int] = field(default_factory=list)

    def update(self) -> None:
        """Raises AssertionError for a word of apt's, and for anything that is not one release."""
        said = self.apt.update()
        assert (said.code, said.complaints) == (0, []), said.out + said.err
        lists = self.apt.path / "var/lib/apt/lists"
        (signed,) = lists.glob("*_InRelease")
        release = signed.read_bytes()
        # It is one that was published, and never an older one than before.
        self.seen.append(self.repository.releases.index(release))
        assert self.seen == sorted(self.seen)
        (index,) = lists.glob("*_Packages")
        body = index.read_bytes()
        named = rb" %s +%d main/binary-amd64/Packages\n"
        line = named % (hashlib.sha256(body).hexdigest().encode(), len(body))
        assert re.search(line, release), "the index is not the release's"


class Between:
    """Publishes when an index is asked for, and somebody has read `InRelease` before it, until the
    repository has published so often. What goes wrong with that is in `failed`."""

    def __init__(self, repository: Repository, most: int) -> None:
        self.repository, self.most = repository, most
        self.failed: list[Exception] = []
        self._alone = threading.Lock()
        self._read = False

    @property
    def goes_on(self) -> bool:
        return self.repository.published < self.most and not self.failed

    def __call__(self, path: str) -> None:
        with self._alone:
            if path.endswith("/InRelease"):
                self._read = True
            elif self._read and _INDEX.search(path) and self.goes_on:
                self._read = False
                try:
                    # Two: what it read is not even the release before the newest any more.
                    self.repository.go_on()
                    self.repository.go_on()
                except Exception as error:
                    self.failed.append(error)


@pytest.fixture
def repository() -> Repository:
    return Repository.made()


def host(folder: Path, repository: Repository, address: str, name: str) -> AptRoot:
    key = folder / "key.asc"
    key.write_bytes(repository.press.signers.key_asc())
    return AptRoot(folder / name, f"deb [signed-by={key}] {address} stable main")


def test_four_hosts_through_stale_caches_see_whole_releases_and_nothing_to_remark(
    repository: Repository, tmp_path: Path
) -> None:
    press = repository.press
    front = Front(Bucket(Live(press.store), lists=True), press.repository.layout, press.clock)

    between = Between(repository, PUBLISHES)
    front.before = between
    with front.served() as address, ThreadPoolExecutor(HOSTS) as pool:
        hosts = [
            Host(host(tmp_path, repository, address, f"host-{n}"), repository) for n in range(HOSTS)
        ]

        def live(each: Host) -> None:
            # Where hosts saw nothing new, nothing would be published, and this never end.
            while between.goes_on and len(each.seen) < PUBLISHES:
                each.update()
                # What it saw a moment ago can be fetched, though it be pruned by now.
                if len(each.seen) % 5 == 0:
                    package = f"p{each.seen[-1] % 20}"
                    assert each.apt.download(package)
            each.update()

        for done in [pool.submit(live, each) for each in hosts]:
            done.result()
    assert between.failed == []
    assert repository.published == PUBLISHES
    assert {each.seen[-1] for each in hosts} == {len(repository.releases) - 1}
    assert sum(len(each.seen) for each in hosts) >= PUBLISHES / 2
    assert front.hits and front.bucket.unchanged
    assert not [path for path in front.bucket.refused if "by-hash" not in path]


# Without anything in front: apt-transport-s3 of this Debian, by a key of its own


KEY = Verifier("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "eu-central-1")


class S3Host(AptRoot):
    """A host whose source is `s3://`, in a mount namespace of its own: there its configuration is
    where the transport looks for it, and the bucket's name leads here."""

    def __init__(self, path: Path, source: str, address: str, trusted: Path) -> None:
        super().__init__(path, source)
        port = address.rstrip("/").rpartition(":")[2]
        self._etc = self.path / "s3"
        self._etc.mkdir()
        (self._etc / "s3auth.conf").write_text(
            f"AccessKeyId = {KEY.access}\nSecretAccessKey = {KEY.secret}\nToken = ''\n"
            f"Region = {KEY.region}\nEndpoint = s3.localhost:{port}\n"
        )
        self._hosts = self.path / "hosts"
        self._hosts.write_text("127.0.0.1 localhost bucket.s3.localhost\n")
        self._trusted = trusted
        # The transport takes DIRECT for the name of a proxy.
        configuration = self.path / "apt.conf"
        text = configuration.read_text()
        configuration.write_text(text.replace('Acquire::http::Proxy "DIRECT";\n', ""))

    def run(self, *command: str, cwd: Path | None = None) -> Said:
        mounts = 'mount --bind "$0" /etc/apt && mount --bind "$1" /etc/hosts && shift && exec "$@"'
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", mounts, self._etc, self._hosts, *command],
            cwd=cwd or self.path,
            env={
                "APT_CONFIG": str(self.path / "apt.conf"),
                "PATH": os.environ["PATH"],
                "LC_ALL": "C.UTF-8",
                "SSL_CERT_FILE": str(self._trusted),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Said(" ".join(command), done.returncode, done.stdout, done.stderr)


@pytest.mark.skipif(not bare_root.allowed(), reason="this machine lets nobody mount")
def test_the_s3_transport_reads_the_bare_bucket_by_a_role_s_key(
    repository: Repository, tmp_path: Path
) -> None:
    press = repository.press
    bucket = Bucket(Live(press.store), signed=KEY)
    context, trusted = tls.loopback(tmp_path, "bucket.s3.localhost")
    key = tmp_path / "key.asc"
    key.write_bytes(press.signers.key_asc())
    source = f"deb [signed-by={key}] s3://bucket/apt stable main"
    between = Between(repository, 10)

    def answers(asked: Asked) -> Answer:
        between(asked.path)
        return bucket.answer(asked)

    with web.served(answers, context) as address:
        apt = S3Host(tmp_path / "host", source, address, trusted)
        each = Host(apt, repository)
        while between.goes_on and len(each.seen) < 10:
            each.update()
        each.update()
        assert between.failed == []
        assert each.seen == [0, 2, 4, 6, 8, 10]
        assert apt.download("p2")
        # Of what is not there S3 says 403, and no update asks for any.
        assert bucket.refused == []
        bucket.signed = replace(KEY, secret="another")
        said = apt.update()
        assert said.code and "SignatureDoesNotMatch" in said.out + said.err
