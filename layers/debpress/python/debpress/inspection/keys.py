"""Checks that the key is published, and that it verifies the signatures of a suite."""

from __future__ import annotations

from datetime import datetime

from debpress import openpgp
from debpress.archive import Archive
from debpress.errors import SigningError
from debpress.inspection.report import Report
from debpress.openpgp import certificates
from debpress.openpgp.certificates import Certificate


def published_certificates(archive: Archive, now: datetime, report: Report) -> list[Certificate]:
    """Checks key.gpg and key.asc, and returns the certificates in key.gpg."""
    layout = archive.layout
    binary = _certificates(archive, layout.key_gpg, report)
    armored = _certificates(archive, layout.key_asc, report)
    if binary and armored and [c.raw for c in binary] != [c.raw for c in armored]:
        report.wrong(
            None,
            layout.key_asc,
            f"{layout.key_asc} and {layout.key_gpg} hold different certificates; deploy again, "
            "which writes both from the signers' own",
        )
    for certificate in binary:
        if certificate.expires and certificate.expires <= now:
            report.wrong(
                None,
                layout.key_gpg,
                f"the key {certificate.fingerprint} expired at {certificate.expires}, so that "
                "hosts refuse what it signed; sign with another, and hand that out first",
            )
    return binary or armored


def check_signature(
    archive: Archive,
    suite: str,
    inrelease: bytes,
    known: list[Certificate],
    now: datetime,
    report: Report,
) -> None:
    """Checks InRelease by the published certificates, and Release and Release.gpg against it."""
    key = archive.layout.inrelease(suite)
    raw = [certificate.raw for certificate in known]
    try:
        signatures = openpgp.verify_clearsigned(inrelease, raw)
    except SigningError as error:
        report.wrong(
            suite, key, f"{key} does not verify: {error}; restore its earlier version, or deploy"
        )
    else:
        if any(signature.created > now for signature in signatures):
            report.wrong(suite, key, f"{key} is signed in the future, and sqv refuses that; wait")
    _check_detached(archive, suite, inrelease, raw, report)


def _check_detached(
    archive: Archive, suite: str, inrelease: bytes, raw: list[bytes], report: Report
) -> None:
    """Checks Release and Release.gpg, the plain names for readers that know no InRelease."""
    remedy = "the next publish writes it anew"
    layout = archive.layout
    text, _ = openpgp.split(inrelease)
    plain = archive.read(layout.release(suite))
    if plain is None or plain.body != text:
        state = "is not there" if plain is None else "is not the text of InRelease"
        report.wrong(suite, layout.release(suite), f"{layout.release(suite)} {state}; {remedy}")
    key = layout.release_gpg(suite)
    signature = archive.read(key)
    if signature is None:
        report.wrong(suite, key, f"{key} is not there; {remedy}")
        return
    try:
        openpgp.verify_detached(text, signature.body, raw)
    except SigningError as error:
        report.wrong(suite, key, f"{key} does not verify: {error}; {remedy}")


def _certificates(archive: Archive, key: str, report: Report) -> list[Certificate]:
    found = archive.read(key)
    if found is None:
        report.wrong(None, key, f"{key} is not there, so new hosts find no key; deploy again")
        return []
    try:
        return certificates.parse(found.body)
    except SigningError as error:
        report.wrong(None, key, f"{key} can't be read: {error}; deploy again")
        return []
