"""`debpress key import`: an existing OpenPGP key moved into KMS.

IAM: beside what all of `debpress key` needs, what `debpress.keys.importing.bring` names.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from pathlib import Path

from debpress import guards
from debpress.adapters.kms import KmsService
from debpress.adapters.kms_import import KmsImport
from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection
from debpress.commands.repository import opened
from debpress.errors import ConfigError, DebpressError
from debpress.keys.importing import Destination, Exported, bring

_PASSPHRASE = "DEBPRESS_PASSPHRASE"  # noqa: S105 (the variable's name)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    connection.add_arguments(parser)
    parser.add_argument(
        "file",
        metavar="SECRET-KEY",
        help="what gpg --export-secret-keys wrote; - for stdin, so that it never is in a file",
    )
    parser.add_argument(
        "--fingerprint", type=args.fingerprint, help="of the (sub)key that is to sign"
    )
    parser.add_argument("--into", metavar="ARN", help="a key of KMS made with Origin EXTERNAL")
    parser.add_argument(
        "--multi-region",
        action="store_true",
        help="make a key that can have replicas in other regions, which never changes of a key",
    )
    parser.add_argument(
        "--passphrase-fd",
        type=int,
        metavar="N",
        help=f"where to read the passphrase (else ${_PASSPHRASE}, else you are asked)",
    )


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    archive, _ = opened(arguments, clock)
    if arguments.into and arguments.multi_region:
        raise ConfigError("--multi-region is for a key that is made: that of --into is as it is")
    client = connection.kms(arguments)
    wanted = arguments.fingerprint
    exported = Exported(
        _read(arguments.file),
        lambda: _passphrase(arguments.passphrase_fd),
        wanted and wanted.upper(),
    )
    imports, keys = KmsImport(client), KmsService(client)
    into, regions = arguments.into, arguments.multi_region
    destination = Destination(imports, keys, archive, clock, into, regions)
    imported = bring(exported, destination)
    print(f"{imported.certificate.fingerprint} ({imported.certificate.user_id}) is in KMS:")
    print(f"  {imported.arn} signs by {imported.key.fingerprint}, {imported.key.description}")
    print("Put this into debpress.signers, and deploy:")
    print(f"  {imported.uri}")
    print(unguarded(_signer(arguments)))
    return 0


def unguarded(signer: str) -> str:
    """What the operator has to be told of a key that the archive did not make; `signer` is the ARN
    of the signing function's role."""
    statement = json.dumps(guards.signing(signer), indent=1)
    return (
        "\nIT IS NOT GUARDED YET: whoever the account allows kms:Sign can sign by it what hosts "
        "trust.\nAdd this statement to the key's policy, as docs/keys.md#guarding-a-key shows:\n"
        f"{statement}"
    )


def _signer(arguments: argparse.Namespace) -> str:
    """The ARN of the signing function's role, or how to find it where no stack can be read."""
    try:
        return connection.output(arguments, "SigningRole", "")
    except (argparse.ArgumentError, DebpressError):
        return "the output SigningRole of the press's stack"


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise DebpressError(f"{name} can't be read: {error}") from error


def _passphrase(descriptor: int | None) -> str:
    if descriptor is not None:
        try:
            with os.fdopen(descriptor, encoding="utf-8") as stream:
                return stream.read().removesuffix("\n")
        except OSError as error:
            raise DebpressError(f"--passphrase-fd {descriptor} can't be read: {error}") from error
    given = os.environ.get(_PASSPHRASE)
    if given is not None:
        return given
    try:
        # From the terminal itself, for the key may come by stdin.
        with Path("/dev/tty").open("r+", encoding="utf-8"):
            return getpass.getpass("Passphrase of the key: ")
    except (OSError, EOFError) as error:
        raise ConfigError(
            f"the key is locked, and there is no terminal to ask its passphrase on: set "
            f"{_PASSPHRASE}, or say --passphrase-fd"
        ) from error
