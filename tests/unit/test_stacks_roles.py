"""Roles for CI, operators and hosts: what they may do, as reviewed, and who may have them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from debpress.errors import ConfigError

from stacks import looking, settings
from stacks.kept import Kept
from stacks.roles import Roles
from tests.support.templates import ROOT, Template, context, permissions, readable, synthesise

REVIEWED = Path(__file__).with_name("permissions-roles.txt")
ADMIN = "arn:aws:iam::111122223333:role/admin"
GITHUB = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"
KEY = "arn:aws:kms:eu-central-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"

STABLE = {"components": ["main"], "architectures": ["amd64"], "origin": "Tests"}
ROLES: dict[str, list[dict[str, Any]]] = {
    "ci": [
        {
            "name": "Web",
            "subjects": [
                "repo:my-org@123/web@456:ref:refs/heads/main",
                "repo:my-org@123/web@456:environment:prod",
            ],
            "publishes": ["stable/main"],
        },
        {
            "name": "Tools",
            "provider": "gitlab",
            "subjects": ["project_path:group/tools:ref_type:tag:ref:v*"],
            "publishes": ["testing/main", "testing/extra"],
        },
    ],
    "operators": [
        {"name": "All", "principals": [ADMIN]},
        {"name": "Few", "principals": [ADMIN], "changes": ["stable/main"]},
    ],
    "hosts": [
        {"name": "Fleet"},
        {"name": "Others", "principals": ["arn:aws:iam::444455556666:root"]},
    ],
}


def read(**overrides: Any) -> settings.Settings:
    return settings.read(cdk.App(context=context(**overrides)).node)


def role_grants(template: Template) -> list[str]:
    return [line for line in permissions(template) if line.startswith("Roles")]


def test_the_roles_may_do_what_was_reviewed() -> None:
    found = role_grants(synthesise(roles=ROLES))
    assert REVIEWED.read_text("utf-8").splitlines() == found, "\n".join(found)


def test_the_policy_in_the_page_for_ci_is_the_role_s() -> None:
    """docs/ci.md shows it to who makes the role otherwise."""
    page = (ROOT / "docs/ci.md").read_text("utf-8")
    [text] = re.findall(r'```json\n(\{[^`]*"Sid": "Upload"[^`]*\})\n```', page)
    text = text.replace("arn:aws:s3:::my-packages", "<StorageBucket>").replace("bookworm", "stable")
    shown = set()
    for statement in json.loads(text)["Statement"]:
        actions, effect = statement["Action"], statement["Effect"]
        for action in [actions] if isinstance(actions, str) else actions:
            condition = (
                f" if {readable(statement['Condition'])}" if "Condition" in statement else ""
            )
            shown.add((effect, action, statement["Resource"] + condition))
    found = [line.split(" | ") for line in role_grants(synthesise(roles=ROLES))]
    has = {
        ("Deny" if verb.startswith("DENY") else "Allow", verb.removeprefix("DENY "), resource)
        for role, verb, resource in found
        if role == "RolesCiWeb" and "sts:" not in verb
    }
    assert shown == has


def test_a_role_has_the_same_name_in_a_press_that_is_deployed_again() -> None:
    """Pipelines name it, and profiles."""
    found = synthesise(roles=ROLES).resources("AWS::IAM::Role").values()
    names = {readable(each["RoleName"]) for each in found if "RoleName" in each}
    region = "<AWS::Region>"
    assert {f"debpress-ci-Web-{region}", f"debpress-operators-All-{region}"} <= names
    assert f"debpress-hosts-Fleet-{region}" in names


def test_a_name_that_iam_would_not_take_is_refused() -> None:
    press, name = "p" * 32, "N" * 13
    assert read(name=press, roles=_ci(name=name)).roles.ci[0].name == name
    with pytest.raises(ConfigError, match=r"roles\.ci\[0\]\.name: .* at most 13 characters beside"):
        read(name=press, roles=_ci(name=f"{name}N"))


def test_an_operators_policy_fits_into_iam_whatever_is_configured() -> None:
    """A role's inline policies have 10,240 characters together, blanks not counted (IAM user guide,
    "IAM and AWS STS quotas")."""
    repository = {"suites": [{**STABLE, "suite": f"s{n}", "valid_for": 7} for n in range(25)]}
    roles = {"operators": ROLES["operators"][:1]}
    found = synthesise(debpress=repository, roles=roles, replica={"region": "eu-west-1"})
    [document] = [
        policy["PolicyDocument"]
        for name, policy in found.resources("AWS::IAM::Policy").items()
        if name.startswith("RolesOperators")
    ]
    assert len(json.dumps(_filled_in(document), separators=(",", ":"))) < 10_240


def _filled_in(value: Any) -> Any:
    """With names as long as CloudFormation and AWS make them."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_filled_in(part) for part in parts)
        case {"Ref": name} if name.startswith("AWS::"):
            return {"AWS::Region": "ap-northeast-1", "AWS::AccountId": "1" * 12}.get(name, "aws")
        case {"Ref": _}:
            return "debpress-press-" + "_" * 24 + "-" + "_" * 12
        case {"Fn::GetAtt": _} | {"Fn::ImportValue": _}:
            return "arn:aws:scheduler:ap-northeast-1:111122223333:schedule/default/" + "_" * 64
        case dict():
            return {name: _filled_in(each) for name, each in value.items()}
        case list():
            return [_filled_in(each) for each in value]
    return value


