"""A foreign repository is read as apt reads it, and what is wrong with it is told by name."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from debian import deb822
from debpress.adapters.places import FolderPlace
from debpress.errors import SourceError, TransientError
from debpress.index.versions import Content
from debpress.signing import Signers
from debpress.source import plan, release, suite
from debpress.source.suite import SourceSuite

from tests.support.press import deb, quick_signers
from tests.support.published import Certificates, Published


@pytest.fixture
def there(tmp_path: Path, signers: Signers) -> Published:
    made = Published(tmp_path / "there", signers)
    made.add("a_1.0_amd64.deb", deb("a", "1.0", "amd64"))
    made.add("a_1.0_arm64.deb", deb("a", "1.0", "arm64"))
    made.add("b_2.0_all.deb", deb("b", "2.0", "all"))
    return made


def opened(there: Published, name: str = "stable") -> SourceSuite:
    return suite.opened(FolderPlace(there.folder), name, Certificates(there.signers))


def offered(there: Published, name: str = "stable") -> plan.Offer:
    found = opened(there, name)
    return plan.read(found, found.components, found.architectures, "main")


def identities(offer: plan.Offer) -> list[str]:
    return [str(each.identity) for each in offer.wanted]


WHOLE = ["a 1.0 (amd64)", "a 1.0 (arm64)", "b 2.0 (all)"]


@pytest.mark.parametrize("forms", [("",), (".gz",), (".xz",), ("", ".gz", ".xz")])
@pytest.mark.parametrize("detached", [False, True])
def test_indices_in_each_form_and_both_kinds_of_signature(
    there: Published, forms: tuple[str, ...], detached: bool
) -> None:
    there.forms, there.detached = forms, detached
    there.publish()
    offer = offered(there)
    assert (identities(offer), offer.problems) == (WHOLE, [])
    release = opened(there).release
    assert release.field("Origin") == ". stable"
    assert (release.components, release.architectures) == (("main",), ("amd64", "arm64"))


@pytest.mark.parametrize("name", ["./", "/"])
def test_a_flat_repository(there: Published, name: str) -> None:
    there.publish_flat()
    assert identities(offered(there, name)) == WHOLE
    assert opened(there, name).architectures == ("amd64", "arm64")
    assert [s.field("Package") for s in opened(there, name).stanzas("", "arm64")] == ["a", "b"]


def test_an_index_of_what_is_for_all_alone(there: Published) -> None:
    there.architectures = ["amd64", "all"]
    there.publish()
    found = opened(there)
    assert found.architectures == ("amd64",)
    assert identities(plan.read(found, ["main"], ["amd64"], "main")) == [WHOLE[0], WHOLE[2]]


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({}, True),
        ({"Architectures": ""}, True),
        ({"Architectures": "amd64"}, False),
        ({"No-Support-for-Architecture-all": "Contents"}, True),
        ({"No-Support-for-Architecture-all": "Contents Packages"}, False),
    ],
)
def test_it_is_read_where_apt_reads_it(
    there: Published, fields: dict[str, str], read: bool
) -> None:
    """What is in that index alone is not there to a host that leaves it alone."""
    there.architectures = ["amd64", "all"]
    only = there.add("c_1_all.deb", deb("c", "1"))
    there.only[only] = "all"
    there.publish()
    found = opened(there)
    found.release = replace(found.release, fields={**found.release.fields, **fields})
    names = {each.field("Package") for each in found.stanzas("main", "amd64")}
    assert names == ({"a", "b", "c"} if read else {"a", "b"})
    assert found.release.besides(["main"], ["amd64"]) == ([] if read else ["binary-all"])


def test_what_is_not_read_is_told(there: Published) -> None:
    there.architectures = ["amd64", "amd64v3", "all"]
    there.publish()
    release = opened(there).release
    assert release.besides(["main"], ["amd64"]) == ["binary-amd64v3"]
    assert release.besides(["extra"], ["amd64"]) == []


def test_a_component_is_called_as_its_indices_are(there: Published) -> None:
    """aptly's `main/x` has indices of that name, Debian's `updates/main` had those of `main`."""
    there.add("e_1_all.deb", deb("e", "1"), "main/x")
    there.publish()
    release = opened(there).release
    assert release.components == ("main", "main/x")
    assert (release.besides(["main"], ["amd64"]), release.besides(["main/x"], ["amd64"])) == (
        ["binary-arm64"], ["binary-arm64"],
    )  # fmt: skip
    said = {**release.fields, "Components": "updates/main updates/extra"}
    assert replace(release, fields=said).components == ("main", "extra")


class TestRefusals:
    def refusal(self, there: Published, name: str = "stable") -> str:
        with pytest.raises(SourceError) as caught:
            offered(there, name)
        return str(caught.value)

    def passing(self, there: Published) -> str:
        """What a publish that goes on there may be the reason of."""
        with pytest.raises(TransientError) as caught:
            offered(there)
        assert "run this again" in str(caught.value)
        return str(caught.value)

    def test_a_repository_that_is_not_there(self, there: Published) -> None:
        there.publish()
        said = self.refusal(there, "bookworm")
        assert "dists/bookworm/Release: there is neither InRelease nor Release" in said
        assert "--source-suite" in said

    def test_a_signature_by_another_key(self, there: Published) -> None:
        there.publish()
        place, other = FolderPlace(there.folder), Certificates(quick_signers())
        with pytest.raises(SourceError, match="InRelease: a signature is by"):
            suite.opened(place, "stable", other)

    def test_a_release_that_was_altered(self, there: Published) -> None:
        there.publish()
        file = there.folder / "dists/stable/InRelease"
        file.write_bytes(file.read_bytes().replace(b"Label: . stable", b"Label: . unstab"))
        assert f"{file}: " in self.refusal(there)

    def test_a_release_without_a_signature(self, there: Published) -> None:
        there.detached = True
        there.publish()
        (there.folder / "dists/stable/Release.gpg").unlink()
        assert "Release is not signed" in self.refusal(there)

    def test_an_index_that_is_not_there(self, there: Published) -> None:
        there.publish()
        for file in there.folder.glob("dists/stable/main/binary-arm64/*"):
            file.unlink()
        said = self.passing(there)
        assert "main/binary-arm64/Packages.xz is not there, though" in said

    def test_an_index_with_other_bytes(self, there: Published) -> None:
        there.publish()
        file = there.folder / "dists/stable/main/binary-amd64/Packages.xz"
        file.write_bytes(bytes(len(file.read_bytes())))
        said = self.passing(there)
        assert f"{file} has other bytes than" in said and "a publish may be going on" in said

    def test_a_release_and_a_signature_of_two_publishes(self, there: Published) -> None:
        there.detached = True
        there.publish()
        file = there.folder / "dists/stable/Release.gpg"
        signature = file.read_bytes()
        there.date = "Mon, 23 Nov 2026 02:00:00 UTC"
        there.publish()
        file.write_bytes(signature)
        assert "Release: " in self.passing(there)

    def test_an_index_that_is_there_in_another_form_alone(self, there: Published) -> None:
        there.forms = ("", ".gz", ".bz2")
        there.publish()
        for name in ("Packages", "Packages.gz"):
            (there.folder / "dists/stable/main/binary-arm64" / name).unlink()
        assert "arm64/Packages is there in no form that debpress knows" in self.refusal(there)

    def test_an_architecture_without_an_index(self, there: Published) -> None:
        there.publish()
        found = opened(there)
        with pytest.raises(SourceError, match="lists no main/binary-riscv64/Packages"):
            found.stanzas("main", "riscv64")

    def test_sums_that_prove_nothing(self, there: Published) -> None:
        there.forms = ()
        there.publish()
        assert "lists no file by its SHA-256" in self.refusal(there)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (f"SHA256:\n {'0' * 64} 12\n", "lists no sum and size for "),
            (f"SHA256:\n {'0' * 64} ² main/x\n", "lists no sum and size for "),
            (f"SHA256:\n {'0' * 64} {'9' * 5000} main/x\n", "lists no sum and size for "),
            (f"SHA256: {'0' * 64} 12 main/x\n", "lists no file by its SHA-256"),
        ],
    )
    def test_sums_that_are_written_otherwise(self, text: str, words: str) -> None:
        with pytest.raises(SourceError, match=f"https://x/Release {words}"):
            release.parse("https://x/Release", f"Origin: x\n{text}".encode())


def test_what_is_not_utf_8_is_read_all_the_same(there: Published) -> None:
    there.altered["pool/main/b/b/b_2.0_all.deb"] = (b"A <a@", b"\xe4 <a@")
    there.publish()
    assert (identities(offered(there)), offered(there).problems) == (WHOLE, [])
    text = b"Label: \xe4\nSHA256:\n " + b"0" * 64 + b" 12 main/x\n"
    assert release.parse("https://x/Release", text).field("Label") == "\ufffd"


def test_a_moment_that_is_none_is_never_over() -> None:
    text = f"Valid-Until: Fri, 31 Dec 9999 23:59:59 -1200\nSHA256:\n {'0' * 64} 12 main/x\n"
    assert not release.parse("https://x/Release", text.encode()).expired(datetime.now(UTC))


class TestProblems:
    """What is wrong with a package alone does not hide the others."""

    @pytest.mark.parametrize(
        ("old", "new", "code"),
        [
            (b"SHA256: ", b"SHA-256: ", "sum-malformed"),
            (b"Size: ", b"Size: x", "field-missing"),
            (b"Size: ", b"Size: " + b"9" * 5000, "field-missing"),
            (b"Filename: ", b"Filename: ../../", "name-unsafe"),
            (b"Filename: ", b"Filename: .//", "name-unsafe"),
            (b"Version: 2.0", b"Version: 2/../0", "version-malformed"),
            (b"Package: b", b"Package: b/../c", "name-malformed"),
        ],
    )
    def test_a_stanza_that_can_not_be_followed(
        self, there: Published, old: bytes, new: bytes, code: str
    ) -> None:
        there.altered["pool/main/b/b/b_2.0_all.deb"] = (old, new)
        there.publish()
        offer = offered(there)
        assert identities(offer) == WHOLE[:2]
        [problem] = offer.problems
        assert problem.code == code and "b_2.0_all.deb" in problem.file

    def test_one_version_with_two_contents(self, there: Published) -> None:
        """aptly can publish `all` anew for each architecture; to a host it is one package."""
        there.add("b_2.0_all.deb", deb("b", "2.0", "all", note="other"), "extra")
        there.publish()
        offer = offered(there)
        assert identities(offer) == WHOLE
        [problem] = offer.problems
        assert problem.code == "version-reused" and problem.file.startswith("pool/extra/")
        assert "with other bytes" in problem.message


class TestBatches:
    def wanted(self, there: Published, count: int) -> list[plan.Wanted]:
        for number in range(count):
            there.add(
                f"p{number}_1_all.deb", deb(f"p{number}", "1"), "extra" if number % 2 else "main"
            )
        there.publish()
        return offered(there).wanted

    def test_each_of_one_component_and_no_larger_than_asked(self, there: Published) -> None:
        wanted = self.wanted(there, 9)
        found = plan.batches(wanted, 3)
        assert [each for group in found for each in group] == wanted
        assert all(len({w.component for w in group}) == 1 for group in found)
        assert [len(group) for group in found] == [3, 1, 3, 3, 2]

    def test_the_name_follows_from_the_content(self, there: Published) -> None:
        group = plan.batches(self.wanted(there, 4), 9)[0]
        start = plan.start("https://one.example.org/dists/stable/")
        one = plan.batch("stable", group, start)
        assert one == plan.batch("stable", group[::-1], start)
        assert one != plan.batch("stable", group[1:], start)
        assert one.component == "extra" and one.id.startswith(start)

    def test_its_beginning_follows_from_the_source(self) -> None:
        starts = {plan.start(f"https://{name}.example.org/dists/stable/") for name in ("a", "b")}
        assert len(starts) == 2 and all(re.fullmatch("import-[0-9a-f]{8}-", s) for s in starts)

    def test_versions_that_differ_in_their_epoch_alone(self, there: Published) -> None:
        there.add("e_1_all.deb", deb("e", "1"))
        there.add("e_1%3a1_all.deb", deb("e", "1:1"))
        there.publish()
        names = [w.name for w in offered(there).wanted if w.identity.package == "e"]
        assert sorted(names) == ["e_1_1_all.deb", "e_1_all.deb"]


def test_what_is_published_is_missing_no_more(there: Published) -> None:
    there.publish()
    offer = offered(there)
    published = [(w.component, Content(w.identity, w.sha256)) for w in offer.wanted[:2]]
    assert identities(plan.missing(offer, published)) == WHOLE[2:]
    changed = [("extra", Content(offer.wanted[2].identity, "0" * 64))]
    left = plan.missing(offer, changed)
    assert identities(left) == WHOLE[:2]
    assert "there is published b 2.0 (all) with other bytes" in left.problems[0].message


def test_stanzas_are_read_as_python_debian_reads_them() -> None:
    """But for the spelling of names, which is one here."""
    text = (
        "\n# a comment\nPackage: a\nversion:  1.0 \nDepends:\n b,\n\tc  \nDescription: über\n"
        " long \n .\n more\r\n# inside\nX-Empty:\nno field\n\n \t\nPackage : b\nPackage: c\n"
        "Homepage: http://x/y:z\n\nSection: \x0bx\u2028y\n\n\n"
    )
    ours = list(suite.parsed(text.encode()))
    paragraphs = deb822.Deb822.iter_paragraphs(text.encode(), use_apt_pkg=False)
    theirs = [{k.lower(): v for k, v in each.items()} for each in paragraphs]
    assert [{k.lower(): v for k, v in each.items()} for each in ours] == theirs
    assert sorted(ours[0]) == [
        "Depends", "Description", "Package", "Version", "X-Empty",
    ]  # fmt: skip
    assert list(suite.parsed(b"")) == []
