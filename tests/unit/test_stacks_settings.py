"""An error in the configuration names the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from debpress import config
from debpress.errors import ConfigError

from stacks import settings
from tests.support.templates import context

SUITE = {"suite": "stable", "architectures": ["amd64"]}


def read(**overrides: Any) -> settings.Settings:
    return settings.read(cdk.App(context=context(**overrides)).node)


TOPIC = "arn:aws:sns:eu-central-1:111122223333:pager"


def suite(**fields: Any) -> dict[str, Any]:
    return {"suites": [{**SUITE, **fields}]}


def test_the_committed_configuration_is_one() -> None:
    found = read()
    assert found.architecture == "arm64" and found.tls_only
    assert found.repository == config.parse(config.as_json(found.repository))


def test_settings_may_come_from_the_command_line_as_text() -> None:
    found = read(
        prune_hour="5",
        tls_only="False",
        log_days="30",
        readers='{"vpc_endpoints": ["vpce-01"]}',
        alarm_topics=f'["{TOPIC}"]',
        event_topics=f'[{{"topic": "{TOPIC}"}}]',
        dashboard="False",
    )
    assert found.prune_hour == 5 and not found.tls_only
    assert found.readers.vpc_endpoints == ("vpce-01",)
    assert len(found.alarm_topics) == 1 and not found.dashboard
    assert found.event_topics[0].events == ("rejected", "failed")


def test_a_trust_root_is_looked_at_before_it_is_deployed(tmp_path: Path) -> None:
    file = tmp_path / "trusted_root.json"
    for text in (None, "{}", "no JSON", '{"mediaType": "a bundle"}'):
        if text is not None:
            file.write_text(text)
        with pytest.raises(ConfigError, match=r"^provenance_trust_root: "):
            read(provenance_trust_root=str(file))
    file.write_text('{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}')
    assert read(provenance_trust_root=str(file)).provenance_trust_root == file
    assert read().provenance_trust_root is None


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("debpress", None, "debpress"),
        ("debpress", [], "debpress"),
        ("debpress", "{", "debpress"),
        ("lambda_architecture", "riscv64", "lambda_architecture"),
        ("lambda_python", "3.9", "lambda_python"),
        ("lambda_python", 3.14, None),
        ("key_spec", "SYMMETRIC_DEFAULT", "key_spec"),
        ("prune_hour", 24, "prune_hour"),
        ("prune_hour", "noon", "prune_hour"),
        ("log_days", 31, "log_days"),
        ("tls_only", "perhaps", "tls_only"),
        ("readers", {"vpcs": []}, "readers.vpcs"),
        ("readers", {"vpc_endpoints": "vpce-01"}, "readers.vpc_endpoints"),
        ("readers", {"vpc_endpoints": ["vpc-01"]}, "readers.vpc_endpoints[0]"),
        ("readers", {"role_arns": ["*"]}, "readers.role_arns[0]"),
        ("readers", {"role_arns": ["arn:aws:iam::111122223333:role/*"]}, "readers.role_arns[0]"),
        ("alarm_topics", "[", "alarm_topics"),
        ("alarm_topics", ["pager"], "alarm_topics[0]"),
        ("event_topics", [{"topic": "pager"}], "event_topics[0].topic"),
        ("event_topics", [{"topic": TOPIC, "events": ["flipped"]}], "event_topics[0].events[0]"),
        ("event_topics", [{"topic": TOPIC, "event": []}], "event_topics[0].event"),
        ("dashboard", "perhaps", "dashboard"),
        ("docs_url", "docs/", "docs_url"),
    ],
)
def test_a_setting_that_is_wrong_is_named(key: str, value: Any, named: str | None) -> None:
    if named is None:
        read(**{key: value})
        return
    with pytest.raises(ConfigError) as caught:
        read(**{key: value})
    assert str(caught.value).startswith(f"{named}:")


@pytest.mark.parametrize(
    ("described", "named"),
    [
        ({}, "debpress.suites"),
        ({"suites": []}, "debpress.suites"),
        ({"suites": "stable"}, "debpress.suites"),
        ({"suites": [1]}, "debpress.suites[0]"),
        ({"suites": [SUITE, SUITE]}, "debpress.suites[1].suite"),
        ({"suites": [SUITE], "rot": "apt"}, "debpress.rot"),
        ({"suites": [SUITE], "root": "/apt"}, "debpress.root"),
        ({"suites": [SUITE], "root": "a//b"}, "debpress.root"),
        ({"suites": [SUITE], "root": "state/apt"}, "debpress.root"),
        ({"suites": [SUITE], "root": "staging"}, "debpress.root"),
        ({"suites": [SUITE], "signers": []}, "debpress.signers"),
        ({"suites": [SUITE], "signers": ["file:key"]}, "debpress.signers[0]"),
        ({"suites": [SUITE], "staging_days": 0}, "debpress.staging_days"),
        ({"suites": [SUITE], "grace_hours": True}, "debpress.grace_hours"),
        ({"suites": [SUITE], "max_package_bytes": 10**10}, "debpress.max_package_bytes"),
        ({"suites": [SUITE], "inspect_bytes": -1}, "debpress.inspect_bytes"),
        ({"suites": [SUITE], "inspect_bytes": "32 MB"}, "debpress.inspect_bytes"),
        (suite(suite="Stable"), "debpress.suites[0].suite"),
        (suite(suite=None), "debpress.suites[0].suite"),
        (suite(architectures=None), "debpress.suites[0].architectures"),
        (suite(architectures=["all"]), "debpress.suites[0].architectures"),
        (suite(components=["main", "main"]), "debpress.suites[0].components[1]"),
        (suite(origin=" x"), "debpress.suites[0].origin"),
        (suite(label="two\nlines"), "debpress.suites[0].label"),
        (suite(keep=0), "debpress.suites[0].keep"),
        (suite(keep_packages={"foo": "3"}), "debpress.suites[0].keep_packages.foo"),
        (suite(keep_days=0), "debpress.suites[0].keep_days"),
        (suite(keep=2, keep_at_least=3), "debpress.suites[0].keep_at_least"),
        (
            suite(keep_packages={"foo": {"keep": 2, "keep_at_least": 3}}),
            "debpress.suites[0].keep_packages.foo.keep_at_least",
        ),
        (suite(keep_packages={"foo": {"days": 3}}), "debpress.suites[0].keep_packages.foo.days"),
        (suite(protected=["foo 1"]), "debpress.suites[0].protected[0]"),
        (suite(prune_share=2), "debpress.suites[0].prune_share"),
        (suite(colour="red"), "debpress.suites[0].colour"),
    ],
)
def test_a_fault_in_the_repository_is_named(described: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(debpress=described)
    assert str(caught.value).startswith(f"{named}:")
