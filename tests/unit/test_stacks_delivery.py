"""The distribution in front of the bucket, as its template says it; no emulator has one."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
import pytest
from debpress.errors import ConfigError
from debpress.layout import Layout

from stacks import door, settings
from stacks.delivery import DeliveryStack
from stacks.names import Names
from stacks.repository import AptRepository
from tests.support.templates import (
    ROOT,
    Deployment,
    Template,
    context,
    permissions,
    readable,
    synthesise,
)

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef"
DOMAIN = "packages.example.org"
ZONE = "Z0123456789ABC"
ID = "E2QWRUHAPOMQZL"
FULL = {
    "domain": DOMAIN,
    "certificate": CERTIFICATE,
    "hosted_zone": ZONE,
    "logs": {"bucket": "example-logs", "prefix": "packages/"},
    "distribution": ID,
    "tokens": "ask",
}
EVERY = "arn:<AWS::Partition>:cloudfront::<AWS::AccountId>:distribution/"


@pytest.fixture(scope="module")
def bare() -> Deployment:
    """As it is deployed first, and by no domain."""
    return synthesise(nag=True, delivery={})


@pytest.fixture(scope="module")
def full() -> Deployment:
    operators = [{"name": "Team", "principals": ["arn:aws:iam::111122223333:role/admin"]}]
    return synthesise(nag=True, delivery=FULL, encryption="kms", roles={"operators": operators})


def delivered(stacks: Deployment) -> Template:
    assert stacks.delivery is not None
    return stacks.delivery


def distribution(stacks: Deployment) -> dict[str, Any]:
    config = delivered(stacks).one("AWS::CloudFront::Distribution")["DistributionConfig"]
    assert isinstance(config, dict)
    return config


def statement(document: dict[str, Any], sid: str) -> dict[str, Any]:
    (found,) = (each for each in document["Statement"] if each.get("Sid") == sid)
    return dict(found)


# The bucket lets it in


def test_it_reads_the_root_and_nothing_else(full: Deployment) -> None:
    policy = full.archive.one("AWS::S3::BucketPolicy")["PolicyDocument"]
    reads = statement(policy, "HostsByCloudFront")
    assert reads["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert reads["Action"] == "s3:GetObject"
    assert readable(reads["Resource"]).endswith("/apt/*")
    assert readable(reads["Condition"]["StringEquals"]["aws:SourceArn"]) == EVERY + ID
    blocked = full.archive.one("AWS::S3::Bucket")["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}


def test_until_its_id_is_known_any_distribution_of_the_account_reads(bare: Deployment) -> None:
    policy = bare.archive.one("AWS::S3::BucketPolicy")["PolicyDocument"]
    for sid in ("HostsByCloudFront", "CloudFrontSees404"):
        found = statement(policy, sid)["Condition"]
        assert readable(found["ArnLike"]["aws:SourceArn"]) == f"{EVERY}*"


def test_what_is_not_there_answers_404_and_nobody_gets_a_list(full: Deployment) -> None:
    policy = full.archive.one("AWS::S3::BucketPolicy")["PolicyDocument"]
    lists = statement(policy, "CloudFrontSees404")
    assert lists["Action"] == "s3:ListBucket"
    assert readable(lists["Condition"]["StringEquals"]["aws:SourceArn"]) == EVERY + ID
    config = distribution(full)
    # A list is what a bucket answers to `/`, and by parameters of the query.
    (origin,) = config["Origins"]
    assert origin["OriginPath"] == "/apt"
    for policy in delivered(full).resources("AWS::CloudFront::CachePolicy").values():
        given = policy["CachePolicyConfig"]["ParametersInCacheKeyAndForwardedToOrigin"]
        assert given["QueryStringsConfig"] == {"QueryStringBehavior": "none"}
    assert "OriginRequestPolicyId" not in json.dumps(config)
    assert "DefaultRootObject" not in config
    # Nor is a 403 that is one made a 404, which would take a page to answer with.
    assert config["CustomErrorResponses"] == [
        {"ErrorCode": 403, "ErrorCachingMinTTL": 0},
        {"ErrorCode": 404, "ErrorCachingMinTTL": 0},
    ]


def test_the_key_of_kms_lets_it_decrypt(full: Deployment, bare: Deployment) -> None:
    policies = [each["KeyPolicy"] for each in full.archive.resources("AWS::KMS::Key").values()]
    (policy,) = (each for each in policies if "HostsByCloudFront" in json.dumps(each))
    found = statement(policy, "HostsByCloudFront")
    assert found["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert found["Action"] == "kms:Decrypt"
    assert readable(found["Condition"]["StringEquals"]["aws:SourceArn"]) == EVERY + ID
    others = bare.archive.resources("AWS::KMS::Key").values()
    assert "cloudfront" not in json.dumps([each["KeyPolicy"] for each in others])


def test_it_signs_what_it_asks_of_the_bucket_s_own_address(full: Deployment) -> None:
    """A website's endpoint would take no signature."""
    access = delivered(full).one("AWS::CloudFront::OriginAccessControl")
    config = access["OriginAccessControlConfig"]
    assert config["OriginAccessControlOriginType"] == "s3"
    assert (config["SigningBehavior"], config["SigningProtocol"]) == ("always", "sigv4")
    (origin,) = distribution(full)["Origins"]
    assert readable(origin["DomainName"]).endswith(".s3.<AWS::Region>.<AWS::URLSuffix>")
    assert origin["S3OriginConfig"] == {"OriginAccessIdentity": ""}
    assert "Access.Id" in readable(origin["OriginAccessControlId"])