def test_without_configuration_there_are_none() -> None:
    assert role_grants(synthesise()) == []


@pytest.mark.parametrize("encryption", ["s3", "kms", KEY])
def test_cdk_nag_and_cfn_lint_accept_them(encryption: str) -> None:
    found = synthesise(nag=True, roles=ROLES, encryption=encryption)
    assert found.findings == frozenset()


def test_outputs_name_each_role_and_an_instance_s_profile() -> None:
    outputs = synthesise(roles=ROLES).data["Outputs"]
    assert {
        *("CiRoleWeb", "CiRoleTools", "OperatorsRoleAll", "OperatorsRoleFew"),
        *("HostsRoleFleet", "HostsProfileFleet", "HostsRoleOthers"),
    } <= set(outputs)
    assert "HostsProfileOthers" not in outputs


def test_a_provider_is_made_once_or_is_the_one_that_is_named() -> None:
    twice = {**ROLES, "ci": [ROLES["ci"][0], {**ROLES["ci"][0], "name": "Again"}]}
    made = synthesise(roles=twice).one("AWS::IAM::OIDCProvider")
    assert made == {"Url": f"https://{GITHUB}", "ClientIdList": ["sts.amazonaws.com"]}
    named = synthesise(roles={**twice, "providers": {"github": {"arn": PROVIDER}}})
    assert not named.resources("AWS::IAM::OIDCProvider")
    trusts = [line for line in role_grants(named) if "WebIdentity" in line]
    assert trusts and all(PROVIDER in line for line in trusts)


def test_a_gitlab_of_one_s_own() -> None:
    own = {"gitlab": {"issuer": "gitlab.example.org", "audience": "https://gitlab.example.org"}}
    found = role_grants(synthesise(roles={**ROLES, "providers": own}))
    [trust] = [line for line in found if "WebIdentity" in line and "CiTools" in line]
    assert "gitlab.example.org:aud: https://gitlab.example.org" in trust
    assert "gitlab.example.org:sub: project_path:group/tools" in trust


