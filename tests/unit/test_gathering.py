"""Folders and `.changes` on the command line, and what is wrong with them before a byte is sent."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from debpress import manifest
from debpress.commands.gathering import Gathered, gather
from debpress.commands.main import main
from debpress.errors import Code

from tests.support.debs import control, deb
from tests.unit.test_commands_packages import write

FOO = deb()
BAR = deb(control(Package="bar", Version="2:1.0"))


def listing(*files: tuple[str, bytes]) -> bytes:
    """A .changes of these files."""
    rows = "".join(f" {hashlib.sha256(b).hexdigest()} {len(b)} {name}\n" for name, b in files)
    return f"Format: 1.8\nSource: foo\nChecksums-Sha256:\n{rows}".encode()


def signed(body: bytes) -> bytes:
    """As debsign leaves it; by nobody's key."""
    start, end = b"-----BEGIN PGP SIGN", b"-----END PGP SIGNATURE-----\n"
    return b"".join([start, b"ED MESSAGE-----\nHash: SHA512\n\n", body, b"\n",
                     start, b"ATURE-----\n\niQIzBAEBCgAdFiEE\n", end])  # fmt: skip


def names(gathered: Gathered) -> list[str]:
    return [package.name for package in gathered.packages]


def wrong(gathered: Gathered) -> list[tuple[str, Code]]:
    return [(refusal.file, refusal.code) for refusal in gathered.refusals]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    write(tmp_path, "dist/foo_1.0_all.deb", FOO)
    write(tmp_path, "dist/bar_1.0_all.deb", BAR)
    write(tmp_path, "dist/foo_1.0.dsc", b"Format: 3.0\n")
    return tmp_path / "dist"


@pytest.fixture
def changes(dist: Path) -> Path:
    body = listing(("foo_1.0_all.deb", FOO), ("foo_1.0.dsc", b"Format: 3.0\n"))
    return write(dist, "foo_1.0_amd64.changes", signed(body))


def test_a_folder_stands_for_the_packages_in_it(dist: Path) -> None:
    gathered = gather([dist])
    assert names(gathered) == ["bar_1.0_all.deb", "foo_1.0_all.deb"]
    assert (gathered.refusals, gathered.notes) == ([], [])


def test_a_signed_changes_stands_for_its_packages_and_names_what_is_not_sent(changes: Path) -> None:
    gathered = gather([changes])
    assert names(gathered) == ["foo_1.0_all.deb"] and not gathered.refusals
    assert gathered.notes == [
        f"{changes}: not sent, since debpress publishes binary packages alone: foo_1.0.dsc"
    ]


def test_a_changes_named_alone_is_the_manifest_as_it_is(dist: Path, changes: Path) -> None:
    manifest = gather([changes]).manifest(["lab"])
    assert (manifest.name, manifest.body) == (changes.name, changes.read_bytes())
    # What lists more than it, or names several suites, is written anew.
    for named, suites in (([changes, dist], ["lab"]), ([changes], ["lab", "fab"])):
        assert gather(named).manifest(suites).name == "manifest.json"


def test_a_changes_whose_name_is_none_is_refused(changes: Path) -> None:
    odd = changes.rename(changes.with_name("foo\udcff.changes"))
    assert wrong(gather([odd])) == [(str(odd), Code.NAME_UNSAFE)]


def test_the_same_file_named_thrice_is_sent_once(dist: Path, changes: Path) -> None:
    gathered = gather([dist / "foo_1.0_all.deb", changes, dist])
    assert names(gathered) == ["foo_1.0_all.deb", "bar_1.0_all.deb"] and not gathered.refusals


