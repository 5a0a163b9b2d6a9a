"""Real apt and dpkg judge the same control files as we do, and must agree.

Of some hundred random ones, what we take must leave apt without a word: in an index beside a good
package, and on a host that has it installed. What we reject must be refused by dpkg, or make apt
complain or install it for ever, but for the exceptions that docs/compatibility.md names.
DEBPRESS_SOAK tries so many thousands more, from other seeds.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from debpress.deb import Package, inspect, stanza
from debpress.deb import control as control_file
from debpress.errors import Refusal, RejectedError
from debpress.index.versions import canonical

from tests.support.apt_judges import Apt, placed, refused_by_dpkg
from tests.support.control_mutants import mutants
from tests.support.debs import Bytes, control, deb

MISSING = [name for name in ("apt-get", "dpkg") if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"NOT VERIFIED: no {', '.join(MISSING)} here")

COUNT = 300
SOAK = int(os.environ.get("DEBPRESS_SOAK", "0"))
SEEDS = [11, *range(100, 100 + 3 * SOAK)]

# One of each kind that decision 0029 names.
_SAID: tuple[dict[str, str], ...] = (
    {"Source": "Its_Source"},
    {"Revision": "2"},
    {"Class": "optional"},
    {"Important": "maybe"},
    {"Multi_Arch": "Foreign"},
    {"SHA256": "a" * 64},
    {"Phased_Update_Percentage": "101"},
    {"Provides": "x (>= 1)"},
    {"Depends": "good (>= 00:1)"},
)
LIVED_WITH = (
    *(control(Package=f"lived-with-{number}", **said) for number, said in enumerate(_SAID)),
    control(Package="Upper"),
    control(Package="under_score"),
)

PAGE = Path(__file__).resolve().parents[2] / "docs/compatibility.md"


@dataclass(frozen=True)
class Verdict:
    """What we say of one control file."""

    text: bytes
    package: Package | None
    refusals: tuple[Refusal, ...] = ()

    @property
    def stanza(self) -> bytes:
        """What is published, or would have been had we taken it."""
        package = self.package or _as_it_is(self.text)
        return _stanza(package) if package else placed(self.text)

    @property
    def says(self) -> str:
        return "; ".join(refusal.message for refusal in self.refusals)


def judged(text: bytes, *, as_published: bool = False) -> Verdict:
    data = deb(text, control_form="", data_form="")
    try:
        found = inspect("x.deb", Bytes(data), len(data), as_published=as_published)
        return Verdict(text, found)
    except RejectedError as error:
        return Verdict(text, None, error.refusals)


def _as_it_is(text: bytes) -> Package | None:
    said: list[str] = []
    fields = control_file.parse(text, lambda _, message: said.append(message))
    by_name = {name.lower(): value.decode("latin-1") for name, value in fields}
    if said or "package" not in by_name:
        return None
    return Package(by_name["package"], "", "", "", fields)


def _stanza(package: Package) -> bytes:
    return stanza(package, filename="pool/x.deb", size=1, sha256="a" * 64)


def exceptions() -> dict[tuple[str, str], str]:
    """Code and words of what we reject although not all judges complain, as the page lists them;
    with which apt does."""
    _, _, section = PAGE.read_text("utf-8").partition("\n## apt\n")
    section, _, _ = section.partition("\n## ")
    rows = re.findall(r"^\| `([a-z-]+)` \| `([^`]+)` \| ([^|]+) \|", section, re.MULTILINE)
    return {(code, words): who for code, words, who in rows}


def complains(who: str, version: str) -> bool:
    """Whether an apt of this version is among those of the page's third column."""
    if who == "none":
        return False
    bound, _, other = who.partition(" ")
    return (canonical(version) < canonical(other)) == {"before": True, "from": False}[bound]


def excepted(refusals: Iterable[Refusal]) -> list[tuple[str, str]]:
    return [
        (code, words)
        for code, words in exceptions()
        if any(each.code == code and words in each.message for each in refusals)
    ]


@pytest.fixture
def apt(tmp_path: Path) -> Apt:
    return Apt(tmp_path / "apt")


@pytest.mark.parametrize("seed", SEEDS)
def test_apt_has_no_word_to_say_of_what_we_take(tmp_path: Path, apt: Apt, seed: int) -> None:
    verdicts = [judged(text) for _, text in mutants(seed, COUNT)]
    taken = {v.package.package: v for v in verdicts if v.package}
    assert len(taken) > COUNT / 5
    assert apt.complaints(*(v.stanza for v in taken.values())) == []
    here = {
        name: v.text
        for name, v in taken.items()
        if v.package and v.package.architecture in ("all", "amd64")
    }
    packages = {f"{name}.deb": deb(text, control_form="") for name, text in here.items()}
    assert refused_by_dpkg(tmp_path / "dpkg", packages) == {}
    said, again = apt.after_installing(here)
    assert said == []
    assert {name: here[name].decode() for name in again} == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_taken_as_it_is_published_hosts_can_live_with(
    tmp_path: Path, apt: Apt, seed: int
) -> None:
    """It is more than a new package may have; dpkg unpacks it all the same, and apt goes on, with a
    warning at most, though it is in the index and installed."""
    texts = [*LIVED_WITH, *(text for _, text in mutants(seed, COUNT) if judged(text).refusals)]
    taken = [v for v in (judged(text, as_published=True) for text in texts) if v.package]
    assert len(taken) >= len(LIVED_WITH)
    packages = {f"{n}.deb": deb(v.text, control_form="") for n, v in enumerate(taken)}
    assert refused_by_dpkg(tmp_path / "dpkg", packages) == {}
    said = apt.complaints(*(v.stanza for v in taken))
    here = {v.package.package: v.text for v in taken if v.package}
    said += apt.after_installing(here)[0]
    assert [line for line in said if not line.startswith("W:")] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_what_we_reject_no_host_could_live_with(tmp_path: Path, apt: Apt, seed: int) -> None:
    verdicts = {name: judged(text) for name, text in mutants(seed, COUNT)}
    rejected = {name: v for name, v in verdicts.items() if v.refusals}
    assert len(rejected) > COUNT / 5
    packages = {f"{name}.deb": deb(v.text, control_form="") for name, v in rejected.items()}
    refused = refused_by_dpkg(tmp_path / "dpkg", packages)
    left = {name: v for name, v in rejected.items() if f"{name}.deb" not in refused}
    assert left
    fine = {
        v.text.decode(): v.says
        for name, v in left.items()
        if not excepted(v.refusals) and apt_lives_with(apt, name, v)
    }
    assert fine == {}


