"""Uploaders' keys as people have them: made and used by the real gpg, as debsign uses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from debpress import config
from debpress.commands.main import main

from tests.support.clock import FakeClock
from tests.support.gpg import Gpg, gpg
from tests.support.press import Press, debs, event
from tests.support.scenes import signers
from tests.unit.test_commands_packages import write
from tests.unit.test_commands_upload import BUCKET, keys, s3  # noqa: F401
from tests.unit.test_uploaders import SUITES, changes

# The press in memory begins on 2026-11-23.
MADE, NOW = "20260101T000000", "20261120T000000"


@pytest.fixture(scope="module")
def developer() -> Iterator[Gpg]:
    """A primary key that only certifies, a subkey that signs, and one for encryption."""
    with gpg() as home:
        home.run("--quick-gen-key", "Dev <dev@example.org>", "ed25519", "cert", "never", when=MADE)
        home.add("ed25519", "sign", when=MADE)
        home.add("cv25519", "encr", when=MADE)
        yield home


def knowing(home: Gpg) -> Press:
    """A press that knows the key."""
    armored = home.run("--armor", "--export", when=NOW).decode()
    ours = {"name": "dev", "packages": ["*"], "publishes": ["stable/main"]}
    described = {"suites": SUITES, "uploaders": [{**ours, "certificates": [armored]}]}
    press = Press(signers(), repository=config.parse(described))
    press.set_up()
    return press


def told(home: Gpg, document: bytes) -> str:
    """What the result says that is wrong with a .changes."""
    press = knowing(home)
    place = "staging/stable/main/b1/"
    for name, body in debs(("a", "1", "all")).items():
        press.store.put(place + name, body)
    press.store.put(place + "a_1_all.changes", document)
    return judged(press, place + "a_1_all.changes")


def judged(press: Press, manifest: str) -> str:
    """What the result of a manifest that is in the store says that is wrong."""
    head = press.store.head(manifest)
    assert head is not None
    press.publish(event(head.key, head.etag, head.version_id))
    result = press.result("b1")
    assert result.get("uploader") == ("dev" if result["status"] == "published" else None)
    return "".join(each["message"] for each in result["errors"])


def clearsigned(home: Gpg, when: str = NOW, *options: str) -> bytes:
    text = changes(debs(("a", "1", "all"))) + b"Changes:\n a (1) stable; urgency=low\n .\n   - x\n"
    return home.run(*options, "--clearsign", text=text, when=when)


def test_what_a_subkey_has_signed_is_its_owner_s(developer: Gpg) -> None:
    assert told(developer, clearsigned(developer)) == ""


@pytest.mark.parametrize("alone", [True, False])
def test_the_command_puts_a_signed_changes_as_it_is_where_it_is_named_alone(
    alone: bool,
    developer: Gpg,
    s3: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    [(name, body)] = debs(("a", "1", "all")).items()
    package = write(tmp_path, name, body)
    named = [write(tmp_path, "a_1_all.changes", clearsigned(developer)), package][: 2 - alone]
    arguments = [*map(str, named), "--suite", "stable", "--batch", "b1", "--no-wait"]
    assert main(["upload", *arguments], FakeClock()) == 0
    press = knowing(developer)
    staged = keys(s3)
    for key in staged:
        press.store.put(key, s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    [manifest] = [key for key in staged if not key.endswith(".deb")]
    wrong = judged(press, manifest)
    assert wrong == "" if alone else "upload a .changes that is signed by one of: dev" in wrong


def test_sha_1_is_refused(developer: Gpg) -> None:
    document = clearsigned(developer, NOW, "--digest-algo", "SHA1", "--allow-weak-digest-algos")
    assert "must be SHA-256, SHA-384 or SHA-512" in told(developer, document)


def test_a_key_that_has_expired_since_is_refused() -> None:
    with gpg() as home:
        user = "Late <late@example.org>"
        home.run("--quick-gen-key", user, "ed25519", "sign", "2026-11-21", when=MADE)
        assert "has expired" in told(home, clearsigned(home))
