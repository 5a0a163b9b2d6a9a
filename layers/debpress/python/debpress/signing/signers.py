"""Several signers as one: every document carries a signature of each.

That is how a key is changed: hosts get the new certificate, both sign, the old one stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from debpress import openpgp
from debpress.errors import ConfigError, SigningError
from debpress.openpgp import certificates
from debpress.openpgp.certificates import Certificate
from debpress.signing.signer import Signer

# sqv refuses a signature even seconds ahead of the host's clock.
BACK_DATED = timedelta(seconds=300)


class Signers:
    """One signer or more, in the configured order; what they make is verified before it is given.

    `clearsign` and `detached` raise SigningError, or TransientError where trying again may help.
    """

    def __init__(self, signers: Sequence[Signer]) -> None:
        """Raises ConfigError for none, or for one key twice; SigningError for a bad certificate."""
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
        """The armored Release.gpg of `release`, byte by byte. IAM: kms:Sign on each key in KMS."""
        packets = self._sign(release, now, text=False)
        signature = openpgp.armor(b"".join(packets))
        openpgp.verify_detached(release, signature, self.certificates())
        return signature

    def certificates(self) -> list[bytes]:
        """Each signer's certificate, binary."""
        return [certificate.raw for _, certificate in self._signers]

    def key_asc(self) -> bytes:
        """What hosts trust, armored: all the certificates in one armor."""
        return openpgp.armor(self.key_gpg(), "PUBLIC KEY BLOCK")

    def key_gpg(self) -> bytes:
        """The same, binary."""
        return b"".join(self.certificates())

    def fingerprints(self) -> list[str]:
        """Each certificate's, 40 capital hex digits."""
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
    """In the past of every host, but never before the certificate lets its key sign, which sqv
    refuses as well."""
    since = max(each.since for each in certificate.signing)
    created = max(now - BACK_DATED, since)
    if created > now:
        raise SigningError(
            f"the certificate {certificate.fingerprint} is of {since}, which is in the future at "
            f"{now}; set the clock right"
        )
    return created
