"""What `debpress proof` says of what it saw, and the packages that it publishes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from debpress.commands.packages import examine
from debpress.index.release import Release
from debpress.proof import packages
from debpress.proof.verdicts import Outcome, Refusal, guard, of_aws, rising
from debpress.store import Head, Object

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
HELD, BROKEN, UNTRIED = Outcome


def published(dated: int, put: int) -> tuple[Object, Release]:
    """A release by the seconds of its Date and of its put."""
    head = Head("InRelease", f"etag-{put}", 1, NOW + timedelta(seconds=put))
    date = NOW + timedelta(seconds=dated)
    return Object(head, b""), Release("o", "l", "s", "c", date, (), (), "d", {})


class TestLawsOfTime:
    def said(self, *releases: tuple[int, int]) -> list[Outcome]:
        return [each.outcome for each in rising([published(*each) for each in releases])]

    def test_both_rise(self) -> None:
        assert self.said((0, 1), (2, 3), (3, 4)) == [HELD, HELD]

    def test_a_date_that_stands_still_or_is_ahead(self) -> None:
        assert self.said((0, 1), (0, 3)) == [BROKEN, HELD]
        assert self.said((0, 1), (9, 3)) == [BROKEN, HELD]

    def test_two_puts_in_one_second(self) -> None:
        assert self.said((0, 3), (1, 3)) == [HELD, BROKEN]


class TestGuards:
    DENY = Refusal(True, "not authorized ... with an explicit deny in a resource-based policy")

    def test_a_statement_that_denies_holds(self) -> None:
        found = guard("c", self.DENY, aws=True)
        assert (found.outcome, found.detail) == (HELD, "denied by a policy's own statement")

    def test_a_role_that_may_not_anyway_says_so(self) -> None:
        found = guard("c", replace(self.DENY, reason="no identity-based policy allows"), aws=True)
        assert found.outcome is HELD and "as an administrator" in found.detail

    @pytest.mark.parametrize("found", [Refusal(False), Refusal(False, "PreconditionFailed")])
    def test_what_nothing_refuses_does_not_hold(self, found: Refusal) -> None:
        assert guard("c", found, aws=True).outcome is BROKEN
        assert guard("c", found, aws=False).outcome is UNTRIED


def test_what_another_s_s3_lacks_says_nothing_of_aws() -> None:
    assert of_aws("c", False, "d", aws=True).outcome is BROKEN
    assert of_aws("c", False, "d", aws=False).outcome is UNTRIED
    assert of_aws("c", True, "d", aws=False).outcome is HELD


class TestPackages:
    def test_a_small_one_is_taken(self, tmp_path: Path) -> None:
        [found], refusals = examine([packages.small(tmp_path, "1", NOW)])
        assert not refusals and found.identity == (packages.NAME, "1", "all")

    @pytest.mark.parametrize("size", [100_000, 9_000_000, 9_000_511])
    def test_a_large_one_is_taken_and_is_no_larger_than_asked(
        self, tmp_path: Path, size: int
    ) -> None:
        [found], refusals = examine([packages.large(tmp_path, "2", NOW, size)])
        assert not refusals and found.identity == (packages.NAME, "2", "all")
        assert size - 512 < found.size <= size

    def test_one_of_gigabytes_takes_no_room_here(self, tmp_path: Path) -> None:
        stat = packages.large(tmp_path, "3", NOW, 5 * 10**9).stat()
        assert stat.st_size > 5 * 10**9 - 512 and stat.st_blocks * 512 < 10**6

    def test_each_proof_has_its_own_versions(self) -> None:
        later = NOW + timedelta(seconds=1)
        made = [packages.version(NOW, 1), packages.version(NOW, 2), packages.version(later, 1)]
        assert made == sorted(set(made))
        assert all(re.fullmatch(r"[0-9]{8}\.[0-9]{6}\.[0-9]", each) for each in made)

    def test_the_same_bytes_every_time(self, tmp_path: Path) -> None:
        digests = set()
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir()
            file = packages.small(tmp_path / folder, "1", NOW)
            digests.add(hashlib.sha256(file.read_bytes()).hexdigest())
        assert len(digests) == 1
