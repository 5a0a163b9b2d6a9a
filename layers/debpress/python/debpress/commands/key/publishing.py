"""Publishing the package that brings hosts the certificates: by itself, or as a rotation's step.

It is uploaded as every batch is. No workflow of anybody's has built it, so where a suite requires
provenance an operator answers for it, by the list that CI may not write (decision 0032).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, sending, text, waiting
from debpress.commands.packages import examine
from debpress.commands.repository import chosen, open_archive
from debpress.config import Repository, Suite
from debpress.errors import ConfigError, RejectedError
from debpress.keys import keyring
from debpress.keys.keyring import Keyring
from debpress.layout import Batch
from debpress.store import Head

if TYPE_CHECKING:
    from debpress.adapters.s3 import S3Store
    from debpress.archive import Archive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to publish it, and how long to wait."""
    parser.add_argument(
        "--suite", type=args.suite, help="publish here (default: every configured suite)"
    )
    parser.add_argument(
        "--component", type=args.component, help="(default: the suite's first component)"
    )
    args.add_waiting(parser)


def publish(arguments: argparse.Namespace, clock: Clock) -> bool:
    """Publishes the package where `arguments` say, and waits; whether all of them took it."""
    client, store = connection.connect(arguments)
    archive, repository = open_archive(store, clock)
    built = keyring.build(archive, repository)
    sent = []
    for batch in _places(arguments, archive, repository, waiting.new_id(clock)):
        suite = repository.suite(batch.suite)
        vouched = suite is not None and suite.requires_provenance
        sent.append((batch, send(client, store, batch, built, vouched=vouched)))
    good = True
    for batch, head in sent:
        if arguments.no_wait:
            print(batch.result)
            continue
        result = waiting.wait(store, batch, head, clock, arguments.timeout)
        good = good and result.status == "published"
        text.print_result(result)
    return good


def send(
    client: Any, store: S3Store, batch: Batch, built: Keyring, *, vouched: bool = False
) -> Head:
    """Uploads it as `debpress upload` does, or, `vouched` for, by an operator's list; gives the
    head of what lists it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, built.name)
        path.write_bytes(built.body)
        packages, refusals = examine([path])
        if refusals:
            raise RejectedError(refusals)
        print(f"{built.name} -> {batch.staging}", file=sys.stderr)
        sending.send_files(client, store, batch, packages)
        return sending.put_manifest(store, batch, packages, as_published=vouched)


def _places(
    arguments: argparse.Namespace, archive: Archive, repository: Repository, name: str
) -> list[Batch]:
    # Suites of patterns would live on by it; their hosts have the key by one of the others.
    suites: Sequence[Suite] = repository.suites
    if arguments.suite:
        suites = chosen(archive, repository, arguments.suite)
    places = [(suite.suite, _component(arguments, suite)) for suite in suites]
    return [Batch(*place, _owner(repository, place) + name) for place in places]


def _owner(repository: Repository, place: tuple[str, str]) -> str:
    """How the batch's name has to begin where there are uploaders. Where none may publish the
    package, the press says so."""
    known = repository.uploaders_of(*place)
    owners = (name for name, each in known.items() if each.may_publish(repository.keyring))
    return f"{owner}." if (owner := next(owners, None)) else ""


def _component(arguments: argparse.Namespace, suite: Suite) -> str:
    component: str = arguments.component or suite.components[0]
    if component not in suite.components:
        raise ConfigError(f"the suite {suite.suite} has no component {component!r}")
    return component
