"""The whole press in memory: the real steps in the state machine's order, no network, no mocks.

`Press.steps` gives control back between steps, so that a test can interleave several publishes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from debpress import config, openpgp, signing
from debpress.clock import iso
from debpress.config import Repository
from debpress.index import entries, gz, release
from debpress.index.entries import Identity
from debpress.index.release import Release
from debpress.layout import Layout
from debpress.publish.admission import admit
from debpress.publish.committing import commit
from debpress.publish.finishing import finish
from debpress.publish.merging import merge
from debpress.publish.opening import Upload, open_batch
from debpress.publish.queueing import queue
from debpress.publish.signature import sign
from debpress.signing import Signers
from debpress.signing.kms import KmsKey

from tests.support.clock import FakeClock
from tests.support.fake_kms import FakeKms
from tests.support.memory_store import MemoryStore

SUITES: dict[str, Any] = {
    "suites": [
        {"suite": name, "components": ["main", "extra"], "architectures": ["amd64", "arm64"]}
        for name in ("stable", "testing")
    ]
}


class Broken(Exception):  # noqa: N818 (what the state machine catches)
    """A step failed every time it was tried."""


class Silent(Exception):  # noqa: N818 (the execution ends there)
    """Not even finish could be done: the execution fails, and CI has no answer yet."""


def once(step: Callable[[], Any]) -> Any:
    return step()


@dataclass
class Press:
    """`attempt` runs a step, as the state machine's Retry does; it raises Broken when it gives up,
    upon which the batch is finished as failed. By default a step has one try and its error shows.
    """

    signers: Signers
    clock: FakeClock = field(default_factory=FakeClock)
    repository: Repository = field(default_factory=lambda: config.parse(SUITES))
    store: MemoryStore = field(init=False)
    executions: int = 0
    attempt: Callable[[Callable[[], Any]], Any] = once

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock)

    # What CI does

    def upload(
        self,
        batch: str,
        debs: Mapping[str, bytes],
        *,
        suite: str = "stable",
        component: str = "main",
        manifest: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Uploads files and their manifest; returns the event S3 would send."""
        prefix = f"staging/{suite}/{component}/{batch}/"
        for name, body in debs.items():
            self.store.put(prefix + name, body)
        listed = [
            {"name": n, "sha256": hashlib.sha256(b).hexdigest(), "size": len(b)}
            for n, b in debs.items()
        ]
        text = json.dumps(manifest or {"version": 1, "files": listed}).encode()
        head = self.store.put(prefix + "manifest.json", text)
        return event(head.key, head.etag, head.version_id)

    def operate(
        self, batch: str, *operations: Mapping[str, Any], suite: str = "stable"
    ) -> dict[str, Any]:
        """Asks for operations; returns the event."""
        key = f"staging/{suite}/main/{batch}/operations.json"
        text = json.dumps({"version": 1, "operations": operations}).encode()
        head = self.store.put(key, text)
        return event(key, head.etag, head.version_id)

    def configure(self, **settings: Any) -> None:
        """Deploys the suites with other settings."""
        suites = [{**suite, **settings} for suite in SUITES["suites"]]
        self.repository = config.parse({"suites": suites})

    # What the state machine does

    def interleave(self, runs: list[Iterator[str | None]], chance: random.Random) -> None:
        """Takes a step of one workflow or another, by chance, until all have ended."""
        while runs:
            steps = chance.choice(runs)
            try:
                next(steps)
            except StopIteration:
                runs.remove(steps)

    def set_up(self) -> None:
        for suite in self.repository.suites:
            for _ in self.flip(suite.suite, None):
                pass

    def publish(self, started: Mapping[str, Any]) -> str | None:
        """Runs a workflow to its end; returns the status that finish reports."""
        *_, status = (None, *self.steps(started))
        return status

    def steps(self, started: Mapping[str, Any]) -> Iterator[str | None]:
        """The workflow, a pause after each step; the last value is the status."""
        self.executions += 1
        upload = Upload.of_event(started)
        execution = f"execution-{self.executions}"
        opened = self.attempt(
            lambda: open_batch(
                self.store, self.repository, self.clock, upload, execution, iso(self.clock.now())
            )
        )
        yield None
        if opened["outcome"] == "ignored":
            return
        suite, run = opened["suite"], opened["run"]
        try:
            yield from self._admitted(opened)
        except Broken as broken:
            error = {"Error": type(broken.__cause__).__name__, "Cause": str(broken.__cause__)}
            yield self.finish(suite, run, "failed", error=error)

    def _admitted(self, opened: Mapping[str, Any]) -> Iterator[str | None]:
        suite, run = opened["suite"], opened["run"]
        if opened["outcome"] == "rejected":
            yield self.finish(suite, run, "rejected")
            return
        for chunk in range(len(opened["chunks"])):
            self.attempt(lambda n=chunk: admit(self.store, self.repository, suite, run, n))
            yield None
        queued = self.attempt(lambda: queue(self.store, self.clock, suite, run))
        if queued["outcome"] == "rejected":
            yield self.finish(suite, run, "rejected")
            return
        yield None
        yield from self.flip(suite, run)

    def beat(self, suite: str = "stable") -> None:
        """What the heartbeat's schedule starts."""
        for _ in self.flip(suite, None, heartbeat=True):
            pass

    def flip(self, suite: str, run: str | None, *, heartbeat: bool = False) -> Iterator[str | None]:
        while True:
            merged = self.attempt(
                lambda: merge(
                    self.store, self.repository, self.clock, suite, run, heartbeat=heartbeat
                )
            )
            yield None
            if merged["outcome"] == "wait":
                self.clock.sleep(1)
                continue
            if merged["outcome"] == "rejected":
                yield self.finish(suite, run, "rejected")
                return
            generation = merged["generation"]
            target = merged.get("suite", suite)
            if merged["outcome"] == "merged":
                self._sign(target, generation)
                yield None
                committed = self._commit(target, generation)
                yield None
                if committed["outcome"] == "lost":
                    self.clock.sleep(1)
                    continue
            yield self.finish(suite, run, "published", generation, target=target)
            return

    def _sign(self, suite: str, generation: str) -> None:
        self.attempt(
            lambda: sign(self.store, self.repository, self.clock, self.signers, suite, generation)
        )

    def _commit(self, suite: str, generation: str) -> dict[str, Any]:
        certificates = self.signers.certificates()
        committed: dict[str, Any] = self.attempt(
            lambda: commit(self.store, self.repository, self.clock, certificates, suite, generation)
        )
        return committed

    def finish(
        self,
        suite: str,
        run: str | None,
        outcome: str,
        generation: str | None = None,
        error: Mapping[str, str] | None = None,
        target: str | None = None,
    ) -> str | None:
        try:
            status: str | None = self.attempt(
                lambda: finish(
                    self.store,
                    self.repository,
                    self.clock,
                    suite,
                    run,
                    outcome,
                    generation,
                    error,
                    target,
                )
            )
        except Broken as broken:
            raise Silent(run) from broken
        return status

    # What hosts and CI see

    def result(self, batch: str, suite: str = "stable", component: str = "main") -> dict[str, Any]:
        found = self.store.get(f"results/{suite}/{component}/{batch}.json")
        assert found is not None, f"no result for {batch}"
        return dict(json.loads(found.body))

    def release(self, suite: str = "stable") -> Release:
        """The published Release, its signature verified."""
        found = self.store.get(self.repository.layout.inrelease(suite))
        assert found is not None
        openpgp.verify_clearsigned(found.body, self.signers.certificates())
        return release.parse(openpgp.split(found.body)[0])

    def packages(
        self, architecture: str = "amd64", suite: str = "stable", component: str = "main"
    ) -> set[Identity]:
        """What a host of this architecture sees, by way of by-hash as apt goes."""
        name = f"{component}/binary-{architecture}/Packages"
        listed = self.release(suite).files[f"{name}.gz"]
        found = self.store.get(self.repository.layout.by_hash(suite, name, listed.sha256))
        assert found is not None and hashlib.sha256(found.body).hexdigest() == listed.sha256
        seen = set()
        for entry in entries.split(gz.inflate(found.body)):
            filename = entries.field(entry.text, "Filename")
            pooled = self.store.get(self.repository.layout.pool(filename))
            assert pooled is not None, f"{filename} is listed and not there"
            sha256 = hashlib.sha256(pooled.body).hexdigest()
            assert sha256 == entries.field(entry.text, "SHA256")
            seen.add(entry.identity)
        return seen


