"""A team moves from aptly: it tries, compares, follows, cuts over by one address, and goes back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from local import debs
from local.apt_root import AptRoot
from local.ci import Ci
from local.stack import Stack
from tests.support.gpg import gpg
from tests.support.operator import Debpress
from tests.support.sources import Aptly
from tests.support.uploads import Uploads

SUITE = "testing"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_said: object) -> None:
        """Says nothing."""


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """The address of a web server for a folder."""
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


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
        with web(old.root) as address:

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
