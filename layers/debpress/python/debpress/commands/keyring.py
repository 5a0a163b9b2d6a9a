"""`debpress key package`: the package that brings hosts the certificates, built and published.

It is uploaded as every batch is. IAM: s3:GetObject on the root's key.gpg and *.sources and on
`state/_repository.json`; to publish, what `debpress upload` needs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from debpress.adapters.s3 import S3Store
from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text, upload, waiting
from debpress.commands.packages import examine
from debpress.config import Repository, Suite
from debpress.errors import ConfigError, DebpressError, RejectedError
from debpress.inspection.reading import configured
from debpress.layout import Batch
from debpress.publish import keyring
from debpress.publish.keyring import Keyring


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", "-o", type=Path, metavar="FILE", help="(default: its own name, here)"
    )
    parser.add_argument("--publish", action="store_true", help="upload it instead")
    add_places(parser)


def add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--suite", type=args.suite, help="publish here (default: every suite)")
    parser.add_argument(
        "--component", type=args.component, help="(default: the suite's first component)"
    )
    args.add_waiting(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    client, store = connection.connect(arguments)
    repository = configured(store)
    if arguments.publish:
        return 0 if publish(arguments, client, store, repository, clock) else 1
    built = keyring.build(store, repository)
    path = arguments.output or Path(built.name)
    try:
        path.write_bytes(built.body)
    except OSError as error:
        raise DebpressError(f"{path} can't be written: {error.strerror}") from error
    print(path)
    return 0


def publish(
    arguments: argparse.Namespace,
    client: Any,
    store: S3Store,
    repository: Repository,
    clock: Clock,
) -> bool:
    """Publishes the package where `arguments` say, and waits; whether all of them took it."""
    built = keyring.build(store, repository)
    sent = [
        (batch, send(client, store, batch, built))
        for batch in _places(arguments, repository, waiting.new_id(clock))
    ]
    good = True
    for batch, head in sent:
        if arguments.no_wait:
            print(batch.result)
            continue
        result = waiting.wait(store, batch, head, clock, arguments.timeout)
        good = good and result.get("status") == "published"
        text.print_result(result)
    return good


def send(client: Any, store: S3Store, batch: Batch, built: Keyring) -> Any:
    """Uploads it as `debpress upload` does; gives the manifest's Head."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, built.name)
        path.write_bytes(built.body)
        packages, refusals = examine([path])
        if refusals:
            raise RejectedError(refusals)
        print(f"{built.name} -> {batch.staging}", file=sys.stderr)
        return upload.send(client, store, batch, packages)


def _places(arguments: argparse.Namespace, repository: Repository, name: str) -> list[Batch]:
    suites = [s for s in repository.suites if arguments.suite in (None, s.suite)]
    if not suites:
        known = ", ".join(s.suite for s in repository.suites)
        raise ConfigError(f"there is no suite {arguments.suite!r} here; there is {known}")
    return [Batch(suite.suite, _component(arguments, suite), name) for suite in suites]


def _component(arguments: argparse.Namespace, suite: Suite) -> str:
    component: str = arguments.component or suite.components[0]
    if component not in suite.components:
        raise ConfigError(f"the suite {suite.suite} has no component {component!r}")
    return component
