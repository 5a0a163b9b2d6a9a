"""`debpress proof`: tries on a deployed press what can't be shown without one.

It publishes packages of its own in a suite that was made for that, and takes them out again.
docs/proof.md has the list of claims, and what IAM must allow.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from debpress.archive import Archive
from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.commands.repository import chosen, open_archive
from debpress.config import Repository
from debpress.errors import ConfigError
from debpress.proof import packages
from debpress.proof.verdicts import Outcome, Verdict

# In US dollars (eu-central-1, 2026): a request for each part of 8 MB, and a gigabyte for a month.
_PART = 0.0054 / 1000 / 8e6
_BYTE = 0.0245 / 1e9
# It is in staging for some hours, and in the pool until the grace is over.
_MONTHS = 1.5 / 30

_ALGORITHM = "RSASSA_PKCS1_V1_5_SHA_512"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Tries what is claimed of a deployed press: publishes packages of its own in a suite made "
        "for that, rolls back, kills an execution and redrives it, tries the guards, and takes the "
        "packages out again. Says of each claim whether it held. Exits with 1 if one did not."
    )
    parser.add_argument("--suite", required=True, type=args.suite)
    parser.add_argument("--component", type=args.component, help="(default: the suite's first)")
    parser.add_argument(
        "--among-others", action="store_true", help="even in a suite that holds other packages"
    )
    parser.add_argument(
        "--large",
        nargs="?",
        type=_bytes,
        const=0,
        metavar="BYTES",
        help="a large package, too (default: the largest that the configuration allows)",
    )
    parser.add_argument("--uri", help="where hosts find the root (default: what the stack says)")
    parser.add_argument(
        "--timeout",
        type=args.seconds,
        default=1800.0,
        metavar="SECONDS",
        help="how long to wait for each result (default: 1800)",
    )
    args.add_json(parser)
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    from debpress.adapters import aws, executions  # noqa: PLC0415 (as the SDK: see connection)
    from debpress.commands.bench import Bench  # noqa: PLC0415
    from debpress.commands.proving import Proof  # noqa: PLC0415

    client, store = connection.connect(arguments)
    archive, repository = open_archive(store, clock)
    component = _place(arguments, archive, repository)
    size = _size(arguments, repository)
    machine = connection.output(arguments, "StateMachine", "the workflow is not known")
    states = connection.clients(arguments)("stepfunctions")
    with tempfile.TemporaryDirectory(prefix="debpress-proof-") as folder:
        bench = Bench(
            client=client,
            store=store,
            archive=archive,
            executions=executions.Executions(states, machine),
            clock=clock,
            suite=arguments.suite,
            component=component,
            folder=Path(folder),
            timeout=arguments.timeout,
        )
        proof = Proof(
            bench, aws.is_aws(client), _uri(arguments), _sign(arguments, archive, repository)
        )
        verdicts = []
        for verdict in proof.run(size):
            verdicts.append(verdict)
            if not arguments.json:
                _print(verdict)
    return _ended(arguments, verdicts)


def _place(arguments: argparse.Namespace, archive: Archive, repository: Repository) -> str:
    """The component to publish in. Raises ConfigError where the suite is others'."""
    from debpress.inspection import reading  # noqa: PLC0415

    [suite] = chosen(archive, repository, arguments.suite)
    found = reading.packages(archive, suite.suite)
    others = {each.identity.package for each in found} - {packages.NAME}
    if others and not arguments.among_others:
        raise ConfigError(
            f"the suite {suite.suite} holds {len(others)} packages of others; make a suite for "
            "proofs (docs/proof.md), or say --among-others"
        )
    component: str = arguments.component or suite.components[0]
    if component not in suite.components:
        raise ConfigError(f"{suite.suite} has no component {component!r}")
    return component


def _size(arguments: argparse.Namespace, repository: Repository) -> int | None:
    """The size of the large package, after saying what it costs; None where none is wanted."""
    if arguments.large is None:
        return None
    most = repository.max_package_bytes
    size: int = arguments.large or most
    if size > most:
        raise ConfigError(f"--large: {size} is more than max_package_bytes allows ({most})")
    dollars = size * (_PART + 2 * _BYTE * _MONTHS)
    print(
        f"The large package is {text.amount(size)} to upload. It costs about "
        f"{dollars:.3f} US dollars: its parts, and its keep until it is reaped.",
        file=sys.stderr,
    )
    return size


def _bytes(value: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{5,9}", value):
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of bytes, 100000 or more")
    return int(value)


def _uri(arguments: argparse.Namespace) -> str | None:
    with suppress(argparse.ArgumentError):
        return arguments.uri or connection.output(arguments, "Uri", "")
    return None


def _sign(
    arguments: argparse.Namespace, archive: Archive, repository: Repository
) -> Callable[[], object] | None:
    """A call that has the first key in KMS sign nothing in particular; None where there is none."""
    from debpress.keys.standing import standing  # noqa: PLC0415

    arns = [
        e.key for e in standing(archive, repository.signers).signing if e.key.startswith("arn:")
    ]
    if not arns:
        return None
    kms = connection.kms(arguments, arns[0].split(":")[3])
    return lambda: kms.sign(
        KeyId=arns[0], Message=bytes(64), MessageType="DIGEST", SigningAlgorithm=_ALGORITHM
    )


def _print(verdict: Verdict) -> None:
    print(text.paragraph(verdict.claim, f"{verdict.outcome:<14}"))
    if verdict.detail:
        print(text.paragraph(verdict.detail, " " * 16))
    sys.stdout.flush()


def _ended(arguments: argparse.Namespace, verdicts: list[Verdict]) -> int:
    count = Counter(each.outcome for each in verdicts)
    if arguments.json:
        good = not count[Outcome.BROKEN]
        text.print_json(
            {"version": 1, "good": good, "claims": [each.as_json() for each in verdicts]}
        )
    else:
        print("\n" + ", ".join(f"{count[outcome]} {outcome}" for outcome in Outcome))
    return 1 if count[Outcome.BROKEN] else 0
