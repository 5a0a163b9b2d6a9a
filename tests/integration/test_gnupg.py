"""The layer of the gnupg: signers, and signatures made by it, judged by hosts' own programs."""

from __future__ import annotations

import base64
import os
import platform
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from debpress import openpgp, signing
from debpress.adapters.gnupg import GnupgService
from debpress.archive import Archive
from debpress.errors import ConfigError, DebpressError, SigningError
from debpress.keys.certificates import announcements
from debpress.layout import Layout
from debpress.openpgp import certificates, packets, signatures

from layers.gnupg import bundle
from local.apt_root import AptRoot, Said
from tests.support import bare_root, verifiers
from tests.support.clock import FakeClock
from tests.support.fake_kms import FakeKms
from tests.support.gpg import PASSPHRASE, Gpg, gpg
from tests.support.memory_store import MemoryStore
from tests.support.press import keys

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
RELEASE = "Origin: lab\nLabel: Läb\nSuite: lab\n- a dash\n--- more\n\nFrom nobody\n".encode()
GLIBC = {"libc.so.6", "libm.so.6", "libpthread.so.0", "ld-linux-aarch64.so.1"}
MACHINE = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]


@pytest.fixture(scope="module")
def home() -> Iterator[Gpg]:
    with gpg() as made:
        made.make()
        yield made


@pytest.fixture(scope="module")
def secret(home: Gpg) -> bytes:
    """An export; each is another one, since gpg salts the passphrase anew."""
    return home.secret()


