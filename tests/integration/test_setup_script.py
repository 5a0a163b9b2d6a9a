"""setup.sh on a host that has what every Debian has and nothing else, by the line of hosts.md."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml
from debpress import openpgp
from debpress.adapters import aws
from debpress.clock import SystemClock
from debpress.commands.main import main
from debpress.errors import SigningError
from debpress.keys import keyring
from debpress.keys.publication import setup_script
from debpress.layout import Layout
from debpress.openpgp import packets
from debpress.openpgp.packets import Tag

from local import paths
from stacks import door
from tests.support import bare_root, trixie
from tests.support.clock import FakeClock
from tests.support.documents import blocks
from tests.support.edge import Edge
from tests.support.front import Front
from tests.support.host_root import HostRoot
from tests.support.key_values import ARN as KVS
from tests.support.key_values import KeyValueService
from tests.support.replay import Bucket, Live
from tests.support.rotation import Rotation
from tests.support.web import Stored

LINE, UPDATE, LATER, PACKAGE = (
    block.strip() for block in blocks("docs/hosts.md", "Setting a host up")
)
ADDRESS = "https://packages.example.org"
FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
# What Ubuntu's command-not-found and AppStream have apt ask for beside packages.
UBUNTU = """
Acquire::IndexTargets::deb::CNF {
    MetaKey "$(COMPONENT)/cnf/Commands-$(NATIVE_ARCHITECTURE)";
    ShortDescription "Commands"; Description "Commands"; };
Acquire::IndexTargets::deb::DEP-11 {
    MetaKey "$(COMPONENT)/dep11/Components-$(NATIVE_ARCHITECTURE).yml";
    ShortDescription "Components"; Description "Components"; };
