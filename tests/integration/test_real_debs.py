"""Our reading against Debian's own tools: dpkg-deb, dpkg, dpkg-genchanges, sha256sum, apt."""

from __future__ import annotations

import json
import lzma
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from debian.deb822 import Deb822
from debpress import manifest
from debpress.deb import Package, grammar, inspect, stanza

from tests.support import debs
from tests.support.debs import Bytes, control, deb, entry, real

pytestmark = pytest.mark.skipif(
    shutil.which("dpkg-deb") is None, reason="NOT VERIFIED against Debian's tools: no dpkg-deb here"
)


def run(*command: str, cwd: Path | None = None) -> bytes:
    return subprocess.run(command, check=True, capture_output=True, cwd=cwd).stdout


def read(path: Path) -> Package:
    data = path.read_bytes()
    reader = Bytes(data)
    package = inspect(path.name, reader, len(data))
    assert len(reader.asked) <= 2
    return package


def assert_same_as_dpkg_deb(path: Path) -> None:
    ours = {name: value.strip() for name, value in read(path).fields}
    theirs = Deb822(run("dpkg-deb", "--field", str(path)), encoding="latin-1")
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        assert value.decode("latin-1") == theirs[name].strip(), name


# Packages

RICH = {
    "Version": "2:1.0~rc1+dfsg-1+b2",
    "Source": "foo-source (2:1.0~rc1+dfsg-1)",
    "Architecture": "amd64",
    "Multi-Arch": "same",
    "Depends": "libc6 (>= 2.36), a | b:any (<< 1:2~),\n c",
    "Provides": "virtual (= 1)",
    "Maintainer": "J\u00f6rg <j@example.org>",
    "Homepage": "https://example.org/?a=b#c",
    "X-Custom": "yes",
}


@pytest.mark.parametrize("uniform", ["--uniform-compression", "--no-uniform-compression"])
@pytest.mark.parametrize("form", ["gzip", "xz", "zstd", "none"])
def test_reads_what_dpkg_deb_builds(tmp_path: Path, form: str, uniform: str) -> None:
    built = real(tmp_path, control(**RICH), f"-Z{form}", uniform)
    assert built.name == "foo_1.0~rc1+dfsg-1+b2_amd64.deb"
    assert_same_as_dpkg_deb(built)
    assert read(built).source == "foo-source"


@pytest.mark.parametrize(
    "changed",
    [
        {"Package": "lib-c++2.0"},
        {"Package": "f"},
        {"Package": "f" * 200},
        {"Description": None},
        {"Description": "x\n" + "\n".join([" " + "y" * 78] * 820)},
        {"Depends": ", ".join(f"package-{n} (>= 1.{n})" for n in range(8000))},
    ],
    ids=lambda value: str(value)[:40],
)
def test_reads_unusual_packages_that_dpkg_deb_builds(
    tmp_path: Path, changed: dict[str, str | None]
) -> None:
    assert_same_as_dpkg_deb(real(tmp_path, control(**changed), "-Zgzip"))


def test_reads_a_package_of_5000_files(tmp_path: Path) -> None:
    names = [f"usr/share/foo/{n % 50}/{n}" for n in range(5000)]
    assert_same_as_dpkg_deb(real(tmp_path, control(), "-Zgzip", files=names))


@pytest.mark.parametrize("form", debs.COMPRESS)
def test_our_own_packages_are_packages_to_dpkg_deb(tmp_path: Path, form: str) -> None:
    path = tmp_path / "foo.deb"
    path.write_bytes(
        deb(data_form=form, control_form=form if form in ("", ".gz", ".zst") else ".xz")
    )
    assert b"./etc/motd" in run("dpkg-deb", "--contents", str(path))
    assert_same_as_dpkg_deb(path)


