"""Opens the deployed repository, and finds the suites that the arguments mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from debpress.clock import Clock
from debpress.commands import connection
from debpress.config import Repository, Suite
from debpress.errors import ConfigError, StoreError, TransientError
from debpress.layout import snapshotted

if TYPE_CHECKING:
    from debpress.archive import Archive
    from debpress.store import Store


def opened(arguments: argparse.Namespace, clock: Clock) -> tuple[Archive, Repository]:
    """The repository's state, and its deployed configuration.

    Raises what `connection.connect` raises, and ConfigError. IAM: s3:GetObject on
    `state/_repository.json`.
    """
    _, store = connection.connect(arguments)
    return open_archive(store, clock)


def open_archive(store: Store, clock: Clock) -> tuple[Archive, Repository]:
    """The state and the deployed configuration of the repository in a store. Raises ConfigError."""
    from debpress.archive import Archive  # noqa: PLC0415 (as the SDK: see connection)
    from debpress.archive.configuration import read_configuration  # noqa: PLC0415

    repository = read_configuration(store)
    return Archive(store, repository.layout, clock), repository


def known(store: Store) -> Repository | None:
    """The deployed configuration; None where it can't be read here: by a role that may not, over a
    line that is down, or by a debpress that is older than what is deployed. IAM: s3:GetObject on
    `state/_repository.json`."""
    from debpress.adapters import aws  # noqa: PLC0415 (as the SDK: see connection)
    from debpress.archive.configuration import read_configuration  # noqa: PLC0415

    try:
        return read_configuration(store)
    except (ConfigError, TransientError):
        return None
    except StoreError as error:
        if not aws.refused(error):
            raise
        return None


def named(repository: Repository, name: str) -> Suite:
    """The suite of this name, be it there or by a pattern yet to come. Raises ConfigError for an
    unknown one."""
    if found := repository.suite(name):
        return found
    raise _unknown(repository, name)


def chosen(archive: Archive, repository: Repository, name: str | None) -> list[Suite]:
    """The suite of this name; None: all suites that there are. Raises ConfigError for an unknown
    one, and for one of a pattern that is not there."""
    from debpress.inspection import suites  # noqa: PLC0415 (as the SDK: see connection)

    if name is None:
        return suites.there(archive, repository)
    found = named(repository, name)
    if found.life and not suites.is_there(archive, found):
        raise ConfigError(
            f"there is no suite {name!r} yet, or it has ended: the first publish makes it, by the "
            f"pattern {found.life.pattern!r} (debpress suites shows which there are)"
        )
    return [found]


def readable(archive: Archive, repository: Repository, path: str | None) -> list[str]:
    """The suite or snapshot of this path; None: all suites that there are. Raises ConfigError if
    unknown."""
    suite = path and snapshotted(path)
    if path and suite:
        # One of a pattern may have ended before its snapshot does.
        named(repository, suite)
        return [path]
    return [each.suite for each in chosen(archive, repository, path)]


def _unknown(repository: Repository, suite: str) -> ConfigError:
    known = ", ".join(each.suite for each in repository.described)
    return ConfigError(f"there is no suite {suite!r} here; there is {known}")