"""
# `make soak` asks all of this of Debian 13, too, whose apt verifies by sqv; and of it with uutils,
# which are the coreutils of Ubuntu since 25.10.
HOSTS = os.environ.get("DEBPRESS_HOSTS", "")
TRIXIE = HOSTS in ("trixie", "uutils")
KEYRING = "keyrings/debpress.gpg"
SOURCE = "sources.list.d/debpress-stable.sources"

pytestmark = pytest.mark.xfail(
    not bare_root.allowed(), run=False, reason="this machine lets nobody change the root"
)


def fingerprint(rotation: Rotation, name: str) -> str:
    (found,) = openpgp.fingerprints([rotation.certificate(name)])
    return found


@dataclass
class Archive:
    """A published repository of the suites stable and testing, and its address; what is `changed`
    is served in place of what it has."""

    rotation: Rotation
    changed: dict[str, bytes]

    @property
    def address(self) -> str:
        return self.rotation.uri

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.rotation, "old")

    def get(self, key: str) -> Stored | None:
        if key in self.changed:
            return Stored(self.changed[key], self.rotation.clock.now(), '"changed"')
        return Live(self.rotation.store).get(key) if key.startswith("apt/") else None

    def body(self, key: str) -> bytes | None:
        found = self.get(key)
        return found.body if found else None


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> HostRoot:
    place = tmp_path_factory.mktemp("host") / "root"
    if TRIXIE:
        if not trixie.possible():
            pytest.skip("a root of trixie takes root and mmdebstrap: NOTHING was tried here")
        subprocess.run(["cp", "-a", trixie.made(), place], check=True)
    made = HostRoot(place, *([trixie.UUTILS] if HOSTS == "uutils" else []))
    for missing in ("curl", "wget", "gpg", "python3"):
        assert made.run("sh", "-c", f"command -v {missing}").returncode == 127, missing
    return made


@pytest.fixture
def host(root: HostRoot) -> HostRoot:
    root.forget()
    return root


@contextmanager
def served() -> Iterator[Archive]:
    bucket = Bucket({})
    with bucket.served() as address:
        found = Archive(Rotation(uri=f"{address}apt"), {})
        bucket.objects = found
        assert found.rotation.publish("hello") == "published"
        yield found


@pytest.fixture(scope="module")
def published() -> Iterator[Archive]:
    with served() as found:
        yield found


@pytest.fixture
def archive(published: Archive) -> Archive:
    """The same one for all tests but those that rotate and publish."""
    published.changed.clear()
    return published


@pytest.fixture
def own_archive() -> Iterator[Archive]:
    with served() as found:
        yield found


def type_(host: HostRoot, archive: Archive, line: str) -> CompletedProcess[str]:
    """Types a line of the page, of this archive."""
    line = line.replace(ADDRESS, archive.address).replace(FINGERPRINT, archive.fingerprint)
    return host.run("sh", "-euc", line)


def run(host: HostRoot, archive: Archive, *options: str) -> CompletedProcess[str]:
    script = host.path / "root/setup.sh"
    script.write_bytes(archive.body("apt/setup.sh") or b"")
    return host.run("sh", "/root/setup.sh", *options)


def set_up(host: HostRoot, archive: Archive, *options: str) -> str:
    done = run(host, archive, "--fingerprint", archive.fingerprint, *options)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_one_line_sets_a_host_up_and_the_same_again_changes_nothing(
    host: HostRoot, archive: Archive
) -> None:
    first = type_(host, archive, LINE)
    assert (first.returncode, first.stderr) == (0, "")
    assert f"written    /etc/apt/{SOURCE}" in first.stdout
    assert host.update() == []
    assert host.packages() == {"hello"}
    assert host.apt()[KEYRING].encode("latin-1") == archive.rotation.certificate("old")
    before = host.apt()
    again = type_(host, archive, LINE)
    assert [line.split()[0] for line in again.stdout.splitlines()[1:]][-3:] == [
        *("unchanged", "unchanged", "Now"),
    ]
    assert host.apt() == before
    done = type_(host, archive, UPDATE)
    assert done.returncode == 0


def test_with_a_token_a_host_is_set_up_by_the_same_line(
    host: HostRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Through the function at the edge, and the caches behind it, by what `debpress token` prints
    and the page says."""
    service = KeyValueService()
    monkeypatch.setattr(aws, "client", lambda *_, **__: service.client())

    def token(*arguments: str) -> str:
        capsys.readouterr()
        assert main(["token", *arguments, "--store", KVS], SystemClock()) == 0
        return str(capsys.readouterr().out)

    (page,) = blocks("docs/hosts.md", "With a token")
    (line,) = re.findall("machine .*(?=')", page)
    bucket = Bucket({}, lists=True)
    code, now = door.code(Layout()), datetime.now(UTC)
    edge = Edge(code, "njs", tmp_path, now, service.items)
    front = Front(bucket, Layout(), FakeClock(now), edge)
    with front.served() as address:
        archive = Archive(Rotation(uri=address), {})
        bucket.objects = archive
        assert archive.rotation.publish("hello") == "published"

        # The script is for everybody, and says what is missing.
        done = type_(host, archive, LINE)
        assert done.returncode == 1 and "401  Unauthorized" in done.stderr
        assert host.apt() == {}

        given = json.loads(token("add", "web-servers", "--json", "--uri", address))["auth_conf"]
        assert host.run("sh", "-euc", page.replace(line, given)).returncode == 0
        (file,) = (host.path / "etc/apt/auth.conf.d").iterdir()
        assert file.stat().st_mode & 0o777 == 0o600
        done = type_(host, archive, LINE)
        assert (done.returncode, done.stderr) == (0, "")
        assert host.update() == []
        assert host.packages() == {"hello"}
        assert host.run("apt-get", "download", "hello", "--print-uris").returncode == 0
        source = host.apt()[SOURCE]
        assert given.split()[-1] not in source + done.stdout

        token("revoke", "web-servers")
        assert any("401" in said for said in host.update())
        limited = token("add", "web-servers", "--suites", "testing", "--uri", address)
        file.write_text(limited)
        assert any("403  Not a suite of this token" in said for said in host.update())
        set_up(host, archive, "--suite", "testing")
        assert run(host, archive, "--remove", "--suite", "stable").returncode == 0
        assert host.update() == []