# What it keeps


LAYOUT = Layout()
POOL = LAYOUT.pool("pool/main/g/g++/0123456789abcdef/g++_1.deb")
BY_HASH = LAYOUT.by_hash("stable", "main/binary-amd64/Packages", "0" * 64)
SCRIPT = LAYOUT.script("stable", "main/binary-amd64/Packages", "T-1-F-2.gz")


@pytest.mark.parametrize(
    ("key", "cache"),
    [
        (POOL, "immutable"),
        (BY_HASH, "immutable"),
        (LAYOUT.by_hash("snapshots/20261123T010203Z-5f0c9a1e/stable", "main/x", "0"), "immutable"),
        (SCRIPT, "immutable"),
        (LAYOUT.inrelease("stable"), "fresh"),
        (LAYOUT.release("stable"), "fresh"),
        (LAYOUT.dist("stable", "main/binary-amd64/Packages.xz"), "fresh"),
        (LAYOUT.dist("stable", "main/binary-amd64/Packages.diff/Index"), "fresh"),
        (LAYOUT.dist("pool", "main/binary-amd64/Packages.xz"), "fresh"),
        (LAYOUT.sources("stable"), "fresh"),
        (LAYOUT.setup_script, "fresh"),
        (LAYOUT.key_gpg, "fresh"),
    ],
)
def test_what_is_named_by_its_content_is_kept_for_a_year_and_nothing_else(
    bare: Deployment, key: str, cache: str
) -> None:
    config = distribution(bare)
    path = key.removeprefix(f"{LAYOUT.root}/")
    over = [
        each for each in config["CacheBehaviors"] if fnmatch.fnmatchcase(path, each["PathPattern"])
    ]
    found = (over or [config["DefaultCacheBehavior"]])[0]
    policies = delivered(bare).resources("AWS::CloudFront::CachePolicy")
    policy = policies[found["CachePolicyId"]["Fn::GetAtt"][0]]["CachePolicyConfig"]
    times = tuple(policy[name] for name in ("MinTTL", "DefaultTTL", "MaxTTL"))
    year = 365 * 24 * 3600
    # With a least time of 0 an object's own no-cache holds.
    assert times == {"immutable": (0, year, year), "fresh": (0, 0, 60)}[cache]


def test_a_cache_has_one_answer_for_all_and_leaves_its_bytes_alone(bare: Deployment) -> None:
    config = distribution(bare)
    for each in (config["DefaultCacheBehavior"], *config["CacheBehaviors"]):
        assert each["Compress"] is False
        assert each["AllowedMethods"] == each["CachedMethods"] == ["GET", "HEAD"]
        assert each["ViewerProtocolPolicy"] == "redirect-to-https"
        assert each["ResponseHeadersPolicyId"]
    for policy in delivered(bare).resources("AWS::CloudFront::CachePolicy").values():
        given = policy["CachePolicyConfig"]["ParametersInCacheKeyAndForwardedToOrigin"]
        assert given["HeadersConfig"] == {"HeaderBehavior": "none"}
        assert given["CookiesConfig"] == {"CookieBehavior": "none"}
        assert not given["EnableAcceptEncodingGzip"] and not given["EnableAcceptEncodingBrotli"]


