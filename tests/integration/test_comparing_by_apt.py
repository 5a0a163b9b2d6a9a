"""`debpress compare` where apt is installed: apt itself says what a host would be offered."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from debpress.adapters import apt
from debpress.adapters.gpgv import Gpgv
from debpress.adapters.places import FolderPlace, KeptPlace
from debpress.commands import connection, foreign, judging
from debpress.errors import SourceError
from debpress.signing import Signers

from tests.support.press import Press, debs, ed25519_signers
from tests.support.published import Certificates, Published
from tests.unit.test_commands_operators import Bench

NAMES = {"origin": ". stable", "label": ". stable"}
PACKAGES = (("a", "1.0", "amd64"), ("a", "1.1~rc1", "amd64"), ("b", "2.0", "all"))


@pytest.fixture(scope="module")
def signers() -> Signers:
    return ed25519_signers()


class Comparing:
    """A source, a press that has imported it, and what `debpress compare` says of the two."""

    def __init__(self, bench: Bench, there: Published, folder: Path) -> None:
        self.there = there
        self.signers = there.signers
        self._bench = bench
        self._key = folder / "key.gpg"
        self._key.write_bytes(bench.press.signers.key_gpg())
        self._cache = folder / "cache"

    def run(self, command: str, *more: str) -> tuple[int, str, str]:
        place = (str(self.there.folder), "--suite", "stable", "--keyring", str(self._key))
        return self._bench.run(command, *place, *more)

    def imported(self) -> None:
        code, _, err = self.run("import", "--cache", str(self._cache))
        assert (code, err) == (0, "")


@pytest.fixture
def comparing(
    signers: Signers,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Comparing:
    press = Press(signers)
    press.configure(**NAMES)
    press.set_up()
    press.clock.sleep(600)
    press.store.bucket = "press-in-memory"  # type: ignore[attr-defined]
    monkeypatch.setattr(connection, "connect", lambda _, **_more: (None, press.store))
    bench = Bench(press, capsys)
    bench.deploy(**NAMES)
    there = Published(tmp_path / "there", signers)
    for name, body in debs(*PACKAGES).items():
        there.add(name, body)
    there.publish()
    made = Comparing(bench, there, tmp_path)
    made.imported()
    return made


def altered(comparing: Comparing, start: str, old: bytes, new: bytes) -> None:
    """The stanza of a package whose file begins so says something else from now on."""
    [path] = [p for p in comparing.there.packages["main"] if f"/{start}" in p]
    comparing.there.altered[path] = (old, new)
    comparing.there.publish()


def test_apt_is_asked_and_that_is_said(comparing: Comparing) -> None:
    comparing.there.by_hash = True
    comparing.there.names = {**comparing.there.names, "Acquire-By-Hash": "yes"}
    comparing.there.publish()
    code, out, err = comparing.run("compare")
    assert (code, err) == (0, ""), out
    assert "compared, for amd64, arm64, by apt " in out and " in private roots\n" in out
    assert "no host could tell them apart" in out
    assert json.loads(comparing.run("compare", "--json")[1])["judge"].startswith("apt ")


def test_where_apt_is_not_installed_that_is_said(
    comparing: Comparing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(foreign, "_verifier", lambda _keyring: Certificates(comparing.signers))
    code, out, err = comparing.run("compare")
    assert (code, err) == (0, "")
    assert "by debpress's own reading, as apt is not installed here\n" in out
    assert json.loads(comparing.run("compare", "--json")[1])["judge"] == "debpress"


def test_what_could_not_be_installed_from_one_of_both(comparing: Comparing) -> None:
    altered(comparing, "b_", b"Maintainer", b"Depends: a (>> 1.0)\nMaintainer")
    code, out, err = comparing.run("compare")
    assert (code, err) == (1, "")
    assert "amd64: b 2.0 (all): Depends is a (>> 1.0) there, absent here (apt would" in out
    assert "arm64: b 2.0: nothing satisfies `Depends: a (> 1.0)` there (apt could install" in out
    assert "amd64: b 2.0: nothing" not in out


def test_an_index_that_apt_does_not_see(comparing: Comparing) -> None:
    """Of which our own reading takes no notice: law 6."""
    comparing.there.forms = (".xz",)
    comparing.there.publish()
    code, _, err = comparing.run("compare")
    assert (
        code == 1
        and "amd64: Packages: apt sees nothing there of what debpress reads (3) (does its" in err
    )


def test_an_index_in_a_form_that_apt_alone_knows(comparing: Comparing) -> None:
    """Which it asks for rather than for the plain one, and fails if the mirror has not got it."""
    comparing.there.forms = ("", ".bz2")
    comparing.there.publish()
    code, out, err = comparing.run("compare")
    assert (code, err) == (0, ""), out


def test_a_stanza_that_apt_reads_otherwise(comparing: Comparing) -> None:
    """apt passes over what says no version, without a word."""
    altered(comparing, "b_", b"Version: 2.0\n", b"")
    code, _, err = comparing.run("compare")
    assert code == 1 and "amd64: b  (all): debpress has it there, and apt does not (look at" in err
    assert "apt and debpress read an index otherwise: 2 disagreements\n" in err
    found = json.loads(comparing.run("compare", "--json")[1])["disagreements"]
    assert [each["about"] for each in found] == ["b  (all)", "Packages"]


def test_a_source_that_apt_does_not_take(comparing: Comparing) -> None:
    altered(comparing, "b_", b"Maintainer", b"Depends: a (\nMaintainer")
    code, _, err = comparing.run("compare")
    where = f"{comparing.there.folder}/dists/stable"
    assert code == 1 and err.startswith(f"debpress: apt does not take {where}: ")
    assert "Problem parsing dependency" in err and "/tmp/tmp" not in err


def test_nothing_of_this_machines_apt_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not even when it says its version, which it does not where its configuration is broken."""
    (tmp_path / "broken").write_text('Dir "/none')
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "broken"))
    found = apt.installed()
    assert found is not None and found.version