def test_the_sum_of_the_script_can_be_pinned(host: HostRoot, archive: Archive) -> None:
    for body, good in ((archive.body("apt/setup.sh") or b"", True), (b"other", False)):
        pin = f"SHA256:{hashlib.sha256(body).hexdigest()}"
        line = LINE.replace("/root/setup.sh &&", f"/root/setup.sh {pin} &&")
        assert (type_(host, archive, line).returncode == 0) is good
        host.forget()
    assert host.apt() == {}


def test_its_bytes_outlive_rotations_and_new_components(own_archive: Archive) -> None:
    """So that the pinned sum does, too."""
    before = own_archive.body("apt/setup.sh")
    own_archive.rotation.stand_at("dual")
    assert own_archive.body("apt/setup.sh") == before
    repository = own_archive.rotation.press.repository
    first, *others = repository.suites
    more = replace(first, components=(*first.components, "more"), architectures=("riscv64",))
    changed = replace(repository, suites=(more, *others))
    assert setup_script(changed, own_archive.address) == before


def test_suites_and_components_are_chosen(host: HostRoot, archive: Archive) -> None:
    set_up(host, archive, "--suite", "stable", "--suite", "testing", "--component", "extra")
    assert host.update() == []
    sources = [host.apt()[f"sources.list.d/debpress-{s}.sources"] for s in ("stable", "testing")]
    assert all("\nComponents: extra\n" in each for each in sources)
    assert host.packages() == set()
    for options, told in (
        (("--suite", "unstable"), "There is no suite unstable here"),
        (
            ("--suite", "pr-17"),
            "pr-17 here, or the host's token is not for it. One of a pull request",
        ),
        (("--component", "contrib"), "the suite stable has no component contrib, but main extra"),
    ):
        before = host.apt()
        done = run(host, archive, "--fingerprint", archive.fingerprint, *options)
        assert done.returncode == 1 and told in done.stderr
        assert host.apt() == before


def test_a_plus_in_a_suite_s_name_reaches_s3_as_one(host: HostRoot, archive: Archive) -> None:
    source = archive.body("apt/stable.sources") or b""
    archive.changed["apt/g++.sources"] = source
    set_up(host, archive, "--suite", "g++")
    assert "Suites: g++\n" in host.apt()["sources.list.d/debpress-g++.sources"]


def test_what_was_set_up_is_removed_alone_or_altogether(host: HostRoot, archive: Archive) -> None:
    other = host.path / "etc/apt/sources.list.d/debpress-other.sources"
    other.write_text("Types: deb\nURIs: file:/other\nSuites: ./\n")
    before = host.apt()
    set_up(host, archive, "--suite", "stable", "--suite", "testing")
    assert run(host, archive, "--remove", "--suite", "testing").returncode == 0
    assert set(host.apt()) - set(before) == {SOURCE, KEYRING}
    done = run(host, archive, "--remove")
    assert f"removed    /etc/apt/{KEYRING}" in done.stdout
    assert host.apt() == before
    assert run(host, archive, "--remove").returncode == 0


def test_a_key_of_another_fingerprint_is_refused_and_nothing_changed(
    host: HostRoot, archive: Archive
) -> None:
    done = run(host, archive, "--fingerprint", FINGERPRINT)
    assert done.returncode == 1
    assert f"no key of {archive.address} has the fingerprint {FINGERPRINT}" in done.stderr
    assert archive.fingerprint in done.stderr
    assert host.apt() == {}


