"""What hosts find of the keys: the certificates, alone, in each suite's source and in a package;
and the script that sets hosts up."""

from __future__ import annotations

import shlex
from pathlib import Path

from debpress import openpgp
from debpress.architectures import common_without
from debpress.archive import Archive
from debpress.config import Repository, Suite
from debpress.keys import keyring
from debpress.keys.standing import Standing, standing
from debpress.store import Head, ObjectHeaders

_KEY = ObjectHeaders("application/pgp-keys", "max-age=300")
_TEXT = ObjectHeaders("text/plain; charset=utf-8", "max-age=300")
_PACKAGE = ObjectHeaders("application/vnd.debian.binary-package", "max-age=300")
_SCRIPT = Path(__file__).with_name("setup.sh")


def publish_keys(archive: Archive, repository: Repository, uri: str) -> Standing:
    """Publishes the certificates that hosts are to trust now; gives which those are."""
    trusted = standing(archive, repository.signers)
    publish(archive, repository, uri, b"".join(each.certificate.raw for each in trusted.published))
    return trusted


def publish_source(
    archive: Archive, repository: Repository, uri: str, suite: Suite, seen: Head | None
) -> bool:
    """Publishes the source of one suite, by the certificates that hosts are to trust now, in the
    place of what was `seen` there before (None: nothing). False where that has changed since: by a
    step of a rotation, say, which is taken after this has read who is trusted."""
    found = [each.certificate.raw for each in standing(archive, repository.signers).published]
    text = sources(suite, uri, openpgp.armor(b"".join(found), "PUBLIC KEY BLOCK"))
    return archive.put_over(seen, archive.layout.sources(suite.suite), text, _TEXT)


def publish(archive: Archive, repository: Repository, uri: str, certificates: bytes) -> None:
    """Writes certificates: alone, in each suite's source and in the keyring package; and the script
    that sets hosts up. `uri` is where hosts find the root.

    What is as it should be stays untouched: when it last changed is a version of its content.
    """
    layout = repository.layout
    armored = openpgp.armor(certificates, "PUBLIC KEY BLOCK")
    archive.keep_as_is(layout.key_asc, armored, _KEY)
    archive.keep_as_is(layout.key_gpg, certificates, _KEY)
    for settings in repository.suites:
        _publish_source(archive, settings, uri, armored)
    for name in archive.living(repository):
        living = repository.suite(name)
        # No source tells of a suite that is yet to come, or has gone (law 8).
        if living and archive.head(layout.inrelease(name)):
            _publish_source(archive, living, uri, armored)
    archive.keep_as_is(layout.setup_script, setup_script(repository, uri), _TEXT)
    # Of what was published just now, or it would be older than the keys beside it.
    package = keyring.build(archive, repository).body
    archive.keep_as_is(layout.keyring_package, package, _PACKAGE)


def _publish_source(archive: Archive, suite: Suite, uri: str, armored: bytes) -> None:
    key = archive.layout.sources(suite.suite)
    archive.keep_as_is(key, sources(suite, uri, armored), _TEXT)


def sources(suite: Suite, uri: str, armored: bytes) -> bytes:
    """A deb822 source for /etc/apt/sources.list.d, the key inside (sources.list(5), Signed-By).

    A host reads the indices of what it has itself, its own architecture's before all. The suite
    lacks the rest, and apt would give a notice of each at every update: they are taken out by name.
    """
    key = "\n".join(f" {line or '.'}" for line in armored.decode("ascii").strip().split("\n"))
    return (
        f"Types: deb\nURIs: {uri}\nSuites: {suite.suite}\n"
        f"Components: {' '.join(suite.components)}\n"
        f"Architectures-Remove: {' '.join(common_without(suite.architectures))}\n"
        f"Signed-By:\n{key}\n"
    ).encode()


def setup_script(repository: Repository, uri: str) -> bytes:
    """The script that sets up a host, by default for the first suite.

    It holds neither a key nor what a suite has: it asks for both. So a rotation or another
    component leaves its bytes, and the sum by which people pin it, as they were.
    """
    given = {
        "@ROOT@": uri,
        "@NAME@": repository.keyring.removesuffix("-keyring").removesuffix("-archive"),
        "@KEYRING@": repository.keyring,
        "@SUITE@": repository.suites[0].suite,
    }
    text = _SCRIPT.read_text("utf-8")
    for place, value in given.items():
        text = text.replace(place, shlex.quote(value))
    return text.encode()