@pytest.fixture(scope="module")
def layer(secret: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("layer") / "layer"
    return bundle.build(MACHINE, [secret], target=target)


class Press:
    """Signers upon the layer's programs and keys of the test's own."""

    def __init__(self, layer: Path, *exports: bytes) -> None:
        self.folder = Path(tempfile.mkdtemp())
        for number, data in enumerate(exports):
            (self.folder / f"{number}.gpg").write_bytes(data)
        self.asked: list[str] = []
        self.passphrase = PASSPHRASE
        programs = layer / "python/debpress_gnupg/bin"
        self.service = GnupgService(programs, self.folder, self._passphrase)
        self.clock = FakeClock(NOW)
        self.store = MemoryStore()
        self.archive = Archive(self.store, Layout(), self.clock)
        self.kms = FakeKms()

    def _passphrase(self, secret: str) -> str:
        self.asked.append(secret)
        return self.passphrase

    def load(self, *uris: str) -> signing.Signers:
        found = keys(
            self.kms.service, clock=self.clock, archive=self.archive, gnupg=lambda: self.service
        )
        return signing.load(uris, found)


def uri(fingerprint: str) -> str:
    return f"gnupg:{fingerprint}?secret=debpress/passphrase"


def accepted(signers: signing.Signers, now: datetime = NOW) -> bytes:
    """A document that all verifiers take, as they do its detached signature."""
    document, signature = signers.clearsign(RELEASE, now), signers.detached(RELEASE, now)
    for verdict in (
        verifiers.gpgv(signers.key_gpg(), document),
        verifiers.gpgv_detached(signers.key_gpg(), signature, RELEASE),
        verifiers.sqv(signers.key_asc(), document),
        verifiers.sqv_detached(signers.key_asc(), signature, RELEASE),
    ):
        assert verdict.good, verdict.output
    return document


# The layer


def elf(file: Path, option: str) -> str:
    done = subprocess.run(
        ["readelf", "--wide", option, file], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("architecture", sorted(bundle.ARCHITECTURES))
def test_every_program_runs_on_amazon_linux_2023(architecture: str) -> None:
    """No newer glibc than its 2.34, and no library but glibc's from outside."""
    made = bundle.programs(architecture)
    machine = {"arm64": "AArch64", "x86_64": "X86-64"}[architecture]
    libraries = {file.name for file in (made / "lib").iterdir()}
    programs = {file.name for file in (made / "bin").iterdir()}
    assert programs == {"gpg", "gpg-agent", "gpg-connect-agent"}
    for file in (*(made / "bin").iterdir(), *(made / "lib").iterdir()):
        assert machine in elf(file, "--file-header")
        versions = re.findall(r"Name: GLIBC_2\.(\d+)", elf(file, "--version-info"))
        assert max(map(int, versions)) <= 34, file
        dynamic = elf(file, "--dynamic")
        needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
        outside = needed - libraries
        assert outside <= GLIBC, file
        place = "$ORIGIN/../lib" if file.parent.name == "bin" else "$ORIGIN"
        assert re.findall(r"\((RPATH|RUNPATH)\).*\[(.+)\]", dynamic) == [("RPATH", place)]
        assert os.access(file, os.X_OK)


def test_the_same_packages_and_key_give_the_same_bytes(layer: Path, secret: bytes) -> None:
    again = bundle.build(MACHINE, [secret], target=layer.with_name("again"))
    first, second = (path.with_name(f"{path.name}.zip").read_bytes() for path in (layer, again))
    assert first == second


def test_the_zip_keeps_what_may_be_run(layer: Path) -> None:
    with zipfile.ZipFile(layer.with_name("layer.zip")) as archive:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
        dates = {info.date_time for info in archive.infolist()}
    names = list(modes)
    assert names == sorted(names)
    assert modes["python/debpress_gnupg/bin/gpg-agent"] == 0o755
    assert modes["python/debpress_gnupg/__init__.py"] == 0o644
    assert dates == {(1980, 1, 1, 0, 0, 0)}


def test_a_key_without_a_passphrase_is_not_put_in_a_layer(tmp_path: Path) -> None:
    with gpg("") as bare:
        bare.make()
        with pytest.raises(DebpressError, match="no passphrase"):
            bundle.build(MACHINE, [bare.secret()], target=tmp_path / "layer")
    assert not (tmp_path / "layer").exists()


def test_a_certificate_is_not_taken_for_a_secret_key(home: Gpg, tmp_path: Path) -> None:
    with pytest.raises(SigningError, match="export-secret-keys"):
        bundle.build(MACHINE, [home.run("--armor", "--export")], target=tmp_path / "layer")


def test_a_package_that_is_not_the_pinned_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle.programs(MACHINE)  # so that every package is there
    kept = bundle.BUILD / "debs"
    monkeypatch.setattr(bundle, "BUILD", tmp_path)
    debs = tmp_path / "debs"
    debs.mkdir()
    for package in bundle._locked():
        if (kept / package.file).exists():
            os.link(kept / package.file, debs / package.file)
    (victim,) = (p for p in bundle._locked() if p.name == "gpg" and p.architecture == "amd64")
    (debs / victim.file).unlink()
    (debs / victim.file).write_bytes(b"something else")
    monkeypatch.setattr(bundle, "_private_apt", lambda *_: [])
    monkeypatch.setattr(bundle, "_run", lambda *_, **__: None)
    with pytest.raises(DebpressError, match=r"is not what packages\.lock pins"):
        bundle._fetch([victim], None, None)


def test_nothing_but_glibc_comes_from_the_system(layer: Path) -> None:
    inside = layer / "python/debpress_gnupg"
    for program in sorted((inside / "bin").iterdir()):
        done = subprocess.run(
            [program, "--version"],
            env={"LD_DEBUG": "libs"},
            capture_output=True,
            text=True,
            check=True,
        )
        loaded = {Path(name).resolve() for name in re.findall(r"calling init: (\S+)", done.stderr)}
        outside = {path.name for path in loaded if not path.is_relative_to(inside)}
        assert loaded
        assert outside <= GLIBC | {"ld-linux-x86-64.so.2"}


_SIGNS = """
import base64, os, subprocess, sys
from datetime import UTC, datetime
from debpress.adapters import gnupg
from debpress.openpgp.exports import read_export
from debpress.signing.gnupg import Order

service = gnupg.service()
service._passphrase = lambda secret: sys.argv[1]
(export,) = service.exports()
fingerprint = read_export(export).fingerprint
for text in (True, False, True):
    order = Order(export, fingerprint, "s", base64.b64decode(sys.argv[2]), text,
                  datetime(2025, 6, 1, 12, tzinfo=UTC))
    print(base64.b64encode(service.sign(order)).decode())
left = [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
print("left", left, os.listdir("/tmp"))
"""


def test_the_layer_signs_where_there_is_nothing_else(
    layer: Path, home: Gpg, tmp_path: Path
) -> None:
    if not bare_root.allowed():
        pytest.xfail("this machine lets nobody change the root; see the test above this")
    bare_root.make(tmp_path / "root", layer)
    programs = [p for p in (tmp_path / "root").rglob("gpg*") if p.suffix != ".py"]
    assert all("debpress_gnupg" in str(each) for each in programs)
    done = bare_root.run(tmp_path / "root", _SIGNS, PASSPHRASE, base64.b64encode(RELEASE).decode())
    assert done.returncode == 0, done.stderr
    *made, left = done.stdout.splitlines()
    assert left == "left [] []"
    document, signature, again = map(base64.b64decode, made)
    assert openpgp.split(document)[0] == openpgp.split(again)[0] == RELEASE
    certificate = home.certificate()
    for verdict in (
        verifiers.gpgv(certificate, document),
        verifiers.gpgv_detached(certificate, signature, RELEASE),
        verifiers.sqv(certificate, document),
        verifiers.sqv_detached(certificate, signature, RELEASE),
    ):
        assert verdict.good, verdict.output


# Signatures


@pytest.mark.parametrize("algorithm", ["rsa2048", "rsa3072", "nistp256", "nistp384", "ed25519"])
def test_a_bundled_key_signs(layer: Path, algorithm: str) -> None:
    with gpg() as home:
        fingerprint = home.make(algorithm)
        press = Press(layer, home.secret(armored=False))
        certificate = home.certificate()
    signers = press.load(uri(fingerprint))
    document = accepted(signers)
    assert b"\nHash: SHA512\n" in document
    assert signers.certificates() == [certificate]
    assert signers.fingerprints() == [fingerprint]
    assert set(press.asked) == {"debpress/passphrase"}


def test_a_signature_holds_no_more_than_it_must(layer: Path, home: Gpg) -> None:
    """Its date, its key twice, and no comment, version or user id."""
    signers = Press(layer, home.secret()).load(uri(home.fingerprints()[0]))
    document = signers.clearsign(RELEASE, NOW)
    assert b"Version:" not in document
    assert b"Comment:" not in document
    (found,) = packets.read(openpgp.split(document)[1][0])
    signature = signatures.parse(found)
    assert signature.created == NOW - timedelta(minutes=5)
    assert signature.issuers == {home.fingerprints()[0]}
    fingerprint = bytes.fromhex(home.fingerprints()[0])
    dated = int(signature.created.timestamp()).to_bytes(4, "big")
    area = b"\x16\x21\x04" + fingerprint + b"\x05\x02" + dated
    assert found.body[4:6] == len(area).to_bytes(2, "big")
    assert b"\x09\x10" + fingerprint[-8:] in found.body


def test_the_newest_signing_subkey_signs_as_gpg_itself_would_have_it(layer: Path) -> None:
    with gpg() as home:
        primary = home.make("ed25519", "cert")
        home.add("cv25519", "encr")
        older = home.add("ed25519", "sign", when="20250103T000000")
        newer = home.add("rsa2048", "sign", when="20250104T000000")
        press = Press(layer, home.secret())
        without_primary = Press(layer, home.run("--export-secret-subkeys"))
    for each in (press, without_primary):
        signers = each.load(uri(primary))
        document = accepted(signers)
        assert verifiers.sqv(signers.key_asc(), document).fingerprints == (primary,) or newer in (
            verifiers.gpgv(signers.key_gpg(), document).fingerprints
        )
        assert signers.fingerprints() == [primary]
    by_name = press.load(uri(older))
    verdict = verifiers.gpgv(by_name.key_gpg(), accepted(by_name))
    assert verdict.fingerprints == (older,)


def test_a_key_for_something_else_does_not_sign(layer: Path) -> None:
    with gpg() as home:
        home.make("ed25519", "sign")
        encrypts = home.add("rsa2048", "encr")
        press = Press(layer, home.secret())
    with pytest.raises(SigningError, match="may not sign"):
        press.load(uri(encrypts))


def test_a_key_whose_life_was_extended_a_moment_ago_signs_after_that(layer: Path) -> None:
    """sqv refuses what is dated before the certificate's newest word on its key."""
    with gpg() as home:
        fingerprint = home.make("ed25519", "sign", "30d")
        home.run("--quick-set-expire", fingerprint, "1y", when="20250601T115900")
        press = Press(layer, home.secret())
    signers = press.load(uri(fingerprint))
    document = signers.clearsign(RELEASE, NOW)
    (found,) = packets.read(openpgp.split(document)[1][0])
    assert signatures.parse(found).created == datetime(2025, 6, 1, 11, 59, tzinfo=UTC)


def test_an_expired_key_is_refused_before_it_signs(layer: Path) -> None:
    with gpg() as home:
        fingerprint = home.make("ed25519", "sign", "30d")
        press = Press(layer, home.secret())
    with pytest.raises(SigningError, match="has expired"):
        press.load(uri(fingerprint))
    assert not press.asked


def test_a_key_in_kms_and_a_bundled_one_sign_together(layer: Path, home: Gpg) -> None:
    press = Press(layer, home.secret())
    key = press.kms.create_key("RSA_2048")
    uris = (f"awskms:{key}", uri(home.fingerprints()[0]))
    signers = press.load(*uris)
    document = accepted(signers)
    assert document.count(b"BEGIN PGP SIGNATURE") == 1
    assert verifiers.gpgv(signers.key_gpg(), document).fingerprints == tuple(signers.fingerprints())
    announced = announcements(press.archive, uris)
    assert [each.certificate.raw for each in announced] == signers.certificates()


def test_loading_again_writes_nothing(layer: Path, home: Gpg) -> None:
    press = Press(layer, home.secret())
    press.load(uri(home.fingerprints()[0]))
    press.load(uri(home.fingerprints()[0]))
    assert len(press.store.log) == 1


def test_no_agent_and_no_home_stay_behind(layer: Path, home: Gpg) -> None:
    """Nor when the passphrase was wrong; not as much as a process that waits to be reaped."""
    press = Press(layer, home.secret())
    signers = press.load(uri(home.fingerprints()[0]))
    before = _agents(), sorted(Path("/tmp").glob("debpress-gpg-*"))
    for _ in range(3):
        signers.clearsign(RELEASE, NOW)
    press.passphrase = "not this"
    with pytest.raises(SigningError, match=r"debpress/passphrase does not open the key"):
        signers.clearsign(RELEASE, NOW)
    assert (_agents(), sorted(Path("/tmp").glob("debpress-gpg-*"))) == before


def _agents() -> list[int]:
    """Agents of signatures, and dead ones that are our own children."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
            command = status.with_name("cmdline").read_bytes()
        except OSError:
            continue
        ours = f"PPid:\t{os.getpid()}\n" in text
        if "gpg-agent" in text and (ours or b"debpress-gpg-" in command):
            found.append(int(status.parent.name))
    return sorted(found)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("gnupg:" + "0" * 40 + "?secret=x", "is not in the layer"),
        ("gnupg:" + "0" * 40, "must read gnupg:"),
        ("gnupg:0123?secret=x", "must read gnupg:"),
        ("gnupg:" + "0" * 40 + "?secret=", "must read gnupg:"),
    ],
)
def test_a_key_that_can_t_be_found_is_said_so(
    layer: Path, home: Gpg, wrong: str, said: str
) -> None:
    with pytest.raises((ConfigError, SigningError), match=re.escape(said)):
        Press(layer, home.secret()).load(wrong)


def test_a_damaged_export_is_no_signature(layer: Path, home: Gpg) -> None:
    data = bytearray(home.secret(armored=False))
    data[-1] ^= 1
    with pytest.raises(SigningError):
        Press(layer, bytes(data)).load(uri(home.fingerprints()[0]))


# apt


def test_apt_accepts_it(layer: Path, home: Gpg, tmp_path: Path) -> None:
    press = Press(layer, home.secret())
    signers = press.load(uri(home.fingerprints()[0]))
    repository = tmp_path / "repository"
    dist = repository / "dists/lab"
    (dist / "main/binary-amd64").mkdir(parents=True)
    packages = b"Package: lab\nVersion: 1\nArchitecture: amd64\nFilename: pool/lab.deb\nSize: 1\n"
    packages += b"SHA256: " + b"0" * 64 + b"\n\n"
    (dist / "main/binary-amd64/Packages").write_bytes(packages)
    release = _release(packages)
    (dist / "InRelease").write_bytes(signers.clearsign(release, NOW))
    key = tmp_path / "key.asc"
    key.write_bytes(signers.key_asc())
    apt = AptRoot(tmp_path / "apt", f"deb [signed-by={key}] file:{repository} lab main")
    apt.update().clean()
    assert apt.packages() == ["lab"]
    key.write_bytes(_stranger())
    assert "NO_PUBKEY" in str(_fresh(tmp_path, repository, key)().complaints)


def _fresh(tmp_path: Path, repository: Path, key: Path) -> Callable[[], Said]:
    apt = AptRoot(tmp_path / "apt-2", f"deb [signed-by={key}] file:{repository} lab main")
    return apt.update


def _release(packages: bytes) -> bytes:
    import hashlib

    digest = hashlib.sha256(packages).hexdigest()
    return (
        "Origin: lab\nLabel: lab\nSuite: lab\nCodename: lab\nDate: Sun, 01 Jun 2025 12:00:00 UTC\n"
        "Architectures: amd64\nComponents: main\nSHA256:\n"
        f" {digest} {len(packages)} main/binary-amd64/Packages\n"
    ).encode()


def _stranger() -> bytes:
    with gpg() as other:
        other.make()
        return openpgp.armor(other.certificate(), "PUBLIC KEY BLOCK")


# Certificates with subkeys


def test_a_subkey_that_did_not_agree_does_not_sign() -> None:
    """Without its own signature anybody's key could be claimed as one's subkey."""
    with gpg() as home:
        home.make("ed25519", "cert")
        home.add("rsa2048", "sign")
        data = home.certificate()
    (whole,) = certificates.parse(data)
    assert len(whole.signing) == 1
    *others, binding = packets.read(data)
    at = binding.body.rindex(b"\x04\x19")
    claimed = binding.body[: at - 1] + b"\x10" + binding.body[at:]
    rest = b"".join(each.raw for each in others)
    forged = rest + packets.packet(packets.Tag.SIGNATURE, claimed)
    with pytest.raises(SigningError):
        certificates.parse(forged)


def test_a_revoked_subkey_does_not_sign_and_a_revoked_key_is_refused() -> None:
    with gpg() as home:
        home.make("ed25519", "cert,sign")
        subkey = home.add("rsa2048", "sign")
        (before,) = certificates.parse(home.certificate())
        home.run(
            "--command-fd",
            "0",
            "--no-batch",
            "--expert",
            "--edit-key",
            home.fingerprints()[0],
            text=b"key 1\nrevkey\ny\n0\n\ny\nsave\n",
            when="20250201T000000",
        )
        (after,) = certificates.parse(home.certificate())
        revocation = next((home.home / "openpgp-revocs.d").glob("*.rev")).read_text()
        home.run("--import", text=revocation.replace(":-----", "-----").encode())
        with pytest.raises(SigningError, match="is revoked"):
            certificates.parse(home.certificate())
    assert subkey in {each.key.fingerprint for each in before.signing}
    assert [each.key for each in after.signing] == [after.key]


def test_another_s_certifications_are_no_hindrance() -> None:
    """Of whatever age: a weak one by somebody else says nothing about the key."""
    with gpg() as home, gpg() as other:
        home.make("rsa2048")
        other.make("rsa2048", user="Other <other@example.org>")
        other.run("--import", text=home.certificate())
        other.run(
            "--cert-digest-algo",
            "SHA224",
            "--yes",
            "--quick-sign-key",
            home.fingerprints()[0],
        )
        signed = other.run("--export", home.fingerprints()[0])
    assert len(packets.read(signed)) == 4
    (found,) = certificates.parse(signed)
    assert found.raw == signed
