"""What the tools that people make sums with really print: taken, or refused with the way out."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from debpress import manifest
from debpress.errors import RejectedError

from tests.support.debs import deb

NAMES = ["foo_1.0+b~c_all.deb", "b c (1) = x.deb"]
SUM = hashlib.sha256(deb()).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_bytes(deb())
    return tmp_path


def printed(folder: Path, command: str, names: list[str] = NAMES) -> bytes:
    program, *options = command.split()
    if shutil.which(program) is None:
        pytest.skip(f"NOT VERIFIED against {program}: it is not here")
    done = subprocess.run([program, *options, *names], cwd=folder, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def refusal(body: bytes) -> str:
    with pytest.raises(RejectedError) as caught:
        manifest.parse("SHA256SUMS", body)
    assert all(each.message.isprintable() for each in caught.value.refusals)
    return caught.value.refusals[0].message


@pytest.mark.parametrize(
    "command",
    [
        "sha256sum", "sha256sum --binary", "sha256sum --text", "sha256sum --tag",
        "sha256sum --tag --binary", "cksum -a sha256", "cksum -a sha256 --untagged",
        "shasum -a 256", "shasum -a 256 --binary", "shasum -a 256 --tag",
        "openssl dgst -sha256", "openssl dgst -sha256 -r", "openssl sha256",
    ],
)  # fmt: skip
def test_their_sha_256_is_taken(folder: Path, command: str) -> None:
    found = manifest.parse("SHA256SUMS", printed(folder, command)).files
    assert [(f.name, f.sha256) for f in found] == [(name, SUM) for name in NAMES]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("sha256sum --zero", "leave that out"),
        ("sha1sum", "as long as a SHA-1; give its SHA-256"),
        ("sha512sum", "as long as a SHA-512; give its SHA-256"),
        ("sha512sum --tag", "gives a sum by 'SHA512'"),
        ("md5sum --tag", "gives a sum by 'MD5'"),
        ("shasum", "as long as a SHA-1"),
        ("shasum -0 -a 256", "two blanks and the name"),
        ("b2sum --tag -l 256", "gives a sum by 'BLAKE2b-256'"),
        ("openssl dgst -sha3-256", "gives a sum by 'SHA3-256'"),
        ("openssl dgst -sha512", "gives a sum by 'SHA2-512'"),
        ("cksum", "two blanks and the name"),
    ],
)
def test_what_else_they_print_is_refused_with_the_way_out(
    folder: Path, command: str, says: str
) -> None:
    assert says in refusal(printed(folder, command))


@pytest.mark.parametrize("command", ["sha256sum", "sha256sum --tag"])
def test_an_escaped_name_is_refused(folder: Path, command: str) -> None:
    (folder / "a\\b.deb").write_bytes(deb())
    assert "rename the file" in refusal(printed(folder, command, ["a\\b.deb"]))


# As PowerShell 5.1 and 7 print them: there is none on the machines that run this.
TABLE = f"""
Algorithm       Hash                                                                   Path
---------       ----                                                                   ----
SHA256          {SUM.upper()}       C:\\ci\\foo_1...
"""
LIST = f"\n\nAlgorithm : SHA256\nHash      : {SUM.upper()}\nPath      : C:\\ci\\foo.deb\n\n"
CSV = f'"Algorithm","Hash","Path"\n"SHA256","{SUM.upper()}","C:\\ci\\foo.deb"\n'
TYPED = f"#TYPE Microsoft.Powershell.Utility.FileHash\n{CSV}"
CERTUTIL = f"SHA256 hash of foo.deb:\n{SUM}\nCertUtil: -hashfile command completed successfully.\n"


@pytest.mark.parametrize("encoded", [str.encode, lambda text: text.replace("\n", "\r\n").encode()])
@pytest.mark.parametrize("text", [TABLE, LIST, CSV, TYPED, CERTUTIL])
def test_powershell_s_own_forms_are_refused_with_the_command_that_helps(
    text: str, encoded: Callable[[str], bytes]
) -> None:
    assert "Get-FileHash *.deb | ForEach-Object" in refusal(encoded(text))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_utf_16_is_named(encoding: str, mark: str) -> None:
    said = refusal(f"{mark}{SUM}  foo.deb\r\n".encode(encoding))
    assert "is UTF-16" in said and "Set-Content -Encoding ascii" in said


def test_a_byte_order_mark_is_named() -> None:
    said = refusal(f"\ufeff{SUM}  foo.deb\r\n".encode())
    assert "byte order mark" in said and "Set-Content -Encoding ascii" in said


def test_what_the_command_for_powershell_writes_is_taken() -> None:
    found = manifest.parse("SHA256SUMS", f"{SUM.upper()}  foo.deb\r\n".encode()).files
    assert [(f.name, f.sha256) for f in found] == [("foo.deb", SUM)]


def test_json_by_this_name_is_told_its_own() -> None:
    assert "name it manifest.json" in refusal(b'{"version": 1}')


def test_the_sums_of_a_signed_list_are_to_be_uploaded_alone() -> None:
    assert "unsigned" in refusal(f"-----BEGIN PGP SIGNED MESSAGE-----\n\n{SUM}  a\n".encode())
