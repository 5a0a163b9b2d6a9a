"""A variant of an architecture has its own packages and index, and its base keeps its own.

What apt 3.1.10 does with them is in docs/decisions/0014-architecture-variants.md: a host of the
variant reads both indices, because Release names the variant in no field.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from debpress import config, deb
from debpress.errors import Code, ConfigError, RejectedError
from debpress.index import entries, release
from debpress.index.entries import Identity
from debpress.inspection import reading
from debpress.inspection.verification import verify
from debpress.keys import publication

from tests.support import press as presses
from tests.support.debs import Bytes
from tests.support.press import Press, debs

V3 = "Architecture-Variant: amd64v3\n"
INDEX = "main/binary-amd64v3/Packages"
_batches = itertools.count()


def v3(package: str, version: str = "1", *, note: str = "", extra: str = "") -> dict[str, bytes]:
    body = presses.deb(package, version, "amd64", note=note, extra=V3 + extra)
    return {f"{package}_{version}_amd64v3.deb": body}


def publish(press: Press, files: dict[str, bytes], suite: str = "stable") -> dict[str, Any]:
    batch = f"b{next(_batches)}"
    press.publish(press.upload(batch, files, suite=suite))
    return press.result(batch, suite)


def operate(press: Press, operation: dict[str, Any], suite: str = "stable") -> dict[str, Any]:
    batch = f"o{next(_batches)}"
    press.publish(press.operate(batch, operation, suite=suite))
    return press.result(batch, suite)


def seen(press: Press, index: str, suite: str = "stable") -> set[tuple[str, str]]:
    """Names and versions; whatever is in an index is for it, or for all."""
    found = press.packages(index, suite)
    assert {identity.architecture for identity in found} <= {index, "all"}
    return {(identity.package, identity.version) for identity in found}


@pytest.fixture
def press(press: Press) -> Press:
    press.configure(architectures=["amd64", "amd64v3", "arm64"])
    press.set_up()
    return press


def inspected(name: str, architecture: str, extra: str) -> deb.Package:
    body = presses.deb("foo", "1.0", architecture, extra=extra)
    return deb.inspect(name, Bytes(body), len(body))


class TestAPackage:
    @pytest.mark.parametrize("name", ["foo_1.0_amd64v3.deb", "foo_1.0_amd64.deb", "any.deb"])
    def test_is_named_as_dpkg_does_or_as_nfpm_does(self, name: str) -> None:
        found = inspected(name, "amd64", V3)
        assert (found.architecture, found.variant, found.built_for) == (
            "amd64",
            "amd64v3",
            "amd64v3",
        )

    def test_keeps_the_field_in_its_stanza(self) -> None:
        found = inspected("foo.deb", "amd64", "architecture-variant:  amd64v3\n")
        text = deb.stanza(found, filename="f", size=1, sha256="0" * 64)
        assert b"\nArchitecture: amd64\n" in text
        assert entries.identify(text) == Identity("foo", "1.0", "amd64v3")

    def test_without_one_is_its_architectures(self) -> None:
        assert inspected("foo_1.0_amd64.deb", "amd64", "").built_for == "amd64"

    def test_a_description_says_nothing_of_it(self) -> None:
        text = b"Package: a\nVersion: 1\nArchitecture: amd64\nDescription: x\n " + V3.encode()
        assert entries.identify(text) == Identity("a", "1", "amd64")

    @pytest.mark.parametrize(
        ("name", "architecture", "variant", "code", "words"),
        [
            ("foo.deb", "arm64", "amd64v3", Code.ARCHITECTURE_MALFORMED, "leave it out"),
            ("foo.deb", "all", "amd64v3", Code.ARCHITECTURE_MALFORMED, "leave it out"),
            ("foo.deb", "amd64", "v3", Code.ARCHITECTURE_MALFORMED, "amd64v3"),
            ("foo.deb", "amd64", "amd64", Code.ARCHITECTURE_MALFORMED, "amd64v3"),
            ("foo_1.0_amd64v2.deb", "amd64", "amd64v3", Code.NAME_DISAGREES, "foo_1.0_amd64v3.deb"),
        ],
    )
    def test_is_refused(
        self, name: str, architecture: str, variant: str, code: Code, words: str
    ) -> None:
        with pytest.raises(RejectedError) as caught:
            inspected(name, architecture, f"Architecture-Variant: {variant}\n")
        assert [each.code for each in caught.value.refusals] == [code]
        assert words in caught.value.refusals[0].message


class TestTheIndices:
    def test_each_has_its_own_and_what_is_for_all(self, press: Press) -> None:
        files = debs(("base", "1", "amd64"), ("common", "1", "all"), ("both", "1", "amd64"))
        result = publish(press, {**files, **v3("both"), **v3("fast")})
        assert result["status"] == "published", result["errors"]
        assert seen(press, "amd64") == {("base", "1"), ("common", "1"), ("both", "1")}
        assert seen(press, "amd64v3") == {("fast", "1"), ("common", "1"), ("both", "1")}
        assert seen(press, "arm64") == {("common", "1")}
        fast = next(p for p in result["packages"] if p["package"] == "fast")
        assert fast["architecture"] == "amd64v3"
        assert fast["filename"].endswith("/fast_1_amd64v3.deb")

    def test_release_lists_the_files_and_names_no_variant(self, press: Press) -> None:
        publish(press, v3("fast"))
        found = press.release()
        assert b"\nArchitectures: amd64 arm64\n" in found.render()
        assert {INDEX, f"{INDEX}.gz", f"{INDEX}.xz"} <= found.files.keys()
        assert set(found.architectures) == {"amd64", "arm64", "amd64v3"}
        assert release.parse(found.render()) == found

    def test_a_suite_without_variants_is_as_it_was(self, press: Press) -> None:
        press.configure()
        before = press.release("testing").files
        press.configure(architectures=["amd64", "arm64"])
        publish(press, debs(("a", "1", "amd64")), "testing")
        assert press.release("testing").files.keys() == before.keys()

    def test_a_variant_that_comes_later_begins_with_what_is_for_all(self, fresh: Any) -> None:
        press = fresh()
        publish(press, debs(("common", "1", "all"), ("base", "1", "amd64")))
        base = press.release().files["main/binary-amd64/Packages"]
        press.configure(architectures=["amd64", "amd64v3", "arm64"])
        press.set_up()
        assert seen(press, "amd64v3") == {("common", "1")}
        assert press.release().files["main/binary-amd64/Packages"] == base
        press.configure()
        press.set_up()
        assert seen(press, "amd64v3") == {("common", "1")}  # what was listed stays listed

    def test_a_suite_that_has_no_such_variant_refuses_it(self, fresh: Any) -> None:
        press = fresh()
        result = publish(press, v3("fast"))
        assert [each["code"] for each in result["errors"]] == ["architecture-unknown"]
        assert "'amd64v3'" in result["errors"][0]["message"]

    def test_a_list_shows_both(self, press: Press) -> None:
        publish(press, {**debs(("a", "1", "amd64"), ("c", "1", "all")), **v3("a")})
        listed = reading.packages(press.archive, "stable")
        assert [tuple(each.identity) for each in listed] == [
            ("a", "1", "amd64"),
            ("a", "1", "amd64v3"),
            ("c", "1", "all"),
        ]

    def test_verify_finds_nothing_wrong(self, press: Press) -> None:
        publish(press, {**debs(("a", "1", "amd64"), ("c", "1", "all")), **v3("a")})
        certificates = b"".join(press.signers.certificates())
        publication.publish(press.archive, press.repository, "https://h.example", certificates)
        report = verify(press.archive, press.clock, ["stable"])
        assert report.good, report.findings
        assert report.indices == 2 * 3  # components, architectures and variants


class TestOneContent:
    """Law 4 holds for each by itself: a variant's build has other bytes by right."""

    def test_the_variants_bytes_are_not_the_bases(self, press: Press) -> None:
        publish(press, debs(("a", "1", "amd64")))
        assert publish(press, v3("a"))["status"] == "published"

    def test_its_own_never_change(self, press: Press) -> None:
        publish(press, v3("a", note="first"))
        result = publish(press, v3("a", note="second"))
        assert [each["code"] for each in result["errors"]] == ["version-reused"]
        both = {**v3("b", note="first"), "other.deb": v3("b", note="second")["b_1_amd64v3.deb"]}
        assert [e["code"] for e in publish(press, both)["errors"]] == ["version-reused"]

    def test_the_same_again_is_unchanged(self, press: Press) -> None:
        publish(press, v3("a"))
        assert [p["action"] for p in publish(press, v3("a"))["packages"]] == ["unchanged"]


