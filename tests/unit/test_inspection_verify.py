"""`verify` names whatever is wrong with a repository, and nothing else."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from debpress import openpgp, signing
from debpress.archive.suite import SuiteArchive
from debpress.errors import StoreError
from debpress.index import release
from debpress.inspection.report import Report
from debpress.inspection.verification import verify
from debpress.keys.publication import publish
from debpress.layout import Layout
from debpress.signing import Signers

from tests.support.fake_kms import FakeKms
from tests.support.optional import some
from tests.support.press import Press, deb, debs, keys

LAYOUT = Layout()
BOTH = ("stable", "testing")
DIST = "apt/dists/stable"
AMD64 = f"{DIST}/main/binary-amd64"


@pytest.fixture
def press(press: Press) -> Press:
    """A repository as set-up and a few publishes leave it, an hour ago."""
    certificates = b"".join(press.signers.certificates())
    publish(press.archive, press.repository, "https://bucket.example/apt", certificates)
    packages = debs(("a", "1", "all"), ("b", "1:2~x", "amd64"), ("c", "1", "arm64"))
    press.publish(press.upload("b1", packages))
    press.publish(press.upload("b1", debs(("a", "1", "all")), suite="testing"))
    press.clock.sleep(3600)
    return press


def check(press: Press, **options: Any) -> Report:
    before = len(press.store.log)
    report = verify(press.archive, press.clock, BOTH, **options)
    assert len(press.store.log) == before, "verify wrote something"
    return report


def wrong(press: Press, **options: Any) -> set[tuple[str, str]]:
    """The key and the sentence of each finding; a sentence begins with its key."""
    report = check(press, **options)
    assert report.good == (not report.findings)
    return {(f.key, f.message.removeprefix(f.key).strip()) for f in report.findings}


def damage(press: Press, key: str, change: Callable[[bytes], bytes]) -> None:
    press.store.put(key, change(press.store.body(key)))


def flip_a_byte(body: bytes) -> bytes:
    """One near the end; an empty object gets one."""
    at = max(len(body) - 9, 0)
    return body[:at] + bytes([(body[at:] or b"x")[0] ^ 1]) + body[at + 1 :]


def other_signers() -> Signers:
    """With a key that no host knows."""
    kms = FakeKms()
    kms.create_key("ECC_NIST_EDWARDS25519")
    key = kms.create_key("ECC_NIST_EDWARDS25519")
    return signing.load(["awskms:"], keys(kms.service, key, user_id="somebody else"))


def by_hash(press: Press, name: str) -> str:
    listed = press.release().files[name]
    return LAYOUT.by_hash("stable", name, listed.sha256)


def pooled(press: Press, package: str) -> str:
    (key,) = (k for k in press.store.keys("apt/pool/") if f"/{package}_" in k)
    return key


def republish(press: Press, change: Callable[[release.Release], release.Release]) -> None:
    """Signs another Release over the same indices."""
    changed = change(press.release())
    text = changed.render()
    date = press.release().date
    press.store.put(LAYOUT.inrelease("stable"), press.signers.clearsign(text, date))
    press.store.put(LAYOUT.release("stable"), text)
    press.store.put(LAYOUT.release_gpg("stable"), press.signers.detached(text, date))


@pytest.mark.parametrize("deep", [False, True])
def test_a_whole_repository_is_good(press: Press, deep: bool) -> None:
    report = check(press, deep=deep)
    assert report.good and report.findings == []
    assert (report.indices, report.packages) == (8, 4 - 1)  # one is in both suites
    assert report.as_json()["good"] is True


def test_every_index_and_package_is_looked_at(press: Press) -> None:
    """Whichever object that InRelease leads to is taken away, it is named."""
    assert len(_served(press)) > 40
    for key in _served(press):
        snapshot = press.store.snapshot()
        press.store.delete(key)
        assert key in {k for k, _ in wrong(press)}, key
        press.store.restore(snapshot)
    assert wrong(press) == set()


def test_a_flipped_byte_anywhere_is_named(press: Press) -> None:
    for key in _served(press):
        if key.endswith((".sources", "/setup.sh", "/keyring.deb")):
            continue
        snapshot = press.store.snapshot()
        damage(press, key, flip_a_byte)
        assert wrong(press, deep=True), key
        press.store.restore(snapshot)


def _served(press: Press) -> list[str]:
    """What hosts may be served: older indices apart, which only the late need."""
    current = {
        LAYOUT.by_hash(suite, name, listed.sha256)
        for suite in BOTH
        for name, listed in press.release(suite).files.items()
    }
    return [k for k in press.store.keys("apt/") if "by-hash" not in k or k in current]


class TestPackages:
    def test_one_that_is_gone(self, press: Press) -> None:
        key = pooled(press, "b")
        press.store.delete(key)
        ((found, message),) = wrong(press)
        assert found == key and "is not there, and stable names it" in message

    def test_one_of_another_size(self, press: Press) -> None:
        key = pooled(press, "b")
        damage(press, key, lambda body: body + b"x")
        ((found, message),) = wrong(press)
        assert found == key and "and its stanza says" in message

    def test_one_byte_the_store_vouches_for(self, press: Press) -> None:
        key = pooled(press, "b")
        damage(press, key, flip_a_byte)
        ((found, message),) = wrong(press)
        assert found == key and "has SHA-256" in message

    def test_one_byte_the_store_knows_nothing_of(self, press: Press) -> None:
        key = pooled(press, "b")
        press.store.upload(key, flip_a_byte(press.store.body(key)))
        report = check(press)
        assert report.good
        assert any(key in n.keys and "`--deep` reads them" in n.message for n in report.notes)
        ((found, message),) = wrong(press, deep=True)
        assert found == key and "has SHA-256" in message

    def test_progress_comes_to_the_whole(self, press: Press) -> None:
        from contextlib import nullcontext

        for deep in (False, True):
            sizes: list[int] = []
            parts: list[int] = []

            def watch(_name: str, size: int, into: Any = (sizes, parts)) -> Any:
                into[0].append(size)
                return nullcontext(into[1].append)

            check(press, deep=deep, watch=watch)
            assert sum(sizes) == sum(parts) > 0


class TestIndices:
    @pytest.mark.parametrize("suffix", [".gz", ".xz"])
    def test_by_hash_with_other_bytes(self, press: Press, suffix: str) -> None:
        key = by_hash(press, f"main/binary-amd64/Packages{suffix}")
        damage(press, key, flip_a_byte)
        ((found, message),) = wrong(press)
        assert found == key and "other bytes than its name" in message

    @pytest.mark.parametrize("suffix", [".gz", ".xz"])
    def test_edited_plain_packages(self, press: Press, suffix: str) -> None:
        key = f"{AMD64}/Packages{suffix}"
        damage(press, key, lambda body: body.replace(b"a", b"b"))
        ((found, message),) = wrong(press)
        assert found == key and "other bytes than Release says" in message

    def test_two_xz_streams_are_none_to_apt(self, press: Press) -> None:
        name = "main/binary-amd64/Packages"
        text = gzip.decompress(press.store.body(f"{DIST}/{name}.gz"))
        body = lzma.compress(text[:100]) + lzma.compress(text[100:])
        self.swap(press, f"{name}.xz", body)
        assert any("not exactly one xz stream" in message for _, message in wrong(press))

    def test_forms_that_disagree(self, press: Press) -> None:
        text = gzip.decompress(press.store.body(f"{AMD64}/Packages.gz"))
        self.swap(press, "main/binary-amd64/Packages.gz", gzip.compress(text + text))
        assert any("unpacks to something else" in message for _, message in wrong(press))

    def swap(self, press: Press, name: str, body: bytes) -> None:
        from dataclasses import replace

        from debpress.index.form import checksum_of

        press.store.put(f"{DIST}/{name}", body)
        listed = checksum_of(body)
        press.store.put(LAYOUT.by_hash("stable", name, listed.sha256), body)
        republish(press, lambda old: replace(old, files={**old.files, name: listed}))

    def edit(self, press: Press, change: Callable[[bytes], bytes]) -> set[str]:
        """Publishes amd64's index anew with another text; what is wrong then."""
        from dataclasses import replace

        from debpress.index.form import checksum_of

        name = "main/binary-amd64/Packages"
        text = change(gzip.decompress(press.store.body(f"{DIST}/{name}.gz")))
        forms = {"": text, ".gz": gzip.compress(text), ".xz": lzma.compress(text)}
        sums = {f"{name}{suffix}": checksum_of(body) for suffix, body in forms.items()}
        for suffix, body in forms.items():
            press.store.put(f"{DIST}/{name}{suffix}", body)
            key = LAYOUT.by_hash("stable", name, sums[f"{name}{suffix}"].sha256)
            press.store.put(key, body)
        republish(press, lambda old: replace(old, files={**old.files, **sums}))
        return {message for _, message in wrong(press)}

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda t: t + t.split(b"\n\n")[-2] + b"\n\n", "twice"),
            (lambda t: t.replace(b"Architecture: amd64", b"Architecture: s390x"), "for amd64"),
            (lambda t: t.replace(b"\nSHA256: ", b"\nSHA1: ", 1), "without SHA256"),
            (lambda t: t.replace(b"\nSize: ", b"\nSize: x", 1), "a whole number as Size"),
            (lambda t: t[t.index(b"\n\n") + 2 :], "lacks a 1 (all)"),
        ],
    )
    def test_stanzas_that_apt_stumbles_on(
        self, press: Press, change: Callable[[bytes], bytes], said: str
    ) -> None:
        assert any(said in message for message in self.edit(press, change))

    def test_what_release_promises_and_does_not_list(self, press: Press) -> None:
        from dataclasses import replace

        republish(
            press,
            lambda old: replace(
                old, files={n: s for n, s in old.files.items() if n != "main/binary-arm64/Packages"}
            ),
        )
        assert any("does not list main/binary-arm64/Packages," in m for _, m in wrong(press))


