"""Who may do what: as reviewed, and neither less nor more than the functions do."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from debpress import config
from debpress.adapters.environment import Environment
from debpress.archive import taking
from debpress.layout import Layout
from debpress.provenance.claims import Claims
from debpress.provenance.policy import GITHUB
from debpress.signing import Signers
from debpress.steps.replication import Mirror
from debpress.steps.services import Services
from debpress.store import Immutable, ObjectChanged, ObjectHeaders, Pin
from debpress.uploaders import Uploader

from stacks.permissions import Grants, grants, mirrored
from tests.support.fake_kms import FakeKms
from tests.support.memory_store import MemoryStore
from tests.support.press import STEPS, SUITES, Press, deb, debs, event
from tests.support.scenes import PULLS
from tests.support.templates import ROOT, handler, permissions, synthesise

REVIEWED = Path(__file__).with_name("permissions.txt")
HOUR = 3600.0
OF_PULLS = {**PULLS, "keep": 2, "prune_share": 1.0, "contents": True, "diff_stanzas": 0}
PATTERNS = config.parse({"suites": [*SUITES["suites"], OF_PULLS]}).patterns
REPLICA = "mirror, in the bucket that follows"


def test_the_template_grants_what_was_reviewed() -> None:
    reviewed = set(REVIEWED.read_text("utf-8").splitlines())
    found = set(permissions(synthesise()))
    changes = [f"+ {line}" for line in sorted(found - reviewed)]
    changes += [f"- {line}" for line in sorted(reviewed - found)]
    assert not changes, (
        "\n".join(changes) + "\nIf that is meant to be: "
        "python -m tests.support.templates > tests/unit/permissions.txt"
    )


def test_one_role_alone_may_do_each_of_the_dangerous_things() -> None:
    def who(action: str, resource: str) -> set[str]:
        found = (line.split(" | ") for line in permissions(synthesise()))
        return {
            role
            for role, verb, on, *_ in found
            if re.fullmatch(verb.replace("*", ".*"), action)
            and re.fullmatch(re.escape(on).replace(r"\*", ".*"), resource)
        }

    apt = "<StorageBucket>/apt"
    assert who("s3:PutObject", f"{apt}/dists/stable/InRelease") == {"FunctionsCommitRole"}
    assert who("s3:PutObject", f"{apt}/pool/main/f/foo/ab/foo.deb") == {"FunctionsAdmitRole"}
    assert who("kms:Sign", "<SigningKey>") == {"FunctionsSignRole"}
    for key in ("pool/main/f/foo/ab/foo.deb", "dists/s/main/binary-all/by-hash/SHA256/ab"):
        assert who("s3:DeleteObject", f"{apt}/{key}") == set()
        assert who("s3:DeleteObjectVersion", f"{apt}/{key}") == {"FunctionsReapRole"}
    assert who("s3:DeleteObject", f"{apt}/dists/stable/InRelease") == set()
    assert who("s3:DeleteObjectVersion", f"{apt}/dists/stable/InRelease") == set()
    for key in ("dists/pr-1/InRelease", "pr-1.sources"):  # There is no pattern.
        assert who("s3:DeleteObject", f"{apt}/{key}") == set()
    snapshot = f"{apt}/dists/snapshots/20261123T010203Z-00000000/stable/InRelease"
    assert who("s3:PutObject", snapshot) == {"FunctionsCommitRole"}
    assert who("s3:DeleteObjectVersion", snapshot) == {"FunctionsReapRole"}
    assert who("s3:PutObject", "<StorageBucket>/state/_signers/x.json") == {"FunctionsSignRole"}
    assert who("s3:PutObject", "<StorageBucket>/staging/s/c/b/manifest.json") == set()


# What the functions do, by their own handlers


@dataclass(frozen=True, slots=True)
class Access:
    """One call of the store: by which function, of which S3 action, on what."""

    function: str
    action: str
    key: str


@dataclass
class Recorder:
    """A store that notes what it is asked."""

    store: Any
    function: str
    seen: set[Access] = field(default_factory=set)

    def _note(self, action: str, key: str) -> None:
        self.seen.add(Access(self.function, action, key))

    def head(self, key: str) -> Any:
        self._note("get", key)
        return self.store.head(key)

    def get(self, key: str, version_id: str | None = None, **conditions: Any) -> Any:
        self._note("get_version" if version_id else "get", key)
        return self.store.get(key, version_id, **conditions)

    def read(self, key: str) -> Any:
        self._note("get", key)
        return self.store.read(key)

    def stream(self, pin: Pin, start: int = 0, length: int | None = None) -> Any:
        self._note("get_version" if pin.version_id else "get", pin.key)
        return self.store.stream(pin, start, length)

    def put(self, key: str, *arguments: Any, **conditions: Any) -> Any:
        self._note("put", key)
        if conditions.get("if_match"):
            # "Conditional writes": If-Match needs s3:GetObject as well.
            self._note("get", key)
        return self.store.put(key, *arguments, **conditions)

    def put_file(self, key: str, *arguments: Any) -> None:
        self._note("put", key)
        self.store.put_file(key, *arguments)

    def copy(self, source: Pin | Immutable, key: str, *arguments: Any, **conditions: Any) -> Any:
        versioned = isinstance(source, Pin) and source.version_id
        self._note("get_version" if versioned else "get", source.key)
        self._note("put", key)
        return self.store.copy(source, key, *arguments, **conditions)

    def delete(self, key: str, version_id: str | None = None, **conditions: Any) -> None:
        self._note("delete_version" if version_id else "delete", key)
        if conditions.get("if_match"):
            self._note("get", key)  # "Conditional deletes": as above.
        self.store.delete(key, version_id, **conditions)

    def now(self, key: str) -> Any:
        self._note("get", key)
        return self.store.now(key)

    def list(self, prefix: str) -> Any:
        self._note("list", prefix)
        return self.store.list(prefix)


@dataclass
class Copier:
    """Copies from one bucket to the other; what it does is noted as of both."""

    source: Recorder
    target: Recorder

    def copy(self, key: str) -> None:
        found = self.source.get(key)
        if found is None:
            raise ObjectChanged(key)
        self.target.put(key, found.body, ObjectHeaders(metadata=found.head.metadata))


class Deployed:
    """A press whose steps are the functions' own handlers, and who did what."""

    def __init__(self, press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
        self.press = press
        self.seen: set[Access] = set()
        self.replica = MemoryStore(press.clock)
        kms = FakeKms()
        key = kms.create_key("ECC_NIST_EDWARDS25519")
        modules = {}
        self.handlers: dict[str, Callable[[Any, Any], Any]] = {}
        for path in sorted(ROOT.glob("lambdas/*/handler.py")):
            name = path.parent.name
            module = acting = modules[name] = handler(name)
            if name == "setup":
                acting = handler(name, "work")
                monkeypatch.setitem(sys.modules, "work", acting)
                monkeypatch.setattr(acting, "StepFunctions", lambda _: Executions(press))
            monkeypatch.setattr(acting, "environment", self._environment(name, key))
            monkeypatch.setattr(acting, "log", lambda *_, **__: None)
            if name == "sign":
                monkeypatch.setattr(module, "kms_services", lambda: kms.service)
            else:
                assert not hasattr(module, "kms_services"), f"{name} knows of KMS"
            if name == "announce":
                monkeypatch.setattr(module, "events_client", TakingAll)
            else:
                assert not hasattr(module, "events_client"), f"{name} knows of the event bus"
            if name == "mirror":
                monkeypatch.setattr(module, "mirror_of", self._mirror)
            else:
                assert not hasattr(module, "mirror_of"), f"{name} knows of the replica"
            self.handlers[name] = module.handle
        monkeypatch.setattr(modules["setup"].urllib.request, "urlopen", self._answer)
        press.functions = self._functions  # type: ignore[method-assign]

    def _environment(self, name: str, key: str) -> Callable[[], Environment]:
        def environment() -> Environment:
            store = Recorder(self.press.store, name, self.seen)
            return Environment(
                bucket="bucket",
                store=store,
                repository=self.press.repository,
                clock=self.press.clock,
                kms_key=key if name == "sign" else None,
                state_machine="arn" if name == "setup" else None,
                uri="https://bucket.example/apt" if name in ("setup", "page", "finish") else None,
                tell=self.press.tell,
                verifier=self.press.verifier,
            )

        return environment

    def _mirror(self, env: Environment) -> Mirror:
        there = Recorder(self.replica, REPLICA, self.seen)
        here = Recorder(self.press.store, "mirror", self.seen)
        replica = Services(there, env.repository, env.clock)
        return Mirror(env.services, replica, Copier(here, there))

    def _answer(self, request: Any, **_: Any) -> Any:
        self.answered = json.loads(request.data)
        return Closed()

    def call(self, name: str, **event: Any) -> Any:
        """Calls a function as AWS does: what goes in and comes out is JSON."""
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)
        return json.loads(json.dumps(self.handlers[name](json.loads(json.dumps(event)), context)))

    def _functions(self) -> dict[str, Any]:
        return {step: lambda event, step=step: self.call(step, **event) for step in STEPS}

    def deploy(self, kind: str = "Create") -> None:
        """CloudFormation's custom resource."""
        about = {"StackId": "s", "RequestId": "r", "LogicalResourceId": "l"}
        uri = "https://bucket.example/apt"
        self.call(
            "setup",
            RequestType=kind,
            ResponseURL="https://cloudformation.example/",
            ResourceProperties={"Uri": uri},
            **about,
        )
        assert self.answered["Status"] == "SUCCESS", self.answered


