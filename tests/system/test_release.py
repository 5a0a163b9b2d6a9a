"""A release is deployed by the `aws` command alone, as its page says, beside another press; it is
followed in another Region, destroyed, deployed again, and adopted, and hosts notice nothing."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from debpress.adapters import aws
from debpress.clock import SystemClock
from debpress.commands.main import main
from debpress.layout import Batch, Layout

from local import debs, deployment, paths, synthesis
from local import stack as local_stack
from local.apt_root import AptRoot
from local.ci import Ci
from local.release.__main__ import deployable
from local.stack import Stack
from stacks import door as at_the_edge
from tests.support import bare_root
from tests.support.clock import FakeClock
from tests.support.documents import blocks, sh
from tests.support.edge import Edge
from tests.support.front import Front
from tests.support.host_root import HostRoot
from tests.support.key_values import ARN as KVS
from tests.support.key_values import KeyValueService
from tests.support.operator import functions, invoke
from tests.support.press import event
from tests.support.replay import Bucket
from tests.support.web import Stored

NAME = "released"
REGION = "eu-west-1"
REPLICA = f"{NAME}-replica-000000000000"


@dataclass
class Released:
    """A second press in the session's emulator, and the folder with its release."""

    stack: Stack
    ci: Ci
    folder: Path
    # What the archive made; the press uses it wherever it is adopted.
    signing_key: str = ""

    def typed(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A block of the pages, of this press."""
        script = script.replace("debpress-", f"{NAME}-")
        done = sh(script, self.folder, {**self.ci.environment, "assets": "releases", **more})
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def deploy(self) -> None:
        block, replica, _ = blocks("docs/deploy-without-cdk.md")
        self.typed(replica)
        self.typed(_without_sums(block))

    def deploy_press(self) -> None:
        block, *_ = blocks("docs/deploy-without-cdk.md")
        assert "in archive delivery press;" in block
        self.typed(_without_sums(block).replace("in archive delivery press;", "in press;"))

    @property
    def outputs(self) -> dict[str, str]:
        formation = self.stack.client("cloudformation")
        (made,) = formation.describe_stacks(StackName=f"{NAME}-press")["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}

    def publish(self, package: str, version: str) -> None:
        built = debs.build(self.folder, package, version)
        done = self.typed(f"debpress upload {built} --suite stable --stack {NAME}-press")
        assert Batch("stable", "main", "").suite in done.stdout

    def host(self, bucket: str) -> AptRoot:
        """A real apt that trusts the bucket's key."""
        s3 = self.stack.client("s3")
        key = self.folder / f"{bucket}.asc"
        key.write_bytes(s3.get_object(Bucket=bucket, Key="apt/key.asc")["Body"].read())
        uri = f"{self.stack.outputs.endpoint_url}/{bucket}/apt"
        name = f"host-{len(list(self.folder.glob('host-*')))}"
        return AptRoot(self.folder / name, f"deb [signed-by={key}] {uri} stable main", "amd64")

    def delete(self, *stacks: str) -> None:
        formation = self.stack.client("cloudformation")
        for each in stacks:
            formation.delete_stack(StackName=each)
            waiter = formation.get_waiter("stack_delete_complete")
            waiter.wait(StackName=each, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def has_follow(self) -> dict[str, Any]:
        """What the function answers that the schedule calls."""
        (block,) = blocks("docs/runbook.md", "A replica that is behind")
        answer = self.typed(block).stdout
        return dict(json.loads(answer[: answer.index("}}}") + 3])["suites"])


def _without_sums(block: str) -> str:
    """They are of the whole release, the wheels among them."""
    return re.sub(r" && sha256sum .*", "", block)


class Deployed:
    """The bucket of the press behind the front door, which is opened before there is one."""

    def __init__(self) -> None:
        self.read: Callable[[str], dict[str, Any]] | None = None

    def get(self, key: str) -> Stored | None:
        if self.read is None:
            return None
        try:
            found = self.read(key)
        except ClientError:
            return None
        said = found.get("CacheControl")
        return Stored(found["Body"].read(), found["LastModified"], found["ETag"], said)


@dataclass
class Open:
    """The distribution's stand-in, at the address that the press publishes."""

    front: Front
    behind: Deployed
    address: str


@pytest.fixture(scope="module")
def door() -> Iterator[Open]:
    behind = Deployed()
    bucket = Bucket(behind, lists=True)
    front = Front(bucket, Layout(), cast(FakeClock, SystemClock()))
    with front.served() as address:
        yield Open(front, behind, address)


@pytest.fixture(scope="module")
def released(
    stack: Stack, ci: Ci, door: Open, tmp_path_factory: pytest.TempPathFactory
) -> Released:
    made = Released(stack, ci, tmp_path_factory.mktemp("released"))
    paged = {**synthesis.context()["debpress"], "page": {"title": "Packages of Released"}}
    deployable(made.folder / "release", settings(public_uri=door.address, debpress=paged))
    ci.aws("s3", "mb", "s3://releases")
    made.deploy()
    name = f"/debpress/{NAME}/signing-key"
    bucket = made.outputs["Bucket"]
    door.behind.read = lambda key: stack.client("s3").get_object(Bucket=bucket, Key=key)
    made.signing_key = stack.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    return made


def settings(**more: Any) -> dict[str, Any]:
    return {
        **synthesis.context(),
        **synthesis.overrides(),
        "name": NAME,
        "replica": {"region": REGION},
        **more,
    }


def test_two_presses_are_in_one_account_and_one_is_deployed_by_aws_alone(
    released: Released, stack: Stack
) -> None:
    bucket = released.outputs["Bucket"]
    assert bucket != stack.outputs.bucket
    released.publish("by-aws-alone", "1.0")
    s3: Any = stack.client("s3")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="apt/pool/")["Contents"]
    assert ["by-aws-alone" in each["Key"] for each in listed] == [True]


@pytest.mark.xfail(not bare_root.allowed(), run=False, reason="nobody may change the root here")
def test_from_the_front_door_a_host_is_set_up_and_installs_and_the_page_is_searched(
    released: Released,
    door: Open,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a token at the edge, by the lines of the pages, from a host that has nothing else."""
    service = KeyValueService()
    monkeypatch.setattr(aws, "client", lambda *_, **__: service.client())
    now = datetime.now(UTC)
    edge = Edge(at_the_edge.code(Layout()), "njs", tmp_path, now, service.items)
    monkeypatch.setattr(door.front, "edge", edge)
    released.publish("front-door", "1.0")
    host = HostRoot(tmp_path / "host")
    line, *_ = blocks("docs/hosts.md", "Setting a host up")
    fingerprint = re.findall(r"--fingerprint (\S+)", line)[0]
    line = line.replace("https://packages.example.org", door.address)
    line = line.replace(fingerprint, released.outputs["SigningFingerprint"])

    assert host.run("sh", "-euc", line).returncode == 1  # Without a token.
    capsys.readouterr()
    command = ["token", "add", "web", "--json", "--store", KVS, "--uri", door.address]
    assert main(command, SystemClock()) == 0
    given = json.loads(capsys.readouterr().out)
    (host.path / "etc/apt/auth.conf.d/packages.conf").write_text(given["auth_conf"])
    done = host.run("sh", "-euc", line)
    assert (done.returncode, done.stderr) == (0, "")
    assert host.update() == []
    installed = host.run("apt-get", "install", "--yes", "--quiet=2", "front-door")
    assert installed.returncode == 0, installed.stderr

    page = f"{door.address}/index.html"
    deadline = time.monotonic() + 60
    while door.behind.get("apt/packages/front-door.html") is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    (by_name,) = blocks("docs/page.md", "As JSON")
    by_name = by_name.replace("https://packages.example.org", door.address)
    (tmp_path / ".curlrc").write_text(f'user = "{given["name"]}:{given["token"]}"\n')
    known = {**released.ci.environment, "CURL_HOME": str(tmp_path)}
    fetched = sh(by_name.replace(" hello ", " front-door "), tmp_path, known)
    assert fetched.returncode == 0, fetched.stderr
    assert [each.name for each in tmp_path.glob("*.deb")] == ["front-door_1.0_all.deb"]
    python = paths.LOCAL / "browser/bin/python"
    typed = [python, "tests/browser/search.py", page, given["name"], given["token"], "front-door"]
    seen = subprocess.run(typed, capture_output=True, text=True, timeout=120, check=False)
    assert seen.returncode == 0, seen.stderr
    assert json.loads(seen.stdout) == {"status": 200, "title": "front-door · Packages of Released"}


def test_a_bucket_in_another_region_follows_and_hosts_read_it(
    released: Released, stack: Stack
) -> None:
    released.publish("followed", "1.0")

    first, again = released.has_follow(), released.has_follow()

    assert first["stable"]["flipped"] and first["stable"]["copied"] > 0
    assert again["stable"] == {**first["stable"], "flipped": False, "copied": 0}
    s3 = stack.client("s3")
    assert s3.get_bucket_location(Bucket=REPLICA)["LocationConstraint"] == REGION
    reader = released.host(REPLICA)
    reader.update().clean()
    assert reader.versions("followed") == ["1.0"]
    assert len(reader.download("followed")) == 1


def test_doctor_looks_at_what_follows(released: Released, stack: Stack) -> None:
    def found() -> dict[str, str]:
        script = f"debpress doctor --json --name {NAME} || true"
        done = sh(script, released.folder, released.ci.environment)
        areas = json.loads(done.stdout)["findings"]
        return {
            each["message"]: each["level"]
            for each in areas["Replica"]
            # The emulator forgets those that come with a template (docs/emulator.md).
            if "lifecycle rules" not in each["message"]
        }

    released.has_follow()
    well = found()
    assert set(well.values()) == {"ok"}, well
    assert f"{NAME}-replica is deployed (CREATE_COMPLETE)" in well

    released.publish("behind", "1.0")
    s3 = stack.client("s3")
    policy = s3.get_bucket_policy(Bucket=REPLICA)["Policy"]
    left = [s for s in json.loads(policy)["Statement"] if s.get("Sid") != "OnlyTheMirrorWrites"]
    s3.put_bucket_policy(
        Bucket=REPLICA, Policy=json.dumps({"Version": "2012-10-17", "Statement": left})
    )
    bad = {message: level for message, level in found().items() if level != "ok"}
    s3.put_bucket_policy(Bucket=REPLICA, Policy=policy)
    assert sorted(bad.values()) == ["warning", "wrong"]
    assert any("missing: OnlyTheMirrorWrites" in each for each in bad)
    assert any("the replica shows an older release" in each for each in bad)


def test_a_press_is_destroyed_and_deployed_again_and_hosts_notice_nothing(
    released: Released,
) -> None:
    before = released.outputs
    released.publish("outlives", "1.0")
    reader = released.host(before["Bucket"])
    reader.update().clean()

    released.delete(f"{NAME}-press")
    reader.update().clean()
    assert reader.versions("outlives") == ["1.0"]
    assert len(reader.download("outlives")) == 1

    released.deploy_press()
    assert released.outputs["SigningFingerprint"] == before["SigningFingerprint"]
    released.publish("outlives", "2.0")
    reader.update().clean()
    assert reader.versions("outlives") == ["2.0", "1.0"]


def test_what_was_kept_is_adopted_by_a_new_deployment(released: Released, stack: Stack) -> None:
    before = released.outputs
    bucket = before["Bucket"]
    released.publish("adopted", "1.0")
    reader = released.host(bucket)
    statements = _guards(stack, bucket)
    formation = stack.client("cloudformation")

    released.delete(f"{NAME}-press")
    # It is protected, and what can't be made again outlives it.
    _refused(lambda: formation.delete_stack(StackName=f"{NAME}-archive"))
    released.typed(_off())
    released.delete(f"{NAME}-archive")
    reader.update().clean()
    assert reader.versions("adopted") == ["1.0"]
    assert _guards(stack, bucket) == statements

    # The emulator imports a bucket, and no policy of one (docs/emulator.md).
    stack.client("s3").delete_bucket_policy(Bucket=bucket)
    adopt = {"bucket": bucket, "signing_key": released.signing_key}
    made = local_stack.deployed(stack.emulator, settings(adopt=adopt), adopting=True)

    assert made.outputs.bucket == bucket
    assert made.outputs.signing_fingerprint == before["SigningFingerprint"]
    assert _guards(stack, bucket) == statements
    released.publish("adopted", "2.0")
    reader.update().clean()
    assert reader.versions("adopted") == ["2.0", "1.0"]
    assert len(reader.download("adopted")) == 1


def _off() -> str:
    """What the page says in a sentence."""
    page = Path("docs/deploy.md").read_text("utf-8")
    (command,) = re.findall(r"`(aws cloudformation update-termination-protection [^`]*)`", page)
    return str(command).replace("<name>", NAME)


def _guards(stack: Stack, bucket: str) -> list[Any]:
    policy = json.loads(stack.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    return sorted(policy["Statement"], key=json.dumps)


def _refused(call: Callable[[], Any]) -> None:
    with pytest.raises(ClientError, match=r"(?i)termination"):
        call()


def test_when_a_region_is_gone_its_replica_is_let_go_and_stays(
    released: Released, stack: Stack
) -> None:
    """The last of this press's tests: a press of the other Region has what followed afterwards."""
    released.has_follow()
    (mirror,) = [name for name in functions(stack) if f"{NAME}-press-FunctionsMirror" in name]
    assert invoke(stack, mirror, tidy=True)["tidy"]["copied"] > 0
    look, let_go = blocks("docs/runbook.md", "The Region is gone")

    assert "stable: generation " in released.typed(look).stdout
    let_go = let_go.replace("wait stack-delete-complete", "describe-stack-events")
    released.typed(let_go)

    formation = deployment.client(stack.outputs.endpoint_url, "cloudformation", REGION)
    waiter = formation.get_waiter("stack_delete_complete")
    waiter.wait(StackName=f"{NAME}-replica", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert {each.get("Sid") for each in _guards(stack, REPLICA)} >= {"OnlyTheMirrorWrites"}
    reader = released.host(REPLICA)
    reader.update().clean()

    # A press there, by the page's changes of the configuration. The emulator imports a bucket and
    # no policy of one (docs/emulator.md).
    stack.client("s3").delete_bucket_policy(Bucket=REPLICA)
    there = settings(adopt={"bucket": REPLICA, "signing_key": released.signing_key})
    del there["replica"]
    made = local_stack.deployed(stack.emulator, there, adopting=True, region=REGION)

    assert (made.outputs.bucket, made.outputs.region) == (REPLICA, REGION)
    assert made.outputs.signing_fingerprint == released.outputs["SigningFingerprint"]
    _published(stack, made, debs.build(released.folder, "elsewhere", "1.0"))
    reader.update().clean()
    assert reader.versions("elsewhere") == ["1.0"]


def _published(stack: Stack, there: Stack, package: Path) -> None:
    """What S3's event starts; the emulator sends none of a bucket of another Region."""
    s3, bucket = stack.client("s3"), there.outputs.bucket
    body, place = package.read_bytes(), Batch("stable", "main", "elsewhere").staging
    s3.put_object(Bucket=bucket, Key=f"{place}{package.name}", Body=body)
    sums = f"{hashlib.sha256(body).hexdigest()}  {package.name}\n".encode()
    put = s3.put_object(Bucket=bucket, Key=f"{place}SHA256SUMS", Body=sums)
    started = event(f"{place}SHA256SUMS", put["ETag"].strip('"'), put["VersionId"])
    states = deployment.client(stack.outputs.endpoint_url, "stepfunctions", REGION)
    machine = there.outputs.state_machine_arn
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(started))
    arn, deadline = execution["executionArn"], time.monotonic() + 60
    while (status := states.describe_execution(executionArn=arn)["status"]) == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert status == "SUCCEEDED"
