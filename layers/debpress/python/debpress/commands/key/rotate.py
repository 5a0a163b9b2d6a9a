"""`debpress key rotate`: a signing key changed in steps, none of which can come too soon.

Each step is taken by set-up's function, which alone may write the rotation's record; then the
package that brings hosts the certificates is published. IAM: lambda:InvokeFunction on that
function, cloudformation:DescribeStacks to find it (or `--function`); `status` needs s3:GetObject on
`state/_rotation.json` and `state/_repository.json` alone; the package needs what `debpress key
package --publish` needs.
"""

from __future__ import annotations

import argparse
from datetime import timedelta

from debpress import codec
from debpress.adapters import functions
from debpress.clock import Clock, from_iso, iso
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.commands.key import publishing
from debpress.commands.repository import opened
from debpress.config import Repository
from debpress.errors import RotationError
from debpress.keys.rotation import HOSTS, STEPS
from debpress.records.rotation import Party, Rotation, Stage

STATUS = "status"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    connection.add_arguments(parser)
    parser.add_argument("step", choices=(*STEPS, STATUS))
    parser.add_argument("--to", metavar="SIGNER", help="announce: which signer is to take over")
    parser.add_argument(
        "--from", dest="off", metavar="SIGNER", help="announce: which is to stop, of several"
    )
    parser.add_argument(
        "--function", help="set-up's function (default: the stack's output SetUpFunction)"
    )
    parser.add_argument(
        "--no-package", action="store_true", help="do not publish the keyring package"
    )
    publishing.add_arguments(parser)
    args.add_json(parser, "print the rotation's record as JSON")


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    archive, repository = opened(arguments, clock)
    if arguments.step == STATUS:
        stored = archive.rotation.find()
        _print(arguments, repository, stored.record if stored else None, clock)
        return 0
    record = _take(arguments)
    _print(arguments, repository, record, clock)
    if not record.done:
        return 1
    if arguments.no_package:
        return 0
    return 0 if publishing.publish(arguments, clock) else 1


def _take(arguments: argparse.Namespace) -> Rotation:
    name = arguments.function or connection.output(
        arguments, "SetUpFunction", "no function is named: say --function, or --stack"
    )
    event = {"rotate": arguments.step, "to": arguments.to, "from": arguments.off}
    answer = functions.invoke(
        name, event, region=arguments.region, endpoint_url=arguments.endpoint_url
    )
    if "record" not in answer:
        raise RotationError(str(answer.get("refused", answer)))
    return codec.decode(Rotation, answer["record"])


def _print(
    arguments: argparse.Namespace, repository: Repository, record: Rotation | None, clock: Clock
) -> None:
    if arguments.json:
        text.print_json(codec.encode(record) if record else None)
    elif record is None:
        print("No key was ever rotated: every configured signer signs.")
    else:
        print("\n".join(_lines(repository, record, clock)))


def _lines(repository: Repository, record: Rotation, clock: Clock) -> list[str]:
    between = record.stage is Stage.NONE
    lines = [f"stage  {record.stage}" + (f" since {record.since}" if record.since else "")]
    if not between:
        lines += [f"from   {_described(record.old)}", f"to     {_described(record.new)}"]
    lines += [f"out    {_described(party)}" for party in record.out]
    if not record.done:
        return [*lines, f"next   {_unfinished(repository, record)}"]
    lines.append(f"hosts  {HOSTS[record.stage]}")
    if not between:
        days = repository.rotation_days.of(str(record.stage))
        due = from_iso(record.since or iso(clock.now())) + timedelta(days=days)
        lines.append(f"next   {_NEXT[record.stage]}, from {iso(due)} on; or back")
    elif record.step == "retire":
        lines.append(f"next   take {record.old} out of debpress.signers, and deploy")
    elif record.new is not None:
        lines.append(f"next   take {record.new} out of debpress.signers, and deploy; or announce")
    return lines


_NEXT = {Stage.ANNOUNCE: "dual", Stage.DUAL: "switch", Stage.SWITCH: "retire"}


def _unfinished(repository: Repository, record: Rotation) -> str:
    again = f"{record.step or 'back'} again"
    missing = record.stage is Stage.ANNOUNCE and not any(
        record.new and record.new.is_(uri, None) for uri in repository.signers
    )
    if missing:
        return f"add {record.new} to debpress.signers, deploy, and take {again}"
    return f"the step is not done: take {again}, or go back"


def _described(party: Party | None) -> str:
    return f"{party} ({party.fingerprint or 'no certificate yet'})" if party else "none"
