"""The keyring package: judged by dpkg-deb, and by our own reader, which it has to pass."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from debpress import config, deb
from debpress.deb import writing
from debpress.errors import ConfigError
from debpress.keys import keyring
from debpress.keys.keyring import Keyring
from debpress.layout import Layout

from tests.support.debs import Bytes
from tests.support.press import SUITES
from tests.support.rotation import Rotation

MOMENT = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)


def built(rotation: Rotation) -> Keyring:
    return keyring.build(rotation.press.archive, rotation.press.repository)


def dpkg(*command: str | Path) -> str:
    return subprocess.run(["dpkg-deb", *command], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def rotation() -> Rotation:
    return Rotation()


def test_dpkg_unpacks_the_certificates_and_sources_that_name_them(
    rotation: Rotation, tmp_path: Path
) -> None:
    package = built(rotation)
    file = tmp_path / package.name
    file.write_bytes(package.body)
    assert re.fullmatch(r"debpress-archive-keyring_2025\.06\.01\.\d{6}_all\.deb", file.name)
    assert dpkg("--field", file, "Package", "Version", "Architecture").splitlines() == [
        "Package: debpress-archive-keyring",
        f"Version: {package.version}",
        "Architecture: all",
    ]
    listed = dpkg("--contents", file)
    assert all(line.split()[1] == "root/root" for line in listed.splitlines())
    dpkg("--extract", file, tmp_path / "root")
    share = tmp_path / "root/usr/share"
    ring = share / "keyrings/debpress-archive-keyring.gpg"
    assert ring.read_bytes() == rotation.certificate("old")
    assert ring.stat().st_mode & 0o777 == 0o644
    source = (share / "debpress-archive-keyring/testing.sources").read_text()
    assert source.splitlines()[1:3] == ["URIs: https://bucket.example/apt", "Suites: testing"]
    assert source.endswith("\nSigned-By: /usr/share/keyrings/debpress-archive-keyring.gpg\n")
    sums = dpkg("--ctrl-tarfile", file)
    assert "md5sums" in sums
    assert not (tmp_path / "root/etc").exists()


def test_our_own_reader_takes_it(rotation: Rotation) -> None:
    package = built(rotation)
    found = deb.inspect(package.name, Bytes(package.body), len(package.body))
    assert (found.package, found.version, found.architecture) == (
        "debpress-archive-keyring",
        package.version,
        "all",
    )


def test_equal_content_is_equal_bytes_and_other_content_a_newer_version(
    rotation: Rotation,
) -> None:
    first = built(rotation)
    rotation.wait(30)
    rotation.deploy("old")
    assert built(rotation) == first
    rotation.stand_at("announce")
    second = built(rotation)
    assert second.version > first.version
    assert second.body != first.body


def test_a_repository_that_was_never_set_up_has_none(rotation: Rotation) -> None:
    rotation.store.delete(Layout().key_gpg)
    with pytest.raises(ConfigError, match="deploy it"):
        built(rotation)


def test_a_package_is_written_in_one_way(tmp_path: Path) -> None:
    fields = {"Package": "one", "Version": "1", "Architecture": "all", "Description": "test"}
    files = {"/usr/share/b/two": b"2" * 3000, "/usr/share/a": b""}
    body = writing.build(fields, files, MOMENT)
    assert body == writing.build(fields, dict(reversed(files.items())), MOMENT)
    file = tmp_path / "one_1_all.deb"
    file.write_bytes(body)
    names = [line.split()[-1] for line in dpkg("--contents", file).splitlines()]
    folders = ["./", "./usr/", "./usr/share/", "./usr/share/b/"]
    assert names == sorted([*folders, "./usr/share/a", "./usr/share/b/two"])
    assert dpkg("--field", file, "Installed-Size").strip() == "7"
    assert "2026-11-23" in dpkg("--contents", file)


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("debpress", "debpress-archive-keyring"),
        ("ACME Corp. (internal)", "acme-corp-internal-archive-keyring"),
        ("Übung 2", "bung-2-archive-keyring"),
        ("日本", "debpress-archive-keyring"),
    ],
)
def test_its_name_is_the_origin_s_made_a_package_s(origin: str, name: str) -> None:
    suites = [{**suite, "origin": origin} for suite in SUITES["suites"]]
    assert config.parse({"suites": suites}).keyring == name


def test_its_name_may_be_configured_and_must_be_a_package_s() -> None:
    assert config.parse({**SUITES, "keyring": "lab-keyring"}).keyring == "lab-keyring"
    for bad in ("Lab", "x", "lab keyring", "-lab"):
        with pytest.raises(ConfigError, match="keyring"):
            config.parse({**SUITES, "keyring": bad})