@pytest.mark.parametrize("form", [".bz2", ".lzma"])
def test_dpkg_deb_too_refuses_a_control_member_so_compressed(tmp_path: Path, form: str) -> None:
    path = tmp_path / "foo.deb"
    body = debs.COMPRESS[form](debs.tar([("./control", control())]))
    path.write_bytes(debs.ar([debs.FORMAT, (f"control.tar{form}", body), ("data.tar", b"")]))
    tried = subprocess.run(["dpkg-deb", "--field", str(path)], check=False, capture_output=True)
    assert b"unknown compression" in tried.stderr


PICKED = ("hello", "libstdc++6", "tzdata", "less", "libgcc-s1")


def test_reads_packages_of_the_distribution(tmp_path: Path) -> None:
    """Whatever of a few packages this machine can download."""
    tmp_path.chmod(0o777)  # for apt's sandbox user
    for name in PICKED:
        command = ["apt-get", "-qq", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=5"]
        subprocess.run(
            [*command, "download", name], cwd=tmp_path, check=False, capture_output=True, timeout=60
        )
        if not list(tmp_path.glob("*.deb")):
            pytest.skip("NOT VERIFIED against the distribution's packages: apt-get can't download")
    for path in tmp_path.glob("*.deb"):
        assert_same_as_dpkg_deb(path)


# Words


VERSIONS = (
    "1", "1.0", "1:", ":1", "a:1", "1:a", "1:1", "0:1", "00:1", "1:2:3", "1-", "-1", "1-1", "1-1-1",
    "1-1-", "1--1", "1:-1", "1~", "1~~", "1+", "1+b1", "1.0_1", "1-1_", "1-~", "1-a", "v1",
    "2147483647:1", "2147483648:1", "1.0~rc1-2", "1.0-1:2", "1\u00e9", "\u0661", "1%3a", "1/2",
    "1,2", "1;2", "1^2", "~1", ".1", "+1", "1 2", "", " ",
)  # fmt: skip


def test_a_version_is_what_dpkg_validates() -> None:
    for version in VERSIONS:
        tried = subprocess.run(
            ["dpkg", "--validate-version", "--", version], check=False, capture_output=True
        )
        assert grammar.is_version(version) == (tried.returncode == 0), version


def test_every_architecture_dpkg_knows_is_one() -> None:
    known = run("dpkg-architecture", "--list-known").decode().split()
    assert len(known) > 100 and all(map(grammar.is_architecture, [*known, "all"]))


RELATIONS = (
    "a", "a, b", "a,b", "a,", ",a", "a,,b", "a | b", "a|b|c", "a |", "| a", "a || b", "a b", "A_b",
    "-a", "a/b", "a\u00e9", "a:any", "a:amd64", "a:", "a:b:c", "a (>= 1)", "a(>=1)", "a ( >= 1 )",
    "a (1)", "a (< 1)", "a (> 1)", "a (=> 1)", "a (== 1)", "a (!= 1)", "a (>= )", "a ()", "a (>= 1",
    "a (>= 1))", "a (>= v1)", "a (>= 1-)", "a (>= ${x})", "a (>= 1 2)", "a (>> 1) (<< 2)",
    "a (= 1:2-3)", "a [amd64]", "a <x>", "${x:Depends}", "(>= 1)", "a,\n b\n (>= 1)", "a ,b",
    "a (>= 1) | b (= 2)",
)  # fmt: skip


@pytest.mark.parametrize("field", ["Depends", "Conflicts"])
def test_a_relation_is_what_dpkg_deb_builds(tmp_path: Path, field: str) -> None:
    for number, text in enumerate(RELATIONS):
        folder = tmp_path / str(number) / "DEBIAN"
        folder.mkdir(parents=True)
        (folder / "control").write_bytes(control(**{field: text}))
        tried = subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Znone", "-b", str(folder.parent), str(tmp_path)],
            check=False, capture_output=True,
        )  # fmt: skip
        bad = list(grammar.bad_relations(text, alternatives=field == "Depends"))
        assert bool(bad) == bool(tried.returncode), (text, tried.stderr.decode())