def event(key: str, etag: str, version_id: str | None) -> dict[str, Any]:
    """An `Object Created` event as EventBridge delivers it."""
    found = {"key": key, "etag": etag, "version-id": version_id}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": found}}


def deb(
    package: str, version: str = "1.0", architecture: str = "all", note: str = "", extra: str = ""
) -> bytes:
    """A small, valid package; `note` makes other bytes of the same version."""
    control = (
        f"Package: {package}\nVersion: {version}\nArchitecture: {architecture}\n"
        f"Maintainer: A <a@example.org>\n{extra}Description: {note or 'test'}\n"
    )
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _tar({"./control": control.encode()}),
        "data.tar.gz": _tar({f"./usr/share/{package}": b"x\n"}),
    }
    out = b"!<arch>\n"
    for name, body in members.items():
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{0o100644:<8o}{len(body):<10}`\n".encode()
        out += body + b"\n" * (len(body) % 2)
    return out


def debs(*packages: tuple[str, str, str]) -> dict[str, bytes]:
    """Packages by file name."""
    return {f"{p}_{v.rpartition(':')[2]}_{a}.deb": deb(p, v, a) for p, v, a in packages}


def _tar(files: Mapping[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return gzip.compress(raw.getvalue(), mtime=0)


def ed25519_signers(clock: FakeClock | None = None) -> Signers:
    """One signer with a real key of the quickest kind, by way of the faithful KMS; its certificate
    is minted when the clock says."""
    kms = FakeKms()
    return signing.load(
        ["awskms:"],
        store=MemoryStore(),
        layout=Layout(),
        clock=clock or FakeClock(),
        kms=kms.service,
        default_key=kms.create_key("ECC_NIST_EDWARDS25519"),
        user_id="debpress test",
    )


class _QuickKms:
    """One key, without boto3 in between: thousands of publishes sign with it."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

    def public_key(self, key: str) -> KmsKey:
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return KmsKey(key, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY", der)

    def sign(self, key: str, message: bytes, message_type: str, algorithm: str) -> bytes:
        return self._key.sign(message)


def quick_signers() -> Signers:
    return signing.load(
        ["awskms:"],
        store=MemoryStore(),
        layout=Layout(),
        clock=FakeClock(),
        kms=lambda _region: _QuickKms(),
        default_key="arn:aws:kms:eu-central-1:111122223333:key/quick",
        user_id="debpress test",
    )