def test_of_several_keys_those_with_the_fingerprints_are_trusted(
    host: HostRoot, own_archive: Archive
) -> None:
    own_archive.rotation.stand_at("dual")
    both = own_archive.rotation.certificate("old") + own_archive.rotation.certificate("new")
    assert own_archive.body("apt/key.gpg") == both
    set_up(host, own_archive)
    assert host.apt()[KEYRING].encode("latin-1") == own_archive.rotation.certificate("old")
    new = fingerprint(own_archive.rotation, "new").lower()
    set_up(host, own_archive, "--fingerprint", new)
    assert host.apt()[KEYRING].encode("latin-1") == both
    assert host.update() == []


def test_a_stranger_s_key_behind_the_right_one_signs_for_nobody(
    host: HostRoot, archive: Archive
) -> None:
    """A fingerprint is of the first packet. What comes behind it, apt's verifier takes only as far
    as that key has signed for it."""
    stranger = Rotation("new", uri=archive.address)
    assert stranger.publish("evil") == "published"
    key, _, signature = packets.read(stranger.certificate("new"))
    right = archive.rotation.certificate("old")
    subkey = packets.packet(Tag.PUBLIC_SUBKEY, key.body)
    archive.changed["apt/key.gpg"] = right + subkey + signature.raw
    archive.changed["apt/dists/stable/InRelease"] = stranger.store.body(
        "apt/dists/stable/InRelease"
    )
    set_up(host, archive)
    assert any("NO_PUBKEY" in line or "not signed" in line for line in host.update())
    assert host.packages() == set()


def test_a_stranger_s_secret_key_behind_the_right_one_is_refused(
    host: HostRoot, archive: Archive
) -> None:
    """For sqv it would begin a certificate of its own, and the stranger's signatures be good."""
    stranger = packets.read(Rotation("new").certificate("new"))[0]
    right = archive.rotation.certificate("old")
    secret = packets.packet(Tag.SECRET_KEY, stranger.body + bytes(4))
    archive.changed["apt/key.gpg"] = right + secret
    done = run(host, archive, "--fingerprint", archive.fingerprint)
    assert done.returncode == 1 and "a packet of type 5" in done.stderr
    assert host.apt() == {}
    with pytest.raises(SigningError, match="secret key"):
        openpgp.fingerprints([right + secret])


@pytest.mark.parametrize(
    "body",
    [b"", b"no keyring", b"\x99\xff\xff\x04", b"\xa3\x04"],
    ids=["empty", "text", "cut", "?"],
)
def test_what_is_no_keyring_is_refused(host: HostRoot, archive: Archive, body: bytes) -> None:
    archive.changed["apt/key.gpg"] = body
    done = run(host, archive, "--fingerprint", archive.fingerprint)
    assert done.returncode == 1 and "setup.sh: " in done.stderr
    assert host.apt() == {}


def test_packets_with_headers_of_the_newer_form_are_read(host: HostRoot, archive: Archive) -> None:
    """RFC 9580, 4.2.1: lengths of one, two and five octets."""
    key = packets.read(archive.rotation.certificate("old"))[0].body
    found = bytes([0xC0 | Tag.PUBLIC_KEY, len(key)]) + key
    found += bytes([0xC0 | Tag.USER_ID, 192 + (1000 - 192 >> 8), 1000 - 192 & 255]) + bytes(1000)
    found += bytes([0xC0 | Tag.USER_ID, 255]) + (70000).to_bytes(4) + bytes(70000)
    another = packets.packet(Tag.PUBLIC_KEY, b"\4another")
    archive.changed["apt/key.gpg"] = another + found + another
    set_up(host, archive)
    assert host.apt()[KEYRING].encode("latin-1") == found


@pytest.mark.parametrize(
    "field", ["Components: main\tTrusted", "Components: main [x]", "Architectures-Remove: a;b"]
)
def test_nothing_comes_into_a_source_but_names(
    host: HostRoot, archive: Archive, field: str
) -> None:
    source = (archive.body("apt/stable.sources") or b"").decode()
    name = field.partition(":")[0]
    lines = [field if line.startswith(name) else line for line in source.splitlines()]
    archive.changed["apt/stable.sources"] = "\n".join(["Trusted: yes", *lines, ""]).encode()
    done = run(host, archive, "--fingerprint", archive.fingerprint)
    assert done.returncode == 1 and "is no source of this archive" in done.stderr
    assert host.apt() == {}


