"""`debpress doctor`: how a deployed press is, and what to do where it is not well.

It changes nothing. IAM: docs/operators.md lists what it asks; what a role may not ask is a finding,
and the other questions go on.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.doctor import stacks
from debpress.doctor.findings import Finding, Level
from debpress.doctor.template import Stack

if TYPE_CHECKING:
    from debpress.adapters.deployed import Deployed

_INDENT = " " * 11


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Looks at a deployed press from all sides, and says what is not as it should be and what "
        "to do about it. Changes nothing. Exits with 1 if anything is wrong."
    )
    parser.add_argument("--name", help="the press's name (default: its bucket's, or debpress)")
    parser.add_argument("--uri", help="where hosts find the root (default: what the stack says)")
    args.add_json(parser)
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    from debpress.adapters.deployed import Deployed  # noqa: PLC0415 (as the SDK: see connection)
    from debpress.commands.examination import Examination  # noqa: PLC0415

    deployed = Deployed(connection.clients(arguments))
    account = deployed.account
    bucket, press = find(arguments, deployed)
    if not arguments.json:
        print(f"{press.name} in {deployed.region}, account {account}, bucket {bucket}")
    s3 = deployed.client("s3")
    examination = Examination(deployed, s3, bucket, press, clock, arguments.uri)
    areas = {}
    for title, findings in examination.areas():
        areas[title] = findings
        if findings and not arguments.json:
            _print(title, areas[title])
    everything = [each for findings in areas.values() for each in findings]
    count = Counter(each.level for each in everything)
    if arguments.json:
        found = {title: [f.as_json() for f in findings] for title, findings in areas.items()}
        text.print_json({"version": 1, "good": not count[Level.WRONG], "findings": found})
    else:
        numbers = [f"{count[level]} {level}" for level in reversed(Level)]
        print(f"\n{', '.join(numbers)}")
    return 1 if count[Level.WRONG] else 0


def find(arguments: argparse.Namespace, deployed: Deployed) -> tuple[str, stacks.Press]:
    """The bucket, and its press: by the one that is named the other is found.

    Raises argparse.ArgumentError where neither leads to a bucket, or the bucket to no press.
    """
    if arguments.stack and not stacks.is_own(arguments.stack):
        return _within(arguments, deployed)
    named = arguments.name or (stacks.name(arguments.stack) if arguments.stack else None)
    bucket = arguments.bucket or (None if named else os.environ.get("DEBPRESS_BUCKET"))
    if bucket and not named:
        owner = deployed.stack_of(bucket)
        # An adopted bucket may be no stack's, and who looks may not be allowed to ask.
        named = stacks.name(owner) if isinstance(owner, str) else None
    name = named or stacks.name(connection.STACK)
    press = stacks.named(name)
    for stack_name in () if bucket else reversed(press.stacks):
        stack = deployed.stack(stack_name)
        bucket = bucket or (stack.outputs.get("Bucket") if isinstance(stack, Stack) else None)
    if not bucket:
        where = f"no stack of {name} that you may see in {deployed.region} names its bucket"
        raise argparse.ArgumentError(None, f"{where}: say --name, --region, or --bucket")
    return bucket, press


def _within(arguments: argparse.Namespace, deployed: Deployed) -> tuple[str, stacks.Press]:
    """A press in the one stack of an application, whose outputs name it and its bucket."""
    stack = deployed.stack(arguments.stack)
    outputs = stack.outputs if isinstance(stack, Stack) else {}
    name, bucket = arguments.name or outputs.get("Name"), arguments.bucket or outputs.get("Bucket")
    if not name or not bucket:
        where = f"the stack {arguments.stack} is not there, or has no outputs Name and Bucket"
        raise argparse.ArgumentError(None, f"{where}: say --name and --bucket as well, or --region")
    return bucket, stacks.Press(name, (arguments.stack,))


def _print(title: str, findings: Sequence[Finding]) -> None:
    print(f"\n{title}")
    for each in findings:
        start = f"  {each.level:<9}"
        about = "" if each.about == title.lower() else f"{each.about}: "
        print(text.paragraph(about + each.message, start))
        if each.remedy:
            print(text.paragraph(each.remedy, f"{_INDENT}-> "))
        if each.command:
            # On a line of its own however long, so that it can be copied.
            print(f"{_INDENT}   {text.printable(each.command)}")