def apt_lives_with(apt: Apt, name: str, verdict: Verdict) -> bool:
    if apt.complaints(verdict.stanza):
        return False
    said, again = apt.after_installing({name: verdict.text})
    return not said and not again


HEAD = "Package: x\nVersion: 1\nArchitecture: all\n"


def one(*lines: str, head: str = HEAD) -> bytes:
    return (head + "".join(f"{line}\n" for line in lines)).encode()


# Code and words of the page's exceptions, with what they are about.
EXAMPLES = {
    ("control-malformed", "holds the control character"): one("X-Note: \x1b[0m", "Section: x"),
    ("control-malformed", "has a line that starts with #"): one("#Section: x", "Section: x"),
    ("control-malformed", "ends with the empty field"): one("Section:", ""),
    ("control-malformed", "has more than 1000 fields"): one(*(f"X-{n}: x" for n in range(998))),
    ("control-malformed", "its Section is"): one(f"Section: {'s' * 300}"),
    ("control-malformed", "its SHA256 is"): one("SHA256: 0", "Section: x"),
    ("control-malformed", "its Description-md5 is"): one("Description-md5: zz", "Section: x"),
    ("name-malformed", "its Package is"): HEAD.replace("x", "a_b").encode(),
    ("name-malformed", "its Source is"): one("Source: Other", "Section: x"),
    ("name-malformed", "make a file name of"): HEAD.replace("1", "1" * 254).encode(),
    ("relation-malformed", "characters) where a package"): one(f"Depends: {'q' * 300}"),
    ("relation-malformed", "apt would refuse the whole index for it"): one("Depends: good (=1)"),
}


def test_each_exception_of_the_page_is_one(tmp_path: Path, apt: Apt) -> None:
    listed = exceptions()
    assert set(listed) == set(EXAMPLES)
    version = subprocess.run(["apt-get", "--version"], check=True, capture_output=True, text=True)
    ours = version.stdout.split()[1]
    for number, ((code, words), text) in enumerate(EXAMPLES.items()):
        verdict = judged(text)
        assert excepted(verdict.refusals) == [(code, words)], verdict.says
        packages = {"x.deb": deb(text, control_form="")}
        assert refused_by_dpkg(tmp_path / f"dpkg-{number}", packages) == {}
        name = "a_b" if b"a_b" in text else "x"
        expected = complains(listed[code, words], ours)
        assert apt_lives_with(apt, name, verdict) is not expected, words


def complained(apt: Apt, text: bytes) -> Iterator[str]:
    """All that apt says of a control file that dpkg would install, before and after."""
    verdict = judged(text)
    yield from apt.complaints(verdict.stanza)
    said, again = apt.after_installing({"x": text})
    yield from said
    yield from (f"{name} is installed again" for name in again)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Multi-Arch: Foreign", "Unknown Multi-Arch type"),
        ("Provides: v (>= 1)", "non-equal Provides"),
        ("Depends: good (>= 01:1.0)", "x is installed again"),
        ("Breaks: other (<< 00:1)", "x is installed again"),
        ("Conflicts: good (= 10:1), a, b (<< 01:2)", "x is installed again"),
        ("Phased-Update-Percentage: 101", "invalid Phased-Update-Percentage"),
    ],
)
def test_apt_complains_of(apt: Apt, line: str, says: str) -> None:
    text = one(line, "Description: x")
    assert judged(text).refusals
    assert says in "\n".join(complained(apt, text))


@pytest.mark.parametrize(
    "line",
    [
        "Multi-Arch: foreign", "Provides: v (= 1)", "Provides: v (= 01:1)", "Provides:",
        "Depends: good (>= 1:1.0)", "Depends: good (>= 0:1.0)", "Recommends: good (>= 01:1.0)",
        "Depends: good (= 1)", "Depends: good (1), other", "Depends: good (1.0)",
        "Checksum-FileSize: 7", "SHA512: 0", "Filename: evil", "Phased-Update-Percentage: 10",
    ],
)  # fmt: skip
def test_apt_is_silent_of(apt: Apt, line: str) -> None:
    text = one(line, "Description: x")
    assert not judged(text).refusals
    assert list(complained(apt, text)) == []


def test_the_largest_control_file_that_we_take_hosts_can_read(apt: Apt) -> None:
    """apt reads a stanza whole, up to 1 MiB, and for a longer one it gives up the index."""
    head = "".join(f"{line}\n" for line in (HEAD.strip(), "Maintainer: m", "Description: x"))
    largest = (head + " " + "x" * (10**6 - len(head) - 2) + "\n").encode()
    assert len(largest) == 10**6
    assert apt.complaints(judged(largest).stanza) == []
    too_large = largest[:-1] + b"x" * 2**16 + b"\n"
    assert [each.code for each in judged(too_large).refusals] == ["control-too-large"]
    assert "Unable to parse" in "\n".join(apt.complaints(judged(too_large).stanza))
