"""Suites that come by being published to, as `cdk.json` describes them."""

from __future__ import annotations

from typing import Any

import pytest
from debpress import config
from debpress.config import Life
from debpress.errors import ConfigError

STABLE = {"suite": "stable", "architectures": ["amd64"]}
OF_PULLS = {"suite": "pr-*", "architectures": ["amd64"], "ttl_days": 3, "at_most": 5}


def parse(*suites: dict[str, Any]) -> config.Repository:
    return config.parse({"suites": list(suites)})


def test_a_name_that_fits_is_a_suite_of_its_own() -> None:
    repository = parse(STABLE, OF_PULLS)
    found = repository.suite("pr-17")
    assert found is not None
    assert (found.suite, found.codename, found.description) == ("pr-17", "pr-17", "debpress pr-17")
    assert found.life == Life("pr-*", ttl_days=3, at_most=5)
    assert [each.suite for each in repository.suites] == ["stable"]


@pytest.mark.parametrize("name", ["pr-", "pr-*", "pr-/x", "PR-1", "p", "stable-1", "pr-é"])
def test_what_does_not_fit_is_none(name: str) -> None:
    assert parse(STABLE, OF_PULLS).suite(name) is None


def test_what_is_configured_is_found_by_the_pattern_and_by_a_name() -> None:
    repository = parse(STABLE, OF_PULLS)
    assert repository.configured("pr-*") == repository.configured("pr-9") == repository.patterns[0]


def test_functions_read_what_the_stacks_were_given() -> None:
    repository = parse(STABLE, OF_PULLS)
    assert [each.suite for each in repository.described] == ["stable", "pr-*"]
    assert not repository.verifies
    assert config.parse(config.as_json(repository)) == repository


def test_an_uploader_of_a_pattern_is_one_of_its_suites() -> None:
    team = {"name": "team", "packages": ["a*"], "publishes": ["pr-*/main"]}
    repository = config.parse({"suites": [STABLE, OF_PULLS], "uploaders": [team]})
    assert list(repository.uploaders_of("pr-17", "main")) == ["team"]
    assert not repository.uploaders_of("stable", "main")


@pytest.mark.parametrize(
    ("suites", "said"),
    [
        ([OF_PULLS], "suites: has patterns alone; add"),
        ([STABLE, {**OF_PULLS, "suite": "s*"}], "suites[1].suite: 'snapshots' is where"),
        ([STABLE, {**OF_PULLS, "suite": "*"}], "suites[1].suite: '*' does not fit"),
        ([STABLE, {**OF_PULLS, "suite": "pr-*-x"}], "suites[1].suite: 'pr-*-x' does not fit"),
        ([STABLE, OF_PULLS, OF_PULLS], "suites[2].suite: 'pr-*' is configured twice"),
        ([OF_PULLS, {**STABLE, "suite": "pr-1"}], "'pr-1' and 'pr-*' could be of the same suite"),
        ([{**STABLE, "suite": "pr-1"}, OF_PULLS], "'pr-*' and 'pr-1' could be of the same suite"),
        ([OF_PULLS, {**OF_PULLS, "suite": "p*"}], "'p*' and 'pr-*' could be of the same suite"),
        ([STABLE, {**OF_PULLS, "codename": "x"}], "suites[1].codename: leave it out"),
        ([STABLE, {**OF_PULLS, "valid_for": 30}], "suites[1].valid_for: leave it out"),
        ([{**STABLE, "ttl_days": 3}], "suites[0].ttl_days: is for patterns as 'pr-*'"),
        ([{**STABLE, "at_most": 3}], "suites[0].at_most: is for patterns as 'pr-*'"),
        ([STABLE, {**OF_PULLS, "at_most": -1}], "suites[1].at_most: must be 0 to 1000"),
    ],
)
def test_what_could_mean_two_things_is_refused(suites: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(*suites)
    assert said in str(error.value)
