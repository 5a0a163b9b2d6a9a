"""`debpress key check`: a text signed by each signer, and judged by what hosts have.

IAM: beside what all of `debpress key` needs, what the signers need: kms:GetPublicKey and kms:Sign,
or the layer of gpg and its passphrase's secret.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, cast

from debpress import openpgp, signing
from debpress.adapters import gnupg, verifiers
from debpress.adapters.kms import KmsService
from debpress.archive import Archive
from debpress.clock import Clock
from debpress.commands import connection
from debpress.commands.repository import open_archive
from debpress.errors import DebpressError, SigningError
from debpress.keys.certificates import Announced, StoredCertificates
from debpress.keys.standing import standing
from debpress.signing.signers import Signers
from debpress.store import Store

# Nobody could take it for a Release.
_TEXT = b"debpress key check: no Release\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    _, store = connection.connect(arguments)
    archive, repository = open_archive(cast(Store, _ReadOnly(store)), clock)
    good = True
    for each in standing(archive, repository.signers).signing:
        try:
            judges = _judges(_loaded(arguments, archive, each, clock), clock)
        except DebpressError as error:
            print(f"debpress: {each.uri}: {error}", file=sys.stderr)
            good = False
        else:
            print(f"good: {each.uri} signs by {each.certificate.fingerprint} ({judges})")
    return 0 if good else 1


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


def _loaded(
    arguments: argparse.Namespace, archive: Archive, announced: Announced, clock: Clock
) -> Signers:
    keys = signing.Keys(
        certificates=StoredCertificates(archive, clock),
        clock=clock,
        kms=lambda region: KmsService(connection.kms(arguments, region)),
        default_key=announced.key,
        user_id="",
        gnupg=gnupg.service,
    )
    return signing.load([announced.uri], keys)


def _judges(signers: Signers, clock: Clock) -> str:
    """Signs, and says which programs took the signature; each is verified as it is made."""
    signers.clearsign(_TEXT, clock.now())
    signature = openpgp.dearmor(signers.detached(_TEXT, clock.now()))
    judged = {
        name: verifiers.judge(name, signers.key_gpg(), signature, _TEXT) for name in verifiers.NAMES
    }
    took = [name for name, here in judged.items() if here]
    absent = [f"no {name} here" for name, here in judged.items() if not here]
    return ", ".join(([f"{' and '.join(took)} agree"] if took else []) + absent)
