"""Two stacks: what is kept and what can go, what each knows of the other, and two presses."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from debpress import guards
from debpress.errors import ConfigError

from stacks import settings
from stacks.functions import SIZES, sizes
from tests.support.templates import Deployment, Template, context, readable, synthesise
from tests.unit.test_stacks_roles import ROLES

# What a deployment makes anew, or takes away where it is meant to be gone: a name, a note of an
# ARN, and who may read by a role that the configuration asks for.
MADE_ANEW = {
    "AWS::KMS::Alias",
    "AWS::SSM::Parameter",
    "AWS::IAM::Role",
    "AWS::IAM::Policy",
    "AWS::IAM::InstanceProfile",
}


@pytest.fixture(scope="module")
def stacks() -> Deployment:
    """With all that an archive can hold."""
    return synthesise(roles=ROLES, encryption="kms")


def kinds(template: Template) -> set[str]:
    return {each["Type"] for each in template.data["Resources"].values()}


def test_the_archive_keeps_all_that_cant_be_made_again(stacks: Deployment) -> None:
    kept = kinds(stacks.archive) - MADE_ANEW
    assert kept == {
        *("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key", "AWS::IAM::OIDCProvider"),
    }
    for name, each in stacks.archive.data["Resources"].items():
        if each["Type"] in kept:
            # Not what a failed first deployment made, which would be in nobody's stack.
            assert each["DeletionPolicy"] == "RetainExceptOnCreate", name
            assert each["UpdateReplacePolicy"] == "Retain", name


def test_the_press_holds_nothing_that_has_to_be_kept(stacks: Deployment) -> None:
    assert not kinds(stacks.press) & (kinds(stacks.archive) - MADE_ANEW)
    for name, each in stacks.press.data["Resources"].items():
        assert each.get("DeletionPolicy", "Delete") == "Delete", name


def test_who_reads_is_the_archives_to_say_who_writes_the_press_s(stacks: Deployment) -> None:
    """Hosts go on reading whatever becomes of the press."""
    named = {
        part: {name for name in template.data["Outputs"] if "Role" in name}
        for part, template in (("archive", stacks.archive), ("press", stacks.press))
    }
    assert named["archive"] == {"HostsRoleFleet", "HostsRoleOthers"}
    assert named["press"] == {
        *("CiRoleWeb", "CiRoleTools", "OperatorsRoleAll", "OperatorsRoleFew"),
        "SigningRole",  # For statements about it, not to be taken on.
    }


def test_the_archive_is_protected_and_deployed_before_the_press(stacks: Deployment) -> None:
    manifest = json.loads((stacks.files[0].parent / "manifest.json").read_text("utf-8"))
    archive, press = (manifest["artifacts"][f"debpress-{n}"] for n in ("archive", "press"))
    assert archive["properties"]["terminationProtection"] is True
    assert not press["properties"].get("terminationProtection")
    assert "debpress-archive" in press["dependencies"]
    assert "debpress-press" not in archive["dependencies"]


def test_the_archive_takes_nothing_from_the_press(stacks: Deployment) -> None:
    assert "Fn::ImportValue" not in json.dumps(stacks.archive.data)
    assert set(stacks.archive.data["Parameters"]) == {"BootstrapVersion"}


def test_the_guards_name_the_roles_that_the_press_has(stacks: Deployment) -> None:
    """Else nobody at all could publish, or anybody."""
    roles = {
        name: readable(each["RoleName"])
        for name, each in stacks.press.resources("AWS::IAM::Role").items()
        if "RoleName" in each
    }
    arns = {f"arn:<AWS::Partition>:iam::<AWS::AccountId>:role/{name}" for name in roles.values()}
    named: dict[str, str] = {}
    for document in (
        stacks.archive.one("AWS::S3::BucketPolicy")["PolicyDocument"],
        *(each["KeyPolicy"] for each in stacks.archive.resources("AWS::KMS::Key").values()),
    ):
        for statement in document["Statement"]:
            for role in statement.get("Condition", {}).get("ArnNotEquals", {}).values():
                named[statement["Sid"]] = readable(role)
    assert set(named.values()) <= arns
    step = {sid: re.sub(r".*:role/debpress-(\w+)-.*", r"\1", arn) for sid, arn in named.items()}
    assert step == {
        "OnlyTheCommitterFlips": "commit",
        "OnlyTheReaperEndsSnapshots": "reap",
        "OnlyAdmissionFillsThePool": "admit",
        "OnlyStepsRotate": "setup",
        "OnlyTheReaperDeletes": "reap",
        "OnlyTheSignerSigns": "sign",
    }


def test_a_key_that_the_configuration_drops_can_leave_the_archive_first(
    stacks: Deployment,
) -> None:
    """An export that the deployed press still imports could not be taken away; a parameter can."""
    imported = set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(stacks.press.data)))
    assert imported == {"debpress-archive-Bucket", "debpress-archive-BucketArn"}
    told = {
        each["Properties"]["Name"]
        for each in stacks.archive.data["Resources"].values()
        if each["Type"] == "AWS::SSM::Parameter"
    }
    asked = {
        each["Default"]
        for name, each in stacks.press.data["Parameters"].items()
        if name != "BootstrapVersion"
    }
    assert told == asked == {f"/debpress/debpress/{key}-key" for key in ("signing", "encryption")}


# Two presses in one account and Region


def test_no_name_of_two_presses_is_the_same(stacks: Deployment) -> None:
    other = synthesise(roles=ROLES, encryption="kms", name="other")
    assert not _fixed(stacks.data) & _fixed(other.data)
    roles = {name for kind, name in _fixed(stacks.data) if kind == "AWS::IAM::Role"}
    handed_out = sum(len(ROLES[kind]) for kind in ("ci", "operators", "hosts"))
    assert len(roles) == len(sizes(read("debpress"))) + handed_out


def _fixed(data: Any) -> set[tuple[str, str]]:
    """Every name that a template gives rather than CloudFormation."""
    names = {
        (each["Type"], readable(value))
        for each in data["Resources"].values()
        for key, value in each.get("Properties", {}).items()
        if re.fullmatch(r"(Role|Alias|LogGroup|Queue|Topic|Function|Alarm|Bucket)?Name", key)
        and isinstance(value, str | dict)
        and not {"Ref", "Fn::GetAtt"} & ({*value} if isinstance(value, dict) else set())
    }
    exports = {("export", e["Export"]["Name"]) for e in data["Outputs"].values() if "Export" in e}
    return names | exports


@pytest.mark.parametrize("name", ["a", "debpress", "team-a-2", "a" * 32])
def test_a_name_leaves_room_for_all_that_is_made_of_it(name: str) -> None:
    assert read(name).names.archive_stack == f"{name}-archive"
    # IAM: 64 characters. A Region's name has 15 at most.
    for step in SIZES:
        assert len(guards.role_name(name, step, "us-isof-south-1")) <= 64


@pytest.mark.parametrize("name", ["", "A", "1a", "-a", "a-", "a--b", "a_b", "a" * 33, "a b"])
def test_a_name_that_would_not_do_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^name: "):
        read(name)


def read(name: str) -> settings.Settings:
    return settings.read(cdk.App(context=context(name=name)).node)


# Adoption

BUCKET = "debpress-archive-storagebucket-abc"
KEY = "arn:aws:kms:eu-central-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"


def test_what_is_adopted_is_named_kept_and_guarded() -> None:
    adopting = synthesise(adopt={"bucket": BUCKET, "signing_key": KEY})
    for kind, key in (("AWS::S3::Bucket", "BucketName"), ("AWS::S3::BucketPolicy", "Bucket")):
        [resource] = [r for r in adopting.archive.data["Resources"].values() if r["Type"] == kind]
        # CloudFormation takes over by names that are written out, and what is kept in any case:
        # even a creation that is rolled back leaves what was there before.
        assert resource["Properties"][key] == BUCKET
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    statements = adopting.archive.one("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert {"OnlyTheCommitterFlips", "OnlyTheReaperDeletes"} <= {s.get("Sid") for s in statements}
    # The key is used as it is, and no other is made.
    assert not adopting.resources("AWS::KMS::Key")
    assert adopting.archive.one("AWS::KMS::Alias") == {
        "AliasName": "alias/debpress-signing",
        "TargetKeyId": KEY,
    }
    sign = next(
        each["Environment"]["Variables"]
        for each in adopting.press.resources("AWS::Lambda::Function").values()
        if each.get("Description") == "debpress: sign"
    )
    assert sign["DEBPRESS_KMS_KEY"] == KEY


@pytest.mark.parametrize(
    ("adopt", "named"),
    [
        ({"bucket": "S3://x"}, "adopt.bucket"),
        ({"signing_key": "alias/x"}, "adopt.signing_key"),
        ({"key": KEY}, "adopt.key"),
    ],
)
def test_what_can_t_be_adopted_is_named(adopt: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{named}: "):
        settings.read(cdk.App(context=context(adopt=adopt)).node)


def test_a_key_that_nobody_signs_by_is_not_adopted() -> None:
    described = {**context()["debpress"], "signers": ["awskms:alias/other"]}
    wanted = context(debpress=described, adopt={"signing_key": KEY})
    with pytest.raises(ConfigError, match=r"^adopt\.signing_key: .*no signer"):
        settings.read(cdk.App(context=wanted).node)


def test_a_key_for_several_regions_is_one_from_the_beginning() -> None:
    made = synthesise(multi_region=True, key_spec="ECC_NIST_P256").one("AWS::KMS::Key")
    assert (made["MultiRegion"], made["KeySpec"]) == (True, "ECC_NIST_P256")


# Other partitions, and the CDK's own settings


def test_no_template_is_for_one_partition_alone(stacks: Deployment) -> None:
    given = json.dumps(ROLES)
    for text in (json.dumps(stacks.archive.data), json.dumps(stacks.press.data)):
        fixed = set(re.findall(r"arn:aws[a-z-]*:[^\"\\]*", text))
        assert all(arn in given for arn in fixed), fixed
        # The names of services and the audience of GitHub's tokens; of hosts none.
        hosts = set(re.findall(r"[a-z0-9.-]+\.amazonaws\.com[a-z.]*", text))
        services = {"states", "lambda", "events", "scheduler", "ec2", "sts"}
        assert {host.partition(".")[0] for host in hosts} <= services
        assert all(host.count(".") == 2 for host in hosts)


def test_the_cdk_behaves_as_it_recommends_to_new_projects() -> None:
    [library] = Path(cdk.__file__).parent.glob("_jsii/aws-cdk-lib@*.jsii.tgz")
    with tarfile.open(library) as archive:
        file = archive.extractfile("package/recommended-feature-flags.json")
        assert file is not None
        recommended = json.load(file)
    ours = context()
    differ = {key for key, value in recommended.items() if ours.get(key) != value}
    # One more partition; and no telling AWS of how each construct is configured.
    assert differ == {
        "@aws-cdk/core:target-partitions",
        "@aws-cdk/core:enableAdditionalMetadataCollection",
    }
