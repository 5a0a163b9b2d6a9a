"""Tried, not only written: with policies enforced, the press works, and nobody may do more.

The emulator checks every request against the deployed roles' policies, the bucket's and the key's,
and who takes a role on against its trust. CI, operators and hosts have the roles that the stack
hands out (and a host one of its own that `readers` lets in); the bucket is encrypted by KMS, though
the emulator, which encrypts nothing, asks nobody for the right to its key.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from debpress.adapters.deployed import Deployed
from debpress.adapters.executions import Executions
from debpress.adapters.s3 import S3Store
from debpress.clock import SystemClock
from debpress.commands.bench import Bench
from debpress.commands.examination import Examination
from debpress.commands.proving import Proof
from debpress.commands.repository import open_archive
from debpress.doctor import stacks
from debpress.doctor.findings import Finding

from local import debs, emulator, paths
from local.ci import Ci, manifest_json
from local.stack import Stack, up
from tests.conftest import REPOSITORY
from tests.support import github_jobs
from tests.support.ci_projects import GITHUB_ISSUER, example, project, token
from tests.support.documents import blocks, sh
from tests.support.later import reap_later
from tests.support.operator import functions

ACCOUNT = "arn:aws:iam::000000000000"
HOSTS = f"{ACCOUNT}:role/apt-hosts"
SUBJECT = "repo:my-org@123/web@456:ref:refs/heads/main"
PULLS = "repo:my-org@123/web@456:pull_request"
ROLES = {
    "providers": {"github": {"arn": f"{ACCOUNT}:oidc-provider/{GITHUB_ISSUER}"}},
    "ci": [
        {"name": "Web", "subjects": [SUBJECT], "publishes": ["stable/main"]},
        {
            "name": "Tags",
            "subjects": ["repo:my-org/web:ref:refs/tags/v*"],
            "publishes": ["testing/main"],
        },
        {"name": "Team", "subjects": [SUBJECT], "uploader": "team"},
        {"name": "Pulls", "subjects": [PULLS], "publishes": ["pr-*/main"]},
    ],
    "operators": [
        {"name": "All", "principals": [f"{ACCOUNT}:root"]},
        {"name": "Few", "principals": [f"{ACCOUNT}:root"], "changes": ["stable/main"]},
    ],
    "hosts": [{"name": "Fleet"}, {"name": "Others", "principals": [f"{ACCOUNT}:root"]}],
}
UPLOADERS = [
    {"name": "team", "packages": ["team-*"], "publishes": ["stable/extra", "testing/extra"]},
    {"name": "team2", "packages": ["other-*"], "publishes": ["stable/extra"]},
]
POOL = "apt/pool/main/x/x/0123456789abcdef/x_1.0_all.deb"
BY_HASH = f"apt/dists/stable/main/binary-amd64/by-hash/SHA256/{'0' * 64}"
FUNCTIONS = (
    "Open", "Admit", "Queue", "Merge", "Sign", "Commit", "Finish", "Setup", "Prune", "Reap",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Who:
    """Somebody with a role's credentials, and what they try."""

    stack: Stack
    credentials: Mapping[str, str]

    @cache  # noqa: B019 (a dozen of them, as long as the stack)
    def client(self, service: str) -> Any:
        return boto3.Session().client(
            service,
            endpoint_url=self.stack.outputs.endpoint_url,
            region_name=emulator.REGION,
            aws_access_key_id=self.credentials["AccessKeyId"],
            aws_secret_access_key=self.credentials["SecretAccessKey"],
            aws_session_token=self.credentials["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    @property
    def environment(self) -> dict[str, str]:
        """For programs."""
        return {
            "PATH": "/usr/bin:/bin",
            "AWS_ACCESS_KEY_ID": self.credentials["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self.credentials["SecretAccessKey"],
            "AWS_SESSION_TOKEN": self.credentials["SessionToken"],
            "AWS_REGION": emulator.REGION,
            "AWS_DEFAULT_REGION": emulator.REGION,
            "AWS_ENDPOINT_URL": self.stack.outputs.endpoint_url,
        }

    def may(self, call: Callable[[Any, str], Any], service: str = "s3") -> bool:
        """Whether the call is let through, whatever comes of it then."""
        try:
            call(self.client(service), self.stack.outputs.bucket)
        except ClientError as error:
            return error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException")
        return True

    def may_put(self, key: str, **conditions: str) -> bool:
        return self.may(lambda s3, b: s3.put_object(Bucket=b, Key=key, Body=b"x", **conditions))

    def may_get(self, key: str) -> bool:
        return self.may(lambda s3, b: s3.get_object(Bucket=b, Key=key))

    def may_delete(self, key: str) -> bool:
        return self.may(lambda s3, b: s3.delete_object(Bucket=b, Key=key))

    def may_list(self, prefix: str = "") -> bool:
        return self.may(lambda s3, b: s3.list_objects_v2(Bucket=b, Prefix=prefix))

    def may_sign(self) -> bool:
        alias = "alias/debpress-signing"
        key = self.stack.client("kms").describe_key(KeyId=alias)["KeyMetadata"]["Arn"]
        return self.may(
            lambda kms, _: kms.sign(
                KeyId=key,
                Message=bytes(64),
                MessageType="DIGEST",
                SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_512",
            ),
            "kms",
        )

    def may_start(self) -> bool:
        machine = self.stack.outputs.state_machine_arn
        return self.may(
            lambda states, _: states.start_execution(stateMachineArn=machine, input="{}"),
            "stepfunctions",
        )


@pytest.fixture(scope="module")
def guarded() -> Iterator[Stack]:
    """The real stacks, with policies enforced."""
    context = {
        "debpress": {**REPOSITORY, "uploaders": UPLOADERS},
        "readers": {"role_arns": [HOSTS]},
        "roles": ROLES,
        "encryption": "kms",
    }
    with up(context=context, enforce=True) as running:
        yield running


@pytest.fixture(scope="module")
def role(guarded: Stack) -> Callable[[str], Who]:
    """Somebody with a function's own role. Its trust is changed for that, its permissions not."""
    iam = guarded.client("iam")

    def assume(function: str) -> Who:
        name = f"debpress-{function.lower()}-{emulator.REGION}"
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=_trust())
        return _assumed(guarded, name)

    return assume


@pytest.fixture(scope="module")
def outputs(guarded: Stack) -> Mapping[str, str]:
    """The stacks' outputs, which name the roles."""
    stacks = guarded.client("cloudformation").describe_stacks()["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for one in stacks for each in one["Outputs"]}


def _web_identity(stack: Stack, role: str, token: str) -> Who:
    session = stack.client("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="job", WebIdentityToken=token
    )
    return Who(stack, session["Credentials"])


@pytest.fixture(scope="module")
def ci(guarded: Stack, outputs: Mapping[str, str]) -> Who:
    """A job that publishes to stable main."""
    return _web_identity(guarded, outputs["CiRoleWeb"], token(SUBJECT))


@pytest.fixture(scope="module")
def operator(guarded: Stack, outputs: Mapping[str, str]) -> Callable[[str], Who]:
    return lambda name: _assumed(guarded, outputs[f"OperatorsRole{name}"].rpartition("/")[2])


@pytest.fixture(scope="module", params=["readers", "roles"])
def host(request: pytest.FixtureRequest, guarded: Stack, outputs: Mapping[str, str]) -> Who:
    """A host with an instance role without a policy of its own, and one with a role of ours."""
    if request.param == "roles":
        return _assumed(guarded, outputs["HostsRoleOthers"].rpartition("/")[2])
    guarded.client("iam").create_role(RoleName="apt-hosts", AssumeRolePolicyDocument=_trust())
    return _assumed(guarded, "apt-hosts")


@pytest.fixture(scope="module")
def administrator(guarded: Stack) -> Who:
    """Whose own policies allow everything; only a Deny statement refuses."""
    iam = guarded.client("iam")
    iam.create_role(RoleName="administrator", AssumeRolePolicyDocument=_trust())
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_role_policy(RoleName="administrator", PolicyName="all", PolicyDocument=document)
    return _assumed(guarded, "administrator")


def _debpress(who: Who, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [paths.BIN / "debpress", *arguments], env=who.environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def _trust() -> str:
    allow = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


def _assumed(stack: Stack, name: str) -> Who:
    arn = f"arn:aws:iam::000000000000:role/{name}"
    session = stack.client("sts").assume_role(RoleArn=arn, RoleSessionName="tests")
    return Who(stack, session["Credentials"])


def test_a_batch_is_published_under_enforced_policies(
    guarded: Stack, ci: Who, tmp_path: Path
) -> None:
    package = debs.build(tmp_path, "enforced", "1.0", "all")
    manifest = tmp_path / "manifest.json"
    manifest.write_text(manifest_json([package]))
    s3 = ci.client("s3")
    for file in (package, manifest):
        key = f"staging/stable/main/enforced/{file.name}"
        etag = s3.put_object(Bucket=guarded.outputs.bucket, Key=key, Body=file.read_bytes())["ETag"]
    result = Ci(guarded.outputs).wait("stable", "main", "enforced", etag.strip('"'))
    assert (result["status"], result["errors"]) == ("published", [])
    assert ci.may_get("results/stable/main/enforced.json")
    # The command, in a job that is run again: it needs no right more.
    command = [sys.executable, "-m", "debpress.commands.main", "upload", package.name]
    command += ["--suite", "stable", "--bucket", guarded.outputs.bucket, "--batch", "enforced"]
    done = subprocess.run(
        command, cwd=tmp_path, env=ci.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"  {package.name} (there already)\n" in done.stderr
    assert "  unchanged  enforced  1.0  all\n" in done.stdout


def test_an_uploader_publishes_to_two_suites_and_in_nobody_else_s_name(
    guarded: Stack, outputs: Mapping[str, str], tmp_path: Path
) -> None:
    team = _web_identity(guarded, outputs["CiRoleTeam"], token(SUBJECT))
    package = debs.build(tmp_path, "team-tool", "1.0", "all")
    manifest = {**json.loads(manifest_json([package])), "suites": ["stable", "testing"]}
    place, s3 = "staging/stable/extra/team.1/", team.client("s3")
    bucket = guarded.outputs.bucket
    s3.put_object(Bucket=bucket, Key=place + package.name, Body=package.read_bytes())
    put = s3.put_object(Bucket=bucket, Key=f"{place}manifest.json", Body=json.dumps(manifest))
    etag = put["ETag"].strip('"')
    result = Ci(guarded.outputs).wait("stable", "extra", "team.1", etag)
    assert (result["status"], result["uploader"]) == ("published", "team"), result
    assert [each["suite"] for each in result["suites"]] == ["stable", "testing"]
    assert team.may_get("results/stable/extra/team.1.json")
    for batch in ("team2.1", "team", "x", "x/team.1"):
        assert not team.may_put(f"staging/stable/extra/{batch}/manifest.json"), batch
    for batch in ("team2.1", "x", "x/team.1"):
        assert not team.may_get(f"results/stable/extra/{batch}.json"), batch
    for key in ("staging/stable/main/team.1/x", "staging/stable/extra/team.1/operations.json"):
        assert not team.may_put(key), key
    assert team.may_list(place) and not team.may_list("staging/stable/extra/team2.1/")


def test_a_pull_request_makes_its_suite_and_an_operator_ends_it_under_enforced_policies(
    guarded: Stack,
    outputs: Mapping[str, str],
    operator: Callable[[str], Who],
    role: Callable[[str], Who],
    tmp_path: Path,
) -> None:
    pulls = _web_identity(guarded, outputs["CiRolePulls"], token(PULLS))
    package = debs.build(tmp_path, "pulled", "1.0", "all")
    place, s3, bucket = "staging/pr-1/main/one/", pulls.client("s3"), guarded.outputs.bucket
    s3.put_object(Bucket=bucket, Key=place + package.name, Body=package.read_bytes())
    put = s3.put_object(Bucket=bucket, Key=f"{place}manifest.json", Body=manifest_json([package]))
    result = Ci(guarded.outputs).wait("pr-1", "main", "one", put["ETag"].strip('"'))
    assert (result["status"], result["errors"]) == ("published", []), result
    assert pulls.may_get("results/pr-1/main/one.json")
    for key in ("staging/stable/main/one/x", "staging/pr-1/extra/one/x", "staging/pr/main/one/x",
                "staging/pr-1/main/one/operations.json", "apt/pr-1.sources",
                "state/_suites/pr-.json", "apt/dists/pr-1/InRelease"):  # fmt: skip
        assert not pulls.may_put(key), key

    who = operator("All")
    done = _debpress(who, "suites", "--end", "pr-1")
    assert done.returncode == 0, done.stderr
    reap_later(guarded, role("Reap").client("s3"))
    listed = _debpress(who, "suites", "--json")
    assert [each for each in json.loads(listed.stdout)["suites"] if each["pattern"]] == []


def test_a_key_is_rotated_under_enforced_policies_by_the_function_alone(guarded: Stack) -> None:
    """It announces one that is not there yet, and goes back: a new signature of every suite."""
    client = guarded.client("lambda")
    [setup] = [name for name in functions(guarded) if "Setup" in name]

    def take(step: str, **more: str) -> Any:
        event = json.dumps({"rotate": step, **more}).encode()
        return json.loads(client.invoke(FunctionName=setup, Payload=event)["Payload"].read())

    assert "comes after dual" in take("switch")["refused"]
    assert take("announce", to="awskms:alias/next")["record"]["stage"] == "announce"
    back = take("back")
    assert "record" in back, back
    assert back["record"]["done"]


CI_PUTS = [
    "staging/testing/main/b/manifest.json",
    "staging/stable/extra/b/manifest.json",
    "staging/stable/main/b/operations.json",
    "staging/stable/main/operations.json",
    "staging/stable-/main/b/x.deb",
    "results/stable/main/b.json",
    "state/stable/queue/main.b.0.json",
    "state/stable/generations/00000001-0.json",
    "state/_repository.json",
    "state/_rotation.json",
    "apt/dists/stable/InRelease",
    "apt/dists/stable/Release",
    BY_HASH,
    POOL,
    "apt/key.asc",
    "x",
]


@pytest.mark.parametrize("key", CI_PUTS)
def test_ci_writes_nothing_but_its_own_staging(ci: Who, key: str) -> None:
    assert not ci.may_put(key)
    assert not ci.may_put(key, IfNoneMatch="*")
    assert not ci.may_delete(key)


def test_ci_does_what_it_is_for_and_reads_no_more(ci: Who) -> None:
    assert ci.may_put("staging/stable/main/b/x.deb") and ci.may_get("state/_repository.json")
    assert not ci.may_delete("staging/stable/main/b/x.deb")
    for key in ("staging/stable/main/b/x.deb", "results/testing/main/b.json", "state/_signers/x",
                "state/stable/queue/x.json"):  # fmt: skip
        assert not ci.may_get(key), key
    assert ci.may_list("staging/stable/main/b/")
    for prefix in ("", "staging/", "staging/stable/extra/b/", "results/stable/main/", "apt/"):
        assert not ci.may_list(prefix), prefix
    assert not ci.may_sign() and not ci.may_start()


def test_a_job_has_the_role_of_its_own_repository_and_branch(
    guarded: Stack, outputs: Mapping[str, str]
) -> None:
    def may(role: str, *claims: str) -> bool:
        try:
            _web_identity(guarded, outputs[role], token(*claims))
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied"
            return False
        return True

    assert may("CiRoleWeb", SUBJECT)
    assert may("CiRoleTags", "repo:my-org/web:ref:refs/tags/v1.2")
    for subject in (
        SUBJECT.replace("main", "other"),
        PULLS,
        f"{SUBJECT}2",
        SUBJECT.replace("my-org@", "other@"),
        # The same names, given to somebody else; and by a repository that is older than ids.
        SUBJECT.replace("@123", "@124"),
        SUBJECT.replace("@456", "@457"),
        "repo:my-org/web:ref:refs/heads/main",
        "repo:my-org/web:ref:refs/tags/v1",
    ):
        assert not may("CiRoleWeb", subject), subject
    assert not may("CiRoleTags", SUBJECT)
    assert not may("CiRoleTags", "repo:my-org/web2:ref:refs/tags/v1")
    assert not may("CiRoleWeb", SUBJECT, "https://github.com/my-org")
    assert not may("CiRoleWeb", SUBJECT, "sts.amazonaws.com", "gitlab.com")
    for role in ("OperatorsRoleAll", "HostsRoleFleet", "HostsRoleOthers"):
        assert not may(role, SUBJECT), role


def test_the_action_publishes_by_the_token_of_its_repository_and_no_other(
    guarded: Stack, outputs: Mapping[str, str], tmp_path: Path
) -> None:
    """With the rights of the role that the stack hands out, by docs/ci.md's workflow."""
    workflow = example("GitHub Actions", guarded.outputs, outputs["CiRoleTags"], {})
    web = project(tmp_path / "web", {github_jobs.WORKFLOW: workflow})
    debs.build(web / "packages", "by-the-action", "1.0")
    environment = {"AWS_ENDPOINT_URL": guarded.outputs.endpoint_url}
    theirs = github_jobs.push(web, environment, "repo:others/web:ref:refs/tags/v1.0")
    assert not theirs.green
    assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in theirs.log
    ours = github_jobs.push(web, environment, "repo:my-org/web:ref:refs/tags/v1.0")
    assert ours.green, ours.log
    assert "| added | by-the-action | 1.0 | all |" in ours.summary


def test_operators_ask_for_operations_and_read_and_write_nothing_else(
    operator: Callable[[str], Who],
) -> None:
    everything, few = operator("All"), operator("Few")
    for who, places in ((everything, ("stable/main", "testing/extra")), (few, ("stable/main",))):
        for place in ("stable/main", "testing/extra"):
            # No operations: nothing is done, whoever asks.
            may = who.may_put(f"staging/{place}/tried/operations.json")
            assert may == (place in places), place
        for key in (*CI_PUTS, "staging/stable/main/b/x.deb", "staging/stable/main/b/SHA256SUMS"):
            if not key.endswith("operations.json"):
                assert not who.may_put(key), key
                assert not who.may_delete(key), key
        for key in (
            "apt/dists/stable/InRelease",
            "state/_repository.json",
            "results/stable/main/x",
        ):
            assert who.may_get(key), key
        assert who.may_list() and not who.may_get("staging/stable/main/b/x.deb")
        # The runbook has them start the workflow for a suite.
        assert not who.may_sign() and who.may_start()


@pytest.mark.parametrize(
    "arguments",
    [("status",), ("verify", "--deep"), ("list", "--suite", "stable"),
     ("history", "--suite", "stable"),
     ("remove", "nothing", "--suite", "stable", "--dry-run"), ("prune", "--dry-run")],
    ids=" ".join,
)  # fmt: skip
def test_the_operators_role_is_enough_for_the_command(
    arguments: tuple[str, ...], operator: Callable[[str], Who]
) -> None:
    """Without --bucket: it finds the stack's output, as on AWS."""
    done = _debpress(operator("All"), *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done


def test_an_operator_can_do_what_the_runbook_says(
    operator: Callable[[str], Who], tmp_path: Path
) -> None:
    """By its very commands, with that role alone; tests/system/test_runbook.py has those for the
    queue of lost events and for logs, which the emulator can't enforce (docs/emulator.md)."""
    who = operator("All")
    runbook = partial(blocks, "docs/runbook.md")
    [begin, *_] = runbook()
    failed, _, anew = runbook("Failed executions")
    [look] = runbook("Validity")
    schedules, prune = runbook("No prune")
    [reap] = runbook("No reap")

    def typed(*scripts: str) -> str:
        done = sh("\n".join((begin, *scripts)), tmp_path, who.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    execution = json.loads(typed(look))["executionArn"]
    assert "executionArn" in typed(f"execution={execution}", anew)
    typed(f"execution={execution}", failed)
    assert "Prune" in typed(schedules)
    assert "requested" in typed(prune) and '"left": 0' in typed(reap)


def test_hosts_read_what_is_published_and_nothing_else(host: Who) -> None:
    for key in ("apt/dists/stable/InRelease", "apt/key.asc", "apt/stable.sources"):
        assert host.may_get(key), key
    for key in ("staging/stable/main/b/x.deb", "state/_repository.json", "results/stable/main/x"):
        assert not host.may_get(key), key
    for key in ("apt/dists/stable/InRelease", "apt/x", "staging/stable/main/b/manifest.json", POOL):
        assert not host.may_put(key) and not host.may_delete(key), key
    assert not host.may_list() and not host.may_sign() and not host.may_start()


def test_nobody_without_keys_reads_or_writes(guarded: Stack) -> None:
    from botocore import UNSIGNED

    anyone = boto3.Session().client(
        "s3", endpoint_url=guarded.outputs.endpoint_url, region_name=emulator.REGION,
        config=Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}),
    )  # fmt: skip
    bucket = guarded.outputs.bucket
    staged = "staging/stable/main/b/SHA256SUMS"
    for call in (
        partial(anyone.get_object, Bucket=bucket, Key="apt/dists/stable/InRelease"),
        partial(anyone.put_object, Bucket=bucket, Key=staged, Body=b""),
        partial(anyone.list_objects_v2, Bucket=bucket),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


# Who alone may write to a key: everybody else is refused.
WRITERS = {
    "apt/dists/stable/InRelease": {"Commit"},
    "apt/dists/stable/Release": {"Commit"},
    "apt/dists/stable/Release.gpg": {"Commit"},
    "apt/dists/stable/main/binary-amd64/Packages.xz": {"Commit"},
    BY_HASH: {"Merge"},
    POOL: {"Admit"},
    "apt/key.asc": {"Setup"},
    "apt/setup.sh": {"Setup"},
    "apt/keyring.deb": {"Setup"},
    "state/_repository.json": {"Setup"},
    # The rotation above left it, so that nothing is written: allowed is what is refused as a race.
    "state/_rotation.json": {"Setup"},
    "state/_signers/x.json": {"Sign"},
    "state/stable/signed/00000001-0.json": {"Sign"},
    "state/stable/generations/00000001-0.json": {"Merge"},
    "state/stable/queue/x.json": {"Queue", "Merge", "Finish"},
    "results/stable/main/x.json": {"Finish"},
    "staging/stable/main/x/operations.json": {"Prune"},
    "staging/stable/main/x/manifest.json": set(),
    "staging/stable/main/x/x.deb": set(),
    "x": set(),
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_what_is_its_own(function: str, role: Callable[[str], Who]) -> None:
    who = role(function)
    may = {key for key in WRITERS if who.may_put(key, IfNoneMatch="*")}
    assert may == {key for key, writers in WRITERS.items() if function in writers}
    assert who.may_sign() == (function == "Sign")
    assert who.may_start() == (function == "Setup")


KEPT = (
    POOL, BY_HASH, "apt/dists/stable/InRelease", "apt/key.asc", "state/_signers/x.json",
    "state/stable/generations/00000001-0.json", "results/stable/main/x.json",
)  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nobody_deletes_what_is_published(function: str, role: Callable[[str], Who]) -> None:
    who = role(function)
    assert not {key for key in KEPT if who.may_delete(key)}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_function_alone_takes_versions_out(function: str, role: Callable[[str], Who]) -> None:
    who = role(function)

    def may(key: str) -> bool:
        return who.may(lambda s3, b: s3.delete_object(Bucket=b, Key=key, VersionId="0" * 32))

    for key in (POOL, BY_HASH):
        assert may(key) == (function == "Reap"), key
    for key in ("apt/dists/stable/InRelease", "state/_signers/x.json"):
        assert not may(key), key


def test_a_flip_is_conditional_even_for_the_committer(role: Callable[[str], Who]) -> None:
    committer = role("Commit")
    assert not committer.may_put("apt/dists/stable/InRelease")
    assert committer.may_put("apt/dists/stable/InRelease", IfMatch='"0"')


def test_reading_stops_where_a_function_has_no_business(role: Callable[[str], Who]) -> None:
    for function, keys in {
        "Open": ("state/_signers/x.json", POOL),
        "Admit": ("state/_signers/x.json", "state/stable/queue/x.json", "results/stable/main/x"),
        "Merge": ("staging/stable/main/x/x.deb", "state/_signers/x.json", "results/stable/main/x"),
        "Sign": ("staging/stable/main/x/x.deb", POOL, "state/stable/queue/x.json"),
        "Commit": ("staging/stable/main/x/x.deb", "state/stable/queue/x.json"),
    }.items():
        who = role(function)
        for key in keys:
            assert not who.may_get(key), (function, key)


def test_a_guard_is_taken_out_and_put_back_by_the_runbooks_commands(
    guarded: Stack, role: Callable[[str], Who], tmp_path: Path
) -> None:
    """A deletion by the admitting function's role, to which somebody gave the permission."""
    take_out, put_back, take_from_key, put_to_key, *_ = blocks(
        "docs/runbook.md", "Guards that were taken out"
    )
    thief = role("Admit")
    iam = guarded.client("iam")
    name = f"debpress-admit-{emulator.REGION}"
    wide = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"},
    }
    iam.put_role_policy(RoleName=name, PolicyName="wide", PolicyDocument=json.dumps(wide))

    def typed(script: str) -> None:
        names = f"bucket={guarded.outputs.bucket}\n"
        done = sh(names + take_out.partition("aws ")[0] + script, tmp_path, environment)
        assert done.returncode == 0, done.stderr

    environment = Ci(guarded.outputs).environment
    try:
        assert not thief.may_delete(POOL) and not thief.may_sign()
        typed(take_out)
        assert thief.may_delete(POOL) and not thief.may_sign()
        typed(put_back)
        typed(take_from_key)
        assert not thief.may_delete(POOL) and thief.may_sign()
        key = guarded.client("kms").describe_key(KeyId="alias/debpress-signing")
        typed(f"key={key['KeyMetadata']['KeyId']}\n{put_to_key}")
        assert not thief.may_delete(POOL) and not thief.may_sign()
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="wide")


def _guards(who: Who) -> dict[str, str]:
    """What `debpress proof` says of each guard, as of one that must hold."""
    clock, client = SystemClock(), who.client("s3")
    store = S3Store(client, who.stack.outputs.bucket)
    archive, _ = open_archive(store, clock)
    states = Executions(who.client("stepfunctions"), who.stack.outputs.state_machine_arn)
    bench = Bench(client, store, archive, states, clock, "stable", "main", Path(), 60.0)
    key = who.stack.client("kms").describe_key(KeyId="alias/debpress-signing")
    sign = partial(
        who.client("kms").sign,
        KeyId=key["KeyMetadata"]["Arn"],
        Message=bytes(64),
        MessageType="DIGEST",
        SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_512",
    )
    return {v.claim: str(v.outcome) for v in Proof(bench, True, None, sign).guards()}


def test_a_proof_as_an_administrator_finds_each_guard_and_which_one_is_out(
    guarded: Stack, administrator: Who
) -> None:
    good = _guards(administrator)
    assert len(good) == 5 and set(good.values()) == {"held"}, good
    s3, bucket = guarded.client("s3"), guarded.outputs.bucket
    whole = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    left = json.loads(whole)
    left["Statement"] = [
        each for each in left["Statement"] if each.get("Sid") != "OnlyAdmissionFillsThePool"
    ]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(left))
    try:
        found = _guards(administrator)
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=whole)
    [broken] = [claim for claim, outcome in found.items() if outcome != "held"]
    assert "fills the pool" in broken and found[broken] == "did not hold"
    assert (
        not guarded.client("s3")
        .list_objects_v2(Bucket=bucket, Prefix="apt/pool/-/")
        .get("Contents")
    )


def test_doctor_says_what_a_role_may_not_ask_and_goes_on(ci: Who, administrator: Who) -> None:
    def found(who: Who) -> list[Finding]:
        deployed = Deployed(lambda service, _region=None: who.client(service))
        bucket = who.stack.outputs.bucket
        examination = Examination(
            deployed, who.client("s3"), bucket, stacks.named("debpress"), SystemClock()
        )
        return [each for _, findings in examination.areas() for each in findings]

    lacking = [each for each in found(ci) if "you lack " in each.message]
    assert {each.message.partition("you lack ")[2] for each in lacking} >= {
        "cloudformation:DescribeStacks",
        "s3:GetBucketPolicy",
        "s3:GetBucketVersioning",
    }
    assert all(each.level == "wrong" and "docs/operators.md" in each.remedy for each in lacking)
    well = found(administrator)
    # The queue's own policy denies plain http, which is all that the emulator speaks; and it keeps
    # no encryption that a template gives a bucket (docs/emulator.md).
    wrong = {
        each.about
        for each in well
        if each.level == "wrong" and not each.message.startswith("encrypted by S3's own keys")
    }
    assert wrong <= {"executions", "lost events"}