def test_browsers_are_told_to_trust_nothing_in_it(bare: Deployment) -> None:
    policy = delivered(bare).one("AWS::CloudFront::ResponseHeadersPolicy")
    found = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert found["ContentSecurityPolicy"]["ContentSecurityPolicy"].startswith("default-src 'none'")
    assert found["ContentTypeOptions"] == {"Override": True}
    assert found["StrictTransportSecurity"]["AccessControlMaxAgeSec"] > 365 * 24 * 3600


# Whom it lets in


def test_operators_find_the_log_of_requests_and_read_it(full: Deployment) -> None:
    assert delivered(full).data["Outputs"]["AccessLogs"]["Value"] == "s3://example-logs/packages/"
    lines = [each for each in permissions(full) if each.startswith("RolesOperators")]
    logs = "arn:<AWS::Partition>:s3:::example-logs"
    assert {each.split(" | ", 1)[1] for each in lines if logs in each} == {
        f"s3:ListBucket | {logs} if {{StringLike: {{s3:prefix: packages/*}}}}",
        f"s3:GetObject | {logs}/packages/*",
    }
    assert [e for e in lines if "GetBucketLogging" in e]
    assert [e for e in lines if "DescribeStacks" in e and "stack/debpress-delivery/*" in e]


def test_with_tokens_the_door_is_asked_at_each_request(full: Deployment) -> None:
    stack = delivered(full)
    function = stack.one("AWS::CloudFront::Function")
    assert function["FunctionCode"] == door.code(LAYOUT)
    assert function["AutoPublish"] is True
    config = function["FunctionConfig"]
    # Key-value stores are for this runtime alone, and a function has one at most.
    assert config["Runtime"] == "cloudfront-js-2.0"
    ((store, _),) = stack.resources("AWS::CloudFront::KeyValueStore").items()
    arn = {"Fn::GetAtt": [store, "Arn"]}
    assert config["KeyValueStoreAssociations"] == [{"KeyValueStoreARN": arn}]
    ((name, _),) = stack.resources("AWS::CloudFront::Function").items()
    asked = {
        "EventType": "viewer-request",
        "FunctionARN": {"Fn::GetAtt": [name, "FunctionARN"]},
    }
    behaviours = distribution(full)
    for each in (behaviours["DefaultCacheBehavior"], *behaviours["CacheBehaviors"]):
        assert each["FunctionAssociations"] == [asked]
    outputs = stack.data["Outputs"]
    assert outputs["TokenStore"]["Value"] == arn
    assert outputs["Uri"]["Value"] == f"https://{DOMAIN}"


def test_tokens_are_prepared_before_anybody_is_asked(tmp_path: Any) -> None:
    """Else a distribution that hosts read through would refuse them all, until each has its token,
    and no token could be made before."""
    app = cdk.App(context=context(delivery={"tokens": "prepare"}), outdir=str(tmp_path))
    read = settings.read(app.node)
    assert read.delivery is not None
    DeliveryStack(app, read, read.delivery)
    stack = Template(app.synth().get_stack_by_name("debpress-delivery").template)
    assert stack.one("AWS::CloudFront::KeyValueStore") and stack.one("AWS::CloudFront::Function")
    assert "FunctionAssociations" not in json.dumps(stack.data["Resources"])
    assert "TokenStore" in stack.data["Outputs"]


def test_without_tokens_nobody_is_asked(bare: Deployment) -> None:
    stack = delivered(bare)
    assert not stack.resources("AWS::CloudFront::Function")
    assert not stack.resources("AWS::CloudFront::KeyValueStore")
    assert "FunctionAssociations" not in json.dumps(distribution(bare))
    assert set(stack.data["Outputs"]) == {"DistributionId", "DomainName", "Uri"}
    assert readable(stack.data["Outputs"]["Uri"]["Value"]).startswith("https://")


