"""An instance of Sigstore for tests: its authority, its certificate and transparency logs, and the
trust root that names them. Written by the specifications, upon keys of its own; it signs whatever a
test asks for, wrong things too.

Sigstore's `protobuf-specs` has the forms of bundles and trust roots, RFC 6962 the timestamps and
the tree, Rekor's documents its entries and checkpoints, Fulcio's "OID info" the certificate.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from debpress.provenance.claims import Claims
from debpress.provenance.policy import GITHUB

REPOSITORY = "https://github.com/my-org/web"
WORKFLOW = ".github/workflows/release.yml"
REF = "refs/tags/v1.0"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
RUN = f"{REPOSITORY}/actions/runs/1/attempts/1"
SLSA = "https://slsa.dev/provenance/v1"
AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

_Key = ec.EllipticCurvePrivateKey
_SCTS = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Believing:
    """A Verifier to whom every bundle proves the same, for tests of what is made of it."""

    claims: Claims

    def verify(self, _bundle: bytes, _sha256: str) -> Claims:
        return self.claims


def build(ref: str = REF, repository: str = REPOSITORY, workflow: str = WORKFLOW) -> dict[int, str]:
    """What Fulcio notes of a run of GitHub's, by the number of the extension."""
    return {
        8: GITHUB,
        12: repository,
        13: COMMIT,
        14: ref,
        18: f"{repository}/{workflow}@{ref}",
        21: RUN,
    }


def _key() -> _Key:
    return ec.generate_private_key(ec.SECP256R1())


def _public(key: _Key) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _sign(key: _Key, data: bytes) -> bytes:
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def _id(key: _Key) -> bytes:
    return hashlib.sha256(_public(key)).digest()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _canonical(data: Any) -> bytes:
    """RFC 8785, of data without floats and non-ASCII keys."""
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()


