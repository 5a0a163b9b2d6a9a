"""The whole press in memory: the real steps, by the real state machine; no network, no mocks.

`Press.steps` gives control back between steps, so that a test can interleave several publishes.
What follows upon what is not said here, but in stacks/machine.py alone.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from debpress import config, openpgp, signing
from debpress.archive import Archive
from debpress.clock import iso
from debpress.codec import decode, encode
from debpress.config import Repository
from debpress.index import entries, release
from debpress.index.entries import Identity
from debpress.index.release import Release
from debpress.keys.certificates import Announced, StoredCertificates
from debpress.keys.standing import Standing
from debpress.layout import Layout, parse_staged
from debpress.metrics import Measure, unmeasured
from debpress.openpgp import certificates
from debpress.provenance.proof import Verifier
from debpress.records.messages.admit import AdmitInput
from debpress.records.messages.commit import CommitInput
from debpress.records.messages.finish import FinishInput
from debpress.records.messages.merge import MergeInput
from debpress.records.messages.open import OpenInput
from debpress.records.messages.queue import QueueInput
from debpress.records.messages.sign import SignInput
from debpress.records.messages.told import Told
from debpress.signing import Signers
from debpress.signing.gnupg import Gnupg
from debpress.signing.kms import KeyService, KmsKey
from debpress.steps import admit, commit, finish, merge, open, queue, sign  # noqa: A004
from debpress.steps.services import Services, unverifying

from stacks import machine
from tests.support.clock import FakeClock
from tests.support.fake_kms import FakeKms
from tests.support.memory_store import MemoryStore
from tests.support.state_machine import Execution, Fault, Function, Runtime

SUITES: dict[str, Any] = {
    "suites": [
        {"suite": name, "components": ["main", "extra"], "architectures": ["amd64", "arm64"]}
        for name in ("stable", "testing")
    ]
}


# The steps of the workflow; their functions' time-outs are of no account where no time passes.
STEPS = ("open", "admit", "queue", "merge", "sign", "commit", "finish")
DEFINITION = machine.definition(dict.fromkeys(STEPS, 60))


# Where hosts find the root.
URI = "https://bucket.example/apt"


class Place(TypedDict, total=False):
    """Where a batch is for; stable's main, where nothing is said."""

    suite: str
    component: str


class Broken(Fault):
    """A step failed every time it was tried; or, out of a workflow, it ended and nobody was told:
    CI has no answer yet."""


def once(step: Callable[[], Any]) -> Any:
    return step()


@dataclass
class Press:
    """`attempt` runs a step, as the state machine's Retry does; it raises Broken when it gives up,
    and what follows upon that, the definition says. By default a step has one try and its error
    shows.
    """

    signers: Signers
    clock: FakeClock = field(default_factory=FakeClock)
    repository: Repository = field(default_factory=lambda: config.parse(SUITES))
    store: MemoryStore = field(init=False)
    executions: int = 0
    attempt: Callable[[Callable[[], Any]], Any] = once
    definition: Mapping[str, Any] = field(default_factory=lambda: DEFINITION)
    measure: Measure = unmeasured
    tokens: dict[str, Any] = field(default_factory=dict)
    verifier: Callable[[], Verifier] = unverifying

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock)

    @property
    def services(self) -> Services:
        return Services(
            *(self.store, self.repository, self.clock, self.measure, self.tell, self.verifier)
        )

    @property
    def archive(self) -> Archive:
        return self.services.archive

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
        return event(head.key, head.etag, head.version_id, head.size)

    def operate(
        self, batch: str, *operations: Mapping[str, Any], suite: str = "stable"
    ) -> dict[str, Any]:
        """Asks for operations; returns the event."""
        key = f"staging/{suite}/main/{batch}/operations.json"
        text = json.dumps({"version": 1, "operations": operations}).encode()
        head = self.store.put(key, text)
        return event(key, head.etag, head.version_id, head.size)

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
            for _ in self.flip(suite.suite):
                pass

    def publish(self, started: Mapping[str, Any]) -> str | None:
        """Runs a workflow to its end; returns the status that finish reports."""
        *_, status = (None, *self.steps(started))
        return status

    def beat(self, suite: str = "stable") -> None:
        """What the heartbeat's schedule starts."""
        for _ in self.flip(suite, heartbeat=True):
            pass

    def flip(self, suite: str, *, heartbeat: bool = False) -> Iterator[str | None]:
        """What set-up starts, a pause after each step."""
        return self.steps({"suite": suite, **({"heartbeat": True} if heartbeat else {})})

    def steps(self, started: Mapping[str, Any]) -> Iterator[str | None]:
        """The workflow, a pause after each step; the last value is the status."""
        return self.go_on(self.start(started))

    def start(self, started: Mapping[str, Any]) -> Execution:
        """The workflow, before its first step."""
        self.executions += 1
        return Execution(
            self.definition,
            self.runtime(),
            started,
            name=f"execution-{self.executions}",
            started_at=iso(self.clock.now()),
        )

    def go_on(self, execution: Execution) -> Iterator[str | None]:
        """As `steps`, of one that another press may have started; from here on, this one runs it.

        Raises Broken if nobody was told how it ended.
        """
        execution.runtime = self.runtime()
        status = None
        while execution.advance():
            status = execution.answer.get("status")
            yield status
        if execution.entered[-2:] == ["Told", "Done"]:
            # Another execution wrote its result, and told it so.
            place = parse_staged(execution.given["detail"]["object"]["key"])
            assert place is not None
            yield str(json.loads(self.store.body(place[0].result))["status"])
        fault = execution.fault
        if fault is None or (_is_meant(fault) and status is not None):
            return
        raise Broken(fault.error, fault.cause) if _is_meant(fault) else fault

    def finish(self, suite: str, run: str, outcome: str, **more: Any) -> str | None:
        """The last step alone; `more` is what else it is told."""
        payload = {"suite": suite, "run": run, "outcome": outcome, **more}
        status: str | None = self.attempt(lambda: self.functions()["finish"](payload))["status"]
        return status

    def runtime(self) -> Runtime:
        return Runtime(self.functions(), self.attempt, self.clock.sleep, self.tokens)

    def tell(self, token: str, what: Told) -> bool:
        """What Step Functions does at SendTaskSuccess."""
        return self.runtime().tell(token, {"outcome": what})

    # The steps, each as its function in lambdas/ takes and gives them; nothing else here calls them

    def functions(self) -> dict[str, Function]:
        return {step: getattr(self, f"_{step}") for step in STEPS}

    def _open(self, given: dict[str, Any]) -> dict[str, Any]:
        return encode(open.run(self.services, decode(OpenInput, given)))

    def _admit(self, given: dict[str, Any]) -> dict[str, Any]:
        return encode(admit.run(self.services, decode(AdmitInput, given)))

    def _queue(self, given: dict[str, Any]) -> dict[str, Any]:
        return encode(queue.run(self.services, decode(QueueInput, given)))

    def _merge(self, given: dict[str, Any]) -> dict[str, Any]:
        return encode(merge.run(self.services, decode(MergeInput, given)))

    def _sign(self, given: dict[str, Any]) -> dict[str, Any]:
        return encode(sign.run(self.services, decode(SignInput, given), lambda: self.signers))

    def _commit(self, given: dict[str, Any]) -> dict[str, Any]:
        return encode(commit.run(self.services, decode(CommitInput, given), self.keys))

    def _finish(self, given: dict[str, Any]) -> dict[str, Any]:
        return encode(finish.run(self.services, decode(FinishInput, given), URI))

    def keys(self) -> Standing:
        """Whose signatures the committer wants: the signers' own."""
        found = [certificates.parse(raw)[0] for raw in self.signers.certificates()]
        everybody = [Announced(c.fingerprint, "", c, self.clock.now()) for c in found]
        return Standing(everybody, everybody)

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
        for entry in entries.split(gzip.decompress(found.body)):
            filename = entries.field(entry.text, "Filename")
            pooled = self.store.get(self.repository.layout.pool(filename))
            assert pooled is not None, f"{filename} is listed and not there"
            sha256 = hashlib.sha256(pooled.body).hexdigest()
            assert sha256 == entries.field(entry.text, "SHA256")
            seen.add(entry.identity)
        return seen


