"""A host finds by a file's name which package has it, as real apt-file does."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from debpress.index import gz
from debpress.keys.publication import sources

from local.apt_root import AptRoot
from tests.support.press import Press, deb, ed25519_signers
from tests.support.replay import Bucket, objects

# What the package apt-file puts there: apt fetches Contents where this asks for them.
_TARGETS = Path("/etc/apt/apt.conf.d/50apt-file.conf")


@pytest.mark.skipif(shutil.which("apt-file") is None, reason="apt-file is missing")
def test_apt_file_finds_what_is_published_and_what_came_later(tmp_path: Path) -> None:
    press = Press(ed25519_signers())
    press.configure(architectures=["amd64"], components=["main"], contents=True)
    press.set_up()
    bucket = Bucket(objects(press.store.snapshot()))
    with bucket.served() as address:
        text = sources(press.repository.suites[0], f"{address}apt", press.signers.key_asc())
        host = AptRoot(tmp_path / "host", text.decode())
        shutil.copy(_TARGETS, host.path / "etc/apt/apt.conf.d/")

        def found(name: str) -> list[str]:
            press.clock.sleep(60)
            bucket.objects = objects(press.store.snapshot())
            host.run("apt-file", "update").clean()
            return host.run("apt-file", "search", name).out.splitlines()

        extra, files = "Section: utils\n", ("./usr/bin/foo", "./usr/share/a file")
        body = deb("foo", "1", "amd64", extra=extra, files=files)
        assert press.publish(press.upload("b1", {"foo_1_amd64.deb": body})) == "published"
        assert found("bin/foo") == ["foo: /usr/bin/foo"]
        assert found("a file") == ["foo: /usr/share/a file"]
        both = {"bar_1_all.deb": deb("bar", "1", "all", files=("./usr/bin/foo", "./usr/bin/bar"))}
        assert press.publish(press.upload("b2", both)) == "published"
        assert found("bin/foo") == ["bar: /usr/bin/foo", "foo: /usr/bin/foo"]
        assert any("/main/by-hash/" in key for key in bucket.sent)


@pytest.mark.skipif(shutil.which("apt-ftparchive") is None, reason="apt-utils is not installed")
def test_it_says_what_apt_ftparchive_says(tmp_path: Path) -> None:
    pool, packages = tmp_path / "pool", {}
    pool.mkdir()
    for name, architecture in (("foo", "amd64"), ("bar", "all")):
        tree = tmp_path / name
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: 1\nArchitecture: {architecture}\nSection: utils\n"
            "Maintainer: A <a@example.org>\nDescription: test\n"
        )
        (tree / "usr/bin").mkdir(parents=True)
        (tree / "usr/share/empty").mkdir(parents=True)
        (tree / f"usr/bin/{name}").write_text("x")
        (tree / "usr/bin/both").write_text("x")
        os.link(tree / f"usr/bin/{name}", tree / f"usr/bin/{name}-hard")
        (tree / f"usr/bin/{name}-soft").symlink_to("elsewhere")
        file = pool / f"{name}_1_{architecture}.deb"
        command = ["dpkg-deb", "--root-owner-group", "--build", str(tree), str(file)]
        subprocess.run(command, check=True, capture_output=True)
        packages[file.name] = file.read_bytes()
    said = subprocess.run(
        ["apt-ftparchive", "contents", str(pool)], check=True, capture_output=True, text=True
    ).stdout

    press = Press(ed25519_signers())
    press.configure(architectures=["amd64"], components=["main"], contents=True)
    press.set_up()
    assert press.publish(press.upload("b1", packages)) == "published"
    name = "main/Contents-amd64.gz"
    form = press.archive.suite("stable").form(name, press.release().files[name])
    ours = b"".join(gz.inflate(form.pieces())).decode()
    # It has sections only where a configuration of several folders tells it where.
    assert listed(ours.replace("utils/", "")) == listed(said)
    assert "usr/bin/both utils/bar,utils/foo\n" in ours


def listed(text: str) -> dict[str, set[str]]:
    return {path: set(names.split(",")) for path, names in map(str.split, text.splitlines())}