# What was there before


@pytest.mark.parametrize(
    ("file", "text", "left"),
    [
        (
            "sources.list.d/debpress.list",
            "deb [signed-by=/etc/apt/keyrings/old.asc arch=amd64] {uri} stable main\n"
            "deb-src [signed-by=/etc/apt/keyrings/old.asc] {uri} stable main\n",
            None,
        ),
        (
            "sources.list",
            "# Debian\ndeb file:/nowhere bookworm main\ndeb {uri}/ stable main\n",
            "# Debian\ndeb file:/nowhere bookworm main\n",
        ),
        (
            "sources.list.d/many.sources",
            "Types: deb\nURIs: file:/other\nSuites: ./\n\n# Ours\nTypes: deb deb-src\n"
            "uris: {uri}\nSuites:\n stable\nComponents: main\n",
            "Types: deb\nURIs: file:/other\nSuites: ./\n\n",
        ),
        (
            "sources.list.d/testing.sources",
            "Types: deb\nURIs: {uri}\nSuites: testing\nComponents: main\n"
            "Signed-By: /etc/apt/keyrings/debpress.gpg\n",
            "unchanged",
        ),
    ],
    ids=["a list", "a line among others", "a paragraph among others", "another suite"],
)
def test_an_older_spelling_is_taken_out_and_kept_aside(
    host: HostRoot, archive: Archive, file: str, text: str, left: str | None
) -> None:
    text = text.format(uri=archive.address)
    (host.path / "etc/apt" / file).write_text(text)
    said = set_up(host, archive)
    found = host.apt()
    assert found.pop(SOURCE)
    assert found.pop(KEYRING)
    if left == "unchanged":
        assert found == {file: text} and "moved" not in said
    else:
        assert f"moved      /etc/apt/{file} to /etc/apt/{file}.save" in said
        assert found == {f"{file}.save": text, **({file: left} if left else {})}
    if left in (None, "unchanged"):
        assert host.update() == []


def test_what_is_left_of_a_file_is_as_readable_as_it_was(host: HostRoot, archive: Archive) -> None:
    """An address may have a password in it."""
    file = host.path / "etc/apt/sources.list.d/internal.list"
    other = "deb https://user:secret@other.example/apt stable main\n"
    file.write_text(f"{other}deb {archive.address} stable main\n")
    file.chmod(0o600)
    set_up(host, archive)
    assert file.read_text() == other
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_was_kept_aside_before_stays(host: HostRoot, archive: Archive) -> None:
    folder = host.path / "etc/apt/sources.list.d"
    (folder / "our.list.save").write_text("first")
    (folder / "our.list.1.save").write_text("second")
    (folder / "our.list").write_text(f"deb {archive.address} stable main\n")
    assert "to /etc/apt/sources.list.d/our.list.2.save\n" in set_up(host, archive)
    assert (folder / "our.list.save").read_text() == "first"
    assert (folder / "our.list.1.save").read_text() == "second"
    assert host.update() == []


def test_a_link_to_another_s_file_is_moved_and_the_file_left_alone(
    host: HostRoot, archive: Archive
) -> None:
    package = host.path / "usr/share/stable.sources"
    package.write_bytes(archive.body("apt/stable.sources") or b"")
    link = host.path / "etc/apt/sources.list.d/stable.sources"
    link.symlink_to("/usr/share/stable.sources")
    set_up(host, archive)
    assert "sources.list.d/stable.sources" not in host.apt()
    assert host.apt()["sources.list.d/stable.sources.save"] == "/usr/share/stable.sources"
    assert package.read_bytes() == archive.body("apt/stable.sources")
    assert host.update() == []