def test_its_names_are_no_longer_than_cloudfront_takes() -> None:
    """64 characters each, of the longest name of a press in the Region with the longest name."""
    names = Names("n" * 32)
    for what in ("tokens", "door"):
        name = names.delivery(what).replace(cdk.Aws.REGION, "ap-southeast-1")
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name)


# Where it is


def test_a_domain_with_its_certificate_and_records(full: Deployment) -> None:
    config = distribution(full)
    assert config["Aliases"] == [DOMAIN]
    assert config["ViewerCertificate"] == {
        "AcmCertificateArn": CERTIFICATE,
        "SslSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }
    assert (config["HttpVersion"], config["IPV6Enabled"]) == ("http2and3", True)
    records = delivered(full).resources("AWS::Route53::RecordSet").values()
    assert {each["Type"] for each in records} == {"A", "AAAA"}
    for each in records:
        assert (each["Name"], each["HostedZoneId"]) == (f"{DOMAIN}.", ZONE)
        assert "DomainName" in readable(each["AliasTarget"]["DNSName"])
    assert not delivered(full).resources("AWS::CertificateManager::Certificate")
    logs = config["Logging"]
    assert readable(logs["Bucket"]) == "example-logs.s3.<AWS::URLSuffix>"
    assert (logs["Prefix"], logs["IncludeCookies"]) == ("packages/", False)


def test_a_certificate_is_made_where_cloudfront_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDK_DEFAULT_REGION", "us-east-1")
    stacks = synthesise(delivery={"domain": DOMAIN, "hosted_zone": ZONE}, name="east")
    (name,) = delivered(stacks).resources("AWS::CertificateManager::Certificate")
    made = delivered(stacks).one("AWS::CertificateManager::Certificate")
    assert (made["DomainName"], made["ValidationMethod"]) == (DOMAIN, "DNS")
    assert made["DomainValidationOptions"] == [{"DomainName": DOMAIN, "HostedZoneId": ZONE}]
    certificate = distribution(stacks)["ViewerCertificate"]
    assert certificate["AcmCertificateArn"] == {"Ref": name}
    assert certificate["MinimumProtocolVersion"] == "TLSv1.2_2021"


def test_hosts_are_told_its_address(full: Deployment, bare: Deployment) -> None:
    assert full.press.data["Outputs"]["Uri"]["Value"] == f"https://{DOMAIN}"
    own = bare.press.data["Outputs"]["Uri"]["Value"]
    assert own == {
        "Fn::Join": ["", ["https://", {"Fn::ImportValue": "debpress-delivery-DomainName"}]]
    }
    (setup,) = bare.press.resources("Custom::DebpressRepository").values()
    assert setup["Uri"] == own
    (function,) = (
        each["Environment"]["Variables"]["DEBPRESS_URI"]
        for each in bare.press.resources("AWS::Lambda::Function").values()
        if "DEBPRESS_URI" in json.dumps(each)
    )
    assert function == own


def test_somebody_else_s_proxy_is_named_as_it_is() -> None:
    stacks = synthesise(public_uri="https://mirror.example.org/apt")
    assert stacks.press.data["Outputs"]["Uri"]["Value"] == "https://mirror.example.org/apt"
    assert stacks.delivery is None
    policy = json.dumps(stacks.archive.one("AWS::S3::BucketPolicy"))
    assert "cloudfront" not in policy


# The stack


def test_it_needs_the_archive_and_the_press_needs_it(bare: Deployment) -> None:
    manifest = json.loads((bare.files[0].parent / "manifest.json").read_text("utf-8"))
    needs = {
        name: set(each.get("dependencies", ()))
        for name, each in manifest["artifacts"].items()
        if each["type"] == "aws:cloudformation:stack"
    }
    own = {name: {need for need in found if need in needs} for name, found in needs.items()}
    assert own == {
        "debpress-archive": set(),
        "debpress-delivery": {"debpress-archive"},
        "debpress-press": {"debpress-archive", "debpress-delivery"},
    }
    assert "ImportValue" not in json.dumps(bare.archive.data)
    imported = re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(delivered(bare).data))
    assert set(imported) == {"debpress-archive-Bucket"}


