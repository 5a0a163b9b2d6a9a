"""Uploaders' keys as people have them: made and used by the real gpg, as debsign uses it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from debpress import config

from tests.support.gpg import Gpg, gpg
from tests.support.press import Press, debs, event
from tests.support.scenes import signers
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


def told(home: Gpg, document: bytes) -> str:
    """What the result says that is wrong with a .changes, for a press that knows the key."""
    armored = home.run("--armor", "--export", when=NOW).decode()
    ours = {"name": "dev", "packages": ["*"], "publishes": ["stable/main"]}
    described = {"suites": SUITES, "uploaders": [{**ours, "certificates": [armored]}]}
    press = Press(signers(), repository=config.parse(described))
    press.set_up()
    place = "staging/stable/main/b1/"
    for name, body in debs(("a", "1", "all")).items():
        press.store.put(place + name, body)
    head = press.store.put(place + "a_1_all.changes", document)
    press.publish(event(head.key, head.etag, head.version_id))
    result = press.result("b1")
    assert result.get("uploader") == ("dev" if result["status"] == "published" else None)
    return "".join(each["message"] for each in result["errors"])


def clearsigned(home: Gpg, when: str = NOW, *options: str) -> bytes:
    text = changes(debs(("a", "1", "all"))) + b"Changes:\n a (1) stable; urgency=low\n .\n   - x\n"
    return home.run(*options, "--clearsign", text=text, when=when)


def test_what_a_subkey_has_signed_is_its_owner_s(developer: Gpg) -> None:
    assert told(developer, clearsigned(developer)) == ""


def test_sha_1_is_refused(developer: Gpg) -> None:
    document = clearsigned(developer, NOW, "--digest-algo", "SHA1", "--allow-weak-digest-algos")
    assert "must be SHA-256, SHA-384 or SHA-512" in told(developer, document)


def test_a_key_that_has_expired_since_is_refused() -> None:
    with gpg() as home:
        user = "Late <late@example.org>"
        home.run("--quick-gen-key", user, "ed25519", "sign", "2026-11-21", when=MADE)
        assert "has expired" in told(home, clearsigned(home))
