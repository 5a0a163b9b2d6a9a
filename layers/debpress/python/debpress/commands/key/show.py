"""`debpress key show`: each signer's key. IAM: as all of `debpress key`."""

from __future__ import annotations

import argparse
from typing import Any

from debpress.archive import Archive
from debpress.clock import Clock, iso
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.commands.repository import opened
from debpress.config import Repository
from debpress.keys.certificates import Announced, announcements, known
from debpress.keys.standing import Standing, standing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    connection.add_arguments(parser)
    args.add_json(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    archive, repository = opened(arguments, clock)
    found = _known(archive, repository)
    roles = standing(archive, repository.signers)
    if arguments.json:
        text.print_json([_described(each, roles) for each in found])
    else:
        for each in found:
            _print(each, roles, clock)
    return 0


def _known(archive: Archive, repository: Repository) -> list[Announced]:
    """Every configured signer; while a key is rotated, one may never have been loaded yet."""
    if archive.rotation.find() is None:
        return announcements(archive, repository.signers)
    found = (known(archive, uri) for uri in repository.signers)
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


def _print(announced: Announced, standing: Standing, clock: Clock) -> None:
    said = _described(announced, standing)
    print(said.pop("fingerprint"))
    keys = said.pop("keys")
    text.print_table((name, value or "never") for name, value in said.items())
    for key in keys:
        print(f"  signs by   {key['fingerprint']}  {key['algorithm']}")
    end = announced.certificate.expires
    if end and end <= clock.now():
        print("  (it has expired: hosts refuse it)")
