"""What is deployed, as the template says it: the parts that an emulator does not show."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from debpress import config
from debpress.layout import Batch, Layout

from local import synthesis
from stacks import layers
from stacks.functions import SIZES
from tests.support import templates
from tests.support.templates import Deployment, Template, context, synthesise

ROOT = templates.ROOT

# Deletion and replacement policies.
KEPT = ("RetainExceptOnCreate", "Retain")


@pytest.fixture(scope="module")
def stack() -> Deployment:
    return synthesise(nag=True)


# The bucket


def test_the_bucket_is_private_encrypted_versioned_and_outlives_the_stack(stack: Template) -> None:
    bucket = stack.one("AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "BucketName" not in bucket
    assert _policies(stack, "AWS::S3::Bucket") == KEPT


def test_s3_tells_eventbridge_by_a_property_and_no_function_of_the_cdk_s_own(
    stack: Template,
) -> None:
    bucket = stack.one("AWS::S3::Bucket")
    told = bucket["NotificationConfiguration"]["EventBridgeConfiguration"]
    assert told == {"EventBridgeEnabled": True}
    # Nothing follows, and there are no pages.
    assert len(stack.resources("AWS::Lambda::Function")) == len(SIZES) - 2
    kinds = {resource["Type"] for resource in stack.data["Resources"].values()}
    assert {kind for kind in kinds if kind.startswith("Custom::")} == {"Custom::DebpressRepository"}


def test_tls_alone_unless_an_emulator_asks_for_less(stack: Template) -> None:
    assert _tls_only(stack)
    assert not _tls_only(synthesise(tls_only=False))


def test_nothing_that_may_be_named_ages(stack: Template) -> None:
    """Law 3: pool and by-hash go by the reaper, never by their age. Nor do generations."""
    rules = stack.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    layout = Layout()
    for key in (
        layout.pool("pool/main/f/foo/0123456789abcdef/foo_1_all.deb"),
        layout.by_hash("stable", "main/binary-amd64/Packages", "0" * 64),
        layout.inrelease("stable"),
        layout.key_asc,
        layout.generation("stable", "00000001-abc"),
        layout.gone("stable", "foo", "0" * 32),
        layout.gone_upto("stable"),
        layout.provenance("0" * 64, "1" * 64),
        layout.queue("stable", "run"),
        layout.certificate("awskms-1"),
    ):
        assert not [rule for rule in _over(rules, key) if "ExpirationInDays" in rule], key


def test_what_was_left_behind_ages(stack: Template) -> None:
    rules = stack.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    for key, days in (
        (f"{Batch('testing', 'main', 'one').staging}foo.deb", 7),
        (Layout.run("testing", "run", "plan.json"), 30),
        (Layout.signed("testing", "00000001-abc"), 30),
        (Layout.prune_report("testing", "00000001-abc"), 365),
        (Layout.reap_report("20261123T034700Z-0"), 365),
        (Batch("testing", "main", "one").result, 365),
    ):
        found = [
            rule["ExpirationInDays"] for rule in _over(rules, key) if "ExpirationInDays" in rule
        ]
        assert found == [days], key
    aborted = [r for r in rules if "AbortIncompleteMultipartUpload" in r and not r.get("Prefix")]
    assert aborted[0]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_deleted_certificates_of_signers_can_be_brought_back(stack: Template) -> None:
    """Losing one is losing the key (docs/keys.md)."""
    rules = stack.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    over = _over(rules, Layout.certificate("awskms-1"))
    assert not [rule for rule in over if "NoncurrentVersionExpiration" in rule]


def test_hosts_read_the_root_and_nothing_else() -> None:
    role = "arn:aws:iam::111122223333:role/hosts"
    wide = synthesise(readers={"vpc_endpoints": ["vpce-0123abcd"], "role_arns": [role]})
    statements = wide.one("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    allowed = [each for each in statements if each["Effect"] == "Allow"]
    assert len(allowed) == 2
    for each in allowed:
        assert each["Action"] == "s3:GetObject"
        assert templates.readable(each["Resource"]).endswith("/apt/*")
    by_endpoint, by_role = allowed
    assert by_endpoint["Condition"] == {"StringEquals": {"aws:SourceVpce": ["vpce-0123abcd"]}}
    assert by_role["Principal"] == {"AWS": role}


# The start


@pytest.mark.parametrize(
    "key",
    [
        "staging/stable/main/42/manifest.json",
        "staging/stable/main/42/SHA256SUMS",
        "staging/testing/extra/a.b-c/foo_1.0-1_amd64.changes",
        "staging/stable/main/x/operations.json",
    ],
)
def test_a_manifest_starts_the_workflow(stack: Template, key: str) -> None:
    assert _starts(stack, key)


@pytest.mark.parametrize(
    "key",
    [
        "staging/stable/main/42/foo_1.0_all.deb",
        "staging/stable/main/42/manifest.json.tmp",
        "results/stable/main/42.json",
        "results/stable/main/manifest.json",
        "apt/dists/stable/InRelease",
        "state/stable/runs/1/plan.json",
    ],
)
def test_nothing_else_does_and_least_of_all_our_own_writes(stack: Template, key: str) -> None:
    assert not _starts(stack, key)


def test_a_start_that_fails_is_kept_and_rings(stack: Template) -> None:
    (target,) = stack.one("AWS::Events::Rule", "Trigger")["Targets"]
    assert templates.readable(target["DeadLetterConfig"]["Arn"]).startswith("<TriggerLostEvents")
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert "Input" not in target and "InputTransformer" not in target  # The event as it is
    queue = stack.one("AWS::SQS::Queue")
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 86400


# The functions


def test_functions_are_alike_in_what_guards_them(stack: Template) -> None:
    functions = stack.resources("AWS::Lambda::Function")
    groups, roles = set(), set()
    for name, function in functions.items():
        assert function["Architectures"] == ["arm64"], name
        assert function["Runtime"] == "python3.14", name
        assert function["Handler"] == "handler.handle", name
        # A look, which is two of three calls, is not worth a trace.
        traced = None if name.startswith("FunctionsWatch") else {"Mode": "Active"}
        assert function.get("TracingConfig") == traced, name
        assert function["Timeout"] <= 900 and function["MemorySize"] >= 512, name
        assert len(function["Layers"]) >= 3, name
        assert "VpcConfig" not in function and "ReservedConcurrentExecutions" not in function, name
        groups.add(templates.readable(function["LoggingConfig"]["LogGroup"]))
        roles.add(templates.readable(function["Role"]))
    assert len(groups) == len(roles) == len(functions)
    assert not stack.resources("AWS::Lambda::Url")
    for group in stack.resources("AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] == 90


def test_each_is_told_what_the_architecture_page_says(stack: Template) -> None:
    for name, function in stack.resources("AWS::Lambda::Function").items():
        variables = set(function["Environment"]["Variables"])
        own = {
            "FunctionsSetup": {"DEBPRESS_STATE_MACHINE", "DEBPRESS_URI"},
            "FunctionsSign": {"DEBPRESS_KMS_KEY"},
            "FunctionsAdmit": {"DEBPRESS_SILENCE"},
        }
        assert variables == {"DEBPRESS_BUCKET"} | own.get(_short(name), set()), name


def test_other_processors_and_pythons_by_configuration() -> None:
    other = synthesise(lambda_architecture="x86_64", lambda_python="3.13", log_days=30)
    for function in other.resources("AWS::Lambda::Function").values():
        assert (function["Architectures"], function["Runtime"]) == (["x86_64"], "python3.13")
    for group in other.resources("AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] == 30


def test_who_admits_can_verify_provenance_where_a_suite_asks_for_it(stack: Template) -> None:
    described = context()["debpress"]
    described["suites"][0]["provenance"] = {
        "repository": "my-org/web",
        "workflow": ".github/workflows/release.yml",
        "ref": "refs/tags/v*",
    }
    asking = synthesise(debpress=described)
    (layer,) = (n for n in asking.resources("AWS::Lambda::LayerVersion") if "Provenance" in n)
    functions = asking.resources("AWS::Lambda::Function")
    having = {_short(n) for n, each in functions.items() if {"Ref": layer} in each["Layers"]}
    assert having == {"FunctionsAdmit"}
    assert not [n for n in stack.resources("AWS::Lambda::LayerVersion") if "Provenance" in n]


# The key


def test_the_key_signs_is_kept_and_is_rsa_4096(stack: Template) -> None:
    key = stack.one("AWS::KMS::Key")
    assert (key["KeySpec"], key["KeyUsage"]) == ("RSA_4096", "SIGN_VERIFY")
    assert _policies(stack, "AWS::KMS::Key") == KEPT


def test_no_key_is_made_for_signers_that_have_theirs() -> None:
    arn = "arn:aws:kms:eu-central-1:111122223333:key/0123"
    described = {**context()["debpress"], "signers": [f"awskms:{arn}", "awskms:alias/theirs"]}
    named = synthesise(debpress=described)
    assert not named.resources("AWS::KMS::Key")
    signs = [line for line in templates.permissions(named) if "| kms:Sign |" in line]
    assert [line for line in signs if arn in line]
    (by_alias,) = [line for line in signs if arn not in line]
    assert "kms:ResourceAliases: alias/theirs" in by_alias


# The deployment's last step, the schedule, the alarms, the outputs


def test_set_up_comes_after_all_that_it_sets_in_motion(stack: Template) -> None:
    ready = stack.data["Resources"][_only(stack, "Custom::DebpressRepository")]["DependsOn"]
    first = {_short(name) for name in ready}
    policies = {_short(name) for name in stack.resources("AWS::IAM::Policy")}
    wanted = {each for each in policies if each.startswith("Functions")}
    machines = {_short(name) for name in stack.resources("AWS::StepFunctions::StateMachine")}
    assert wanted | machines <= first


def test_set_up_runs_again_when_configuration_or_code_changes(stack: Template) -> None:
    described = context()["debpress"]
    described["suites"][0]["keep"] = 3
    before = stack.one("Custom::DebpressRepository")
    after = synthesise(debpress=described).one("Custom::DebpressRepository")
    assert before["Configuration"] != after["Configuration"]
    layers = {_short(name) for name in stack.resources("AWS::Lambda::LayerVersion")}
    text = json.dumps(before)
    assert all(layer in text for layer in layers)


def _crons(stack: Template) -> list[dict[str, Any]]:
    schedules = stack.resources("AWS::Scheduler::Schedule").values()
    return [each for each in schedules if each["ScheduleExpression"].startswith("cron")]


def test_a_prune_is_asked_for_daily_and_the_reaper_called_hourly(stack: Template) -> None:
    schedules = _crons(stack)
    times = sorted(each["ScheduleExpression"] for each in schedules)
    assert times == ["cron(17 3 * * ? *)", "cron(47 * * * ? *)"]
    for each in schedules:
        assert each["ScheduleExpressionTimezone"] == "UTC"
        assert "DeadLetterConfig" in each["Target"]
        told = json.loads(each["Target"]["Input"])
        assert told == {"scheduled": "<aws.scheduler.scheduled-time>"}


def test_the_prunes_hour_is_configured_and_the_reapers_is_every_one() -> None:
    times = sorted(each["ScheduleExpression"] for each in _crons(synthesise(prune_hour=22)))
    assert times == ["cron(17 22 * * ? *)", "cron(47 * * * ? *)"]


def test_no_call_of_the_reaper_meets_the_next_one(stack: Template) -> None:
    """Lambda tries an asynchronous call three times, one and two minutes apart."""
    functions = stack.resources("AWS::Lambda::Function")
    (timeout,) = [f["Timeout"] for name, f in functions.items() if "Reap" in name]
    assert 3 * timeout + 180 < 3600


def test_each_alarm_names_what_to_do_and_the_page_says_it(stack: Template) -> None:
    page = (ROOT / "docs/runbook.md").read_text("utf-8")
    sections = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"(?m)^## (.*)$", page)
    }
    alarms = stack.resources("AWS::CloudWatch::Alarm").values()
    named = {
        each["AlarmDescription"].partition("See docs/runbook.md#")[2].rstrip(".") for each in alarms
    }
    assert len(alarms) >= 4 and {"lost-events", "failed-executions"} <= named <= sections
    silences = [each for each in alarms if each["Statistic"] == "SampleCount"]
    assert {a["MetricName"] for a in silences} == {
        "PrunesAsked", "ObjectsLeftOver", "SecondsWaiting"
    }  # fmt: skip
    for each in alarms:
        missing = "breaching" if each in silences else "notBreaching"
        assert each["TreatMissingData"] == missing


def test_requests_are_logged_only_where_that_is_asked_for(stack: Deployment) -> None:
    assert "LoggingConfiguration" not in stack.archive.one("AWS::S3::Bucket")
    assert "-logs-" not in json.dumps(stack.archive.data)


def test_outputs_are_those_that_documents_and_the_local_stack_read(stack: Template) -> None:
    outputs = stack.data["Outputs"]
    assert {
        *("Bucket", "Root", "Suites", "StateMachine", "PruneFunction"),
        *("SigningFingerprint", "Uri", "LostEvents"),
    } <= set(outputs)
    assert outputs["Suites"]["Value"] == "stable,testing"


# What judges templates


def test_nothing_that_cdk_nag_finds_is_without_a_reason(stack: Deployment) -> None:
    assert stack.findings == frozenset()
    assert stack.acknowledged
    assert all(len(reason) > 20 for reason in stack.acknowledged.values())


def test_cdk_nag_finds_what_it_should() -> None:
    rules = {rule for rule, _ in synthesise(nag=True, spoilt=True).findings}
    assert "AwsSolutions-S1" in rules
    assert any(rule.startswith("AwsSolutions-IAM5") for rule in rules)


def test_cfn_lint_accepts_the_templates(stack: Deployment, tmp_path: Path) -> None:
    """As they are in the partition of most, the only one in which it knows what a workflow calls:
    the templates tell it not to look there."""
    files = [tmp_path / file.name for file in stack.files]
    for template, file in zip(stack.files, files, strict=True):
        text = template.read_text("utf-8").replace("${Partition}", "aws")
        file.write_text(text.replace('"E3601"', '"W3005"'), "utf-8")
    lint = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run(
        [lint, "--format", "parseable", "--", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_template_is_the_same_each_time(stack: Template) -> None:
    templates._synthesise.cache_clear()
    assert synthesise().data == stack.data


# The configuration's layer


def test_configurations_that_no_synthesis_uses_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "_BUILD", tmp_path)
    used = layers._repository(config.parse(context()["debpress"]))
    old, new, other = (tmp_path / n for n in ("repository-0", "repository-1", "arm64-3.14-0"))
    for folder, hours in ((old, 25), (new, 23), (other, 999), (used, 25)):
        folder.mkdir(exist_ok=True)
        moment = time.time() - hours * 3600
        os.utime(folder, (moment, moment))
    assert layers._repository(config.parse(context()["debpress"])) == used
    assert sorted(tmp_path.iterdir()) == sorted((used, new, other))


# The app


def test_the_app_says_what_is_wrong_in_a_sentence(tmp_path: Path) -> None:
    done = _app(tmp_path, {**context(), "lambda_python": "2.7"})
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "debpress: lambda_python: '2.7' must be one of 3.11, 3.12, 3.13, 3.14"
    )


def test_the_app_needs_no_account_no_index_no_git_and_no_docker(tmp_path: Path) -> None:
    """Once the dependencies' layer is there. Nothing of the machine's but node is on the path."""
    here = synthesis.overrides()
    layers.dependencies(here["lambda_architecture"], here["lambda_python"])
    done = _app(tmp_path, context(**here))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "cdk.out/debpress-press.template.json").is_file()


def _app(directory: Path, settings: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """The app by itself, where there is node and Python and nothing else: no account, no git."""
    node = shutil.which("node")
    assert node is not None, "install node"
    tools = directory / "bin"
    tools.mkdir()
    (tools / "node").symlink_to(Path(node).resolve())
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={
            **synthesis.quiet(),
            "PATH": str(tools),
            "HOME": str(directory),
            "PIP_NO_INDEX": "1",
            # Else jsii unpacks the whole CDK anew into this HOME.
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(Path.home() / ".cache/aws/jsii/package-cache"),
            "TMPDIR": str(directory),
            "CDK_OUTDIR": str(directory / "cdk.out"),
            "CDK_CONTEXT_JSON": json.dumps(settings),
        },
        capture_output=True,
        text=True,
        check=False,
    )


# Reading templates


def _short(name: str) -> str:
    return re.sub(r"[0-9A-F]{8}$", "", name)


def _only(stack: Template, kind: str) -> str:
    (name,) = stack.resources(kind)
    return name


def _policies(stack: Template, kind: str) -> tuple[str, str]:
    resource = stack.data["Resources"][_only(stack, kind)]
    return resource["DeletionPolicy"], resource["UpdateReplacePolicy"]


def _tls_only(stack: Template) -> bool:
    statements = stack.one("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    wanted = {"Bool": {"aws:SecureTransport": "false"}}
    return any(s["Effect"] == "Deny" and s.get("Condition") == wanted for s in statements)


def _over(rules: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """The lifecycle rules that apply to a key."""
    return [rule for rule in rules if key.startswith(rule.get("Prefix", ""))]


def _starts(stack: Template, key: str) -> bool:
    """By EventBridge's wildcards: `*` is any characters (user guide, "Wildcard matching")."""
    pattern = stack.one("AWS::Events::Rule", "Trigger")["EventPattern"]
    assert pattern["source"] == ["aws.s3"] and pattern["detail-type"] == ["Object Created"]
    assert _short(pattern["detail"]["bucket"]["name"][0]["Ref"]).startswith("Storage")
    wildcards = [each["wildcard"] for each in pattern["detail"]["object"]["key"]]
    assert not any(set("?[") & set(each) for each in wildcards)
    return any(fnmatch.fnmatchcase(key, each) for each in wildcards)