@pytest.mark.parametrize(
    ("built", "code", "said"),
    [
        (deb(control(Description="x")), Code.SIZE_MISMATCH, "bytes, foo_1.0_amd64.changes says "),
        (FOO[:24] + b"1" + FOO[25:], Code.SUM_MISMATCH, "foo_1.0_amd64.changes says "),
    ],
)
def test_a_package_that_was_built_again_is_not_what_the_changes_lists(
    dist: Path, changes: Path, built: bytes, code: Code, said: str
) -> None:
    path = write(dist, "foo_1.0_all.deb", built)
    (refusal,) = gather([changes]).refusals
    assert (refusal.file, refusal.code) == (str(path), code) and said in refusal.message


def test_what_a_changes_lists_and_is_not_there(changes: Path) -> None:
    (changes.parent / "foo_1.0_all.deb").unlink()
    assert wrong(gather([changes])) == [
        (str(changes.parent / "foo_1.0_all.deb"), Code.FILE_MISSING)
    ]


def test_everything_that_is_wrong_is_said_at_once(dist: Path, tmp_path: Path) -> None:
    source = write(tmp_path, "foo_1.0_source.changes", listing(("foo_1.0.dsc", b"")))
    broken = write(tmp_path, "broken.changes", b"\x89PNG")
    outside = write(tmp_path, "out.changes", listing(("../foo_1.0_all.deb", FOO)))
    other = write(tmp_path, "foo-again.deb", deb(control(Description="other")))
    (tmp_path / "empty").mkdir()
    named = [source, broken, outside, tmp_path / "gone.changes", tmp_path / "empty", dist, other]
    assert wrong(gather(named)) == [
        (str(source), Code.MANIFEST_EMPTY),
        (str(broken), Code.MANIFEST_UNREADABLE),
        (str(broken), Code.MANIFEST_FIELD),
        (str(outside), Code.NAME_UNSAFE),
        (str(tmp_path / "gone.changes"), Code.FILE_MISSING),
        (str(tmp_path / "empty"), Code.FILE_MISSING),
        # One version twice with other bytes, which the press would say after the upload.
        (str(other), Code.VERSION_REUSED),
    ]


def test_a_name_that_no_manifest_takes(tmp_path: Path) -> None:
    path = write(tmp_path, "foo\n.deb", FOO)
    assert [code for _, code in wrong(gather([path]))] == [Code.NAME_UNSAFE]


class TestBuildManifest:
    def test_it_is_what_an_upload_would_send(
        self, dist: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["build-manifest", str(dist)]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["files"][1] == {
            "name": "foo_1.0_all.deb",
            "sha256": hashlib.sha256(FOO).hexdigest(),
            "size": len(FOO),
        }
        assert main(["build-manifest", str(dist), "--output", str(dist / "manifest.json")]) == 0
        assert json.loads((dist / "manifest.json").read_text()) == said

    def test_it_may_name_suites(self, dist: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["build-manifest", str(dist), "--suite", "lab", "--suite", "fab"]) == 0
        body = capsys.readouterr().out.encode()
        assert manifest.parse("manifest.json", body).suites == ("lab", "fab")

    def test_of_a_broken_package_none_is_written(
        self, dist: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write(dist, "baz_1.0_all.deb", b"<html>")
        target = dist / "manifest.json"
        assert main(["build-manifest", str(dist), "--output", str(target)]) == 1
        said = capsys.readouterr()
        assert "baz_1.0_all.deb: deb-malformed: " in said.err
        assert said.out == "" and not target.exists()


def test_what_may_not_be_looked_at_is_named(tmp_path: Path) -> None:
    long = tmp_path / f"{'x' * 300}.deb"
    assert [code for _, code in wrong(gather([long]))] == [Code.FILE_MISSING]


def test_links_in_a_circle_are_told_as_what_can_t_be_read(tmp_path: Path) -> None:
    write(tmp_path, "foo_1.0_all.deb", FOO)
    one, other = tmp_path / "a.deb", tmp_path / "b.deb"
    one.symlink_to(other)
    other.symlink_to(one)
    gathered = gather([tmp_path])
    assert names(gathered) == ["foo_1.0_all.deb"]
    assert wrong(gathered) == [(str(path), Code.FILE_MISSING) for path in (one, other)]
