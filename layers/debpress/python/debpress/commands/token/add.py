"""`debpress token add`: a secret for a name, which is shown and kept nowhere."""

from __future__ import annotations

import argparse
import re
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from debpress import tokens
from debpress.clock import Clock, iso
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.commands.token import door

# Bits of a secret: nobody can guess it, so its SHA-256 tells nothing of it, with no salt.
_BYTES = 32
_NO_URI = "nobody says where hosts find the repository: say --uri"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Makes a token for a name, and prints what a host puts below /etc/apt/auth.conf.d/. The "
        "token is not kept: only its hash goes to the edge, where it counts within seconds."
    )
    parser.add_argument("name", type=door.name, help="who reads by it: a host, a fleet, a customer")
    parser.add_argument(
        "--end", type=_last_day, metavar="YYYY-MM-DD", help="the last day on which it counts (UTC)"
    )
    parser.add_argument(
        "--suites", type=_suites, metavar="SUITE,…", help="the only suites it may read, or 'pr-*'"
    )
    parser.add_argument("--uri", help="the repository's address (else the stack's output Uri)")
    args.add_json(parser)
    door.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    store = door.opened(arguments)
    uri = arguments.uri or connection.output(arguments, "Uri", _NO_URI)
    secret = secrets.token_urlsafe(_BYTES)
    made = tokens.record(secret, clock.now(), arguments.end, arguments.suites)
    tokens.add(store, arguments.name, made)
    line = f"machine {_machine(uri)} login {arguments.name} password {secret}"
    if arguments.json:
        text.print_json({"name": arguments.name, "token": secret, "auth_conf": line})
        return 0
    print(f"# /etc/apt/auth.conf.d/{urlsplit(uri).hostname}.conf, for root alone (mode 600)")
    if arguments.end:
        print(f"# Until {iso(arguments.end)}.")
    print(line)
    return 0


def _machine(uri: str) -> str:
    """The address as apt_auth.conf(5) takes it: without its scheme it is https alone."""
    parts = urlsplit(uri)
    scheme = "" if parts.scheme == "https" else f"{parts.scheme}://"
    return f"{scheme}{parts.netloc}{parts.path}"


def _last_day(value: str) -> datetime:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise argparse.ArgumentTypeError(f"{value!r} is no day, as 2027-01-31")
    try:
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{value!r} is no day") from error


def _suites(value: str) -> tuple[str, ...]:
    return tuple(args.suites(each) for each in value.split(","))
