"""Whose batch it is: by its name, which IAM lets nobody else write, or by who signed its .changes.

Signatures are those of uploaders with certificates in the configuration (decision 0027).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from debpress.clock import from_iso
from debpress.config import Repository
from debpress.errors import Code, Refusal, RejectedError, SigningError
from debpress.findings import printable
from debpress.layout import OPERATIONS
from debpress.records.batch import Plan
from debpress.uploaders import Uploader

_DISTRIBUTION = re.compile(rb"(?mi)^Distribution:[ \t]*(\S+)$")


def whose(repository: Repository, plan: Plan, body: bytes) -> tuple[str | None, bytes]:
    """The uploader, None where the place has none, or an operator lists the files; and the
    manifest: where it had to be signed, that part of it which is. Raises RejectedError for nobody's
    batch."""
    batch = plan.batch
    known = repository.uploaders_of(batch.suite, batch.component)
    claimed = known.get(batch.claimed)
    if not known or plan.manifest_name == OPERATIONS:
        return None, body
    if claimed and not claimed.certificates:
        return claimed.name, body
    signing = [each for each in known.values() if each.certificates]
    if signing and plan.manifest_name.endswith(".changes"):
        return _signed(repository, plan, signing, body)
    place, signed = f"{batch.suite}/{batch.component}", ", ".join(each.name for each in signing)
    named = [name for name, each in known.items() if not each.certificates]
    ways = (
        [f"name it {named[0]}.{batch.id} or so (--uploader), by one of: {', '.join(named)}"]
        if named
        else []
    )
    ways += [f"upload a .changes that is signed by one of: {signed}"] if signed else []
    raise _nobodys(
        plan, f"the batch {batch.id!r} is no uploader's of {place}; {', or '.join(ways)}"
    )


def _signed(
    repository: Repository, plan: Plan, signing: Sequence[Uploader], body: bytes
) -> tuple[str, bytes]:
    names = ", ".join(each.name for each in signing)
    if b"-----BEGIN PGP SIGNED MESSAGE-----" not in body:
        raise _nobodys(plan, f"is not signed; have debsign sign it by a key of one of: {names}")
    from debpress import openpgp  # noqa: PLC0415 (of few batches; cryptography takes its time)
    from debpress.openpgp import certificates, packets, signatures  # noqa: PLC0415

    try:
        text, raw = openpgp.split(body)
        made = [signatures.parse(each) for each in packets.read(b"".join(raw))]
        theirs = {each: [c.encode() for c in each.certificates] for each in signing}
        found = next((u for u, certs in theirs.items() if openpgp.signers(made, certs)), None)
        if found is None:
            raise _nobodys(plan, f"is signed by none of {names}; sign it with a key of one of them")
        # All of its signatures, each by a key of this uploader.
        openpgp.verify_clearsigned(body, theirs[found])
        issuers = {issuer for each in made for issuer in each.issuers}
        now = from_iso(plan.started_at)
        for each in (c for data in theirs[found] for c in certificates.parse(data)):
            for key in each.signing:
                used = issuers & {key.key.fingerprint, key.key.key_id}
                if used and key.expires and key.expires <= now:
                    said = f"the key {key.key.fingerprint} of {found.name} has expired"
                    raise _nobodys(plan, f"{said}; have its certificate renewed (uploaders)")
    except SigningError as error:
        raise _nobodys(plan, f"its signature is not good: {error}; sign it anew") from error
    _check_place(repository, plan, text)
    return found.name, text


def _check_place(repository: Repository, plan: Plan, text: bytes) -> None:
    """What is signed for one suite must not be put to another by whoever comes by it."""
    suite = repository.suite(plan.batch.suite)
    meant = [each.decode("utf-8", "replace") for each in _DISTRIBUTION.findall(text)]
    others = [each for each in repository.suites if each is not suite]
    names = [suite.suite, suite.codename] if suite else []
    taken = {name for each in others for name in (each.suite, each.codename)}
    if suite and meant not in [[suite.suite], *([n] for n in names[1:] if n not in taken)]:
        told = ", ".join(meant) or "nothing"
        raise _nobodys(
            plan,
            f"is signed for the Distribution {told!r}, and was put to {suite.suite}; let the "
            "changelog's newest entry name that",
        )


def _nobodys(plan: Plan, message: str) -> RejectedError:
    name = printable(plan.manifest_name)
    return RejectedError([Refusal(name, Code.UPLOADER_UNKNOWN, message)])
