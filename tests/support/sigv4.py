"""Checks signatures of requests as S3 does, by botocore's own way of making them.

What a client signed has to be what S3 would have: of the path that it reads, encoded anew. A plus
that was sent as it is, is a blank to S3, and so the signature of it is another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, unquote_plus

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.web import Asked

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, *"
    r"SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})"
)
# How far a request's time may be from S3's.
_SKEW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Verifier:
    """Of one key, in one region."""

    access: str
    secret: str
    region: str

    def wrong(self, asked: Asked, now: datetime | None = None) -> str | None:
        """S3's code for what is wrong with a request, or None."""
        header = asked.headers.get("Authorization")
        if header is None:
            return "AccessDenied"
        fits = _HEADER.fullmatch(header)
        sent = asked.headers.get("x-amz-date", "")
        if fits is None or not re.fullmatch(r"\d{8}T\d{6}Z", sent) or sent[:8] != fits[2]:
            return "AuthorizationHeaderMalformed"
        if fits[1] != self.access or fits[3] != self.region:
            return "InvalidAccessKeyId"
        when = datetime.strptime(f"{sent}+0000", "%Y%m%dT%H%M%SZ%z")
        if abs(when - (now or datetime.now(when.tzinfo))) > _SKEW:
            return "RequestTimeTooSkewed"
        names = fits[4].split(";")
        if not {"host", "x-amz-content-sha256", "x-amz-date"} <= set(names):
            return "AccessDenied"
        path = quote(unquote_plus(asked.path.partition("?")[0]), safe="/-._~")
        request = AWSRequest(
            asked.method,
            f"https://s3.example{path}",
            headers={name: asked.headers.get(name, "") for name in names},
        )
        request.context["timestamp"] = sent
        signer = S3SigV4Auth(Credentials(self.access, self.secret), "s3", self.region)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        good = signer.signature(text, request) == fits[5]
        return None if good else "SignatureDoesNotMatch"