# Indices

ODD = (
    {"Package": "crlf", "Description": "x\r\n y\r"},
    {"Package": "empty", "Depends": "", "Section": "", "Priority": "optional"},
    {"Package": "rich", **{k: v for k, v in RICH.items() if k != "Version"}},
    {"Package": "own", "Filename": "evil", "SHA512": "0", "Checksum-FileSize": "7", "Size": "-1"},
    {"Package": "x" * 200},
    {"Package": "several", "X-Note": "\n a\n .\n\tb", "Source": "s (1)"},
)


def test_apt_reads_the_stanzas_of_odd_packages(tmp_path: Path) -> None:
    if shutil.which("apt-get") is None:
        pytest.skip("NOT VERIFIED against apt: no apt-get here")
    names, text = [], b""
    for fields in ODD:
        data = deb(control(**fields))
        package = inspect("x.deb", Bytes(data), len(data))
        names.append(package.package)
        text += stanza(package, filename=f"pool/{package.package}.deb", size=9, sha256="a" * 64)
        text += b"\n"
    seen = apt(tmp_path, text)
    assert sorted(seen) == sorted(names)
    assert {p["Size"] for p in seen.values()} == {"9"}
    assert seen["own"]["Filename"] == "pool/own.deb"


@pytest.mark.parametrize("bad", [b"Depends: a,,b\n", b"Description-md5: zz\n"])
def test_apt_fails_on_the_whole_index_for_what_we_refuse_or_drop(
    tmp_path: Path, bad: bytes
) -> None:
    """Why relations are checked so strictly: one bad package would stop every host."""
    if shutil.which("apt-get") is None:
        pytest.skip("NOT VERIFIED against apt: no apt-get here")
    where = b"Filename: f\nSize: 1\nSHA256: " + b"a" * 64 + b"\n\n"
    one = b"Package: one\nVersion: 1\nArchitecture: all\n" + bad + where
    with pytest.raises(subprocess.CalledProcessError):
        apt(tmp_path, one)


def apt(root: Path, index: bytes) -> dict[str, Deb822]:
    """The packages that apt sees in an index, by name."""
    for folder in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "lists/partial", "cache", "repo"):
        (root / folder).mkdir(parents=True)
    (root / "repo" / "Packages").write_bytes(index)
    (root / "status").touch()
    (root / "sources.list").write_text(f"deb [trusted=yes arch=amd64] file:{root}/repo ./\n")
    (root / "apt.conf").write_text(
        f'Dir "{root}"; Dir::Etc "{root}/etc/apt"; Dir::Etc::SourceList "{root}/sources.list";\n'
        f'Dir::State::Lists "{root}/lists"; Dir::State::status "{root}/status";\n'
        f'Dir::Cache "{root}/cache"; APT::Sandbox::User "root"; Acquire::Languages "none";\n'
        'APT::Architecture "amd64"; APT::Architectures { "amd64"; };\n'
    )
    environment = {**os.environ, "APT_CONFIG": str(root / "apt.conf"), "LC_ALL": "C"}
    subprocess.run(["apt-get", "-q", "update"], env=environment, check=True, capture_output=True)
    shown = subprocess.run(
        ["apt-cache", "dumpavail"], env=environment, check=True, capture_output=True
    )
    found = Deb822.iter_paragraphs(shown.stdout, use_apt_pkg=False, encoding="latin-1")
    return {p["Package"]: p for p in found}


# Manifests


def test_reads_what_sha256sum_prints(tmp_path: Path) -> None:
    for name in ("a_1.0+b~c_all.deb", "b c.deb"):
        (tmp_path / name).write_bytes(deb())
    for options in ((), ("--binary",), ("--text",)):
        body = run("sha256sum", *options, "a_1.0+b~c_all.deb", "./b c.deb", cwd=tmp_path)
        found = manifest.parse("SHA256SUMS", body).files
        assert [f.name for f in found] == ["a_1.0+b~c_all.deb", "b c.deb"]
        assert body.decode().startswith(found[0].sha256)