@dataclass
class Sigstore:
    """`authority` is Fulcio's key, `timestamps` that of the certificates' log, `log` Rekor's."""

    authority: _Key = field(default_factory=_key)
    timestamps: _Key = field(default_factory=_key)
    log: _Key = field(default_factory=_key)

    def attest(
        self,
        *packages: bytes,
        of: Mapping[int, str] | None = None,
        predicate: str = SLSA,
        late: timedelta = timedelta(minutes=1),
        more: Mapping[str, Any] | None = None,
    ) -> bytes:
        """A bundle as GitHub's attestations are, of these files; `late` is how long after the
        certificate was issued the log has taken it in. `more` is what else the statement says, or
        says otherwise."""
        subjects = [
            {"name": f"{number}.deb", "digest": {"sha256": hashlib.sha256(each).hexdigest()}}
            for number, each in enumerate(packages)
        ]
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": subjects,
            "predicateType": predicate,
            "predicate": {},
            **(more or {}),
        }
        kind, payload = "application/vnd.in-toto+json", _canonical(statement)
        key, certificate = self._certified(build() if of is None else of)
        encoded = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
        signature = _sign(key, encoded)
        envelope = {
            "payload": _text(payload),
            "payloadType": kind,
            "signatures": [{"sig": _text(signature)}],
        }
        pem = _text(certificate.public_bytes(Encoding.PEM))
        spec = {
            "envelopeHash": {
                "algorithm": "sha256",
                "value": hashlib.sha256(_canonical(envelope)).hexdigest(),
            },
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "signatures": [{"signature": _text(signature), "verifier": pem}],
        }
        entry = self._entry("dsse", spec, certificate, late)
        return self._bundle(certificate, entry, dsseEnvelope=envelope)

    def sign(self, package: bytes, of: Mapping[int, str] | None = None) -> bytes:
        """A bundle as `cosign sign-blob` makes it, of the file's own bytes."""
        key, certificate = self._certified(build() if of is None else of)
        signature, digest = _sign(key, package), hashlib.sha256(package)
        pem = _text(certificate.public_bytes(Encoding.PEM))
        spec = {
            "data": {"hash": {"algorithm": "sha256", "value": digest.hexdigest()}},
            "signature": {"content": _text(signature), "publicKey": {"content": pem}},
        }
        entry = self._entry("hashedrekord", spec, certificate, timedelta(minutes=1))
        said = {"algorithm": "SHA2_256", "digest": _text(digest.digest())}
        signed = {"messageDigest": said, "signature": _text(signature)}
        return self._bundle(certificate, entry, messageSignature=signed)

    def trust_root(self, folder: Path) -> Path:
        """A trusted_root.json, as an instance publishes it."""
        file = folder / "trusted_root.json"
        authority = {
            "subject": {"organization": "tests", "commonName": "tests"},
            "uri": "https://fulcio.test.example",
            "certChain": {"certificates": [{"rawBytes": _text(self._root.public_bytes(_DER))}]},
            "validFor": {"start": _FIRST.isoformat()},
        }
        root = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_instance("rekor", self.log)],
            "certificateAuthorities": [authority],
            "ctlogs": [_instance("ct", self.timestamps)],
            "timestampAuthorities": [],
        }
        file.write_text(json.dumps(root), "utf-8")
        return file

    @functools.cached_property
    def _root(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        public = self.authority.public_key()
        usage = _usage(key_cert_sign=True, crl_sign=True)
        builder = (
            x509.CertificateBuilder(name, name, public, x509.random_serial_number())
            .not_valid_before(_FIRST)
            .not_valid_after(_FIRST + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )
        return builder.sign(self.authority, hashes.SHA256())

    def _certified(self, claims: Mapping[int, str]) -> tuple[_Key, x509.Certificate]:
        """A key and its certificate of ten minutes, with its log's timestamp in it."""
        key = _key()
        address = f"{REPOSITORY}/{WORKFLOW}@{REF}"
        name = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(address)])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority.public_key())
        builder = (
            x509.CertificateBuilder(self._root.subject, x509.Name([]), key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(AT)
            .not_valid_after(AT + timedelta(minutes=10))
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False
            )
            .add_extension(issuer, critical=False)
            .add_extension(name, critical=True)
        )
        for number, value in claims.items():
            oid = ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}")
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, _utf8(value)), False)
        bare = builder.sign(self.authority, hashes.SHA256())
        stamp = x509.UnrecognizedExtension(_SCTS, self._stamp(bare.tbs_certificate_bytes))
        return key, builder.add_extension(stamp, False).sign(self.authority, hashes.SHA256())

    def _stamp(self, certificate: bytes) -> bytes:
        """The extension of signed timestamps (RFC 6962, 3.2 and 3.3), with one in it."""
        when = struct.pack("!Q", int(AT.timestamp()) * 1000)
        entry = _id(self.authority) + struct.pack("!I", len(certificate))[1:] + certificate
        signed = b"\0\0" + when + b"\0\1" + entry + b"\0\0"
        signature = _sign(self.timestamps, signed)
        stamp = b"\0" + _id(self.timestamps) + when + b"\0\0" + b"\4\3" + _long(signature)
        return _der(0x04, _long(_long(stamp)))

    def _entry(
        self, kind: str, spec: Mapping[str, Any], certificate: x509.Certificate, late: timedelta
    ) -> dict[str, Any]:
        """The log's entry: the second of a tree of two leaves, with its proof and promise."""
        body = _canonical({"apiVersion": "0.0.1", "kind": kind, "spec": spec})
        other = hashlib.sha256(b"\0other").digest()
        root = hashlib.sha256(b"\1" + other + hashlib.sha256(b"\0" + body).digest()).digest()
        note = f"rekor.test.example\n2\n{_text(root)}\n"
        signed = _text(_id(self.log)[:4] + _sign(self.log, note.encode()))
        time = int((certificate.not_valid_before_utc + late).timestamp())
        promised = {
            "body": _text(body),
            "integratedTime": time,
            "logID": _id(self.log).hex(),
            "logIndex": 1,
        }
        return {
            "logIndex": "1",
            "logId": {"keyId": _text(_id(self.log))},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": str(time),
            "inclusionPromise": {
                "signedEntryTimestamp": _text(_sign(self.log, _canonical(promised)))
            },
            "inclusionProof": {
                "logIndex": "1",
                "rootHash": _text(root),
                "treeSize": "2",
                "hashes": [_text(other)],
                "checkpoint": {"envelope": f"{note}\n\u2014 rekor.test.example {signed}\n"},
            },
            "canonicalizedBody": _text(body),
        }

    @staticmethod
    def _bundle(
        certificate: x509.Certificate, entry: Mapping[str, Any], **content: Mapping[str, Any]
    ) -> bytes:
        material = {
            "certificate": {"rawBytes": _text(certificate.public_bytes(_DER))},
            "tlogEntries": [entry],
        }
        media_type = "application/vnd.dev.sigstore.bundle.v0.3+json"
        return json.dumps(
            {"mediaType": media_type, "verificationMaterial": material, **content}
        ).encode()


_DER = Encoding.DER


def _instance(name: str, key: _Key) -> dict[str, Any]:
    return {
        "baseUrl": f"https://{name}.test.example",
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": _text(_public(key)),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": {"start": _FIRST.isoformat()},
        },
        "logId": {"keyId": _text(_id(key))},
    }


def _usage(**wanted: bool) -> x509.KeyUsage:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in names})


def _long(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data


def _der(tag: int, data: bytes) -> bytes:
    size = len(data)
    length = bytes((size,)) if size < 0x80 else b"\x82" + struct.pack("!H", size)
    return bytes((tag,)) + length + data


def _utf8(text: str) -> bytes:
    return _der(0x0C, text.encode())
