"""Several signers used as one: every document has a signature of each of them.

A key is changed by this: hosts get the new certificate, both keys sign, then the old one stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from debpress import openpgp
from debpress.errors import ConfigError, SigningError
from debpress.openpgp import certificates
from debpress.openpgp.certificates import Certificate
from debpress.signing.signer import Signer

# Signatures are dated this far in the past, because sqv refuses one that is dated even a few
# seconds ahead of the host's clock.
BACK_DATED = timedelta(seconds=300)


class Signers:
    """One or more signers, in the configured order. Every signature is verified before it is
    returned.

    `clearsign` and `detached` raise SigningError, or TransientError where trying again may help.
    """

    def __init__(self, signers: Sequence[Signer]) -> None:
        """Raises ConfigError where there are no signers, or the same key twice; SigningError for a
        bad certificate."""
        self._signers = [(each, _only(each)) for each in signers]
        prints = self.fingerprints()
        if not prints:
            raise ConfigError("debpress.signers: there must be at least one")
        for index, name in enumerate(prints):
            if name in prints[:index]:
                raise ConfigError(
                    f"debpress.signers: {signers[prints.index(name)].uri} and "
                    f"{signers[index].uri} are one key; leave out one of them"
                )

    def clearsign(self, release: bytes, now: datetime) -> bytes:
        """`release` as an InRelease, dated five minutes before `now`.

        `release` must be whole lines without trailing blanks. IAM: kms:Sign on each key in KMS.
        """
        document = openpgp.assemble(release, self._sign(release, now, text=True))
        openpgp.verify_clearsigned(document, self.certificates())
        if openpgp.split(document)[0] != release:
            raise SigningError("a clear-signed text does not give back what was signed")
        return document

    def detached(self, release: bytes, now: datetime) -> bytes:
        """The armored Release.gpg, a signature of the bytes of `release`. IAM: as `clearsign`."""
        packets = self._sign(release, now, text=False)
        signature = openpgp.armor(b"".join(packets))
        openpgp.verify_detached(release, signature, self.certificates())
        return signature

    def certificates(self) -> list[bytes]:
        """The binary certificate of each signer."""
        return [certificate.raw for _, certificate in self._signers]

    def key_asc(self) -> bytes:
        """All certificates in one armor, as hosts are given them."""
        return openpgp.armor(self.key_gpg(), "PUBLIC KEY BLOCK")

    def key_gpg(self) -> bytes:
        """All certificates, binary, one after the other."""
        return b"".join(self.certificates())

    def fingerprints(self) -> list[str]:
        """The fingerprint of each certificate, 40 capital hex digits."""
        return [certificate.fingerprint for _, certificate in self._signers]

    def _sign(self, data: bytes, now: datetime, *, text: bool) -> list[bytes]:
        return [
            signer.sign(data, text=text, created=_dated(certificate, now))
            for signer, certificate in self._signers
        ]


def _only(signer: Signer) -> Certificate:
    found = certificates.parse(signer.certificate())
    if len(found) != 1:
        raise SigningError(f"{signer.uri} has {len(found)} certificates; it must have one")
    return found[0]


def _dated(certificate: Certificate, now: datetime) -> datetime:
    """The date of a signature: far enough back for hosts whose clocks are behind, but not before
    the certificate lets the key sign, which sqv refuses as well."""
    since = max(each.since for each in certificate.signing)
    created = max(now - BACK_DATED, since)
    if created > now:
        raise SigningError(
            f"the certificate {certificate.fingerprint} is of {since}, which is in the future at "
            f"{now}; set the clock right"
        )
    return created