def test_reads_what_dpkg_genchanges_writes(tmp_path: Path) -> None:
    if shutil.which("dpkg-genchanges") is None:
        pytest.skip("NOT VERIFIED against dpkg-genchanges: it is not here")
    built = real(tmp_path, control(), "-Zgzip")
    debian = tmp_path / "source" / "debian"
    debian.mkdir(parents=True)
    (debian / "control").write_text(
        "Source: foo\nMaintainer: A <a@example.org>\nStandards-Version: 4.6.2\n\n"
        "Package: foo\nArchitecture: all\nSection: misc\nPriority: optional\nDescription: text\n"
    )
    (debian / "changelog").write_text(
        "foo (1.0) unstable; urgency=medium\n\n"
        "  * \x1b[31mNew\x1b[0m.\n\x0c\n   \n  \x0c\n  * a\rb\x00c\x1ad\n\n"
        " -- A <a@example.org>  Mon, 23 Nov 2026 01:02:03 +0000\n"
    )
    (tmp_path / "foo.buildinfo").write_text("x\n")
    (debian / "files").write_text(f"{built.name} misc optional\nfoo.buildinfo misc optional\n")
    body = run("dpkg-genchanges", "--build=binary", cwd=debian.parent)
    found = manifest.parse("foo_1.0_amd64.changes", body)
    assert [(f.name, f.size) for f in found.files] == [(built.name, built.stat().st_size)]
    assert found.others == ("foo.buildinfo",)


# Memory

MEASURE = """
import json, resource, sys
from debpress.deb import inspect
from debpress.errors import RejectedError

class Reader:
    def __init__(self, path): self.file = open(path, "rb")
    def read(self, start, length): self.file.seek(start); return self.file.read(length)

def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
path, size = sys.argv[1], int(sys.argv[2])
before = peak()
try:
    said = [inspect("foo.deb", Reader(path), size).package]
except RejectedError as error:
    said = [r.code for r in error.refusals]
cpu = resource.getrusage(resource.RUSAGE_SELF).ru_utime
print(json.dumps({"said": said, "kib": peak() - before, "cpu": cpu}))
"""


def measure(path: Path) -> tuple[list[str], int]:
    """What `inspect` says in a process of its own, and how many KiB its memory grew."""
    source = Path(inspect.__code__.co_filename).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path), str(path.stat().st_size)],
        env={**os.environ, "PYTHONPATH": str(source)}, check=True, capture_output=True,
    )  # fmt: skip
    found = json.loads(ran.stdout)
    assert found["cpu"] < 3
    return found["said"], found["kib"]


def test_a_bomb_of_500_mb_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.deb"
    packer = lzma.LZMACompressor(lzma.FORMAT_XZ, preset=0)
    parts = [packer.compress(entry(b"./pad", size=b"%011o\0" % (500 * 2**20)))]
    parts += [packer.compress(bytes(2**20)) for _ in range(500)]
    parts += [packer.compress(entry(b"./control", control())), packer.flush()]
    path.write_bytes(debs.ar([debs.FORMAT, ("control.tar.xz", b"".join(parts)), ("data.tar", b"")]))
    said, grown = measure(path)
    assert said == ["control-too-large"]
    assert grown < 32 * 1024


def test_a_package_of_2_gb_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.deb"
    head = debs.ar([debs.FORMAT, ("control.tar", debs.tar([("./control", control())]))])
    size = 2 * 10**9
    with path.open("wb") as file:
        file.write(head + debs.member("data.tar", b"", size=size))
        file.truncate(file.tell() + size)
    said, grown = measure(path)
    assert said == ["foo"]
    assert grown < 16 * 1024