def _is_meant(fault: Fault) -> bool:
    """Whether the definition made the execution fail, to be redriven."""
    return "Debpress.Failed" in fault.cause


def event(key: str, etag: str, version_id: str | None, size: int | None = None) -> dict[str, Any]:
    """An `Object Created` event as EventBridge delivers it; emulators leave the size out."""
    found: dict[str, Any] = {"key": key, "etag": etag, "version-id": version_id}
    if size is not None:
        found["size"] = size
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": found}}


@functools.lru_cache(maxsize=1000)  # Thousands of publishes upload the same few.
def deb(
    package: str,
    version: str = "1.0",
    architecture: str = "all",
    note: str = "",
    extra: str = "",
    files: tuple[str, ...] = (),
) -> bytes:
    """A small, valid package; `note` makes other bytes of the same version."""
    control = (
        f"Package: {package}\nVersion: {version}\nArchitecture: {architecture}\n"
        f"Maintainer: A <a@example.org>\n{extra}Description: {note or 'test'}\n"
    )
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _tar({"./control": control.encode()}),
        "data.tar.gz": _tar(dict.fromkeys(files or (f"./usr/share/{package}",), b"x\n")),
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


def keys(
    kms: Callable[[str | None], KeyService],
    default_key: str | None = None,
    clock: FakeClock | None = None,
    *,
    archive: Archive | None = None,
    user_id: str = "debpress test",
    gnupg: Callable[[], Gnupg] | None = None,
) -> signing.Keys:
    """Where keys are, their certificates being stored nowhere else, or in an archive."""
    clock = clock or FakeClock()
    archive = archive or Archive(MemoryStore(), Layout(), clock)
    stored = StoredCertificates(archive, clock)
    return signing.Keys(stored, clock, kms, default_key, user_id, gnupg)


def ed25519_signers(clock: FakeClock | None = None) -> Signers:
    """One signer with a real key of the quickest kind, by way of the faithful KMS; its certificate
    is minted when the clock says."""
    kms = FakeKms()
    key = kms.create_key("ECC_NIST_EDWARDS25519")
    return signing.load(["awskms:"], keys(kms.service, key, clock))


class _QuickKms:
    """One key, without boto3 in between: thousands of publishes sign with it."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

    def public_key(self, key: str) -> KmsKey:
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return KmsKey(key, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY", der)

    def sign(self, key: str, message: bytes, message_type: str, algorithm: str) -> bytes:
        return self._key.sign(message)


def quick_signers(archive: Archive | None = None) -> Signers:
    """Their certificate is stored in the archive, if there is one."""
    key = "arn:aws:kms:eu-central-1:111122223333:key/quick"
    return signing.load(["awskms:"], keys(lambda _region: _QuickKms(), key, archive=archive))
