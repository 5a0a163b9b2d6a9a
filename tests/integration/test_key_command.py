"""`debpress key`, from arguments to what is printed, on a KMS of the test's own."""

from __future__ import annotations

import getpass
import io
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from debpress import config, openpgp, signing
from debpress.adapters import verifiers as programs
from debpress.archive import Archive
from debpress.commands import connection
from debpress.commands.main import main
from debpress.errors import SigningError
from debpress.keys.certificates import StoredCertificates, announcements
from debpress.layout import Layout
from debpress.signing.certificates import Owner

from tests.support import verifiers
from tests.support.clock import FakeClock
from tests.support.external_kms import ExternalKms
from tests.support.gpg import PASSPHRASE, gpg
from tests.support.memory_store import MemoryStore
from tests.support.press import keys

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)


class Bench:
    """A deployed repository with two signers, and the command."""

    def __init__(self, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        self.clock = FakeClock(NOW)
        self.store = MemoryStore(self.clock)
        self.archive = Archive(self.store, Layout(), self.clock)
        self.store.bucket = "press-in-memory"  # type: ignore[attr-defined]
        self.kms = ExternalKms()
        self.key = self.kms.create_key("ECC_NIST_P256")
        other = self.kms.create_key("ECC_NIST_EDWARDS25519")
        self.uris = ["awskms:", f"awskms:{other}"]
        self._capsys = capsysbinary
        self.configure(*self.uris)
        self.signers = self.load()

    def configure(self, *signers: str) -> None:
        self.uris = list(signers)
        repository = config.parse(
            {"signers": self.uris, "suites": [{"suite": "lab", "architectures": ["amd64"]}]}
        )
        self.archive.keep_configuration(repository)

    def load(self) -> signing.Signers:
        found = keys(self.kms.service, self.key, self.clock, archive=self.archive, user_id="Lab")
        return signing.load(self.uris, found)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code, out, err = self.run_binary(*arguments)
        return code, out.decode(), err

    def run_binary(self, *arguments: str) -> tuple[int, bytes, str]:
        self._capsys.readouterr()
        code = main(["key", *arguments], self.clock)
        said = self._capsys.readouterr()
        return code, said.out, said.err.decode()


@pytest.fixture
def bench(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(capsysbinary)
    monkeypatch.setattr(connection, "connect", lambda _arguments: (None, made.store))
    monkeypatch.setattr(connection, "kms", lambda _arguments, _region=None: made.kms.client())
    monkeypatch.delenv("DEBPRESS_PASSPHRASE", raising=False)
    return made


# show


def test_show_says_where_each_key_is_and_since_when(bench: Bench) -> None:
    bench.kms.denied |= {"GetPublicKey", "Sign"}
    code, out, err = bench.run("show", "--json")
    assert (code, err) == (0, "")
    first, second = json.loads(out)
    assert first == {
        "fingerprint": bench.signers.fingerprints()[0],
        "user": "Lab",
        "signer": "awskms:",
        "where": bench.key,
        "role": "signs",
        "created": "2025-06-01T11:00:00Z",
        "in use": "2025-06-01T12:00:00Z",
        "expires": None,
        "keys": [{"fingerprint": bench.signers.fingerprints()[0], "algorithm": "ECDSA secp256r1"}],
    }
    assert second["keys"][0]["algorithm"] == "Ed25519"
    code, out, _ = bench.run("show")
    assert code == 0
    assert out.startswith(f"{bench.signers.fingerprints()[0]}\n")
    assert f"  where    {bench.key}\n" in out
    assert "  expires  never\n" in out


def test_show_of_a_repository_that_never_signed_says_what_to_do(bench: Bench) -> None:
    bench.configure("awskms:alias/never")
    code, _, err = bench.run("show")
    assert code == 1
    assert "deploy again" in err


# export


def test_export_gives_what_hosts_must_trust(bench: Bench, tmp_path: Path) -> None:
    code, out, _ = bench.run_binary("export")
    assert (code, out) == (0, bench.signers.key_asc())
    assert bench.run_binary("export", "--binary")[1] == bench.signers.key_gpg()
    fingerprint = bench.signers.fingerprints()[1]
    file = tmp_path / "one.gpg"
    code, out, _ = bench.run_binary(
        "export", fingerprint.lower(), "--binary", "--output", str(file)
    )
    assert (code, out) == (0, b"")
    assert file.read_bytes() == bench.signers.certificates()[1]
    assert verifiers.gpg_import(file.read_bytes()).fingerprints == (fingerprint,)


def test_export_of_another_s_key_and_to_nowhere_is_refused(bench: Bench, tmp_path: Path) -> None:
    assert "no signer here" in bench.run("export", "0" * 40)[2]
    code, _, err = bench.run("export", "--output", str(tmp_path / "no/where"))
    assert code == 1
    assert "can't be written" in err


# check


def test_check_has_every_signer_sign_and_hosts_programs_judge(bench: Bench) -> None:
    written = len(bench.store.log)
    code, out, err = bench.run("check")
    assert (code, err) == (0, "")
    for uri, fingerprint in zip(bench.uris, bench.signers.fingerprints(), strict=True):
        assert f"good: {uri} signs by {fingerprint} (gpgv and sqv agree)\n" in out
    assert len(bench.store.log) == written


def test_check_goes_on_after_a_signer_that_fails_and_says_why(bench: Bench) -> None:
    bench.kms.state(bench.key, "Disabled")
    code, out, err = bench.run("check")
    assert code == 1
    assert "debpress: awskms:: " in err
    assert "enable-key" in err
    assert out.count("good: ") == 1


def test_check_changes_nothing_when_an_alias_was_pointed_elsewhere(bench: Bench) -> None:
    bench.kms.alias("lab", bench.key)
    bench.configure("awskms:alias/lab")
    bench.load()
    bench.kms.alias("lab", bench.kms.create_key())
    written = len(bench.store.log)
    code, _, err = bench.run("check")
    assert code == 1
    assert "find out who changed it" in err
    assert len(bench.store.log) == written


def test_check_says_which_judges_are_not_here(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "shutil", SimpleNamespace(which=lambda _: None))
    code, out, _ = bench.run("check")
    assert code == 0
    assert "(no gpgv here, no sqv here)" in out


def test_check_of_a_bundled_key_says_that_the_layer_is_elsewhere(bench: Bench) -> None:
    uri = f"gnupg:{'A' * 40}?secret=lab"
    bench.configure("awskms:", uri)
    (known,) = announcements(bench.archive, ["awskms:"])
    owner = Owner(uri, "A" * 40, None, lambda _: known.certificate.key)
    StoredCertificates(bench.archive, bench.clock).announce(owner, known.certificate)
    code, out, err = bench.run("check")
    assert code == 1
    assert "layers/gnupg/bundle.py" in err
    assert "good: awskms: " in out


@pytest.mark.parametrize("name", programs.NAMES)
def test_the_judges_refuse_what_was_changed(bench: Bench, name: str) -> None:
    text = b"text\n"
    signature = openpgp.dearmor(bench.signers.detached(text, NOW))
    assert programs.judge(name, bench.signers.key_gpg(), signature, text)
    with pytest.raises(SigningError, match=f"{name} refuses"):
        programs.judge(name, bench.signers.key_gpg(), signature, text + b"!")


# import


def _by_environment(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("DEBPRESS_PASSPHRASE", PASSPHRASE)
    return []


def _by_descriptor(_: pytest.MonkeyPatch) -> list[str]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        stream.write(PASSPHRASE + "\n")
    return ["--passphrase-fd", str(reading)]


@pytest.mark.parametrize("give", [_by_environment, _by_descriptor])
def test_import_says_what_to_configure_and_that_signs(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    give: Callable[[pytest.MonkeyPatch], list[str]],
) -> None:
    with gpg() as home:
        fingerprint = home.make("ed25519")
        (tmp_path / "key.asc").write_bytes(home.secret())
        certificate = home.certificate()
    code, out, err = bench.run("import", str(tmp_path / "key.asc"), *give(monkeypatch))
    assert (code, err) == (0, "")
    (uri,) = (line.strip() for line in out.splitlines() if line.startswith("  awskms:arn:"))
    assert "IT IS NOT GUARDED YET" in out
    assert uri.endswith(f"#{fingerprint}")
    bench.configure(uri)
    signers = bench.load()
    assert signers.certificates() == [certificate]
    assert verifiers.sqv(certificate, signers.clearsign(b"Origin: lab\n", NOW)).good
    assert bench.run("check")[0] == 0


def test_import_reads_an_unlocked_key_from_a_pipe(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gpg("") as home:
        home.make("nistp256")
        data = home.secret(armored=False)
    stdin: Any = SimpleNamespace(buffer=io.BytesIO(data))
    monkeypatch.setattr("sys.stdin", stdin)
    assert bench.run("import", "-")[0] == 0


def test_import_without_a_way_to_ask_says_how_to_give_a_passphrase(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with gpg() as home:
        home.make("ed25519")
        (tmp_path / "key.asc").write_bytes(home.secret())

    def nobody(_: str) -> str:
        raise EOFError

    monkeypatch.setattr(getpass, "getpass", nobody)
    code, _, err = bench.run("import", str(tmp_path / "key.asc"))
    assert code == 1
    assert "--passphrase-fd" in err
    assert bench.kms.calls["CreateKey"] == 0


def test_import_of_a_file_that_is_not_there_is_refused(bench: Bench, tmp_path: Path) -> None:
    code, _, err = bench.run("import", str(tmp_path / "no"))
    assert code == 1
    assert "can't be read" in err
