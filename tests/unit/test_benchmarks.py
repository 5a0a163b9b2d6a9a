"""The table of bars and the page of a month's cost are what their scripts make of the figures."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import Any

import pytest
from debpress import metrics

from benchmarks import bill, cost, peers, report
from benchmarks.bars import BARS, Bar, Figures, Verdict
from local import tools


@pytest.fixture(scope="module")
def latest() -> dict[str, Any]:
    return dict(json.loads(report.LATEST.read_text("utf-8")))


def test_the_page_of_a_month_s_cost_is_what_the_script_writes(latest: dict[str, Any]) -> None:
    assert cost.PAGE.read_text("utf-8") == cost.page(latest)


def test_the_page_of_performance_has_the_latest_table(latest: dict[str, Any]) -> None:
    assert report.section(latest) in report.PERFORMANCE.read_text("utf-8")


def test_the_table_has_the_bars_of_today(latest: dict[str, Any]) -> None:
    assert {bar.name: bar.must for bar in BARS} == {
        name: found["must"] for name, found in latest["bars"].items()
    }


def test_each_metric_is_in_the_reckoning() -> None:
    assert bill.SAID.keys() | bill.SELDOM == metrics.METRICS.keys()
    assert not bill.SAID.keys() & bill.SELDOM


BAR = Bar("it", "it", "s", 10, 5)
FAST = replace(BAR, most=True, must=5, aim=10)


@pytest.mark.parametrize(
    ("bar", "measured", "verdict"),
    [
        (BAR, 5, Verdict.AIM),
        (BAR, 10, Verdict.MUST),
        (BAR, 10.1, Verdict.MISSED),
        (BAR, None, Verdict.NOT_MEASURED),
        (FAST, 10, Verdict.AIM),
        (FAST, 5, Verdict.MUST),
        (FAST, 4.9, Verdict.MISSED),
    ],
)
def test_a_must_is_met_missed_or_not_measured(
    bar: Bar, measured: float | None, verdict: Verdict
) -> None:
    assert bar.verdict(measured) is verdict


def test_an_aim_may_be_a_peer_s_figure() -> None:
    bar = replace(BAR, aim=None)
    assert bar.verdict(7) is Verdict.MUST
    assert bar.verdict(7, aim=8) is Verdict.AIM


def test_what_was_not_measured_fails_the_run() -> None:
    figures = Figures({bar.name: bar.must for bar in BARS})
    assert not figures.failed
    del figures.measured["large"]
    assert figures.failed == ["10 more into 500,000, open to finish"]


def test_a_peer_that_can_t_be_had_is_named_loudly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tools, "ensure", lambda _: "as root: apt-get install aptly")
    monkeypatch.setattr(shutil, "which", lambda command: None if command == "aptly" else command)
    assert peers.installed() == ["reprepro", "apt-ftparchive"]
    assert "NOT MEASURED beside aptly" in capsys.readouterr().err
