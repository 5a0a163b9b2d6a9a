"""What the stacks make of a pattern of suites: who may publish there, and what ages."""

from __future__ import annotations

from typing import Any

import pytest
from debpress.errors import ConfigError
from debpress.layout import Layout

from tests.support.templates import Deployment, permissions, synthesise
from tests.unit.test_stacks import _over as over
from tests.unit.test_stacks_roles import BUILDKITE, GITHUB, STABLE, _ci, read, role_grants

OF_PULLS = {
    "suites": [
        {**STABLE, "suite": "stable"},
        {**STABLE, "suite": "pr-*"},
    ]
}
REAPER = "FunctionsReapRole"
PULLS = "repo:my-org@123/web@456:pull_request"


def pulls(**fields: Any) -> dict[str, Any]:
    return _ci(**{"subjects": [PULLS], "publishes": ["pr-*/main"], **fields})


@pytest.fixture(scope="module")
def deployed() -> Deployment:
    tagged = {"provider": "buildkite", "subjects": [BUILDKITE], "suite_tag": "build_branch"}
    both = [*pulls()["ci"], *pulls(name="Branches", **tagged)["ci"]]
    return synthesise(nag=True, debpress=OF_PULLS, roles={"ci": both})


@pytest.fixture(scope="module")
def of_pulls(deployed: Deployment) -> list[str]:
    return role_grants(deployed)


def test_cdk_nag_has_nothing_to_say(deployed: Deployment) -> None:
    assert deployed.findings == frozenset()


def places(of_pulls: list[str], role: str) -> list[str]:
    """What a role may do in suites, without its name and the bucket's."""
    lines = [line.split(" | ") for line in of_pulls]
    found = [(verb, on) for who, verb, on, *_ in lines if who == role and "main" in on]
    return [f"{verb} {on.removeprefix('<StorageBucket>/')}" for verb, on in found]


def trusts(of_pulls: list[str], role: str) -> list[str]:
    return [line for line in of_pulls if line.startswith(f"{role} | sts:")]


def test_a_role_for_pull_requests_publishes_to_suites_of_a_pattern_alone(
    of_pulls: list[str],
) -> None:
    assert places(of_pulls, "RolesCiWeb") == [
        "s3:AbortMultipartUpload staging/pr-*/main/*",
        "s3:GetObject results/pr-*/main/*",
        "s3:ListBucket <StorageBucket> if {StringLike: {s3:prefix: staging/pr-*/main/*}}",
        "s3:PutObject staging/pr-*/main/*",
    ]
    [trust] = trusts(of_pulls, "RolesCiWeb")
    assert f"{GITHUB}:sub: {PULLS}" in trust


def test_a_tag_that_the_token_brings_names_the_suite(of_pulls: list[str]) -> None:
    suite = "pr-${aws:PrincipalTag/build_branch}"
    assert places(of_pulls, "RolesCiBranches") == [
        f"s3:AbortMultipartUpload staging/{suite}/main/*",
        f"s3:GetObject results/{suite}/main/*",
        f"s3:ListBucket <StorageBucket> if {{StringLike: {{s3:prefix: staging/{suite}/main/*}}}}",
        f"s3:PutObject staging/{suite}/main/*",
    ]
    found = trusts(of_pulls, "RolesCiBranches")
    assert {line.split(" | ")[1] for line in found} == {
        *("sts:AssumeRoleWithWebIdentity", "sts:TagSession")
    }
    for line in found:
        assert f"agent.buildkite.com:sub: {BUILDKITE}" in line
        assert "aws:RequestTag/build_branch: ?*" in line
        assert "StringNotLike: {aws:RequestTag/build_branch: */*}" in line


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"publishes": ["pr-*/main", "stable/main"]}, "anybody's code"),
        ({"publishes": ["stable/main"]}, "anybody's code"),
        ({"subjects": ["repo:my-org@123/*:pull_request"]}, "wildcard"),
        ({"subjects": ["repo:*/web:pull_request"]}, "wildcard"),
        ({"subjects": ["repo:my-org/web:*"]}, "wildcard"),
        ({"subjects": ["*"]}, "every repository there is"),
        ({"subjects": ["repo:my-org@123/web:pull_request"]}, "fits no token"),
    ],
)
def test_no_other_role_is_for_pull_requests_and_none_for_those_of_many(
    fields: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(debpress=OF_PULLS, roles=pulls(**fields))
    assert str(caught.value).startswith("roles.ci[0].subjects[0]:") and why in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"suite_tag": "build_branch"},  # GitHub's
        {"provider": "gitlab", "subjects": ["a:b"], "suite_tag": "a b"},
        {"provider": "gitlab", "subjects": ["a:b"], "suite_tag": "a}"},
        {"provider": "gitlab", "subjects": ["a:b"], "suite_tag": "t", "publishes": ["stable/main"]},
    ],
)
def test_a_tag_that_can_name_no_suite_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^roles\.ci\[0\]\.suite_tag:"):
        read(debpress=OF_PULLS, roles=pulls(**fields))


def test_the_reaper_hides_what_there_is_of_suites_that_end_and_nothing_else(
    deployed: Deployment,
) -> None:
    found = (line.split(" | ") for line in permissions(deployed))
    hidden = {on for who, verb, on, *_ in found if (who, verb) == (REAPER, "s3:DeleteObject")}
    assert f"<StorageBucket>/{Layout().inrelease('pr-*')}" in hidden
    assert all("/pr-*" in on for on in hidden)


def test_of_suites_that_come_later_replaced_state_goes_and_nothing_else_ages(
    deployed: Deployment,
) -> None:
    """No prefix finds the notes of their runs; the reaper takes them with the suite."""
    rules = deployed.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    generation = Layout.generation("pr-17", "00000001-abc")
    for key in (Layout.run("pr-17", "run", "plan.json"), generation, Layout.living("pr-*")):
        found = over(rules, key)
        assert not [rule for rule in found if "ExpirationInDays" in rule], key
        [replaced] = [rule for rule in found if "NoncurrentVersionExpiration" in rule]
        assert replaced["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
        assert replaced["ExpiredObjectDeleteMarker"] is True
    [staged] = [r for r in over(rules, "staging/pr-17/main/b/x.deb") if "ExpirationInDays" in r]
    assert staged["ExpirationInDays"] == 7
    outputs = deployed.press.data["Outputs"]
    assert outputs["Suites"]["Value"] == "stable"
    assert outputs["SuitePatterns"]["Value"] == "pr-*"