def test_a_source_that_names_more_than_is_asked_for_is_left_to_its_owner(
    host: HostRoot, archive: Archive
) -> None:
    file = host.path / "etc/apt/sources.list.d/both.sources"
    file.write_text(f"Types: deb\nURIs: {archive.address}\nSuites: stable testing\n")
    before = host.apt()
    done = run(host, archive, "--fingerprint", archive.fingerprint)
    assert done.returncode == 1
    assert "it names the suites testing as well" in done.stderr
    assert host.apt() == before
    set_up(host, archive, "--suite", "stable", "--suite", "testing")
    assert host.update() == []


# Kinds of hosts


def test_a_foreign_architecture_source_packages_and_languages_give_no_notice(
    host: HostRoot, archive: Archive
) -> None:
    assert host.run("dpkg", "--add-architecture", "i386").returncode == 0
    (host.path / "etc/apt/apt.conf.d/languages").write_text('Acquire::Languages {"de"; "en";};\n')
    (host.path / "etc/apt/sources.list").write_text(f"deb-src {archive.address} stable main\n")
    (host.path / "etc/apt/apt.conf.d/ubuntu").write_text(UBUNTU)
    set_up(host, archive)
    assert host.update() == []
    assert host.packages() == {"hello"}


def test_a_host_for_which_the_suite_has_nothing_is_told(host: HostRoot, archive: Archive) -> None:
    own = host.run("dpkg", "--print-architecture").stdout.strip()
    source = (archive.body("apt/stable.sources") or b"").decode()
    archive.changed["apt/stable.sources"] = source.replace(
        "Architectures-Remove:", f"Architectures-Remove: {own}"
    ).encode()
    done = run(host, archive, "--fingerprint", archive.fingerprint)
    assert done.returncode == 1
    assert f"the suite stable has no packages for {own}" in done.stderr
    assert host.apt() == {}


def test_the_keyring_package_takes_over(host: HostRoot, own_archive: Archive) -> None:
    press = own_archive.rotation.press
    built = keyring.build(press.archive, press.repository)
    assert press.publish(press.upload("keyring", {built.name: built.body})) == "published"
    assert type_(host, own_archive, LINE).returncode == 0
    assert host.update() == []
    done = type_(host, own_archive, LATER)
    assert done.returncode == 0, done.stderr
    assert f"Setting up {built.package} ({built.version})" in done.stdout
    assert KEYRING not in host.apt()
    assert f"\nSigned-By: /usr/share/keyrings/{built.package}.gpg\n" in host.apt()[SOURCE]
    assert host.update() == []
    assert host.run("dpkg", "--purge", built.package).returncode == 0


def test_a_package_that_lacks_the_key_does_not_take_over(
    host: HostRoot, own_archive: Archive
) -> None:
    """It may be older than the rotation, as in an image: by it, the next one could not come."""
    press = own_archive.rotation.press
    built = keyring.build(press.archive, press.repository)
    assert type_(host, own_archive, LINE).returncode == 0
    ring = host.path / f"usr/share/keyrings/{built.package}.gpg"
    ring.parent.mkdir(parents=True, exist_ok=True)
    ring.write_bytes(Rotation("new").certificate("new"))
    set_up(host, own_archive)
    assert f"\nSigned-By: /etc/apt/{KEYRING}\n" in host.apt()[SOURCE]
    assert host.update() == []
    ring.unlink()


def test_the_package_is_at_a_fixed_address(host: HostRoot, archive: Archive) -> None:
    press = archive.rotation.press
    built = keyring.build(press.archive, press.repository)
    assert archive.body("apt/keyring.deb") == built.body
    done = host.run("sh", "-euc", PACKAGE.replace(ADDRESS, archive.address))
    assert done.returncode == 0, done.stderr
    assert host.update() == []
    assert host.packages() == {"hello"}
    # The script takes the link for an older spelling, and goes by the package's keyring.
    set_up(host, archive)
    assert f"\nSigned-By: /usr/share/keyrings/{built.package}.gpg\n" in host.apt()[SOURCE]
    assert host.update() == []
    assert host.run("dpkg", "--purge", built.package).returncode == 0