def test_nothing_of_it_is_kept_or_called_as_another_press_s(bare: Deployment) -> None:
    other = synthesise(delivery={}, name="other")
    names = [_names(delivered(each).data) for each in (bare, other)]
    assert len(names[0]) == len(names[1]) == 4 and not names[0] & names[1]
    for name, each in delivered(bare).data["Resources"].items():
        assert each.get("DeletionPolicy", "Delete") == "Delete", name


def _names(data: Mapping[str, Any]) -> set[str]:
    configs = [
        value
        for each in data["Resources"].values()
        for value in each.get("Properties", {}).values()
        if isinstance(value, dict)
    ]
    return {readable(each["Name"]) for each in configs if "Name" in each}


def test_nag_finds_nothing_that_has_no_reason(full: Deployment, bare: Deployment) -> None:
    assert full.findings == bare.findings == frozenset()
    rules = [
        {rule for rule, path in stacks.acknowledged or {} if "delivery" in path}
        for stacks in (full, bare)
    ]
    assert {rule.rpartition("-")[2] for rule in rules[0]} == {"CFR1", "CFR2"}
    assert {rule.rpartition("-")[2] for rule in rules[1] - rules[0]} == {"CFR3", "CFR4"}


# Its settings


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ([], "delivery: "),
        ({"domains": []}, "delivery.domains"),
        ({"domain": "https://packages.example.org"}, "delivery.domain"),
        ({"domain": "localhost"}, "delivery.domain"),
        ({"domain": DOMAIN}, "delivery.certificate: a domain takes a certificate"),
        ({"certificate": CERTIFICATE}, "delivery.certificate: is a domain's"),
        ({"hosted_zone": ZONE}, "delivery.hosted_zone: is a domain's"),
        ({"domain": DOMAIN, "hosted_zone": "example.org"}, "delivery.hosted_zone"),
        (
            {"domain": DOMAIN, "certificate": CERTIFICATE.replace("us-east-1", "eu-central-1")},
            "delivery.certificate",
        ),
        ({"domain": DOMAIN, "hosted_zone": ZONE}, "these stacks are in eu-central-1"),
        ({"logs": {}}, "delivery.logs.bucket"),
        ({"logs": {"bucket": "logs", "prefix": "packages"}}, "delivery.logs.prefix"),
        ({"distribution": "d111111abcdef8.cloudfront.net"}, "delivery.distribution"),
        ({"tokens": "yes"}, "delivery.tokens"),
        ({"tokens": True}, "delivery.tokens"),
    ],
)
def test_a_setting_that_is_wrong_is_named(
    given: Any, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDK_DEFAULT_REGION", "eu-central-1")
    with pytest.raises(ConfigError) as raised:
        settings.read(cdk.App(context=context(delivery=given)).node)
    assert named in str(raised.value)


def test_the_page_s_example_is_one() -> None:
    page = (ROOT / "docs/deploy.md").read_text("utf-8")
    (example,) = re.findall(r'```json\n("delivery": .*?)```', page, re.S)
    found = settings.parse(context(**json.loads(f"{{{example}}}"))).delivery
    assert found is not None and found.domain == DOMAIN and found.logs is not None


def test_one_address_is_enough() -> None:
    node = cdk.App(context=context(delivery=FULL, public_uri="https://example.org/apt")).node
    with pytest.raises(ConfigError, match="public_uri: the address is delivery"):
        settings.read(node)
    with pytest.raises(ConfigError, match="public_uri"):
        settings.read(cdk.App(context=context(public_uri="packages.example.org")).node)


def test_a_region_that_nobody_told_is_not_taken_for_the_right_one() -> None:
    with pytest.raises(ConfigError, match="where these stacks go is unknown"):
        settings.parse(context(delivery={"domain": DOMAIN, "hosted_zone": ZONE}))


def test_within_an_application_it_is_the_application_s(tmp_path: Any) -> None:
    stack = cdk.Stack(cdk.App(outdir=str(tmp_path)), "theirs")
    with pytest.raises(ConfigError, match="delivery: is a stack of its own"):
        AptRepository(stack, "Apt", suites=[], delivery={})
