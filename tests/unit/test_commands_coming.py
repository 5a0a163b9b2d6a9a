"""`debpress import` and `debpress compare`, from a folder into the press in memory."""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shlex
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from debpress.adapters import apt, aws
from debpress.adapters.places import FolderPlace
from debpress.commands import (
    compare,
    connection,
    fetching,
    foreign,
    import_,
    judging,
    status,
    waiting,
)
from debpress.commands.main import main
from debpress.errors import SourceError, TransientError
from debpress.index.entries import Identity
from debpress.signing import Signers
from debpress.source.plan import Wanted

from tests.support.documents import blocks
from tests.support.press import Press, deb, debs, event
from tests.support.published import Certificates, Published
from tests.unit.test_commands_operators import Bench

NAMES = {"origin": ". stable", "label": ". stable"}
SOURCE_PACKAGES = (
    ("a", "1.0", "amd64"), ("a", "1.0", "arm64"), ("a", "1.1~rc1", "amd64"), ("b", "2.0", "all"),
    ("c", "1:0.1", "all"), ("c", "0.9", "all"),
)  # fmt: skip


class Coming:
    """A source, and a bench whose press has its names."""

    def __init__(self, bench: Bench, there: Published, folder: Path) -> None:
        self.bench = bench
        self.there = there
        self.cache = folder / "cache"
        self._key = str(folder / "key.gpg")

    def run(self, command: str, *more: str) -> tuple[int, str, str]:
        cache = ("--cache", str(self.cache)) if command == "import" else ()
        place = (str(self.there.folder), "--suite", "stable", "--keyring", self._key)
        return self.bench.run(command, *place, *cache, *more)

    def imported(self, *more: str) -> str:
        code, out, err = self.run("import", *more)
        assert (code, err) == (0, ""), err
        return out

    def packages(self, component: str = "main") -> set[str]:
        press = self.bench.press
        found = press.packages("amd64", component=component)
        return {str(each) for each in found | press.packages("arm64", component=component)}


@pytest.fixture
def named(
    signers: Signers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Bench]:
    """A bench whose press has these names."""

    def make(**names: str) -> Bench:
        press = Press(signers)
        press.configure(**names)
        press.set_up()
        press.clock.sleep(600)
        press.store.bucket = "press-in-memory"  # type: ignore[attr-defined]
        monkeypatch.setattr(connection, "connect", lambda _, **_more: (None, press.store))
        # tests/integration/test_coming_over.py asks it.
        monkeypatch.setattr(apt, "installed", lambda: None)
        made = Bench(press, capsys)
        made.deploy(**names)
        return made

    return make


@pytest.fixture
def bench(named: Callable[..., Bench]) -> Bench:
    return named(**NAMES)