class TestOperating:
    def test_a_removal_of_one_leaves_the_other(self, press: Press) -> None:
        publish(press, {**debs(("a", "1", "amd64")), **v3("a")})
        operate(press, {"op": "remove", "packages": ["a"], "architecture": "amd64v3"})
        assert (seen(press, "amd64"), seen(press, "amd64v3")) == ({("a", "1")}, set())
        publish(press, v3("a"))
        operate(press, {"op": "remove", "packages": ["a"], "architecture": "amd64"})
        assert (seen(press, "amd64"), seen(press, "amd64v3")) == (set(), {("a", "1")})

    def test_a_copy_takes_both_where_both_are_configured(self, press: Press) -> None:
        publish(press, {**debs(("a", "1", "amd64")), **v3("a")}, "testing")
        operate(
            press,
            {"op": "copy", "from": {"suite": "testing", "component": "main"}, "packages": ["a"]},
        )
        assert seen(press, "amd64") == seen(press, "amd64v3") == {("a", "1")}

    def test_a_prune_counts_each_by_itself(self, press: Press) -> None:
        press.configure(architectures=["amd64", "amd64v3"], keep=1, prune_share=1)
        publish(press, {**debs(("a", "1", "amd64"), ("a", "2", "amd64")), **v3("a")})
        operate(press, {"op": "prune"})
        assert (seen(press, "amd64"), seen(press, "amd64v3")) == ({("a", "2")}, {("a", "1")})

    def test_a_snapshot_has_both(self, press: Press) -> None:
        publish(press, {**debs(("a", "1", "amd64")), **v3("a")})
        result = operate(press, {"op": "snapshot"})
        assert result["status"] == "published", result["errors"]
        keys = press.store.keys("apt/dists/snapshots/")
        [shown] = [key for key in keys if key.endswith("/InRelease")]
        suite = shown.removeprefix("apt/dists/").removesuffix("/InRelease")
        assert seen(press, "amd64", suite) == seen(press, "amd64v3", suite) == {("a", "1")}

    def test_going_back_brings_back_both(self, press: Press) -> None:
        result = publish(press, {**debs(("a", "1", "amd64")), **v3("a")})
        operate(press, {"op": "remove", "packages": ["a"]})
        operate(press, {"op": "rollback", "to": result["generation"]})
        assert seen(press, "amd64") == seen(press, "amd64v3") == {("a", "1")}