# Fleets


def _block(kind: str) -> str:
    page = (paths.ROOT / "docs/hosts.md").read_text("utf-8")
    fleets = page.partition("\n## Fleets and images\n")[2].partition("\n## ")[0]
    found: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", fleets, re.M | re.S)
    return next(body for each, body in found if each == kind)


@pytest.mark.parametrize("kind", ["yaml", "dockerfile"])
def test_first_boots_and_images_are_set_up(host: HostRoot, archive: Archive, kind: str) -> None:
    if kind == "yaml":
        assert _block(kind).startswith("#cloud-config\n")
        lines = yaml.safe_load(_block(kind))["runcmd"]
    else:
        runs = re.findall(r"^RUN (.*)$", _block(kind), re.M)
        assert runs[0] == "apt-get update && apt-get install --yes ca-certificates"
        lines = [*runs[1:], UPDATE]
    for line in lines:
        done = type_(host, archive, line)
        assert done.returncode == 0, done.stderr
    assert host.packages() == {"hello"}


if TRIXIE:  # It takes a minute and a mirror.

    def test_a_root_by_mmdebstrap_is_set_up(archive: Archive, tmp_path: Path) -> None:
        line = (
            _block("sh").replace(ADDRESS, archive.address).replace(FINGERPRINT, archive.fingerprint)
        )
        subprocess.run(["sh", "-euc", line], cwd=tmp_path, check=True, capture_output=True)
        listed = subprocess.run(
            ["tar", "-tf", "image.tar"], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        assert {f"./etc/apt/{SOURCE}", f"./etc/apt/{KEYRING}"} <= set(listed.stdout.splitlines())


def test_unattended_upgrades_are_told_the_origin_that_apt_shows(
    host: HostRoot, archive: Archive
) -> None:
    set_up(host, archive)
    (host.path / "etc/apt/apt.conf.d/52debpress").write_text(_block(""))
    assert host.update() == []
    dumped = host.run("apt-config", "dump", "Unattended-Upgrade::Origins-Pattern").stdout
    assert 'Unattended-Upgrade::Origins-Pattern:: "origin=debpress,suite=stable";' in dumped
    policy = host.run("apt-cache", "policy").stdout
    assert "o=debpress,a=stable," in policy


# Usage


def test_who_is_not_root_and_who_names_no_key_is_told(host: HostRoot, archive: Archive) -> None:
    (host.path / "setup.sh").write_bytes(archive.body("apt/setup.sh") or b"")
    done = host.run("sh", "/setup.sh", "--remove", user="_apt")
    assert done.returncode == 1 and "only root" in done.stderr
    for options in ((), ("--suite",), ("--fingerprint", "0123"), ("--suite", "a b"), ("--all",)):
        done = run(host, archive, *options)
        assert done.returncode == 2 and "usage: " in done.stderr, options
    assert host.apt() == {}


def test_a_script_that_was_cut_off_does_nothing(host: HostRoot, archive: Archive) -> None:
    whole = archive.body("apt/setup.sh") or b""
    for part in range(len(whole) // 3, len(whole) - 12, len(whole) // 7):
        archive.changed["apt/setup.sh"] = whole[:part]
        run(host, archive, "--fingerprint", archive.fingerprint)
        assert host.apt() == {}


def test_the_script_holds_this_repository_s_names(archive: Archive) -> None:
    text = setup_script(archive.rotation.press.repository, "https://a.example/it's").decode()
    assert "root='https://a.example/it'\"'\"'s'\n" in text
    assert "@" not in text.replace('"$@"', "")
