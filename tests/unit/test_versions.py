"""Versions by what they mean, and law 4 by it."""

from __future__ import annotations

import shutil
import subprocess
from itertools import combinations

import pytest
from debpress.index.versions import canonical
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.press import Press, deb

SAME = [
    ("1.0", "0:1.0", "1.0-0", "00:1.0", "1.00", "01.0", "1.0-00", "0:01.00-0"),
    ("1.0-1", "0:1.0-1", "1.0-01", "1.00-01"),
    ("1:2-3-0", "1:2-3-00", "01:02-3-0"),
    ("1a", "1a0", "1a00-0"),
    ("1.", "1.0"),
    ("0", "0-0", "00", "0:0"),
    ("1~", "1~0"),
]  # fmt: skip
OTHERS = ["1.0", "1.0-0.0", "1:1.0", "1.0-a", "1.0~", "1.0-1", "1.0-0-1", "1.0.", "1.0a", "1.0-~"]


@pytest.mark.parametrize("spellings", SAME, ids=lambda all_: all_[0])
def test_spellings_of_one_version_mean_the_same(spellings: tuple[str, ...]) -> None:
    assert len({canonical(each) for each in spellings}) == 1


def test_other_versions_do_not() -> None:
    assert len({canonical(each) for each in OTHERS}) == len(OTHERS)


_TEXT = st.text("0019a.~+-:", max_size=6).map(lambda text: "1" + text)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="NOT VERIFIED against dpkg: it isn't here")
def test_dpkg_agrees() -> None:
    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(_TEXT, st.sampled_from(["", "0:", "0", "-0", "~"]), st.booleans())
    def check(one: str, more: str, before: bool) -> None:
        other = more + one if before else one + more
        valid = ["dpkg", "--validate-version"]
        tried = [
            subprocess.run([*valid, v], check=False, capture_output=True) for v in (one, other)
        ]
        if any(each.returncode for each in tried):
            return
        told = subprocess.run(["dpkg", "--compare-versions", one, "eq", other], check=False)
        assert (canonical(one) == canonical(other)) == (told.returncode == 0), (one, other)

    check()
    for group in [*SAME, tuple(OTHERS)]:
        for one, other in combinations(group, 2):
            told = subprocess.run(["dpkg", "--compare-versions", one, "eq", other], check=False)
            assert (canonical(one) == canonical(other)) == (told.returncode == 0), (one, other)


def codes(press: Press, batch: str) -> list[str]:
    return [each["code"] for each in press.result(batch)["errors"]]


def test_a_version_in_another_spelling_is_refused_in_the_suite(press: Press) -> None:
    assert press.publish(press.upload("a", {"a.deb": deb("foo", "1.0")})) == "published"
    for number, other in enumerate(("0:1.0", "1.0-0", "1.00")):
        event = press.upload(f"b{number}", {"b.deb": deb("foo", other)}, component="extra")
        assert press.publish(event) == "rejected"
        [error] = press.result(f"b{number}", component="extra")["errors"]
        assert error["code"] == "version-reused" and "to dpkg" in error["message"]
    assert press.publish(press.upload("a2", {"a.deb": deb("foo", "1.0")})) == "published"
    assert press.publish(press.upload("c", {"c.deb": deb("foo", "1.0-1")})) == "published"
    assert {i.version for i in press.packages()} == {"1.0", "1.0-1"}


def test_a_version_in_two_spellings_is_refused_in_one_batch(press: Press) -> None:
    event = press.upload("a", {"a.deb": deb("foo", "1.0"), "b.deb": deb("foo", "0:1.0")})
    assert press.publish(event) == "rejected"
    assert codes(press, "a") == ["version-reused"]


def test_a_version_in_another_spelling_is_not_copied(press: Press) -> None:
    press.publish(press.upload("a", {"a.deb": deb("foo", "1.0")}))
    press.publish(press.upload("a", {"a.deb": deb("foo", "1.0-0")}, suite="testing"))
    copy = {"op": "copy", "from": {"suite": "testing", "component": "main"}, "packages": ["foo"]}
    assert press.publish(press.operate("c", copy)) == "rejected"
    assert codes(press, "c") == ["version-reused"]