class TestSignatures:
    def test_a_changed_release(self, press: Press) -> None:
        damage(press, LAYOUT.inrelease("stable"), lambda b: b.replace(b"Label: ", b"Label: x", 1))
        found = dict(wrong(press))
        assert "does not verify" in found[LAYOUT.inrelease("stable")]

    def test_by_another_key(self, press: Press) -> None:
        press.signers = other_signers()
        date = press.clock.now()
        text, _ = openpgp.split(press.store.body(LAYOUT.inrelease("stable")))
        press.store.put(LAYOUT.inrelease("stable"), press.signers.clearsign(text, date))
        ((key, message),) = wrong(press)
        assert key == LAYOUT.inrelease("stable")
        assert "none of the repository's certificates" in message

    def test_a_date_in_the_future(self, press: Press) -> None:
        press.clock.advance(-timedelta(hours=3).total_seconds())
        messages = [message for _, message in wrong(press)]
        assert any("which is in the future" in message for message in messages)
        assert any("signed in the future" in message for message in messages)

    def test_keys_that_differ(self, press: Press) -> None:
        other = b"".join(other_signers().certificates())
        press.store.put(LAYOUT.key_asc, openpgp.armor(other, "PUBLIC KEY BLOCK"))
        assert wrong(press) == {
            (
                LAYOUT.key_asc,
                "and apt/key.gpg hold different certificates; deploy again, which writes both from "
                "the signers' own",
            )
        }

    def test_what_is_no_release_at_all(self, press: Press) -> None:
        press.store.put(LAYOUT.inrelease("stable"), b"hello\n")
        ((key, message),) = wrong(press)
        assert key == LAYOUT.inrelease("stable") and "can't be read" in message


