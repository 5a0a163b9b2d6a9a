"""Builds the keyring package, which brings hosts the published certificates.

Its bytes follow from the published `key.gpg` and `<suite>.sources` alone. Its version is the time
at which the last of these files changed. So new certificates give a newer version, which reaches
hosts by `apt upgrade`; and a build that finds the same certificates gives the same bytes, whoever
builds it.
"""

from __future__ import annotations

from dataclasses import dataclass

from debpress.archive import Archive
from debpress.config import Repository
from debpress.deb import writing
from debpress.errors import ConfigError
from debpress.store import Object

_KEYRINGS = "/usr/share/keyrings"


@dataclass(frozen=True, slots=True)
class Keyring:
    """A built keyring package."""

    package: str
    version: str
    body: bytes

    @property
    def name(self) -> str:
        return f"{self.package}_{self.version}_all.deb"


def build(archive: Archive, repository: Repository) -> Keyring:
    """Builds the package. Raises ConfigError where the repository was never set up.

    The package puts no file into /etc: its host's administrator decides which suites the host
    reads, a suite would be listed twice where there is a source for it already, and an unattended
    upgrade stops with a question at a conffile that was edited (Policy 10.7.3).
    IAM: s3:GetObject on the root's key.gpg and *.sources.
    """
    name, layout = repository.keyring, repository.layout
    keyring = f"{_KEYRINGS}/{name}.gpg"
    found = {keyring: _read(archive, layout.key_gpg)}
    for suite in repository.suites:
        found[f"/usr/share/{name}/{suite.suite}.sources"] = _read(
            archive, layout.sources(suite.suite)
        )
    moment = max(each.head.last_modified for each in found.values())
    files = {
        path: each.body if path == keyring else _pointing(each.body, keyring)
        for path, each in found.items()
    }
    version = f"{moment:%Y.%m.%d.%H%M%S}"
    origin = repository.suites[0].origin
    fields = {
        "Package": name,
        "Version": version,
        "Architecture": "all",
        # RFC 2606: nobody can own a name below .invalid, so this is no stranger's address.
        "Maintainer": f"{name} <{name}@debpress.invalid>",
        "Section": "misc",
        "Priority": "optional",
        "Multi-Arch": "foreign",
        "Description": f"certificates that sign the {origin} archive\n"
        f" The keyring is {keyring}, and sources that name it\n"
        f" are in /usr/share/{name}; apt update and apt upgrade bring a new\n"
        " signing key before the old one stops.",
    }
    return Keyring(name, version, writing.build(fields, files, moment))


def _read(archive: Archive, key: str) -> Object:
    found = archive.read(key)
    if found is None:
        raise ConfigError(f"{key} is not there, so no host could trust this repository; deploy it")
    return found


def _pointing(source: bytes, keyring: str) -> bytes:
    """A published source with the keyring's path in place of the key that it contains: a key inside
    would stay the old one when the keyring package is upgraded."""
    return source.partition(b"Signed-By:")[0] + f"Signed-By: {keyring}\n".encode()
