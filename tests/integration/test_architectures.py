"""Which indices a host reads by the shipped source, as real apt has it: those of what it has."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from debpress.keys.publication import sources

from local.apt_root import AptRoot
from tests.support.press import Press, deb, debs, ed25519_signers
from tests.support.replay import Bucket, objects

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt is not installed")

PACKAGES = debs(("slow", "1", "amd64"), ("slow", "1", "arm64"), ("common", "1", "all"))
FAST = deb("fast", "1", "amd64", extra="Architecture-Variant: amd64v3\n")


@dataclass(frozen=True, slots=True)
class Repository:
    """A suite for amd64, arm64 and amd64v3, served, and its source."""

    source: str
    bucket: Bucket


@pytest.fixture(scope="module")
def repository() -> Iterator[Repository]:
    press = Press(ed25519_signers())
    press.configure(architectures=["amd64", "amd64v3", "arm64"])
    press.set_up()
    files = {**PACKAGES, "fast_1_amd64v3.deb": FAST}
    assert press.publish(press.upload("b1", files)) == "published"
    bucket = Bucket(objects(press.store.snapshot()))
    with bucket.served() as address:
        text = sources(press.repository.suites[0], f"{address}apt", press.signers.key_asc())
        yield Repository(text.decode(), bucket)


def updated(host: AptRoot) -> tuple[set[str], list[str]]:
    """The indices that apt got, by what is after `binary-`, and its notices. apt gives none where
    nobody looks on, unless told to (`-q=0`)."""
    said = host.run("apt-get", "update", "-q=0").clean()
    lists = (host.path / "var/lib/apt/lists").iterdir()
    got = {m[1] for each in lists if (m := re.search(r"_binary-([^_]+)_Packages", each.name))}
    return got, re.findall(r"^N: .*", f"{said.out}\n{said.err}", re.MULTILINE)


@pytest.mark.parametrize(
    ("architecture", "foreign", "read"),
    [
        ("amd64", (), {"amd64"}),
        ("amd64", ("i386",), {"amd64"}),
        ("amd64", ("armhf", "riscv64"), {"amd64"}),
        ("arm64", (), {"arm64"}),
        ("arm64", ("amd64",), {"amd64", "arm64"}),
    ],
)
def test_a_host_reads_what_it_has_and_gets_no_notice(
    repository: Repository,
    tmp_path: Path,
    architecture: str,
    foreign: tuple[str, ...],
    read: set[str],
) -> None:
    host = AptRoot(tmp_path, repository.source, architecture, foreign)
    assert updated(host) == (read, [])
    assert host.versions("slow") and host.versions("common")
    assert not host.versions("fast")


def test_a_source_that_takes_nothing_out_gives_one(repository: Repository, tmp_path: Path) -> None:
    bare = re.sub(r"Architectures-Remove: .*\n", "", repository.source)
    read, notices = updated(AptRoot(tmp_path, bare, "amd64", ("i386",)))
    assert read == {"amd64"}
    assert ["doesn't support architecture 'i386'" in each for each in notices] == [True, True]


def test_the_index_of_a_variant_is_there_though_no_field_of_release_names_it(
    repository: Repository, tmp_path: Path
) -> None:
    """This apt knows no variants; told the index's name, it goes the way that a newer one goes."""
    told = re.sub(
        r"Architectures-Remove: .*\n", "Architectures: amd64 amd64v3\n", repository.source
    )
    host = AptRoot(tmp_path, told)
    assert updated(host) == ({"amd64", "amd64v3"}, [])
    assert host.versions("slow") == host.versions("fast") == ["1"]
    assert [each.read_bytes() for each in host.download("fast")] == [FAST]
    assert "Architecture-Variant: amd64v3\n" in host.show("fast").out


def test_a_suite_that_lacks_the_variant_gives_its_hosts_no_notice() -> None:
    press = Press(ed25519_signers())
    source = sources(press.repository.suites[0], "https://bucket.example/apt", b"key").decode()
    removed = re.findall(r"Architectures-Remove: (.*)\n", source)[0].split()
    assert {"amd64v3", "i386"} <= set(removed)
    assert not {"amd64", "arm64", "all"} & set(removed)