class TestNotes:
    def test_what_nothing_names_is_a_note(self, press: Press) -> None:
        press.store.put("apt/pool/main/o/orphan/0/orphan.deb", deb("orphan"))
        old = by_hash(press, "main/binary-amd64/Packages.gz")
        press.publish(press.upload("b2", debs(("d", "1", "all"))))
        press.clock.sleep(3600)
        report = check(press)
        assert report.good
        keys = {key for note in report.notes for key in note.keys}
        assert {"apt/pool/main/o/orphan/0/orphan.deb", old} <= keys
        assert by_hash(press, "main/binary-amd64/Packages.gz") not in keys
        assert pooled(press, "d") not in keys

    def test_not_of_the_pool_when_only_some_suites_are_read(self, press: Press) -> None:
        report = verify(press.archive, press.clock, ["testing"], whole=False)
        assert report.good and not [n for n in report.notes if "pool" in n.message]

    def test_where_nothing_may_be_listed(
        self, press: Press, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(prefix: str) -> Any:
            raise StoreError("AWS refused")

        monkeypatch.setattr(press.store, "list", refuse)
        report = check(press)
        assert report.good
        assert {n.message for n in report.notes} == {
            "what snapshots there are could not be seen: AWS refused",
            "what else there is could not be seen: AWS refused",
        }


class TestMeanwhile:
    def test_a_flip_while_it_reads_is_nothing_wrong(
        self, press: Press, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        get = press.store.get
        flips: list[str] = []

        def publish_once(key: str, *args: Any, **more: Any) -> Any:
            found = get(key, *args, **more)
            if key == LAYOUT.inrelease("stable") and not flips:
                flips.append(key)
                press.publish(press.upload("b2", debs(("d", "1", "all"))))
            return found

        monkeypatch.setattr(press.store, "get", publish_once)
        report = verify(press.archive, press.clock, BOTH)
        assert flips and report.good, report.findings
        assert report.packages == 4

    def test_plain_names_a_moment_behind_are_looked_at_again(
        self, press: Press, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps = press.steps(press.upload("b2", debs(("d", "1", "all"))))
        update = SuiteArchive.update_plain_names
        monkeypatch.setattr(SuiteArchive, "update_plain_names", lambda *_: None)
        for _ in range(5):
            next(steps)
        record = some(press.archive.suite("stable").committed())
        sleep = press.clock.sleep

        def late(seconds: float) -> None:
            sleep(seconds)
            update(press.archive.suite("stable"), record)

        monkeypatch.setattr(press.clock, "sleep", late)
        assert verify(press.archive, press.clock, BOTH).good
