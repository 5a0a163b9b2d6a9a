"""The page's function as its template says it. That it is not there where no page is wanted, the
reviewed permissions say (test_permissions.py)."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from debpress.layout import Layout
from debpress.page import POLICY

from stacks import settings
from tests.support.templates import ROOT, Deployment, context, permissions, readable, synthesise

PAGE = {**context()["debpress"], "page": {"title": "Packages of Example"}}


@pytest.fixture(scope="module")
def stacks() -> Deployment:
    return synthesise(nag=True, debpress=PAGE, delivery={})


def test_its_role_reads_what_was_released_and_writes_pages_alone(stacks: Deployment) -> None:
    found = [line.split(" | ")[1:] for line in permissions(stacks) if "FunctionsPageRole |" in line]
    bucket = "<StorageBucket>"
    pages = ("apt/index.html", "apt/index.json", "apt/packages/*", Layout.page_state())
    reads = (
        *("apt/dists/*/InRelease", "apt/dists/*/by-hash/SHA256/*", "apt/key.gpg"),
        "state/*/generations/*",
    )
    assert {on for verb, on in found if verb == "s3:PutObject"} == {f"{bucket}/{k}" for k in pages}
    assert {on for verb, on in found if verb == "s3:GetObject"} == {
        f"{bucket}/{key}" for key in (*pages, *reads)
    }
    others = {verb for verb, _ in found} - {"s3:PutObject", "s3:GetObject"}
    assert others <= {
        *("s3:ListBucket", "logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"),
        *("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
        *("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sts:AssumeRole"),
    }, others


def test_each_flip_calls_it_and_what_fails_is_kept(stacks: Deployment) -> None:
    rules = stacks.press.resources("AWS::Events::Rule")
    (rule,) = (each for name, each in rules.items() if name.startswith("PageFlips"))
    assert rule["EventPattern"]["detail"]["object"]["key"] == [
        *({"wildcard": "apt/dists/*/InRelease"}, "apt/key.gpg", "state/_setup.json"),
    ]
    (target,) = rule["Targets"]
    assert readable(target["Arn"]).startswith("<FunctionsPage")
    assert readable(target["DeadLetterConfig"]["Arn"]) == "<TriggerLostEvents>"
    calls = stacks.press.resources("AWS::Lambda::EventInvokeConfig").items()
    (asked,) = (each for name, each in calls if name.startswith("FunctionsPage"))
    assert asked["MaximumRetryAttempts"] == 2
    lost = asked["DestinationConfig"]["OnFailure"]["Destination"]
    assert readable(lost) == "<TriggerLostEvents>"
    assert "`page`" in (ROOT / "docs/runbook.md").read_text("utf-8").partition("## Lost events")[2]


def test_it_knows_where_hosts_find_the_root_and_the_output_says_it(stacks: Deployment) -> None:
    functions = stacks.press.resources("AWS::Lambda::Function")
    (made,) = (each for name, each in functions.items() if name.startswith("FunctionsPage"))
    outputs = stacks.press.data["Outputs"]
    uri = outputs["Uri"]["Value"]
    assert made["Environment"]["Variables"]["DEBPRESS_URI"] == uri
    assert readable(outputs["Page"]["Value"]) == f"{readable(uri)}/index.html"


def test_the_distribution_shows_it_by_a_strict_policy(stacks: Deployment) -> None:
    assert stacks.delivery is not None
    config: dict[str, Any] = stacks.delivery.one("AWS::CloudFront::Distribution")
    config = config["DistributionConfig"]
    assert config["DefaultRootObject"] == "index.html"
    found = {each["PathPattern"]: each for each in config["CacheBehaviors"]}
    assert {"index.html", "index.json", "packages/*"} < set(found)
    assert found["packages/*"]["Compress"] and not found["pool/*"]["Compress"]
    headers = stacks.delivery.one("AWS::CloudFront::ResponseHeadersPolicy")
    security = headers["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert security["ContentSecurityPolicy"]["ContentSecurityPolicy"] == POLICY
    assert "unsafe" not in POLICY and "http" not in POLICY


def test_the_page_knows_that_hosts_need_a_token() -> None:
    paged = {**context()["debpress"], "page": {}}
    for tokens, needed in (("prepare", False), ("ask", True)):
        app = cdk.App(context=context(debpress=paged, delivery={"tokens": tokens}))
        page = settings.read(app.node).repository.page
        assert page is not None and page.token is needed


def test_nag_finds_nothing_that_is_not_meant(stacks: Deployment) -> None:
    assert stacks.findings == frozenset()
