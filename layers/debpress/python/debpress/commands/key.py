"""`debpress key show`, `export`, `check`, `import`, `rotate`, `package`: the keys that sign.

IAM: s3:GetObject on `state/_repository.json`, `state/_rotation.json` and `state/_signers/`, and
s3:ListBucket, without which S3 does not tell that no key was ever rotated; beside it check needs
what the signers need (kms:GetPublicKey, kms:Sign, or the layer and its secret), and import what
`debpress.signing.importing.bring` names; `rotate` and `package` say their own.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from debpress import openpgp, signing
from debpress.adapters import aws, gnupg, verifiers
from debpress.adapters.kms import KmsService
from debpress.adapters.kms_import import KmsImport
from debpress.clock import Clock, iso
from debpress.commands import arguments as args
from debpress.commands import connection, keyring, rotate, text
from debpress.config import Repository
from debpress.errors import ConfigError, DebpressError, SigningError
from debpress.inspection.reading import configured
from debpress.signing import importing, rotation, stored
from debpress.signing.kms import KeyService
from debpress.signing.rotation import Standing
from debpress.signing.stored import Announced
from debpress.store import Store

_TEXT = b"debpress key check: no Release\n"
_PASSPHRASE = "DEBPRESS_PASSPHRASE"  # noqa: S105 (the variable's name)

_fingerprint = args.fits(re.compile(r"[0-9A-Fa-f]{40}"))


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "key", help="the keys that sign", description="The keys that sign the repository."
    )
    kinds = parser.add_subparsers(required=True, metavar="ACTION")

    show = _parser(
        kinds, "show", _show, "show each signer's key: where it is, since when, how long"
    )
    show.add_argument("--json", action="store_true", help="print JSON")

    export = _parser(kinds, "export", _export, "write the certificates that hosts must trust")
    export.add_argument("fingerprint", nargs="?", type=_fingerprint, help="(default: all of them)")
    export.add_argument("--binary", action="store_true", help="not armored")
    export.add_argument("--output", type=Path, metavar="FILE", help="(default: stdout)")

    _parser(kinds, "check", _check, "sign a text by each signer, and have gpgv and sqv judge it")

    bring = _parser(kinds, "import", _import, "move an existing OpenPGP key into KMS")
    bring.add_argument(
        "file",
        metavar="SECRET-KEY",
        help="what gpg --export-secret-keys wrote; - for stdin, so that it never is in a file",
    )
    bring.add_argument("--fingerprint", type=_fingerprint, help="of the (sub)key that is to sign")
    bring.add_argument("--into", metavar="ARN", help="a key of KMS made with Origin EXTERNAL")
    bring.add_argument(
        "--passphrase-fd",
        type=int,
        metavar="N",
        help=f"where to read the passphrase (else ${_PASSPHRASE}, else you are asked)",
    )

    change = _parser(kinds, "rotate", rotate.run, "change the key, step by step")
    rotate.add_arguments(change)

    package = _parser(kinds, "package", keyring.run, "build the package of hosts' certificates")
    keyring.add_arguments(package)


def _parser(kinds: Any, name: str, run: Any, purpose: str) -> argparse.ArgumentParser:
    description = purpose[0].upper() + purpose[1:] + "."
    parser: argparse.ArgumentParser = kinds.add_parser(name, help=purpose, description=description)
    connection.add_arguments(parser)
    parser.set_defaults(run=run, parser=parser)
    return parser


def _opened(arguments: argparse.Namespace) -> tuple[Store, Repository]:
    _, store = connection.connect(arguments)
    return store, configured(store)


# show


def _show(arguments: argparse.Namespace, clock: Clock) -> int:
    store, repository = _opened(arguments)
    known = _known(store, repository)
    standing = rotation.standing(store, repository.layout, repository.signers)
    found = [_described(each, standing) for each in known]
    if arguments.json:
        print(json.dumps(found, indent=2))
        return 0
    for each, announced in zip(found, known, strict=True):
        end = announced.certificate.expires
        late = " (it has expired: hosts refuse it)" if end and end <= clock.now() else ""
        print(each["fingerprint"])
        rows = [(name, each[name] or "never") for name in each if name not in _NOT_ROWS]
        text.print_table(rows)
        for key in each["keys"]:
            print(f"  signs by   {key['fingerprint']}  {key['algorithm']}")
        if late:
            print(f" {late}")
    return 0


_NOT_ROWS = ("fingerprint", "keys")


def _known(store: Store, repository: Repository) -> list[Announced]:
    """Every configured signer; while a key is rotated, one may never have been loaded yet."""
    if rotation.read(store) is None:
        return stored.announcements(store, repository.layout, repository.signers)
    found = (stored.known(store, repository.layout, uri) for uri in repository.signers)
    return [each for each in found if each is not None]


def _role(announced: Announced, standing: Standing) -> str:
    if announced in standing.signing:
        return "signs"
    return "published" if announced in standing.published else "retired"


def _described(announced: Announced, standing: Standing) -> dict[str, Any]:
    certificate = announced.certificate
    end = certificate.expires
    return {
        "fingerprint": certificate.fingerprint,
        "user": certificate.user_id,
        "signer": announced.uri,
        "where": announced.key,
        "role": _role(announced, standing),
        "created": iso(certificate.key.created),
        "in use": iso(announced.since),
        "expires": iso(end) if end else None,
        "keys": [
            {"fingerprint": each.key.fingerprint, "algorithm": each.key.description}
            for each in certificate.signing
        ],
    }


# export


def _export(arguments: argparse.Namespace, _clock: Clock) -> int:
    store, repository = _opened(arguments)
    standing = rotation.standing(store, repository.layout, repository.signers)
    chosen = [each.certificate for each in standing.published]
    if arguments.fingerprint:
        wanted = arguments.fingerprint.upper()
        chosen = [each for each in chosen if each.fingerprint == wanted]
        if not chosen:
            raise DebpressError(
                f"no signer here that hosts are to trust has the certificate {wanted}; see key show"
            )
    data = b"".join(each.raw for each in chosen)
    if not arguments.binary:
        data = openpgp.armor(data, "PUBLIC KEY BLOCK")
    if arguments.output:
        try:
            arguments.output.write_bytes(data)
        except OSError as error:
            raise DebpressError(f"{arguments.output} can't be written: {error}") from error
    else:
        sys.stdout.buffer.write(data)
    return 0


# check


class _ReadOnly:
    """A store through which a check can't change what signers are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, key: str, *_: Any, **__: Any) -> Any:
        raise SigningError(
            f"the signer is not what {key} says it was when it last signed; deploy again, or find "
            "out who changed it"
        )


