"""What apt says of two suites, and what is made of it: with words that apt has said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from debpress.adapters.places import FolderPlace
from debpress.index.entries import Identity
from debpress.signing import Signers
from debpress.source import answers, comparison, suite
from debpress.source.answers import Answer
from debpress.source.comparison import Comparison
from debpress.source.suite import SourceSuite

from tests.support.press import debs
from tests.support.published import Certificates, Published

UNIVERSE = b"""\
Request: EDSP 0.5
Architecture: amd64
Upgrade-All: yes

Package: app
Architecture: amd64
Version: 0.10
APT-ID: 0
Multi-Arch: foreign
Source: app
APT-Release:
 o=Lab,a=stable,n=stable,l=Lab,c=main,b=amd64
APT-Pin: 500
APT-Candidate: yes
Depends: libx (= 1:1.0~rc1), tool | other

Package: app
Architecture: amd64
Version: 0.9
APT-ID: 1
APT-Pin: 500

"""
UNMET = """\
Package app version 0.10 has an unmet dep:
 Depends: tool | other
 Depends: libx (= 1:1.0~rc1)
Package app version 0.9 has an unmet dep:
 Depends: libnone
"""
APP, OLD = Identity("app", "0.10", "amd64"), Identity("app", "0.9", "amd64")


def test_what_a_resolver_is_told() -> None:
    assert answers.resolved(UNIVERSE) == {
        APP: {
            "Multi-Arch": "foreign",
            "APT-Pin": "500",
            "Depends": "libx (= 1:1.0~rc1), tool | other",
        },
        OLD: {"APT-Pin": "500"},
    }


def test_what_nothing_satisfies() -> None:
    assert set(answers.unmet(UNMET)) == {
        ("app", "0.10", "Depends: tool | other"),
        ("app", "0.10", "Depends: libx (= 1:1.0~rc1)"),
        ("app", "0.9", "Depends: libnone"),
    }


def test_candidates_are_those_of_the_host() -> None:
    """Which has, of a flat repository, also read what is for others."""
    said = b"Package: app\nVersion: 1\nArchitecture: arm64\n\n"
    said += b"Package: app\nVersion: 2\nArchitecture: amd64\n\nPackage: b\nArchitecture: all\n\n"
    found = answers.candidates(said, "amd64")
    assert {name: each.field("Version") for name, each in found.items()} == {"app": "2", "b": ""}


@dataclass
class Said:
    """A `Judge` who says this of every architecture but a variant."""

    theirs: Answer
    ours: Answer
    name: str = "apt 1"

    def answers(self, architecture: str) -> tuple[Answer, Answer] | None:
        return None if architecture == "amd64v3" else (self.theirs, self.ours)


class TestJudged:
    @pytest.fixture
    def there(self, signers: Signers, tmp_path: Path) -> SourceSuite:
        made = Published(tmp_path, signers)
        made.architectures = ["amd64", "amd64v3"]
        for name, body in debs(("app", "0.10", "amd64"), ("app", "0.9", "amd64")).items():
            made.add(name, body)
        made.publish()
        return suite.opened(FolderPlace(tmp_path), "stable", Certificates(signers))

    @pytest.fixture
    def answer(self, there: SourceSuite) -> Answer:
        """As apt would say it."""
        [newest] = comparison.candidates(there.stanzas("main", "amd64")).values()
        return Answer({"app": newest}, {APP: {"APT-Pin": "500"}, OLD: {"APT-Pin": "500"}})

    def judged(self, there: SourceSuite, theirs: Answer, ours: Answer) -> Comparison:
        """The suite beside itself."""
        return comparison.compare(there, there, ["main"], ["amd64", "amd64v3"], Said(theirs, ours))

    def told(self, there: SourceSuite, theirs: Answer, ours: Answer) -> list[tuple[str, str]]:
        found = self.judged(there, theirs, ours)
        assert found.disagreements == []
        return [(each.about, each.what) for each in found.differences]

    def test_a_variant_is_not(self, there: SourceSuite, answer: Answer) -> None:
        found = self.judged(there, answer, answer)
        assert found.unasked == ["amd64v3"]
        assert (found.differences, found.disagreements) == ([], [])

    def test_for_hosts_of_which_a_release_says_nothing(
        self, there: SourceSuite, answer: Answer
    ) -> None:
        """apt reads an index for every host then."""
        fields = {k: v for k, v in there.release.fields.items() if k != "Architectures"}
        silent = replace(there, release=replace(there.release, fields=fields))
        found = comparison.compare(silent, there, ["main"], ["amd64"], Said(answer, answer))
        assert (found.candidates, found.differences, found.disagreements) == (1, [], [])

    def test_as_another_rank(self, there: SourceSuite, answer: Answer) -> None:
        other = replace(answer, resolved={APP: {"APT-Pin": "1"}, OLD: {"APT-Pin": "500"}})
        assert self.told(there, answer, other) == [
            ("app 0.10 (amd64)", "to apt APT-Pin is 500 there, 1 here")
        ]

    def test_as_other_relations(self, there: SourceSuite, answer: Answer) -> None:
        resolved = {APP: {"APT-Pin": "500", "Depends": "x"}, OLD: {"APT-Pin": "500"}}
        other = replace(answer, resolved=resolved, unmet=frozenset({("app", "0.10", "Depends: x")}))
        assert self.told(there, other, answer) == [
            ("app 0.10 (amd64)", "to apt Depends is x there, absent here"),
            ("app 0.10", "nothing satisfies `Depends: x` there"),
        ]

    def test_as_one_that_it_warns_of(self, there: SourceSuite, answer: Answer) -> None:
        other = replace(answer, warnings=frozenset({"Conflicting distribution: stable"}))
        assert self.told(there, answer, other) == [
            ("apt-get update", "warns here: Conflicting distribution: stable")
        ]
        assert self.told(there, other, other) == []

    def test_as_another_content_of_one_version(self, there: SourceSuite, answer: Answer) -> None:
        fields = {**answer.candidates["app"].fields, "SHA256": "f" * 64}
        other = replace(
            answer, candidates={"app": replace(answer.candidates["app"], fields=fields)}
        )
        [(about, what)] = self.told(there, answer, other)
        assert about == "app" and what.endswith(f"there, {'f' * 64} here")

    def test_by_names_in_lower_case(self, signers: Signers, tmp_path: Path) -> None:
        """In which apt tells them to a resolver. What differs of one is told once."""

        def side(version: str) -> tuple[SourceSuite, Answer]:
            made = Published(tmp_path / version, signers)
            made.architectures = ["amd64"]
            [(name, body)] = debs(("Foo", "1RC", "amd64")).items()
            said = f"X: {version}\nMaintainer".encode()
            made.altered[made.add(name, body)] = (b"Maintainer", said)
            made.publish()
            apts = Answer({}, {Identity("foo", "1RC", "amd64"): {"APT-Pin": version}})
            return suite.opened(FolderPlace(made.folder), "stable", Certificates(signers)), apts

        (there, old), (here, new) = side("1"), side("2")
        found = comparison.compare(there, here, ["main"], ["amd64"], Said(old, new))
        assert found.disagreements == []
        told = [(each.where, each.about, each.what) for each in found.differences]
        assert told == [("amd64", "Foo 1RC (amd64)", "X is 1 there, 2 here")]

    def test_otherwise_than_it_is_read_here(self, there: SourceSuite, answer: Answer) -> None:
        older = replace(answer.candidates["app"], fields={"Package": "app", "Version": "0.9"})
        other = replace(answer, candidates={"app": older}, resolved={APP: {}})
        found = self.judged(there, answer, other).disagreements
        assert [(each.about, each.what) for each in found] == [
            ("app 0.9 (amd64)", "debpress has it here, and apt does not"),
            ("app", "apt takes 0.9 here, and debpress 0.10"),
        ]


class TestFields:
    def told(self, there: dict[str, str], here: dict[str, str]) -> list[str]:
        sides = (suite.Stanza("main", each) for each in (there, here))
        return [what for what, _ in comparison._stanzas(Counter(), *sides)]

    def test_of_which_aptly_has_made_one_line(self) -> None:
        there = {"Tag": "a::b, c::d", "Build-Ids": "aa bb", "Description": "x\n  y  \n .\n z"}
        here = {"Tag": "a::b,\n c::d", "Build-Ids": "aa\n bb", "Description": "x \n  y\n .\n z"}
        assert self.told(there, here) == []

    def test_in_another_case(self) -> None:
        there = {"bugs": "mailto:a@b.c", "VENDOR": "none", "sha224": "1", "X-both": "1"}
        here = {"Bugs": "mailto:a@b.c", "SHA224": "2", "x-Both": "2"}
        assert self.told(there, here) == ["X-both is 1 there, 2 here"]

    def test_that_look_the_same(self) -> None:
        """In short, that is: what differs is shown then."""
        there = {"Description": "x\n  y", "X": "a" * 100 + "b"}
        here = {"Description": "x\n y", "X": "a" * 100 + "c"}
        assert self.told(there, here) == [
            r"Description is 'x\n  y' there, 'x\n y' here",
            f"X is ...'{'a' * 20}b' there, ...'{'a' * 20}c' here",
        ]