@pytest.fixture
def coming(
    bench: Bench, signers: Signers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Coming:
    monkeypatch.setattr(foreign, "_verifier", lambda _keyring: Certificates(signers))
    there = Published(tmp_path / "there", signers)
    for name, body in debs(*SOURCE_PACKAGES).items():
        there.add(name, body)
    there.publish()
    return Coming(bench, there, tmp_path)


WHOLE = {f"{p} {v} ({a})" for p, v, a in SOURCE_PACKAGES}


def test_everything_comes_and_a_second_time_nothing(coming: Coming) -> None:
    out = coming.imported()
    assert "Origin '. stable', Label '. stable', Suite 'stable'" in out
    assert "6 packages are offered: 0 are published here, 0 are refused, 6 are to come" in out
    assert "stable: 6 packages were brought, 0 were left out\n" in out
    assert coming.packages() == WHOLE
    assert list((coming.cache / "stable").iterdir()) == []
    writes = len(coming.bench.press.store.log)
    assert "stable: nothing is left to do\n" in coming.imported()
    assert len(coming.bench.press.store.log) == writes


def test_two_imports_do_not_share_a_cache(coming: Coming, tmp_path: Path) -> None:
    """Whole files of one would be torn by the other, and the source be blamed for it."""
    other = fetching.Cache(
        coming.cache / "stable", FolderPlace(coming.there.folder), lambda _: None
    )
    with other.alone():
        code, _, err = coming.run("import")
        assert code == 1 and "another import fetches into" in err and "(--cache)" in err
        assert coming.packages() == set()
        place = (str(coming.there.folder), "--suite", "stable", "--keyring", "k")
        out = coming.bench.run("import", *place, "--cache", str(tmp_path / "second"))[1]
        assert "stable: 6 packages were brought" in out
        assert "nothing is left to do" in coming.imported()


def test_whoever_may_not_look_into_staging_brings_it_all_the_same(
    coming: Coming, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a CI job's role, which writes there and no more."""
    head, sleep, asked = coming.bench.press.store.head, coming.bench.sleep, list[str]()

    def working(seconds: float) -> None:
        """The press may look."""
        with monkeypatch.context() as patched:
            patched.setattr(coming.bench.press.store, "head", head)
            sleep(seconds)

    def denied(key: str) -> Any:
        if key.startswith("staging/") and key.endswith(".deb"):
            asked.append(key)
            answer = {"Error": {"Code": "403"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
            with aws.translated("look", "the role"):
                raise ClientError(answer, "HeadObject")
        return head(key)

    monkeypatch.setattr(coming.bench.press.store, "head", denied)
    monkeypatch.setattr(coming.bench, "sleep", working)
    coming.imported()
    assert coming.packages() == WHOLE and asked


def test_a_dry_run_says_what_would_come_and_changes_nothing(coming: Coming) -> None:
    writes = len(coming.bench.press.store.log)
    out = coming.imported("--dry-run")
    size = sum(len(body) for body in coming.there.packages["main"].values())
    assert (
        f"6 are to come: {size / 1000:.1f} kB, which S3 keeps for less than a cent a month" in out
    )
    assert "stable: under a minute to fetch and to send them, if the bucket takes them" in out
    assert len(coming.bench.press.store.log) == writes and not coming.cache.exists()


def test_components_are_kept_apart_and_can_be_chosen(coming: Coming) -> None:
    coming.there.add("e_1_all.deb", deb("e", "1"), "extra")
    coming.there.publish()
    coming.imported("--component", "extra")
    assert (coming.packages("extra"), coming.packages()) == ({"e 1 (all)"}, set())
    coming.imported()
    assert coming.packages() == WHOLE


def test_a_component_with_a_slash_is_told_and_can_be_left_out(coming: Coming) -> None:
    """As aptly publishes it with `-component=main/x`."""
    coming.there.add("e_1_all.deb", deb("e", "1"), "main/x")
    coming.there.publish()
    code, _, err = coming.run("import")
    assert code == 1 and "has the component 'main/x', and a component here has no slash" in err
    assert coming.packages() == set()
    coming.imported("--component", "main")
    assert coming.packages() == WHOLE
    assert "for amd64, arm64" in coming.run("compare")[1]


def test_of_one_architecture(coming: Coming) -> None:
    coming.imported("--arch", "arm64")
    assert coming.packages() == {each for each in WHOLE if "amd64" not in each}


def test_a_flat_repository_goes_into_the_component_that_is_named(coming: Coming) -> None:
    coming.there.publish_flat()
    coming.imported("--source-suite", "./", "--component", "extra")
    assert coming.packages("extra") == WHOLE


class TestASourceForAllArchitecturesAlone:
    @pytest.fixture
    def coming(self, coming: Coming) -> Coming:
        coming.there.packages = {"main": {}}
        coming.there.add("e_1_all.deb", deb("e", "1"))
        return coming

    def test_a_flat_one_is_read_for_those_of_the_suite(self, coming: Coming) -> None:
        coming.there.publish_flat()
        coming.imported("--source-suite", "./", "--remove")
        assert coming.packages() == {"e 1 (all)"}
        code, out, _ = coming.run("compare", "--source-suite", "./")
        assert code == 0 and "for amd64, arm64" in out

    def test_what_names_none_is_no_empty_source(self, coming: Coming) -> None:
        coming.there.publish()
        coming.imported()
        coming.there.architectures = ["all"]
        coming.there.publish()
        for command in (("import",), ("import", "--remove"), ("compare",)):
            code, _, err = coming.run(*command)
            assert code == 1 and "names no component or no architecture, so nothing would" in err
        assert coming.packages() == {"e 1 (all)"}


def test_a_package_in_two_components_comes_into_both(coming: Coming) -> None:
    """Each is fetched for itself: the one that is published first does not take the other's."""
    coming.there.add("b_2.0_all.deb", debs(("b", "2.0", "all"))["b_2.0_all.deb"], "extra")
    coming.there.publish()
    coming.imported()
    assert (coming.packages("extra"), coming.packages()) == ({"b 2.0 (all)"}, WHOLE)


def test_a_package_for_a_variant_is_what_the_index_says(tmp_path: Path) -> None:
    body = deb("v", "1", "amd64", extra="Architecture-Variant: amd64v3\n")
    (tmp_path / "v.deb").write_bytes(body)
    wanted = Wanted(
        "main", Identity("v", "1", "amd64v3"), hashlib.sha256(body).hexdigest(), len(body), "v.deb"
    )
    cache = fetching.Cache(tmp_path / "cache", FolderPlace(tmp_path), lambda _: None)
    found = cache.bring(wanted)
    assert (found.identity, found.built_for) == (("v", "1", "amd64"), "amd64v3")


@pytest.mark.parametrize(
    "source", ["https://host:abc/x", "http://[::1/x", "ftp://ci:s3cret@example.org/x"]
)
def test_an_address_that_can_not_be_read_is_told(bench: Bench, source: str) -> None:
    code, _, err = bench.run("import", source, "--suite", "stable", "--keyring", "k")
    assert code == 1 and err.startswith("debpress: ") and "s3cret" not in err


def test_batches_are_no_larger_than_asked(coming: Coming) -> None:
    out = coming.imported("--batch-size", "4")
    assert "batch 1 of 2 is published\n" in out and "batch 2 of 2 is published\n" in out
    assert coming.packages() == WHOLE


class TestTheConfiguration:
    def refused(self, coming: Coming, *more: str) -> tuple[dict[str, Any], str]:
        code, out, err = coming.run("import", *more)
        assert code == 1 and coming.packages() == set()
        assert " are to come: " in out
        start = out.index("{")
        return json.loads(out[start : out.rindex("}") + 1]), err

    def test_the_block_that_fits_is_printed_where_hosts_would_notice(self, coming: Coming) -> None:
        coming.there.names = {**coming.there.names, "Origin": "theirs", "Codename": "nova"}
        coming.there.publish()
        block, err = self.refused(coming)
        assert (block["suite"], block["origin"], block["codename"]) == ("stable", "theirs", "nova")
        assert block["components"] == ["main", "extra"]
        assert "its Origin is 'theirs', and here it is '. stable'" in err
        assert "configure a new suite with those names" in err and "--own-names" in err
        coming.imported("--own-names")
        assert coming.packages() == WHOLE

    def test_a_source_that_apt_ranks_otherwise_is_another_name(self, coming: Coming) -> None:
        """apt 2.6 stops: "changed its default priority for apt_preferences(5) from 1 to 500"."""
        coming.there.names = {**coming.there.names, "NotAutomatic": "yes"}
        coming.there.publish()
        _, err = self.refused(coming)
        assert "its Release says NotAutomatic: yes, which a suite here can't say" in err
        assert "no suite here can have its names, so keep this suite's (--own-names)" in err
        assert coming.imported("--own-names").count("note: ") == 0
        assert coming.packages() == WHOLE

    def test_what_lacks_is_in_it(self, coming: Coming) -> None:
        coming.there.architectures = ["amd64", "arm64", "riscv64"]
        coming.there.add("d_1_all.deb", deb("d", "1"), "contrib")
        coming.there.publish()
        block, err = self.refused(coming)
        assert block["components"] == ["main", "extra", "contrib"]
        assert block["architectures"] == ["amd64", "arm64", "riscv64"]
        assert "component contrib is not configured" in err
        assert "architecture riscv64 is not configured" in err
        coming.bench.deploy(**{key: block[key] for key in ("components", "architectures", *NAMES)})
        coming.imported()
        assert (coming.packages("contrib"), coming.packages()) == ({"d 1 (all)"}, WHOLE)

    def test_a_suite_that_is_not_there_yet(self, coming: Coming) -> None:
        coming.there.suite, coming.there.names = "nova", {"Origin": "theirs", "Codename": "nova"}
        coming.there.publish()
        place = (str(coming.there.folder), "--suite", "nova", "--keyring", "k")
        code, out, err = coming.bench.run("import", *place, "--dry-run")
        assert code == 1 and "nova: 6 packages are offered: 0 are published here" in out
        assert json.loads(out[out.index("{") : out.rindex("}") + 1]) == {
            "suite": "nova",
            "origin": "theirs",
            "codename": "nova",
            "components": ["main"],
            "architectures": ["amd64", "arm64"],
        }
        assert "suite nova is not configured" in err

    def test_more_versions_than_a_prune_keeps(self, coming: Coming) -> None:
        coming.bench.deploy(**NAMES, keep=1)
        out = coming.imported("--dry-run")
        assert "a has 2 versions there, and the next prune here would keep 1 of them" in " ".join(
            out.split()
        )
        assert '"keep": 2' in out

    def test_an_unknown_component_of_the_source(self, coming: Coming) -> None:
        code, _, err = coming.run("import", "--component", "contrib")
        assert code == 1 and "has no component 'contrib'; it has main" in err


class TestWhatIsRefused:
    @pytest.fixture
    def path(self, coming: Coming) -> str:
        """Of one package that is wrong."""
        path = coming.there.add("wrong_1_all.deb", deb("wrong", "1"))
        coming.there.publish()
        return path

    def spoil(self, coming: Coming, path: str, how: str) -> None:
        file = coming.there.folder / path
        if how == "missing":
            file.unlink()
        elif how == "changed":
            file.write_bytes(file.read_bytes()[:-1] + b"?")
        elif how == "cut":
            file.write_bytes(file.read_bytes()[:-1])
        elif how == "longer":
            file.write_bytes(file.read_bytes() + b"?")

    @pytest.mark.parametrize(
        ("how", "code", "words"),
        [
            ("missing", "file-missing", "is not there, though the index lists it"),
            ("changed", "sum-mismatch", "and the source's index says"),
            ("cut", "sum-mismatch", "and the source's index says"),
            ("longer", "sum-mismatch", "and the source's index says"),
        ],
    )
    def test_it_is_named_and_nothing_is_published(
        self, coming: Coming, path: str, how: str, code: str, words: str
    ) -> None:
        self.spoil(coming, path, how)
        exit_code, _, err = coming.run("import")
        assert exit_code == 1
        assert err.startswith(f"{path}: {code}: ") and words in err
        assert "mend it there, or leave it out (--skip-invalid)" in err
        assert "--as-published" not in err
        assert coming.packages() == set()
        assert not coming.bench.press.store.keys("staging/")

    def test_the_others_come_without_it(self, coming: Coming, path: str) -> None:
        self.spoil(coming, path, "changed")
        code, out, err = coming.run("import", "--skip-invalid")
        assert code == 0 and f"{path}: sum-mismatch: " in err
        assert "stable: 6 packages were brought, 1 was left out\n" in out
        assert coming.packages() == WHOLE

    def test_by_our_rules(self, coming: Coming) -> None:
        good = deb("odd", "1")
        odd = deb("odd", "1", extra="Revision: 2\n")
        path = coming.there.add("odd_1_all.deb", odd, like=good)
        coming.there.publish()
        code, _, err = coming.run("import")
        assert code == 1 and f"{path}: " in err and "which dpkg takes for an old word" in err
        assert "hosts live with some (--as-published takes that)" in err
        assert coming.packages() == set()

    def test_what_is_another_package_than_the_index_says(self, coming: Coming) -> None:
        path = coming.there.add("odd_1_all.deb", deb("odd", "1:1"), like=deb("odd", "2:1"))
        coming.there.publish()
        code, _, err = coming.run("import")
        assert code == 1 and f"{path}: name-disagrees: its control file says odd 1:1 all" in err

    def test_what_the_press_alone_knows(self, coming: Coming) -> None:
        """A version that was here once with other bytes: no index says it any more."""
        coming.bench.publish(("b", "2.0", "all"), ("z", "1", "all"))
        other = coming.there.add("z_1_all.deb", deb("z", "1", note="other"))
        coming.there.publish()
        coming.bench.run("remove", "z", "--suite", "stable")
        code, _, err = coming.run("import")
        assert code == 1 and f"{other}: version-reused: " in err
        assert coming.packages() == {"b 2.0 (all)"}
        code, out, err = coming.run("import", "--skip-invalid")
        assert code == 0 and f"{other}: version-reused: " in err
        assert "5 packages were brought, 1 was left out" in out
        assert coming.packages() == WHOLE

    def test_a_version_that_is_published_otherwise(self, coming: Coming) -> None:
        coming.bench.publish(("b", "2.0", "all"))
        path = next(p for p in coming.there.packages["main"] if "/b_" in p)
        coming.there.packages["main"][path] = deb("b", "2.0", note="other")
        coming.there.publish()
        code, _, err = coming.run("import", "--dry-run")
        assert code == 1 and f"{path}: version-reused: there is published b 2.0 (all)" in err


class TestAsPublished:
    """What hosts of the source live with comes along, by an operator's word and no other."""

    FLAWED = (
        ("My_Tool", "1", "Source: Its_Source\n"),
        ("revised", "1", "Revision: 2\n"),
        ("summed", "1", f"SHA256: {'a' * 64}\n"),
        ("warned", "1", "Important: maybe\nMulti-Arch: Foreign\nProvides: w (>= 1)\n"),
        ("padded", "1", "Depends: summed (>= 01:1)\n"),
    )

    @pytest.fixture
    def coming(self, coming: Coming) -> Coming:
        for name, version, extra in self.FLAWED:
            coming.there.add(f"{name}_{version}_all.deb", deb(name, version, extra=extra))
        coming.there.publish()
        return coming

    def test_they_come_when_it_is_asked_for_and_are_told(self, coming: Coming) -> None:
        code, out, err = coming.run("import")
        assert code == 1 and coming.packages() == set()
        assert err.count("-malformed: ") == 8 and "--as-published" in err
        out = coming.imported("--as-published")
        assert out.count(": as published, though ") == 8
        assert "pool/main/M/My/My_Tool_1_all.deb: as published, though name-malformed" in out
        assert "5 packages are taken as published there" in out
        assert "11 packages were brought, 0 were left out" in out
        assert coming.packages() == WHOLE | {f"{n} {v} (all)" for n, v, _ in self.FLAWED}
        assert coming.run("compare")[0] == 0
        assert "nothing is left to do" in coming.imported("--as-published")

    def test_whoever_may_not_write_an_operators_file_can_not_ask_for_it(
        self, coming: Coming
    ) -> None:
        """The word is in operations.json, which a policy tells by its key; of a manifest of CI's
        the same field is an error."""
        coming.imported("--as-published", "--batch-size", "100")
        press = coming.bench.press
        [asked] = [key for key in press.store.keys("staging/") if key.endswith(".json")]
        assert asked.endswith("/operations.json")
        body = json.loads(press.store.body(asked))
        files = {f"{n}_{v}_all.deb": deb(n, v, extra=extra) for n, v, extra in self.FLAWED}
        assert press.publish(press.upload("ci", files)) == "rejected"
        assert {e["file"] for e in press.result("ci")["errors"]} == set(files)
        assert press.publish(press.upload("ci", files, manifest=body)) == "rejected"
        assert "as_published" in press.result("ci")["errors"][0]["message"]

    def test_it_has_to_be_said(self, bench: Bench) -> None:
        listed = {"version": 1, "files": [{"name": "a.deb", "sha256": "0" * 64}]}
        key = "staging/stable/main/b/operations.json"
        head = bench.press.store.put(key, json.dumps(listed).encode())
        bench.press.publish(event(key, head.etag, head.version_id))
        [error] = bench.press.result("b")["errors"]
        assert error["file"] == "operations.json" and '"as_published": true' in error["message"]

    @pytest.mark.parametrize(
        ("name", "extra"),
        [
            ("state", "Status: install ok installed\n"),  # dpkg refuses to unpack it.
            ("comma", "Depends: foo,\n"),  # apt refuses the whole index.
            ("arch", "Multi-Arch: maybe\n"),
            ("sum", "Description-md5: 1\n"),  # An apt fails at every command on that host.
            ("bell", "Homepage: \x07\n"),
        ],
    )
    def test_what_would_break_hosts_is_refused_all_the_same(
        self, coming: Coming, name: str, extra: str
    ) -> None:
        file = f"{name}_1_all.deb"
        path = coming.there.add(file, deb(name, extra=extra, version="1"), like=deb(name, "1"))
        coming.there.publish()
        code, _, err = coming.run("import", "--as-published")
        assert code == 1 and err.startswith(f"{path}: ") and coming.packages() == set()
        code, out, _ = coming.run("import", "--as-published", "--skip-invalid")
        assert code == 0 and "11 packages were brought, 1 was left out" in out

    @pytest.mark.parametrize("how", ["changed", "missing"])
    def test_the_sum_counts_as_ever(self, coming: Coming, how: str) -> None:
        file = coming.there.folder / "pool/main/M/My/My_Tool_1_all.deb"
        if how == "missing":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:-1] + b"?")
        code, _, err = coming.run("import", "--as-published")
        assert code == 1 and err.startswith("pool/main/M/My/My_Tool_1_all.deb: ")
        assert coming.packages() == set()

    def test_they_can_be_removed_and_pruned_like_others(self, coming: Coming) -> None:
        coming.there.add("My_Tool_2_all.deb", deb("My_Tool", "2"))
        coming.there.add("user_1_all.deb", deb("user", "1", extra="Depends: My_Tool (= 1)\n"))
        coming.there.publish()
        coming.imported("--as-published")
        coming.bench.deploy(**NAMES, keep=1)
        pruned = coming.bench.run("prune", "--suite", "stable", "--dry-run")[1]
        assert "  a  " in pruned and "My_Tool" not in pruned  # What is kept needs that version.
        code, _, err = coming.bench.run("remove", "My_Tool (= 1)", "--suite", "stable")
        assert code == 1 and "user 1 (all) needs my_tool (= 1)" in err, err
        coming.there.remove("pool/main/M/My/My_Tool_2_all.deb")
        coming.there.publish()
        out = coming.imported("--as-published", "--remove")
        assert "  removed  My_Tool  2" in out


class TestWhereProvenanceIsRequired:
    """What is published elsewhere has no proof that the suite would take."""

    @pytest.fixture
    def coming(self, coming: Coming) -> Coming:
        built = {"repository": "my-org/web", "workflow": "release.yml", "ref": "refs/heads/main"}
        coming.bench.deploy(**NAMES, provenance={"require": True, **built})
        return coming

    @pytest.mark.parametrize("more", [(), ("--skip-invalid",), ("--dry-run",), ("--together",)])
    def test_it_is_refused_once_and_before_the_source_is_asked(
        self, coming: Coming, more: tuple[str, ...]
    ) -> None:
        shutil.rmtree(coming.there.folder / "dists")
        before = len(coming.bench.press.store.log)
        code, out, err = coming.run("import", *more)
        assert (code, out) == (1, "")
        assert err.count("\n") == 1 and "stable requires provenance" in err
        assert "--as-published" in err and len(coming.bench.press.store.log) == before

    def test_an_operator_may_answer_for_it_and_the_generations_say_so(self, coming: Coming) -> None:
        """Of packages that nothing else is wrong with."""
        out = coming.imported("--as-published", "--batch-size", "4")
        assert "you answer for what comes, as an operator" in out
        assert "6 packages were brought" in out and coming.packages() == WHOLE
        press = coming.bench.press
        asked = [key for key in press.store.keys("staging/") if key.endswith(".json")]
        assert asked and all(key.endswith("/operations.json") for key in asked)
        generations = press.archive.chain("stable", generation(press), None)
        told = [p.vouched_by for g in generations for b in g.batches for p in b.packages]
        assert told == ["operator"] * 6


def generation(press: Press) -> str | None:
    published = press.archive.published("stable")
    return published.generation if published else None


class TestTogether:
    """Batches become visible as they come, or all at the end."""

    @pytest.fixture
    def coming(self, coming: Coming) -> Coming:
        for number in range(6):
            coming.there.add(f"e{number}_1_all.deb", deb(f"e{number}", "1"), "extra")
        coming.there.publish()
        return coming

    def generations(self, coming: Coming) -> int:
        return len(coming.bench.press.store.keys("state/stable/generations/"))

    def test_nothing_is_visible_before_all_is_staged(
        self, coming: Coming, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store, seen = coming.bench.press.store, list[bool]()
        put = store.put_file

        def staged(key: str, *given: Any) -> Any:
            if key.startswith("staging/"):
                coming.bench.sleep(1)  # The press does what it is asked for.
                seen.append(coming.packages() == coming.packages("extra") == set())
            return put(key, *given)

        monkeypatch.setattr(store, "put_file", staged)
        before = self.generations(coming)
        out = coming.imported("--together", "--batch-size", "2")
        assert len(seen) == 12 and all(seen)
        assert "batch 2 of 2 is published" in out
        # Each component becomes visible whole: one batch, and so at most one flip, for each.
        assert 1 <= self.generations(coming) - before <= 2
        assert coming.packages() == WHOLE and len(coming.packages("extra")) == 6

    def test_as_they_come_each_batch_has_a_flip(self, coming: Coming) -> None:
        before = self.generations(coming)
        coming.imported("--as-they-come", "--batch-size", "2")
        assert self.generations(coming) - before == 6

    def test_a_refused_one_keeps_all_from_being_published(self, coming: Coming) -> None:
        path = coming.there.add("wrong_1_all.deb", deb("wrong", "1"))
        coming.there.publish()
        file = coming.there.folder / path
        file.write_bytes(file.read_bytes()[:-1] + b"?")
        code, _, err = coming.run("import", "--together")
        assert code == 1 and "1 package refused, and nothing is published" in err
        assert coming.packages() == coming.packages("extra") == set()
        code, out, err = coming.run("import", "--together", "--skip-invalid")
        assert code == 0 and err.startswith(f"{path}: sum-mismatch: ")
        assert "12 packages were brought, 1 was left out" in out

    def test_what_the_press_alone_knows_is_left_out(self, coming: Coming) -> None:
        coming.bench.publish(("z", "1", "all"), ("y", "1", "all"))
        other = coming.there.add("z_1_all.deb", deb("z", "1", note="other"))
        coming.there.publish()
        coming.bench.run("remove", "z", "--suite", "stable")
        code, _, err = coming.run("import", "--together")
        assert code == 1 and "1 package refused, and 1 batch is published, of 2" in err
        code, out, err = coming.run("import", "--together", "--skip-invalid")
        assert code == 0 and err.startswith(f"{other}: version-reused: ")
        assert "6 packages were brought, 1 was left out" in out
        assert coming.packages() == WHOLE | {"y 1 (all)"}


class TestWhatTheSourceHas:
    def test_a_version_with_other_bytes_in_another_suite_is_kept_in_both(
        self, coming: Coming, signers: Signers
    ) -> None:
        coming.imported()
        other = Published(coming.there.folder.parent / "testing", signers, "testing")
        other.names = {**other.names, "Suite": "testing", "Codename": "testing"}
        path = other.add("b_2.0_all.deb", deb("b", "2.0", note="other bytes"))
        other.publish()
        place = ("--suite", "testing", "--keyring", "k", "--cache", str(coming.cache))
        code, out, err = coming.bench.run("import", str(other.folder), *place)
        assert (code, err) == (0, "") and "1 package was brought" in out
        for source, suite in ((coming.there, "stable"), (other, "testing")):
            where = str(source.folder), "--suite", suite, "--keyring", "k"
            assert coming.bench.run("compare", *where)[0] == 0
        # Stanza by stanza, their sums among them.
        one, two = (s.packages["main"] for s in (coming.there, other))
        assert two[path] not in one.values()

    def test_what_is_for_all_and_offered_to_some_is_told(self, coming: Coming) -> None:
        """As where one architecture's builds lag behind; here every host is offered it."""
        path = next(p for p in coming.there.packages["main"] if "/b_" in p)
        coming.there.only[path] = "amd64"
        coming.there.publish()
        out = " ".join(coming.imported().split())
        assert "note: it offers b 2.0 (all) to hosts of some architectures only" in out
        code, out, _ = coming.run("compare")
        assert code == 1 and "arm64: b: 2.0 is only here (apt would install what is not" in out


class TestTheLayoutsOfOthers:
    """As deb-s3 1 writes (tried with deb-s3 itself, which needs Ruby), Artifactory 7 and
    packagecloud."""

    def test_deb_s3(self, coming: Coming, named: Callable[..., Bench]) -> None:
        """No Label, an empty Suite, an index of `all` beside the others, fields of its own making,
        and no `.xz`."""
        coming.there.names = {"Origin": "Lab", "Codename": "stable", "Suite": ""}
        coming.there.architectures = ["amd64", "arm64", "all"]
        coming.there.forms = ("", ".gz")
        coming.there.said = (
            "License: unknown\nVendor: none\nInstalled-Size: \n"
            "Homepage: http://nourlgiven.example.com/\n"
        )
        coming.there.publish()
        coming.bench = named(origin="Lab", label="Lab")
        code, _, err = coming.run("import")
        assert code == 1 and "stable: it has no Label, and a suite here always has one" in err
        assert "(--own-names), and let hosts come over by another address" in err
        coming.imported("--own-names")
        assert coming.packages() == WHOLE
        found = json.loads(coming.run("compare", "--json")[1])
        assert [(d["where"], d["about"]) for d in found["differences"]] == [
            ("Release", "Label"), ("Release", "Suite"),
        ]  # fmt: skip
        assert {"License", "Vendor", "Homepage"} <= set(found["may_differ"])

    def test_artifactory(self, coming: Coming, named: Callable[..., Bench]) -> None:
        """Its own name for Origin and Label, `.bz2`, and by-hash."""
        coming.there.names = {
            "Origin": "Artifactory", "Label": "Artifactory", "Suite": "stable",
            "Codename": "stable", "Acquire-By-Hash": "yes",
        }  # fmt: skip
        coming.there.forms, coming.there.by_hash = ("", ".bz2", ".gz"), True
        coming.there.publish()
        code, out, _ = coming.run("import", "--dry-run")
        block = json.loads(out[out.index("{") : out.rindex("}") + 1])
        assert code == 1 and block["origin"] == block["label"] == "Artifactory"
        coming.bench = named(origin="Artifactory", label="Artifactory")
        coming.imported()
        assert coming.run("compare")[0] == 0

    def test_packagecloud(self, coming: Coming, named: Callable[..., Bench]) -> None:
        """A token for the user, and packages at another host, which must not be told it."""
        coming.there.names = {
            "Origin": "packagecloud.io/lab/tools", "Label": "tools", "Suite": "stable",
            "Codename": "stable",
        }  # fmt: skip
        coming.there.forms = ("", ".gz", ".bz2", ".xz")
        coming.there.publish()
        coming.bench = named(origin="packagecloud.io/lab/tools", label="tools")
        with Redirecting(coming.there.folder) as server:
            address = f"http://t0ken:@127.0.0.1:{server.port}/lab/tools/debian"
            place = ("--suite", "stable", "--keyring", "k", "--cache", str(coming.cache))
            code, out, err = coming.bench.run("import", address, *place)
            assert (code, err) == (0, "") and "t0ken" not in out
            assert coming.packages() == WHOLE
            code, out, _ = coming.bench.run("compare", address, *place[:4])
        assert code == 0 and "no host could tell them apart" in out
        assert server.told == []


class Redirecting:
    """A web server that wants a user, and gives packages from another host that wants none."""

    def __init__(self, folder: Path) -> None:
        self.told: list[str] = []
        outer, root = self, "/lab/tools/debian"

        class Packages(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.told += self.headers.get_all("Authorization", [])
                super().do_GET()

            def log_message(self, *_said: object) -> None:
                """Says nothing."""

        class Front(Packages):
            def do_GET(self) -> None:
                if self.headers["Authorization"] != "Basic dDBrZW46":
                    self.send_error(401)
                elif self.path.startswith(f"{root}/pool/"):
                    self.send_response(302)
                    path = self.path.removeprefix(root)
                    self.send_header("Location", f"http://localhost:{outer.packages}{path}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    self.path = self.path.removeprefix(root)
                    SimpleHTTPRequestHandler.do_GET(self)

        self._servers = [
            ThreadingHTTPServer(("127.0.0.1", 0), partial(kind, directory=str(folder)))
            for kind in (Front, Packages)
        ]
        self.port, self.packages = (server.server_port for server in self._servers)

    def __enter__(self) -> Redirecting:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_raised: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


class TestFollowing:
    def test_only_what_changed_comes(self, coming: Coming) -> None:
        coming.imported()
        coming.there.add("d_1_all.deb", deb("d", "1"))
        coming.there.publish()
        assert "6 are published here, 0 are refused, 1 is to come" in coming.imported()
        assert coming.packages() == WHOLE | {"d 1 (all)"}

    def test_what_the_source_has_no_more_goes_on_demand(self, coming: Coming) -> None:
        coming.imported()
        coming.bench.publish(("own", "1", "all"))  # Somebody's here, which no source ever had.
        for path in [p for p in coming.there.packages["main"] if "/a_1.0" in p or "/c_0.9" in p]:
            coming.there.remove(path)
        coming.there.publish()
        coming.imported()
        assert coming.packages() == WHOLE | {"own 1 (all)"}
        out = coming.imported("--remove", "--dry-run")
        assert out.count("would remove") == 3 and "own" not in out
        assert coming.packages() == WHOLE | {"own 1 (all)"}
        out = coming.imported("--remove")
        assert out.count("  removed  ") == 3
        left = {"a 1.1~rc1 (amd64)", "b 2.0 (all)", "c 1:0.1 (all)", "own 1 (all)"}
        assert coming.packages() == left

    def test_what_came_from_another_source_is_left_alone(
        self, coming: Coming, signers: Signers
    ) -> None:
        other = Published(coming.there.folder.parent / "other", signers)
        for name in ("d", "e"):
            other.add(f"{name}_1_all.deb", deb(name, "1"))
        other.publish()
        second = Coming(coming.bench, other, coming.there.folder.parent)
        coming.imported()
        second.imported()
        both = WHOLE | {"d 1 (all)", "e 1 (all)"}
        for each in (coming, second):
            assert "removed" not in each.imported("--remove")
            assert coming.packages() == both
        other.remove("pool/main/d/d/d_1_all.deb")
        other.publish()
        assert "  removed  " in second.imported("--remove")
        assert coming.packages() == both - {"d 1 (all)"}

    def test_what_moved_to_another_component_leaves_the_old_one(self, coming: Coming) -> None:
        coming.there.packages["extra"] = {}
        coming.there.publish()
        coming.imported()
        path = next(p for p in coming.there.packages["main"] if "/b_" in p)
        body = coming.there.packages["main"].pop(path)
        coming.there.add("b_2.0_all.deb", body, "extra")
        coming.there.publish()
        assert coming.imported("--remove").count("  removed  ") == 1
        assert (coming.packages(), coming.packages("extra")) == (
            WHOLE - {"b 2.0 (all)"}, {"b 2.0 (all)"},
        )  # fmt: skip
        assert coming.run("compare")[0] == 0

    def test_a_component_that_the_source_drops_is_emptied_of_what_came_from_it(
        self, coming: Coming
    ) -> None:
        coming.there.add("e_1_all.deb", deb("e", "1"), "extra")
        coming.there.publish()
        coming.imported()
        coming.bench.publish(("own", "1", "all"), component="extra")
        del coming.there.packages["extra"]
        coming.there.publish()
        assert "removed" not in coming.imported("--remove", "--component", "main")
        assert coming.imported("--remove").count("  removed  ") == 1
        assert (coming.packages(), coming.packages("extra")) == (WHOLE, {"own 1 (all)"})

    def test_a_flat_repository_in_two_components_is_looked_at_in_one(self, coming: Coming) -> None:
        coming.there.publish_flat()
        flat = ("--source-suite", "./", "--component")
        for component in ("main", "extra"):
            coming.imported(*flat, component)
        coming.there.remove(next(p for p in coming.there.packages["main"] if "/b_" in p))
        coming.there.publish_flat()
        coming.imported("--remove", *flat, "extra")
        assert (coming.packages(), coming.packages("extra")) == (WHOLE, WHOLE - {"b 2.0 (all)"})

    def test_a_source_that_is_empty_all_at_once_empties_nothing_unasked(
        self, coming: Coming
    ) -> None:
        coming.imported()
        paths = sorted(coming.there.packages["main"])
        for path in paths[:4]:
            coming.there.remove(path)
        coming.there.add("new_1_all.deb", deb("new", "1"))
        coming.there.publish()
        code, _, err = coming.run("import", "--remove")
        assert code == 1 and "would take out 4 packages of stable, and the source has 3 now" in err
        assert coming.packages() == WHOLE
        coming.there.packages = {"main": {}}
        coming.there.publish()
        assert coming.run("import", "--remove")[0] == 1 and coming.packages() == WHOLE
        code, out, err = coming.run("import", "--remove", "--dry-run")
        assert code == 1 and out.count("would remove") == 6 and "say --all" in err
        assert coming.imported("--remove", "--all").count("  removed  ") == 6
        assert coming.packages() == set()

    def test_each_package_in_a_newer_version_is_no_loss(self, coming: Coming) -> None:
        """As reprepro has it, which keeps one version."""
        coming.imported()
        coming.there.packages = {"main": {}}
        for name, version, architecture in SOURCE_PACKAGES:
            for new, body in debs((name, f"9:{version.replace(':', '.')}", architecture)).items():
                coming.there.add(new, body)
        coming.there.publish()
        assert coming.imported("--remove").count("  removed  ") == 6
        assert len(coming.packages()) == 6 and not coming.packages() & WHOLE

    def test_what_ci_has_published_as_well_is_left_alone(self, coming: Coming) -> None:
        """It was answered that it is published, though it was there before."""
        press = coming.bench.press
        coming.imported()
        assert press.publish(press.upload("ci", debs(("b", "2.0", "all")))) == "published"
        for path in [p for p in coming.there.packages["main"] if "/b_" in p or "/c_0.9" in p]:
            coming.there.remove(path)
        coming.there.publish()
        assert coming.imported("--remove").count("  removed  ") == 1
        assert coming.packages() == WHOLE - {"c 0.9 (all)"}

    def test_what_ci_publishes_while_packages_come_is_left_alone(
        self, coming: Coming, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        press, original = coming.bench.press, FolderPlace.stream
        coming.imported()
        coming.there.remove(next(p for p in coming.there.packages["main"] if "/b_" in p))
        new = coming.there.add("new_1_all.deb", deb("new", "1"))
        coming.there.publish()

        def stream(place: FolderPlace, path: str, start: int = 0) -> Any:
            if path == new:
                uploaded = press.upload("ci", debs(("b", "2.0", "all")))
                assert press.publish(uploaded) == "published"
            return original(place, path, start)

        monkeypatch.setattr(FolderPlace, "stream", stream)
        assert "removed" not in coming.imported("--remove")
        assert coming.packages() == WHOLE | {"new 1 (all)"}

    def test_what_ci_published_and_was_removed_again_is_the_imports(self, coming: Coming) -> None:
        coming.bench.publish(("b", "2.0", "all"))
        assert coming.bench.run("remove", "b", "--suite", "stable")[0] == 0
        coming.bench.sleep(1)
        coming.imported()
        coming.there.remove(next(p for p in coming.there.packages["main"] if "/b_" in p))
        coming.there.publish()
        assert coming.imported("--remove").count("  removed  ") == 1
        assert coming.packages() == WHOLE - {"b 2.0 (all)"}

    def test_what_something_else_needs_is_not_said_to_go(self, coming: Coming) -> None:
        path = coming.there.add("lib_1_all.deb", deb("lib", "1"))
        coming.there.add("app_1_all.deb", deb("app", "1", extra="Depends: lib (= 1)\n"))
        coming.there.publish()
        coming.imported()
        coming.there.remove(path)
        coming.there.publish()
        code, out, err = coming.run("import", "--remove", "--dry-run")
        assert "stable/main: would be refused to remove lib 1 (all)\n" in out
        assert code == 1 and "dependency-broken: app 1 (all) needs lib (= 1)" in err
        assert coming.run("import", "--remove")[0] == 1
        coming.there.add("lib_1_all.deb", deb("lib", "1"), "extra")
        coming.there.publish()
        assert coming.run("import", "--remove", "--dry-run")[0] == 0
        assert "  removed  " in coming.imported("--remove")

    def test_what_is_not_looked_at_is_not_gone(self, coming: Coming) -> None:
        coming.imported()
        code, _, err = coming.run("import", "--arch", "amd64", "--remove")
        assert code == 1 and "--remove has to see all that the source has" in err
        assert coming.packages() == WHOLE

    def test_an_expired_release_can_not_say_what_is_gone(self, coming: Coming) -> None:
        coming.imported()
        coming.there.names = {**coming.there.names, "Valid-Until": coming.there.date}
        coming.there.remove(next(p for p in coming.there.packages["main"] if "/b_" in p))
        coming.there.publish()
        code, _, err = coming.run("import", "--remove")
        assert code == 1 and "is expired, so it can't say what is gone: nothing is removed" in err
        assert coming.packages() == WHOLE
        assert "nothing is left to do" in coming.imported()

    def followed(
        self, coming: Coming, monkeypatch: pytest.MonkeyPatch, *turns: Callable[[], object]
    ) -> str:
        """What is said to stderr, where between two looks these happen."""
        sleep, left = coming.bench.sleep, list(turns)

        def turn(seconds: float) -> None:
            sleep(seconds)
            if seconds == 120:
                if not left:
                    raise KeyboardInterrupt
                left.pop(0)()

        monkeypatch.setattr(coming.bench, "sleep", turn)
        code, _, err = coming.run("import", "--follow", "2", "--remove")
        assert code == 130 and not left
        return err

    def test_a_release_from_before_is_passed_over(
        self, coming: Coming, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As of a server that lags behind the others of its address."""

        def lag() -> None:
            coming.there.date = "Sun, 22 Nov 2026 01:00:00 UTC"
            coming.there.remove(next(p for p in coming.there.packages["main"] if "/b_" in p))
            coming.there.publish()

        assert "is older than at the last look" in self.followed(coming, monkeypatch, lag)
        assert coming.packages() == WHOLE

    def test_a_publish_that_overlaps_a_look_is_waited_for(
        self, coming: Coming, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def begin() -> None:
            coming.there.add("d_1_all.deb", deb("d", "1"))
            coming.there.publish()
            for file in coming.there.folder.glob("dists/stable/main/*/*"):
                file.write_bytes(b"")

        err = self.followed(coming, monkeypatch, begin, coming.there.publish)
        assert "a publish may be going on there: run this again" in err
        assert coming.packages() == WHOLE | {"d 1 (all)"}

    def test_a_publish_between_a_look_and_its_fetches_is_waited_for(
        self, coming: Coming, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the index had is gone from the pool, as aptly cleans it after a publish."""
        original, gone = FolderPlace.stream, "pool/main/d/d/d_1_all.deb"

        def stream(place: FolderPlace, path: str, start: int = 0) -> Any:
            if path == gone and gone in coming.there.packages["main"]:
                coming.there.remove(gone)
                (coming.there.folder / gone).unlink()
                coming.there.add("d_2_all.deb", deb("d", "2"))
                coming.there.publish()
            return original(place, path, start)

        def begin() -> None:
            coming.there.add("d_1_all.deb", deb("d", "1"))
            coming.there.publish()

        monkeypatch.setattr(FolderPlace, "stream", stream)
        err = self.followed(coming, monkeypatch, begin, bool)
        assert f"{gone}: " in err and "has changed since it was read, by a publish there" in err
        assert coming.packages() == WHOLE | {"d 2 (all)"}

    @pytest.mark.parametrize("how", ["gone", "refused"])
    def test_a_source_that_can_not_be_read_for_a_while_is_waited_for(
        self, coming: Coming, how: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read, away = FolderPlace.read, list[bool]()

        def refused(place: FolderPlace, path: str, most: int) -> bytes | None:
            if away and how == "refused":
                raise SourceError("the server answers 403")
            return None if away else read(place, path, most)

        monkeypatch.setattr(FolderPlace, "read", refused)

        def come_back() -> None:
            away.clear()
            coming.there.add("d_1_all.deb", deb("d", "1"))
            coming.there.publish()

        err = self.followed(coming, monkeypatch, lambda: away.append(True), come_back)
        assert err.count("\n") == 1
        assert "it was there at the last look, so it is asked again" in err
        assert coming.packages() == WHOLE | {"d 1 (all)"}

    def test_a_signature_that_is_not_good_ends_it(
        self, coming: Coming, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sleep, release = coming.bench.sleep, coming.there.folder / "dists/stable/InRelease"

        def turn(seconds: float) -> None:
            sleep(seconds)
            if seconds == 120:
                release.write_bytes(release.read_bytes().replace(b"main", b"mane"))

        monkeypatch.setattr(coming.bench, "sleep", turn)
        code, _, err = coming.run("import", "--follow", "2")
        assert code == 1 and str(release) in err

    def test_a_batch_that_failed_is_tried_again(
        self, coming: Coming, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wait, failing = waiting.wait, [True]

        def failed(*given: Any) -> Any:
            result = wait(*given)
            return replace(result, status="failed") if failing and failing.pop() else result

        monkeypatch.setattr(waiting, "wait", failed)
        assert "failed; run this again" in self.followed(coming, monkeypatch, bool)
        assert coming.packages() == WHOLE

    def test_again_and_again_until_interrupted(
        self, coming: Coming, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sleep, slept = coming.bench.sleep, list[float]()

        def turn(seconds: float) -> None:
            sleep(seconds)
            if seconds == 120:
                slept.append(seconds)
                coming.there.add(f"d_{len(slept)}_all.deb", deb("d", str(len(slept))))
                coming.there.publish()
                if len(slept) == 3:
                    raise KeyboardInterrupt

        monkeypatch.setattr(coming.bench, "sleep", turn)
        code, out, _ = coming.run("import", "--follow", "2")
        assert code == 130 and out.count(" brought, 0 were left out") == 3
        assert coming.packages() == WHOLE | {"d 1 (all)", "d 2 (all)"}


class _Cut(BaseException):
    """The process is killed."""


@pytest.mark.parametrize(
    "line",
    [line for b in blocks("docs/coming-from-aptly.md") for line in b.splitlines()]
    + [line for b in blocks("docs/operators.md") for line in b.splitlines() if "old-key" in line],
)
def test_the_pages_commands_are_understood(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[argparse.Namespace] = []

    def run(given: argparse.Namespace, _: Any) -> int:
        asked.append(given)
        return 0

    for module in (import_, compare, status):
        monkeypatch.setattr(module, "run", run)
    assert main(shlex.split(line)[1:]) == 0
    assert asked[0].suite in ("bookworm", "stable")
    assert "status" in line or asked[0].keyring.suffix == ".asc"


class Cuts:
    """Kills the process at the call that is `due` calls from now, wherever that is; no other thread
    of it does anything after that, either."""

    def __init__(self) -> None:
        self.due = 0
        self.hit: list[str] = []
        self._lock = threading.Lock()

    def _count(self, what: str) -> None:
        with self._lock:
            self.due -= 1
            if self.due == 0:
                self.hit.append(what)
            if self.due <= 0:
                raise _Cut

    def counted(self, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **named: Any) -> Any:
            self._count(what)
            return call(*given, **named)

        return wrapped


@pytest.mark.parametrize(("count", "batch", "stride"), [(34, 5, 30), (1994, 250, 1300)])
def test_an_import_that_is_cut_at_ten_moments_ends_whole(
    coming: Coming, count: int, batch: int, stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each at a read of the source, a write to the bucket, or a wait for the press. With those that
    the source has anyhow, it is 40 packages and 2,000; a cut comes within `stride` calls."""
    chance, cuts, fetched = random.Random(count), Cuts(), list[str]()
    store, original = coming.bench.press.store, FolderPlace.stream
    names = [(f"p{number // 2}", str(number % 2)) for number in range(count)]
    for name, version in names:
        coming.there.add(f"{name}_{version}_all.deb", deb(name, version))
    coming.there.publish()

    def stream(place: FolderPlace, path: str, start: int = 0) -> Any:
        fetched.append(path)
        halves = (h for p in original(place, path, start) or () for h in (p[:100], p[100:]))
        read = cuts.counted("read", bytes)
        return (read(half) for half in halves)

    monkeypatch.setattr(FolderPlace, "stream", stream)
    monkeypatch.setattr(coming.bench, "sleep", cuts.counted("wait", coming.bench.sleep))
    monkeypatch.setattr(store, "put_file", cuts.counted("write", store.put_file))
    monkeypatch.setattr(store, "put", cuts.counted("write", store.put))
    options = ("--batch-size", str(batch))
    while len(cuts.hit) < 10:
        cuts.due = chance.randrange(1, stride)
        with pytest.raises(_Cut):
            coming.run("import", *options)
    cuts.due = 10**9
    coming.imported(*options)
    assert set(cuts.hit) >= {"read", "write"}
    assert coming.packages() == WHOLE | {f"{name} {version} (all)" for name, version in names}
    # What was fetched whole is not fetched again: a cut costs at most what was on its way.
    packages = [path for path in fetched if path.startswith("pool/")]
    assert count + 6 <= len(packages) <= count + 6 + 16 * len(cuts.hit)
    assert "nothing is left to do" in coming.imported()


def test_a_source_that_breaks_off_is_asked_for_the_rest(
    coming: Coming, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[int] = []
    original = FolderPlace.stream

    def stream(place: FolderPlace, path: str, start: int = 0) -> Any:
        if not path.endswith("b_2.0_all.deb"):
            return original(place, path, start)
        starts.append(start)
        body = b"".join(original(place, path, start) or ())

        def broken() -> Any:
            yield body[:100]
            raise TransientError("the connection broke")

        return broken() if len(starts) < 3 else iter((body,))

    monkeypatch.setattr(FolderPlace, "stream", stream)
    coming.imported()
    assert starts == [0, 100, 200]
    assert coming.packages() == WHOLE


@pytest.mark.parametrize("command", ["import", "compare"])
def test_a_keybox_is_no_keyring(bench: Bench, tmp_path: Path, command: str) -> None:
    """gpgv reads it, and apt does not."""
    keybox = tmp_path / "pubring.kbx"
    keybox.write_bytes(b"\0\0\0 \1\1\0\2KBXf" + bytes(20))
    where = (str(tmp_path), "--suite", "stable", "--keyring", str(keybox))
    code, _, err = bench.run(command, *where)
    assert (
        code == 1
        and err.startswith(f"debpress: {keybox} is a keybox of GnuPG")
        and "--export`" in err
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_whoever_ends_a_comparison_finds_nothing_left_of_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int, code: int
) -> None:
    made = list[Path]()

    def ended(*_: Any) -> int:
        with judging.sitting():
            made.extend(tmp_path.iterdir())
            signal.raise_signal(number)
        return 0

    monkeypatch.setattr(compare, "run", ended)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert bench.run("compare", ".", "--suite", "stable", "--keyring", "k") == (code, "", "")
    assert [each.name.startswith("debpress-compare-") for each in made] == [True]
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(number) == signal.SIG_DFL


class TestComparing:
    def differences(self, coming: Coming) -> list[tuple[str, str]]:
        code, out, _ = coming.run("compare", "--json")
        found = json.loads(out)
        assert code == (1 if found["differences"] else 0)
        return [(each["where"], each["about"]) for each in found["differences"]]

    def test_after_an_import_no_host_could_tell(self, coming: Coming) -> None:
        coming.imported()
        code, out, err = coming.run("compare")
        assert (code, err) == (0, "")
        assert "stable: no host could tell them apart\n" in out
        assert "6 candidates and 9 stanzas compared, for amd64, arm64" in out
        assert "differing, as they may: Filename in 9, MD5sum in 9" in out

    def test_before_it_each_candidate_is_told(self, coming: Coming) -> None:
        _, out, _ = coming.run("compare")
        assert "amd64: a: 1.1~rc1 is only there (apt could not install it from here)\n" in out
        assert self.differences(coming) == [(h, p) for h in ("amd64", "arm64") for p in "abc"]

    def test_a_hundred_of_many_are_shown(
        self, coming: Coming, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(compare, "_SHOWN", 4)
        _, out, _ = coming.run("compare")
        assert out.count(" is only there (") == 4 and "\nand 2 more (--json has all)\n" in out
        assert "a host could tell, by 6 differences" in out

    def test_an_architecture_that_the_source_has_not_is_no_hosts_there(
        self, coming: Coming
    ) -> None:
        coming.there.architectures = ["amd64"]
        coming.there.publish()
        coming.imported()
        assert coming.run("compare")[0] == 0

    def test_one_of_several_architectures(self, coming: Coming) -> None:
        """As a source can name one of which it has no index."""
        coming.imported()
        coming.bench.publish(("new", "1.0", "arm64"))
        coming.there.packages["main"] = {
            p: b for p, b in coming.there.packages["main"].items() if "arm64" not in p
        }
        coming.there.publish()
        shutil.rmtree(coming.there.folder / "dists/stable/main/binary-arm64")
        assert coming.run("compare")[0] == 1
        code, out, err = coming.run("compare", "--arch", "amd64")
        assert (code, err) == (0, "") and " compared, for amd64, by" in out
        code, _, err = coming.run("compare", "--arch", "i386")
        assert code == 1 and "has no architecture 'i386'; it has amd64, arm64\n" in err

    def test_a_release_that_hosts_would_pass_over_is_told(self, coming: Coming) -> None:
        coming.imported()
        assert " older " not in coming.run("compare")[1]
        coming.there.date = "Mon, 23 Nov 2026 09:00:00 UTC"
        coming.there.publish()
        code, out, _ = coming.run("compare")
        assert code == 0 and "note: the release here is older than the one there" in out

    def test_a_release_that_hosts_refuse_by_now_is_told(self, coming: Coming) -> None:
        coming.imported()
        until = "Mon, 23 Nov 2026 01:01:00 UTC"
        coming.there.names = {**coming.there.names, "Valid-Until": until}
        coming.there.publish()
        code, out, _ = coming.run("compare")
        assert code == 0 and "note: hosts refuse" in out and "its Valid-Until is over" in out

    def test_another_candidate(self, coming: Coming) -> None:
        coming.imported()
        coming.bench.publish(("b", "3.0", "all"))
        assert self.differences(coming) == [("amd64", "b"), ("arm64", "b")]
        _, out, _ = coming.run("compare")
        assert "b: the candidate is 2.0 (all) there, 3.0 (all) here (apt would install" in out

    def test_an_older_version_that_only_one_has(self, coming: Coming) -> None:
        coming.imported()
        coming.bench.publish(("b", "1.0", "all"))
        _, out, _ = coming.run("compare")
        assert "amd64: b 1.0 (all): is only here (a host could ask for this very version)" in out

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            (b"Maintainer:", b"Depends: libc6\nMaintainer:", "apt would resolve it otherwise"),
            (b"Maintainer:", b"Section: oldlibs\nMaintainer:", "the source overrides what"),
            (b"Description: test", b"Description: other", "apt would show it otherwise"),
        ],
    )
    def test_another_stanza(self, coming: Coming, old: bytes, new: bytes, words: str) -> None:
        coming.imported()
        path = next(p for p in coming.there.packages["main"] if "/b_" in p)
        coming.there.altered[path] = (old, new)
        coming.there.publish()
        assert self.differences(coming) == [("amd64", "b 2.0 (all)"), ("arm64", "b 2.0 (all)")]
        assert words in coming.run("compare")[1]

    def test_a_version_that_has_no_order(self, coming: Coming) -> None:
        path = next(p for p in coming.there.packages["main"] if "/a_1.0_amd64" in p)
        coming.there.altered[path] = (b"Version: 1.0", b"Version: 1/0")
        coming.there.publish()
        code, _, err = coming.run("compare")
        assert code == 1 and err.startswith("debpress: 'a' has versions ") and "'1/0'" in err

    def test_a_package_in_another_component(self, coming: Coming) -> None:
        """Hosts that read that component alone would lose it, or be offered it."""
        extra = {"b_2.0_all.deb": debs(("b", "2.0", "all"))["b_2.0_all.deb"]}
        coming.there.add("e_1.0_all.deb", debs(("e", "1.0", "all"))["e_1.0_all.deb"], "extra")
        coming.there.publish()
        coming.imported()
        press = coming.bench.press
        press.publish(press.upload("moved", extra, component="extra"))
        _, out, _ = coming.run("compare")
        assert "amd64: b 2.0 (all): is in main there, in extra and in main here (hosts" in out
        assert coming.bench.run("remove", "b", "--suite", "stable")[0] == 0
        assert self.differences(coming) == [("amd64", "b 2.0 (all)"), ("arm64", "b 2.0 (all)")]
        assert "b 2.0 (all): is in main there, in extra here (hosts" in coming.run("compare")[1]

    def test_another_stanza_in_one_of_two_components(self, coming: Coming) -> None:
        """Of which hosts that read both take the other one."""
        path = coming.there.add("b_2.0_all.deb", debs(("b", "2.0", "all"))["b_2.0_all.deb"], "x")
        coming.there.packages["extra"] = coming.there.packages.pop("x")
        coming.there.publish()
        coming.imported()
        coming.there.altered[path] = (b"Maintainer:", b"Depends: libc6\nMaintainer:")
        coming.there.publish()
        assert self.differences(coming) == [("amd64", "b 2.0 (all)"), ("arm64", "b 2.0 (all)")]
        assert "b 2.0 (all): in extra, Depends is libc6 there" in coming.run("compare")[1]

    def test_a_component_that_is_only_here_is_said(self, coming: Coming) -> None:
        coming.imported()
        code, out, _ = coming.run("compare")
        assert code == 0 and "note: what is in extra was not compared: the repository" in out

    def test_other_names(self, coming: Coming) -> None:
        coming.imported()
        coming.there.names = {**coming.there.names, "Label": "x", "NotAutomatic": "yes"}
        coming.there.publish()
        assert self.differences(coming) == [("Release", "Label"), ("Release", "NotAutomatic")]
