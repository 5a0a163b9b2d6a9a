"""What hosts find of the keys: the certificates, alone and in each suite's source."""

from __future__ import annotations

from debpress import openpgp
from debpress.architectures import common_without
from debpress.archive import Archive
from debpress.config import Repository, Suite
from debpress.keys.standing import Standing, standing
from debpress.store import ObjectHeaders

_KEY = ObjectHeaders("application/pgp-keys", "max-age=300")
_TEXT = ObjectHeaders("text/plain; charset=utf-8", "max-age=300")


def publish_keys(archive: Archive, repository: Repository, uri: str) -> Standing:
    """Writes the certificates that hosts are to trust, alone and in each suite's source.

    What is as it should be stays untouched: when it last changed is a version of its content.
    """
    layout = repository.layout
    trusted = standing(archive, repository.signers)
    binary = b"".join(each.certificate.raw for each in trusted.published)
    armored = openpgp.armor(binary, "PUBLIC KEY BLOCK")
    archive.keep_as_is(layout.key_asc, armored, _KEY)
    archive.keep_as_is(layout.key_gpg, binary, _KEY)
    for settings in repository.suites:
        archive.keep_as_is(layout.sources(settings.suite), sources(settings, uri, armored), _TEXT)
    return trusted


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