class TakingAll:
    """The event bus."""

    def put_events(self, Entries: list[Any]) -> Any:  # noqa: N803 (boto3's name)
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in Entries]}


class Closed:
    def close(self) -> None:
        pass


@dataclass
class Executions:
    """The state machine as set-up sees it."""

    press: Press

    def start(self, data: dict[str, Any]) -> str:
        for _ in self.press.flip(data["suite"]):
            pass
        return "execution"

    def state(self, execution: str) -> str:
        return "SUCCEEDED"


@pytest.fixture
def deployed(signers: Signers, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    return Deployed(Press(signers), monkeypatch)


def _a_repository_s_life(deployed: Deployed) -> None:
    """Everything that happens to one: each way through each step at least once."""
    press = deployed.press
    press.configure(diff_stanzas=0, contents=True)
    deployed.deploy()
    deployed.call("page")
    press.clock.sleep(HOUR)

    def publish(batch: str, *packages: tuple[str, str, str], suite: str = "stable") -> None:
        assert press.publish(press.upload(batch, debs(*packages), suite=suite)) == "published"

    def operate(batch: str, *operations: dict[str, Any], suite: str = "stable") -> str | None:
        return press.publish(press.operate(batch, *operations, suite=suite))

    # As an older debpress left it.
    press.store.put("apt/dists/stable/main/binary-amd64/Packages", b"")
    started = press.upload("b1", debs(("a", "1", "all"), ("b", "1", "amd64")))
    assert press.publish(started) == "published"
    press.publish(started)  # The event once more.
    # One that S3 sums; and once more, when it is in the pool.
    large = deb("large", "1")
    press.store.upload("staging/stable/main/l1/large.deb", large)
    listed = {"name": "large.deb", "sha256": hashlib.sha256(large).hexdigest()}
    with mock.patch.object(taking, "_MOST_WHOLE", 0):
        for _ in range(2):
            again = press.upload("l1", {}, manifest={"version": 1, "files": [listed]})
            assert press.publish(again) == "published"
    deployed.call("page")
    publish("b2", *(("a", str(version), "all") for version in range(2, 5)))
    assert deployed.call("page")["suites"]["stable"].startswith("00000004-")
    publish("t1", ("c", "1", "all"), suite="testing")
    _proven(deployed)
    deployed.call("mirror", tidy=True)
    press.clock.sleep(HOUR)

    # Rejected: by open, by queue, by merge.
    nothing = {"version": 1, "files": []}
    assert press.publish(press.upload("r1", {}, manifest=nothing)) == "rejected"
    assert press.publish(press.upload("r2", {"d_1_all.deb": b"no package"})) == "rejected"
    other = {"a_1_all.deb": deb("a", "1", "all", note="other")}
    rejected = press.upload("r3", other)
    assert press.publish(rejected) == "rejected"
    press.publish(rejected)

    # Two at once: one waits or loses.
    racing = [press.steps(press.upload(f"x{n}", debs((f"x{n}", "1", "all")))) for n in range(3)]
    while racing:
        for each in list(racing):
            if next(each, racing) is racing:
                racing.remove(each)

    # The same event twice at once: the one finds what the other did.
    twice = press.upload("z1", debs(("z", "1", "all")))
    assert [*press.steps(twice)][-1] == "published"
    (plan,) = [k for k in press.store.keys("state/stable/runs/main.z1.") if "plan" in k]
    again = {"suite": "stable", "run": plan.split("/")[3]}
    assert deployed.call("merge", **again)["outcome"] == "done"
    assert deployed.call("queue", **again) == {"outcome": "queued"}
    assert deployed.call("queue", **again) == {"outcome": "queued"}

    # A machine that breaks down after queueing.
    broken = press.steps(press.upload("y1", debs(("y", "1", "all"))))
    for _ in range(3):
        next(broken)
    (plan,) = [k for k in press.store.keys("state/stable/runs/main.y1.") if "plan" in k]
    error = {"Error": "Broken", "Cause": "it"}
    assert press.finish("stable", plan.split("/")[3], "failed", error=error) == "failed"

    came_from = {"suite": "testing", "component": "main"}
    assert operate("o1", {"op": "copy", "from": came_from, "packages": ["c"]}) == "published"
    assert operate("o2", {"op": "remove", "packages": ["b"]}) == "published"
    forgotten = press.upload("f1", debs(("f", "1", "all")))
    assert press.publish(forgotten) == "published"
    withdrawn = ({"op": "remove", "packages": ["f"]}, {"op": "forget", "packages": ["f (= 1)"]})
    assert operate("f2", *withdrawn) == "published"
    assert operate("o3", {"op": "rollback", "to": 2}) == "published"
    assert operate("o4", {"op": "remove", "packages": ["unknown"]}) == "published"
    assert operate("s1", {"op": "snapshot", "keep_days": 1}) == "published"
    press.configure(
        keep=1,
        prune_share=1.0,
        architectures=["amd64", "arm64", "armhf"],
        diff_stanzas=0,
        contents=True,
    )
    assert deployed.call("prune", dry_run=True)
    requested = deployed.call("prune", scheduled="2026-12-01T03:17:00Z")["requested"]
    assert all(result.endswith("/prune-20261201T031700Z.json") for result in requested)
    assert deployed.call("prune", scheduled="2026-12-01T03:17:00Z")["requested"] == requested
    for result in requested:
        key = result.replace("results/", "staging/", 1).replace(".json", "/operations.json")
        head = press.store.head(key)
        assert head is not None
        started = event(key, head.etag, head.version_id)
        assert press.publish(started) == "published"
    deployed.call("merge", suite="testing", run=None)
    assert deployed.call("reap", dry_run=True) is not None
    press.clock.sleep(60 * HOUR)
    assert deployed.call("reap")["objects"] > 0
    press.clock.sleep(60 * HOUR)
    assert deployed.call("reap")["objects"] > 0
    assert not press.store.keys("apt/dists/snapshots/")
    assert press.store.keys(Layout.provenance()), "what was proven is kept for ever"
    _followed(deployed)
    deployed.deploy("Update")
    announced = deployed.call("setup", rotate="announce", to="awskms:alias/new")
    assert announced["record"]["stage"] == "announce"
    assert "at the earliest" not in deployed.call("setup", rotate="dual")["refused"]
    back = deployed.call("setup", rotate="back")
    assert "record" in back, back
    _told_of_other_manifests(deployed)
    _for_several_suites(press)
    _comes_and_goes(deployed)
    reports = [key for key in press.store.keys("state/") if "/reports/prune-" in key]
    _told(deployed, Layout.rotation(), *reports)


class Believing:
    """A verifier of provenance."""

    def verify(self, bundle: bytes, sha256: str) -> Claims:
        return Claims(GITHUB, "https://github.com/my-org/web", "w.yml", "refs/tags/v1", "", "")


def _proven(deployed: Deployed) -> None:
    """A package comes with its bundle to a suite that asks for it."""
    press = deployed.press
    policy = {"repository": "my-org/web", "workflow": "w.yml", "ref": "refs/tags/v1"}
    press.configure(diff_stanzas=0, provenance={"require": True, **policy})
    press.verifier = Believing
    press.store.put("staging/stable/main/p1/p_1_all.deb.sigstore.json", b"{}")
    for _ in range(2):
        assert press.publish(press.upload("p1", debs(("p", "1", "all")))) == "published"
    press.configure(diff_stanzas=0)


def _for_several_suites(press: Press) -> None:
    places = tuple((suite.suite, "main") for suite in press.repository.suites)
    before = press.repository
    press.repository = replace(before, uploaders=(Uploader("ci", ("*",), places),))
    files = debs(("j", "1", "all"))
    listed = [{"name": n, "sha256": hashlib.sha256(body).hexdigest()} for n, body in files.items()]
    manifest = {"version": 1, "suites": ["stable", "testing"], "files": listed}
    assert press.publish(press.upload("ci.j", files, manifest=manifest)) == "published"
    press.repository = before


def _comes_and_goes(deployed: Deployed) -> None:
    """A suite of a pattern."""
    press = deployed.press
    press.repository = replace(press.repository, patterns=PATTERNS)
    assert press.publish(press.upload("b1", debs(("a", "1", "all")), suite="pr-1")) == "published"
    deployed.deploy("Update")
    press.clock.sleep(60)
    many = debs(*(("a", str(version), "all") for version in range(2, 20)))
    assert press.publish(press.upload("b2", many, suite="pr-1")) == "published"
    for batch, *operations in (
        ("o1", {"op": "remove", "packages": ["a (= 1)"]}),
        ("o2", {"op": "prune"}),
        ("o3", {"op": "end"}),
    ):
        press.clock.sleep(60)
        assert press.publish(press.operate(batch, *operations, suite="pr-1")) == "published"
    deployed.call("prune", dry_run=True)
    deployed.call("watch")
    never = press.steps(press.upload("dies", debs(("a", "1", "all")), suite="pr-2"))
    for _ in range(3):
        next(never)
    fails = press.steps(press.upload("fails", debs(("b", "1", "all")), suite="pr-2"))
    for _ in range(3):
        next(fails)
    (plan,) = [k for k in press.store.keys("state/pr-2/runs/main.fails.") if "plan" in k]
    error = {"Error": "Broken", "Cause": "it"}
    assert press.finish("pr-2", plan.split("/")[3], "failed", error=error) == "failed"
    for _ in range(4):
        deployed.call("reap")
        press.clock.sleep(60 * HOUR)
    left = [*press.store.keys("apt/dists/pr-"), *press.store.keys("state/pr-")]
    assert left == [] and press.archive.living(press.repository) == ()


def _followed(deployed: Deployed) -> None:
    """What the archive has deleted is deleted in the bucket that follows, a grace later; and a call
    that died after its flip is made good by the next."""
    deployed.call("mirror", tidy=True)
    deployed.press.clock.sleep(60 * HOUR)
    assert deployed.call("mirror", tidy=True)["tidy"]["deleted"] > 0
    deployed.replica.delete("apt/dists/stable/Release.gpg")
    assert not deployed.call("mirror")["suites"]["stable"]["flipped"]
    assert deployed.replica.head("apt/dists/stable/Release.gpg") is not None


def _told(deployed: Deployed, *keys: str) -> None:
    """S3's events of what lies at these keys call `announce`."""
    for key in keys:
        head = deployed.press.store.head(key)
        assert head is not None
        put = event(key, head.etag, head.version_id)
        bucket = {"bucket": {"name": "bucket"}}
        deployed.call("announce", **{**put, "detail": {**put["detail"], **bucket}})


def _told_of_other_manifests(deployed: Deployed) -> None:
    """A batch of each spelling of a manifest, and an operation; told while it is published and, of
    one, when the next one is."""
    store, told = deployed.press.store, []
    for name in ("manifest.json", "SHA256SUMS", "a.changes", "operations.json"):
        batch = f"told-{name}"
        place = f"staging/stable/main/{batch}/"
        body, package = deb(f"told-{len(name)}", "1"), f"told-{len(name)}_1_all.deb"
        text = _spelled(name, package, body)
        store.put(place + package, body)
        head = store.put(place + name, text.encode())
        started = event(head.key, head.etag, head.version_id)
        assert deployed.press.publish(started) == "published"
        told.append(f"results/stable/main/{batch}.json")
        _told(deployed, told[-1])
    _told(deployed, told[0])
    deployed.call("watch")


def _spelled(manifest: str, package: str, body: bytes) -> str:
    digest, size = hashlib.sha256(body).hexdigest(), len(body)
    files = [{"name": package, "sha256": digest}]
    removal = {"op": "remove", "packages": ["told-9"]}
    return {
        "manifest.json": json.dumps({"version": 1, "files": files}),
        "SHA256SUMS": f"{digest}  {package}\n",
        "a.changes": f"Format: 1.8\nChecksums-Sha256:\n {digest} {size} {package}\n"
        f"Files:\n {'0' * 32} {size} misc optional {package}\n",
        "operations.json": json.dumps({"version": 1, "operations": [removal]}),
    }[manifest]


def test_a_schedule_that_tells_no_time_asks_by_the_clock(deployed: Deployed) -> None:
    """An emulator's, which leaves the name of the time as it is."""
    for told in ({}, {"scheduled": "<aws.scheduler.scheduled-time>"}, {"scheduled": ""}):
        (requested, *_) = deployed.call("prune", **told)["requested"]
        assert f"prune-{deployed.press.clock.now():%Y%m%dT%H%M}" in requested


def _matches(pattern: str, key: str) -> bool:
    """As IAM does: `*` is any number of any characters, slashes too."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), key) is not None


def _patterns(allowed: Grants) -> Iterator[tuple[str, str]]:
    for action in ("get", "get_version", "put", "delete", "delete_version"):
        for pattern in getattr(allowed, action):
            yield action, pattern


def test_each_function_may_do_what_it_does_and_nothing_else(deployed: Deployed) -> None:
    _a_repository_s_life(deployed)
    layout = deployed.press.repository.layout
    allowed = {**grants(deployed.press.repository), REPLICA: mirrored(layout)}
    refused = [
        access
        for access in deployed.seen
        if not (access.action == "list" and allowed[access.function].list)
        and not any(
            action == access.action and _matches(pattern, access.key)
            for action, pattern in _patterns(allowed[access.function])
        )
    ]
    assert not refused, sorted(map(str, refused))
    unused = {
        (function, action, pattern)
        for function, each in allowed.items()
        for action, pattern in _patterns(each)
        if not any(
            access.function == function
            and access.action == action
            and _matches(pattern, access.key)
            for access in deployed.seen
        )
    }
    assert unused == set()