class TestExactDependencies:
    """A host of the variant reads its base's index, too: what it needs may be in either."""

    NEEDS = "Depends: data (= 1)\n"

    def test_the_base_may_not_lose_what_the_variant_needs(self, press: Press) -> None:
        publish(press, {**debs(("data", "1", "amd64")), **v3("fast", extra=self.NEEDS)})
        result = operate(press, {"op": "remove", "packages": ["data"]})
        assert [each["code"] for each in result["errors"]] == ["dependency-broken"]
        assert "fast 1 (amd64v3) needs data (= 1)" in result["errors"][0]["message"]

    def test_the_variant_may_lose_what_the_base_has(self, press: Press) -> None:
        both = {**debs(("data", "1", "amd64")), **v3("data")}
        publish(press, {**both, **v3("fast", extra=self.NEEDS)})
        remove = {"op": "remove", "packages": ["data"], "architecture": "amd64v3"}
        assert operate(press, remove)["status"] == "published"

    def test_a_copy_finds_it_in_the_base(self, press: Press) -> None:
        publish(press, {**debs(("data", "1", "amd64")), **v3("fast", extra=self.NEEDS)}, "testing")
        copy = {
            "op": "copy",
            "from": {"suite": "testing", "component": "main"},
            "packages": ["fast"],
        }
        assert [e["code"] for e in operate(press, copy)["errors"]] == ["dependency-broken"]
        assert operate(press, {**copy, "packages": ["fast", "data"]})["status"] == "published"


def test_a_variant_is_configured_beside_its_base() -> None:
    with pytest.raises(ConfigError, match="'amd64v3' is a variant of 'amd64'"):
        config.parse({"suites": [{"suite": "a", "architectures": ["arm64", "amd64v3"]}]})