def _check(arguments: argparse.Namespace, clock: Clock) -> int:
    store, repository = _opened(arguments)
    good = True
    for each in rotation.standing(store, repository.layout, repository.signers).signing:
        try:
            judges = _checked(arguments, _ReadOnly(store), repository, each, clock)
        except DebpressError as error:
            print(f"debpress: {each.uri}: {error}", file=sys.stderr)
            good = False
        else:
            print(f"good: {each.uri} signs by {each.certificate.fingerprint} ({judges})")
    return 0 if good else 1


def _checked(
    arguments: argparse.Namespace,
    store: Any,
    repository: Repository,
    announced: Announced,
    clock: Clock,
) -> str:
    signers = signing.load(
        [announced.uri],
        store=store,
        layout=repository.layout,
        clock=clock,
        kms=_services(arguments),
        default_key=announced.key,
        user_id="",
        gnupg=gnupg.service,
    )
    # Each is verified as it is made; the text is one that nobody could take for a Release.
    signers.clearsign(_TEXT, clock.now())
    signature = openpgp.dearmor(signers.detached(_TEXT, clock.now()))
    judged = {
        name: verifiers.judge(name, signers.key_gpg(), signature, _TEXT) for name in verifiers.NAMES
    }
    took = [name for name, here in judged.items() if here]
    absent = [f"no {name} here" for name, here in judged.items() if not here]
    return ", ".join(([f"{' and '.join(took)} agree"] if took else []) + absent)


def _services(arguments: argparse.Namespace) -> Callable[[str | None], KeyService]:
    return lambda region: KmsService(_client(arguments, region))


def _client(arguments: argparse.Namespace, region: str | None) -> Any:
    return aws.client("kms", region=region or arguments.region, endpoint_url=arguments.endpoint_url)


# import


def _import(arguments: argparse.Namespace, clock: Clock) -> int:
    store, repository = _opened(arguments)
    client = _client(arguments, None)
    wanted = arguments.fingerprint
    imported = importing.bring(
        _read(arguments.file),
        lambda: _passphrase(arguments.passphrase_fd),
        imports=KmsImport(client),
        keys=KmsService(client),
        store=store,
        layout=repository.layout,
        clock=clock,
        fingerprint=wanted and wanted.upper(),
        into=arguments.into,
    )
    print(f"{imported.certificate.fingerprint} ({imported.certificate.user_id}) is in KMS:")
    print(f"  {imported.arn} signs by {imported.key.fingerprint}, {imported.key.description}")
    print("Put this into debpress.signers, and deploy:")
    print(f"  {imported.uri}")
    return 0


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