@pytest.mark.parametrize(
    "subject",
    [
        "repo:my-org/*:ref:refs/heads/main",
        "repo:my-org/web:ref:refs/tags/v*",
        "repo:my-org/web:environment:prod-*",
        "repository_id:12345:ref:refs/heads/main",
        "repo:my-org@123/web@456:ref:refs/heads/main",
        "repo:my-org@123/web@456:environment:a@b",
        "repo:my-org/web:ref:refs/heads/a@b",
        "repo:my-org@123/*:ref:refs/heads/main",
        "repo:my-org@123/web@*:ref:refs/tags/v*",
    ],
)
def test_subjects_that_name_their_owner_are_taken(subject: str) -> None:
    [ci] = read(roles=_ci(subjects=[subject])).roles.ci
    assert ci.subjects == (subject,) and ci.has_wildcards == ("*" in subject)


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        ("*", "every repository there is"),
        ("**", "every repository there is"),
        ("repo:*", "wildcard"),
        ("repo:my-*/web:ref:refs/heads/main", "wildcard"),
        ("repo:my-org*", "wildcard"),
        ("*:ref:refs/heads/main", "wildcard"),
        ("repo:my-org/web:*", "wildcard"),
        ("repo:my-org/web:p*", "wildcard"),
        ("repo:my-org/*", "wildcard"),
        ("repo:my-org/web:pull_reques?", "wildcard"),
        ("repo:my-org/web:ref:refs/pull/*", "wildcard"),
        ("repo:my-org/web:pull_request", "anybody's code"),
        ("repo:my-org@123/web@456:pull_request", "anybody's code"),
        # Whoever takes the name, with an id of their own.
        ("repo:my-org@*/web@*:ref:refs/heads/main", "another owner"),
        ("repo:my-org@12?/web@456:ref:refs/heads/main", "another owner"),
        ("repo:my-org*/web@456:ref:refs/heads/main", "another owner"),
        # What no token has.
        ("repo:my-org@123/web:ref:refs/heads/main", "fits no token"),
        ("repo:my-org/web@456:ref:refs/heads/main", "fits no token"),
        ("repo:my-org@/web@456:ref:refs/heads/main", "fits no token"),
        ("repo:my-org@x1/web@456:environment:prod", "fits no token"),
    ],
)
def test_subjects_that_trust_strangers_are_refused(subject: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(roles=_ci(subjects=[subject]))
    assert str(caught.value).startswith("roles.ci[0].subjects[0]:") and why in str(caught.value)


BUILDKITE = "organization:my-org:pipeline:web:ref:refs/heads/*:commit:*:step:*"


@pytest.mark.parametrize(
    ("subject", "taken"),
    [
        (BUILDKITE, True),
        ("organization:my-org:pipeline:*:ref:refs/heads/main:commit:*:step:*", True),
        ("organization:my-*:pipeline:web:ref:refs/heads/main:commit:*:step:*", False),
        ("organization:my-org:*", False),
        ("organization:my-org:pipeline:web:*", False),
    ],
)
def test_subjects_of_buildkite(subject: str, taken: bool) -> None:
    roles = _ci(provider="buildkite", subjects=[subject])
    if taken:
        assert read(roles=roles).roles.ci[0].provider.issuer == "agent.buildkite.com"
    else:
        with pytest.raises(ConfigError, match="wildcard"):
            read(roles=roles)


def test_a_subject_of_names_alone_is_taken_with_a_warning() -> None:
    old = "repo:my-org/web:ref:refs/heads/main"
    new = "repo:my-org@123/web@456:ref:refs/heads/main"
    [ci] = read(roles=_ci(subjects=[old, new, "repo:my-org/*:environment:prod"])).roles.ci
    assert ci.recyclable == (old, "repo:my-org/*:environment:prod")
    # GitHub Enterprise Server has no ids in its tokens.
    own = {"providers": {"github": {"issuer": "github.example.org/_services/token"}}}
    [ci] = read(roles={**_ci(subjects=[old]), **own}).roles.ci
    assert ci.recyclable == ()

    app = cdk.App(context=context(roles=_ci(subjects=[old, new])))
    stack = cdk.Stack(app, "Roles")
    bucket = cdk.aws_s3.Bucket(stack, "Bucket")
    found = settings.read(app.node)
    Roles(stack, "Made", found, Kept(bucket, None, None))
    [warning] = assertions.Annotations.from_stack(stack).find_warning(
        "*", assertions.Match.any_value()
    )
    assert old in str(warning.entry.data) and new not in str(warning.entry.data)


def _ci(**fields: Any) -> dict[str, Any]:
    return {"ci": [{**ROLES["ci"][0], **fields}]}


@pytest.mark.parametrize(
    ("roles", "named"),
    [
        ([], "roles"),
        ({"readers": []}, "roles.readers"),
        ({"ci": {}}, "roles.ci"),
        ({"ci": ["x"]}, "roles.ci[0]"),
        (_ci(name="a-b"), "roles.ci[0].name"),
        (_ci(name=None), "roles.ci[0].name"),
        (_ci(provider="jenkins"), "roles.ci[0].provider"),
        (_ci(subjects=[]), "roles.ci[0].subjects"),
        (_ci(subjects=["a b"]), "roles.ci[0].subjects[0]"),
        (_ci(publishes=[]), "roles.ci[0].publishes"),
        (_ci(publishes=["stable"]), "roles.ci[0].publishes[0]"),
        (_ci(publishes=["stable/other"]), "roles.ci[0].publishes[0]"),
        (_ci(publishes=["*/main"]), "roles.ci[0].publishes[0]"),
        (_ci(batches=1), "roles.ci[0].batches"),
        ({"ci": [*_ci()["ci"], *_ci(name="wEB")["ci"]]}, "roles.ci[1].name"),
        ({"providers": {"jenkins": {}}}, "roles.providers.jenkins"),
        ({"providers": {"github": {"arn": "arn:x"}}}, "roles.providers.github.arn"),
        ({"providers": {"gitlab": {"arn": PROVIDER}}}, "roles.providers.gitlab.arn"),
        ({"providers": {"gitlab": {"issuer": "https://x"}}}, "roles.providers.gitlab.issuer"),
        ({"providers": {"github": {"audience": "*"}}}, "roles.providers.github.audience"),
        ({"operators": [{"name": "O"}]}, "roles.operators[0].principals"),
        ({"operators": [{"name": "O", "principals": ["*"]}]}, "roles.operators[0].principals[0]"),
        ({"hosts": [{"name": "H", "principals": ["*"]}]}, "roles.hosts[0].principals[0]"),
        ({"hosts": [{"name": "H", "suites": []}]}, "roles.hosts[0].suites"),
    ],
)
def test_what_is_wrong_is_named(roles: Any, named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(roles=roles)
    assert str(caught.value).startswith(f"{named}:")


# Encryption at rest


@pytest.mark.parametrize("encryption", ["kms", KEY])
def test_a_key_of_kms_encrypts_the_bucket_and_is_asked_seldom(encryption: str) -> None:
    found = synthesise(encryption=encryption)
    bucket = found.one("AWS::S3::Bucket")
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["BucketKeyEnabled"] is True
    keys = found.resources("AWS::KMS::Key")
    made = {name: key for name, key in keys.items() if name.startswith("Encryption")}
    assert len(made) == (encryption == "kms")
    for name, key in made.items():
        assert key["EnableKeyRotation"] is True
        assert found.data["Resources"][name]["DeletionPolicy"] == "RetainExceptOnCreate"
    aliases = {each["AliasName"] for each in found.resources("AWS::KMS::Alias").values()}
    wanted = {"alias/debpress-signing"} | ({"alias/debpress-bucket"} if made else set())
    assert aliases == wanted


@pytest.mark.parametrize("encryption", ["kms", KEY])
def test_who_reads_may_decrypt_who_writes_may_encrypt_and_nobody_else(encryption: str) -> None:
    """Through S3, for this bucket alone; and the key changes nothing else in the table."""
    before = set(permissions(synthesise(roles=ROLES)))
    after = set(permissions(synthesise(roles=ROLES, encryption=encryption)))
    assert before <= after
    looked = {f" | {action} | " for action in looking.OF_KEYS}  # of that key as of any other
    added = {
        line
        for line in after - before
        if not line.startswith("policy of EncryptionKey")
        and not any(action in line for action in looked)
    }
    rights = {(line.split(" | ")[0], line.split(" | ")[1]) for line in added}
    parts = [line.split(" | ") for line in before if not line.startswith("policy of")]
    reads = {part[0] for part in parts if part[1].startswith("s3:GetObject")}
    writes = {part[0] for part in parts if part[1] == "s3:PutObject"}
    assert rights == (
        {(role, "kms:Decrypt") for role in reads | writes}
        | {(role, "kms:GenerateDataKey") for role in writes}
    )
    key = "<EncryptionKey>" if encryption == "kms" else KEY
    condition = (
        "{StringEquals: {kms:ViaService: s3.<AWS::Region>.<AWS::URLSuffix>}; StringLike: "
        "{kms:EncryptionContext:aws:s3:arn: <StorageBucket>, <StorageBucket>/*}}"
    )
    assert all(line.endswith(f"| {key} if {condition}") for line in added)


def test_readers_by_role_may_decrypt_by_the_key_s_own_policy() -> None:
    found = permissions(synthesise(encryption="kms", readers={"role_arns": [ADMIN]}))
    [line] = [each for each in found if "EncryptionKey" in each and ADMIN in each]
    assert line.startswith("policy of EncryptionKey | kms:Decrypt |") and "kms:ViaService" in line


def test_a_key_and_hosts_without_credentials_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match=r"^readers\.vpc_endpoints: .*without credentials"):
        read(encryption="kms", readers={"vpc_endpoints": ["vpce-01"]})


@pytest.mark.parametrize("encryption", ["none", "aws:kms", "alias/mine", KEY + "/x"])
def test_an_encryption_that_is_none_is_named(encryption: str) -> None:
    with pytest.raises(ConfigError, match=r"^encryption:"):
        read(encryption=encryption)


def test_operators_may_ask_all_that_doctor_asks_and_the_page_says_so() -> None:
    """Each question names its permission, in a call of `asked` or beside one."""
    adapters = ROOT / "layers/debpress/python/debpress/adapters"
    sources = [adapters / name for name in ("deployed.py", "bucket_settings.py")]
    text = "".join(file.read_text("utf-8") for file in sources)
    asked = set(re.findall(r'"([a-z0-9]+:[A-Z][A-Za-z]+)"', text))
    assert len(asked) > 15
    page = (ROOT / "docs/operators.md").read_text("utf-8")
    assert {each for each in asked if f"`{each}`" not in page} == set()
    lines = role_grants(synthesise(roles=ROLES))
    allowed = {line.split(" | ")[1] for line in lines if line.startswith("RolesOperatorsAll | ")}
    assert asked - allowed == set()
