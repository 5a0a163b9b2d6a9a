"""Verifies Sigstore bundles with Sigstore's own library, upon a trust root at hand.

The library takes a quarter of a second to import, so nothing imports this module but what verifies.
It asks nobody: a bundle carries the log's proof, and the trust root is a file, never fetched here.
"""

from __future__ import annotations

import functools
import importlib.util
from datetime import UTC, datetime
from pathlib import Path

from debpress.errors import Code, ConfigError, ProvenanceError
from debpress.findings import printable
from debpress.provenance import bundles, statement, trust
from debpress.provenance.claims import Claims, claims_of

try:
    import sigstore._store
    from cryptography import x509
    from pydantic import ValidationError
    from sigstore.errors import Error as SigstoreError
    from sigstore.hashes import Hashed
    from sigstore.models import Bundle, InvalidBundle, TrustedRoot
    from sigstore.verify import Verifier as Library
    from sigstore_models.common.v1 import HashAlgorithm
except ImportError as error:
    raise ConfigError(
        f"provenance can't be verified here ({error}): pip install 'sigstore>=4.5,<5', or, in a "
        "function, deploy again, which attaches the layer of provenance"
    ) from error


def deployed() -> SigstoreVerifier:
    """By the trust root in the function's layer. Raises ConfigError where it is not there."""
    found = importlib.util.find_spec(trust.PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ConfigError(
            f"{trust.PACKAGE} is not there: is the layer of provenance attached to this function?"
        )
    return verifier(Path(found.submodule_search_locations[0], trust.FILE))


def public_root() -> Path:
    """The trust root of Sigstore's public instance, as this version of the library has it."""
    return Path(sigstore._store.__path__[0], trust.PUBLIC)


@functools.cache
def verifier(trust_root: Path) -> SigstoreVerifier:
    """By the trust root in a file. Raises ConfigError."""
    trust.check(trust_root)
    try:
        return SigstoreVerifier(Library(trusted_root=TrustedRoot.from_file(str(trust_root))))
    except (OSError, ValueError, SigstoreError) as error:
        raise ConfigError(
            f"{trust_root} can't be read as a trust root of Sigstore: {_line(error)}; take one "
            "that has its certificate authorities and logs"
        ) from error


class SigstoreVerifier:
    """A `debpress.provenance.proof.Verifier`. Threads may share it."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def verify(self, bundle: bytes, sha256: str) -> Claims:
        try:
            parsed = Bundle.from_json(bundle)
        except (InvalidBundle, ValueError, SigstoreError) as error:
            raise bundles.unreadable(_line(error)) from error
        noted = _Noted()
        try:
            if parsed._inner.dsse_envelope is not None:
                statement.check(*self._library.verify_dsse(parsed, noted), sha256)
            else:
                self._check_digest(parsed, sha256)
                whole = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(sha256))
                self._library.verify_artifact(whole, parsed, noted)
        except (SigstoreError, ValueError, x509.ExtensionNotFound) as error:
            why = _expired(bundle, parsed.signing_certificate) or _line(error)
            raise ProvenanceError(
                Code.PROVENANCE_INVALID,
                f"does not verify: {why}; upload the bundle as it was made, of an instance of "
                "Sigstore that the trust root knows",
            ) from error
        return noted.claims

    @staticmethod
    def _check_digest(parsed: Bundle, sha256: str) -> None:
        """Says that it is of another file, where the library would but say that it fails."""
        signed = parsed._inner.message_signature
        digest = signed.message_digest.digest.hex() if signed and signed.message_digest else sha256
        if digest != sha256:
            raise statement.of_other_bytes(sha256, digest)


class _Noted:
    """The library's policy: what the certificate says is noted, and judged when it is known to be
    true (`debpress.provenance.policy`)."""

    claims: Claims

    def verify(self, cert: x509.Certificate) -> None:
        self.claims = claims_of(cert)


def _expired(bundle: bytes, certificate: x509.Certificate) -> str | None:
    """A sentence where the certificate was not valid when the log took the signature in."""
    seconds = bundles.logged_at(bundle)
    try:
        logged = datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
    except (ValueError, OverflowError, OSError):
        return None
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if logged is None or first <= logged <= last:
        return None
    return (
        f"its certificate had expired or was not valid yet: it is of {first:%Y-%m-%d %H:%M:%S} to "
        f"{last:%Y-%m-%d %H:%M:%S}, and the log has the signature of {logged:%Y-%m-%d %H:%M:%S} UTC"
    )


def _line(error: Exception) -> str:
    """The first line of what an error says, which may be as long as the bundle; of a field that is
    not as it must be, which one that is."""
    wrong = error if isinstance(error, ValidationError) else error.__context__
    if isinstance(wrong, ValidationError):
        field = wrong.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, field["loc"])) or "the bundle"
        return printable(f"{place}: {field['msg']}"[:300])
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return printable(first[:300])
