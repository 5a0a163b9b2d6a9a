"""Repositories of real aptly, reprepro and apt-ftparchive come over, and real apt can't tell."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from debpress.adapters.gpgv import Gpgv
from debpress.adapters.places import BucketPlace, FolderPlace
from debpress.adapters.s3 import S3Store
from debpress.commands import connection, weighing
from debpress.commands.ways import InsideS3
from debpress.errors import RejectedError, SigningError
from debpress.index.entries import Identity
from debpress.source import comparison, suite
from debpress.source.plan import Offer, Wanted
from moto import mock_aws

from local import debs
from local.apt_root import AptRoot
from tests.support.gpg import Gpg, gpg
from tests.support.press import Press, ed25519_signers
from tests.support.simulated_s3 import credentials
from tests.support.sources import ORIGIN, Aptly, Flat, Publisher, Reprepro
from tests.unit.test_commands_operators import Bench

SUITE = "stable"
ARCHITECTURES = ("amd64", "arm64")


@pytest.fixture(scope="module")
def key() -> Iterator[Gpg]:
    """RSA, as most old repositories have it."""
    with gpg(passphrase="") as made:
        made.make("rsa3072")
        yield made


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("debs")
    relations = {
        "Depends": "libx (= 1:1.0~rc1),\n tool | other",
        "Provides": "app-abi (= 2)",
        "Installed-Size": "12",
        "Multi-Arch": "foreign",
    }
    return [
        debs.build(folder, "libx", "1:1.0~rc1", "amd64"),
        debs.build(folder, "libx", "1:1.0~rc1", "arm64"),
        debs.build(folder, "tool", "2.0-1", "all"),
        debs.build(folder, "app", "0.10", "amd64", fields=relations),
        debs.build(folder, "app", "0.10", "arm64", fields=relations, compression="zstd"),
    ]


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Versions that a repository has beside those, where it can have several."""
    folder = tmp_path_factory.mktemp("older")
    versions = ("0.9", "0.10~rc1", "0.9+b1")
    return [debs.build(folder, "app", version, "amd64") for version in versions]