@pytest.mark.parametrize("word", ['x";APT::Update::Pre-Invoke{"false";};//', "a/b", ""])
def test_no_word_of_a_release_gets_into_the_configuration(word: str, tmp_path: Path) -> None:
    found = apt.installed()
    assert found is not None
    mirror = apt.Mirror(tmp_path, "dists/stable/", False, b"", "https://apt.example.org")
    for components, architecture in ((["main"], word), ([word], "amd64")):
        with pytest.raises(SourceError, match="has an architecture or a component"):
            found.asked(mirror, components, architecture)


def test_nothing_is_kept_outside_of_the_mirror(tmp_path: Path) -> None:
    (tmp_path / "there/dists").mkdir(parents=True)
    (tmp_path / "there/x").write_bytes(b"x")
    place = KeptPlace(FolderPlace(tmp_path / "there"), tmp_path / "mirror/kept")
    assert place.read("x", 1) == b"x" and (tmp_path / "mirror/kept/x").read_bytes() == b"x"
    assert place.read("none", 1) is None
    with pytest.raises(SourceError, match="is no path of a repository"):
        place.read("dists/../x", 1)
    for name in ("x" * 300, "x/below"):
        with pytest.raises(SourceError, match="is no path of a repository"):
            KeptPlace(Anything(), tmp_path / "mirror/kept").read(name, 1)


class Anything:
    """A `Place` that has whatever it is asked for."""

    def uri(self, path: str) -> str:
        return f"https://apt.example.org/{path}"

    def read(self, _path: str, _most: int) -> bytes:
        return b"x"

    def stream(self, _path: str, _start: int = 0) -> Iterator[bytes]:
        return iter((b"x",))


def test_a_name_that_is_too_long_for_a_file_here(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="can't be read: File name too long"):
        FolderPlace(tmp_path).read("x" * 300, 1)


@pytest.mark.parametrize("name", ['q"x', "l" * 150])
def test_a_tmpdir_in_which_apt_can_have_no_root(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / name))
    with pytest.raises(SourceError, match="have TMPDIR name a folder whose path is short"):
        apt.installed()


def test_where_nothing_can_be_kept_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    verifier = Gpgv(b"", "its keyring")
    for work in (apt.installed, lambda: verifier.clearsigned(b""), judging.sitting().__enter__):
        with pytest.raises(SourceError, match="nothing can be kept meanwhile below"):
            work()


@pytest.mark.parametrize(
    "how", ["kill -25 $$", "echo 'E: write (28: No space left on device)' >&2; exit 100"]
)
def test_what_is_no_fault_of_the_source_is_not_told_as_one(how: str, tmp_path: Path) -> None:
    get = tmp_path / "apt-get"
    get.write_text(f'#!/bin/sh\ncase $1 in --version) echo "apt 1";; *) {how};; esac\n')
    get.chmod(0o755)
    mirror = apt.Mirror(tmp_path / "there", "dists/stable/", False, b"", "https://apt.example.org")
    with pytest.raises(SourceError, match="apt fails, and not for what it reads"):
        apt.Apt(str(get), str(get)).asked(mirror, ["main"], "amd64")