@pytest.fixture
def bench(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Bench:
    press = Press(ed25519_signers())
    press.configure(origin=ORIGIN, label=ORIGIN)
    press.set_up()
    press.clock.sleep(600)
    press.store.bucket = "press-in-memory"  # type: ignore[attr-defined]
    monkeypatch.setattr(connection, "connect", lambda _arguments, **_more: (None, press.store))
    made = Bench(press, capsys)
    made.deploy(origin=ORIGIN, label=ORIGIN)
    return made


@pytest.fixture
def keyring(key: Gpg, tmp_path: Path) -> Path:
    file = tmp_path / "old.gpg"
    file.write_bytes(key.certificate())
    return file


def served(press: Press, folder: Path) -> Path:
    """What the bucket gives to hosts, in a folder."""
    for name in press.store.keys("apt/"):
        file = folder / name.removeprefix("apt/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(press.store.body(name))
        head = press.store.head(name)
        assert head is not None
        os.utime(file, (head.last_modified.timestamp(),) * 2)
    return folder


def hosts(folder: Path, line: str) -> dict[str, AptRoot]:
    found = {a: AptRoot(folder / f"host-{a}", line, a) for a in ARCHITECTURES}
    for host in found.values():
        host.update().clean()
    return found


def candidates(host: AptRoot, names: list[str]) -> dict[str, str]:
    """What apt would install."""
    return {
        name: line.partition(": ")[2]
        for name in names
        for line in host.policy(name).clean().out.splitlines()
        if line.strip().startswith("Candidate:")
    }


@pytest.mark.parametrize("kind", [Aptly, Reprepro, Flat])
def test_no_host_can_tell_what_came_over_from_what_it_came_from(
    kind: type[Publisher], key: Gpg, packages: list[Path], older: list[Path], bench: Bench,
    keyring: Path, tmp_path: Path,
) -> None:  # fmt: skip
    source = kind(tmp_path / "old", key, SUITE, ARCHITECTURES)
    everything = packages if kind is Reprepro else [*packages, *older]
    source.publish(everything)
    place = ("--suite", SUITE, "--keyring", str(keyring), "--source-suite", source.where.split()[0])

    cache = ("--cache", str(tmp_path / "cache"))
    code, out, err = bench.run("import", str(source.root), *place, *cache)

    assert (code, err) == (0, "")
    assert f"stable: {len(everything)} packages were brought, 0 were left out\n" in out
    code, out, err = bench.run("compare", f"file://{source.root}", *place)
    assert (code, err) == (0, ""), out
    assert "no host could tell them apart" in out and "by apt " in out

    # What debpress reads by itself, where there is no apt, is what apt does on a host of either.
    old = hosts(tmp_path / "of-old", f"deb [signed-by={keyring}] file:{source.root} {source.where}")
    new_key = tmp_path / "new.gpg"
    new_key.write_bytes(bench.press.signers.key_gpg())
    root = served(bench.press, tmp_path / "new")
    new = hosts(tmp_path / "of-new", f"deb [signed-by={new_key}] file:{root} {SUITE} main")
    read = suite.opened(FolderPlace(source.root), place[-1], Gpgv(keyring.read_bytes(), "old"))
    for architecture in ARCHITECTURES:
        stanzas = read.stanzas(read.components[0], architecture)
        ours = comparison.candidates(stanzas)
        names = sorted(ours)
        assert names == ["app", "libx", "tool"]
        found = candidates(old[architecture], names)
        assert found == {name: stanza.field("Version") for name, stanza in ours.items()}
        assert candidates(new[architecture], names) == found
        plans = [
            host[architecture].run("apt-get", "install", "--simulate", "app").clean().out
            for host in (old, new)
        ]
        inst = [[line.partition(" [")[0] for line in plan.splitlines() if line.startswith("Inst")]
                for plan in plans]  # fmt: skip
        assert inst[0] and [i.split(" (")[0] for i in inst[0]] == [
            i.split(" (")[0] for i in inst[1]
        ]


def test_aptly_is_followed_from_publish_to_publish(
    key: Gpg, packages: list[Path], older: list[Path], bench: Bench, keyring: Path, tmp_path: Path
) -> None:
    source = Aptly(tmp_path / "old", key, SUITE, ARCHITECTURES)
    place = (str(source.root), "--suite", SUITE, "--keyring", str(keyring))
    cache = ("--cache", str(tmp_path / "cache"))
    source.publish(packages[:3])
    assert bench.run("import", *place, *cache)[0] == 0
    source.publish([*packages[:2], *packages[3:], *older])
    code, out, _ = bench.run("compare", *place, "--json")
    about = {each["about"] for each in json.loads(out)["differences"]}
    assert code == 1 and about == {"app", "tool"}
    code, out, err = bench.run("import", *place, *cache, "--remove")
    assert (code, err) == (0, "") and "5 are to come" in out and "removed  tool" in out
    assert bench.run("compare", *place)[0] == 0


class TestSignatures:
    """gpgv decides, as apt has it."""

    TEXT = b"Origin: x\n"

    def signed(self, key: Gpg, *options: str) -> bytes:
        return key.run(*options, "--clear-sign", text=self.TEXT)

    @pytest.mark.parametrize("algorithm", ["rsa2048", "ed25519", "brainpoolP256r1"])
    def test_by_keys_of_every_algorithm(self, algorithm: str) -> None:
        with gpg() as key:
            key.make(algorithm)
            armored = key.run("--armor", "--export")
            for keyring in (key.certificate(), armored, armored + armored):
                assert Gpgv(keyring, "k").clearsigned(self.signed(key)) == self.TEXT
            detached = key.run("--detach-sign", text=self.TEXT)
            Gpgv(armored, "k").detached(self.TEXT, detached)
            with pytest.raises(SigningError, match="its bytes are not those that were signed"):
                Gpgv(armored, "k").detached(self.TEXT + b"\n", detached)

    def test_one_by_a_key_that_nobody_gave_is_named(self, key: Gpg) -> None:
        with gpg() as other:
            other.make()
            with pytest.raises(SigningError, match=r"signed by [0-9A-F]{16}, which is not in k"):
                Gpgv(other.certificate(), "k").clearsigned(self.signed(key))
            both = other.certificate() + key.certificate()
            assert Gpgv(both, "k").clearsigned(self.signed(key)) == self.TEXT

    def test_sha_1_proves_nothing(self, key: Gpg) -> None:
        weak = self.signed(key, "--digest-algo", "SHA1", "--allow-weak-digest-algos")
        with pytest.raises(SigningError):
            Gpgv(key.certificate(), "k").clearsigned(weak)

    @pytest.mark.parametrize(
        "document", [b"", b"Origin: x\n", b"-----BEGIN PGP SIGNED MESSAGE-----"]
    )
    def test_what_is_no_signed_text(self, key: Gpg, document: bytes) -> None:
        with pytest.raises(SigningError, match="gpgv finds no good signature by the keys in k"):
            Gpgv(key.certificate(), "k").clearsigned(document)


class TestInsideS3:
    """A source in a bucket is copied by S3, and of each package its control file alone is read."""

    @pytest.fixture
    def way(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[InsideS3]:
        credentials(monkeypatch)
        with mock_aws():
            self.client = boto3.client("s3", region_name="us-east-1")
            for bucket in ("old", "press"):
                self.client.create_bucket(Bucket=bucket)
            self.counted: list[int] = []
            place = BucketPlace(self.client, "old", "prefix/")
            yield InsideS3(place, S3Store(self.client, "press"), self.counted.append)

    def wanted(self, package: Path, version: str = "2.0-1") -> Wanted:
        body = package.read_bytes()
        self.client.put_object(Bucket="old", Key=f"prefix/pool/{package.name}", Body=body)
        sha256 = hashlib.sha256(body).hexdigest()
        identity = Identity("tool", version, "all")
        return Wanted("main", identity, sha256, len(body), f"pool/{package.name}")

    def test_it_is_copied(self, way: InsideS3, packages: list[Path]) -> None:
        wanted = self.wanted(packages[2])
        way.prepare(wanted)
        way.stage(wanted, "staging/x")
        way.staged(wanted)
        body = self.client.get_object(Bucket="press", Key="staging/x")["Body"].read()
        assert body == packages[2].read_bytes() and self.counted == [len(body)]

    def test_nobody_guesses_how_long_that_takes(
        self, way: InsideS3, packages: list[Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        place = BucketPlace(self.client, "old", "prefix/")
        asked = argparse.Namespace(dry_run=True, suite="stable")
        weighing.duration(asked, place, Offer([self.wanted(packages[2])]))
        assert capsys.readouterr().out == (
            "stable: they are copied inside S3; how long that takes is told as it goes\n"
        )

    def test_within_one_bucket(self, way: InsideS3, packages: list[Path]) -> None:
        wanted, store = self.wanted(packages[2]), S3Store(self.client, "old")
        inside = InsideS3(BucketPlace(self.client, "old", "prefix/"), store, self.counted.append)
        assert list(inside.prepare(wanted)) == []
        inside.stage(wanted, "staging/x")
        head = store.head("staging/x")
        assert head is not None and head.size == wanted.size

    def test_what_is_wrong_is_told_before_it_is_copied(
        self, way: InsideS3, packages: list[Path]
    ) -> None:
        with pytest.raises(RejectedError, match=r"its control file says tool 2.0-1 all"):
            way.prepare(self.wanted(packages[2], "3"))
        gone = self.wanted(packages[2])
        self.client.delete_object(Bucket="old", Key=f"prefix/{gone.path}")
        with pytest.raises(RejectedError, match=r"s3://old/prefix/pool/tool.* is not there"):
            way.prepare(gone)

    def test_a_part_and_the_rest(self, way: InsideS3) -> None:
        self.client.put_object(Bucket="old", Key="prefix/f", Body=b"0123456789")
        place = BucketPlace(self.client, "old", "prefix/")
        assert place.part("f", 2, 3) == b"234"
        assert b"".join(place.stream("f", 7) or ()) == b"789"
        assert b"".join(place.stream("f", 10) or ()) == b""
        assert (place.read("f", 100), place.read("f", 4)) == (b"0123456789", b"01234")
        assert place.read("none", 4) is None and place.stream("none") is None
