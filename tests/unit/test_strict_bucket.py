"""The stand-ins for S3 and for caches are as strict, and as stale, as what they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from debpress.archive.headers import BY_HASH, FRESH
from debpress.layout import Layout
from debpress.store import ObjectHeaders

from tests.support.clock import FakeClock
from tests.support.front import Front
from tests.support.memory_store import MemoryStore
from tests.support.replay import Bucket, Live
from tests.support.sigv4 import Verifier
from tests.support.web import Answer, Asked

MODIFIED = "Mon, 23 Nov 2026 01:02:03 GMT"
EARLIER = "Mon, 23 Nov 2026 01:02:02 GMT"
KEY = Verifier("AKIDEXAMPLE", "secret", "eu-central-1")
INDEX = "dists/stable/main/binary-amd64/by-hash/SHA256/0"


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore(FakeClock())
    made.put("apt/g++", b"0123456789")
    return made


def get(bucket: Bucket, path: str = "/apt/g%2B%2B", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return bucket.answer(Asked("GET", path, named))


def test_a_plus_is_a_blank_and_what_is_absent_is_forbidden(store: MemoryStore) -> None:
    bucket = Bucket(Live(store))
    assert get(bucket).body == b"0123456789"
    assert get(bucket, "/apt/g++").status == get(bucket, "/apt/none").status == 403
    assert bucket.refused == ["apt/g  ", "apt/none"]
    assert get(Bucket(Live(store), lists=True), "/apt/none").status == 404


def test_a_range_is_of_what_was_there_before_or_all_is_sent(store: MemoryStore) -> None:
    bucket = Bucket(Live(store))
    etag = get(bucket).headers["ETag"]
    for condition in ({}, {"If_Range": MODIFIED}, {"If_Range": etag}):
        found = get(bucket, Range="bytes=4-", **condition)
        assert (found.status, found.body) == (206, b"456789")
        assert found.headers["Content-Range"] == "bytes 4-9/10"
    for condition in ({"If_Range": EARLIER}, {"If_Range": '"other"'}):
        assert get(bucket, Range="bytes=4-", **condition).status == 200
    assert get(bucket, Range="bytes=10-").status == 416


def test_what_is_unchanged_by_the_second_is_not_sent(store: MemoryStore) -> None:
    bucket = Bucket(Live(store))
    assert get(bucket, If_Modified_Since=MODIFIED).status == 304
    assert get(bucket, If_Modified_Since=EARLIER).status == 200
    assert get(bucket, If_None_Match=get(bucket).headers["ETag"]).status == 304


def signed(path: str, when: datetime, secret: str = KEY.secret) -> Mapping[str, str]:
    request = AWSRequest("GET", f"https://bucket.s3.example{path}")
    request.headers["Host"] = "bucket.s3.example"
    request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
    request.headers["X-Amz-Date"] = request.context["timestamp"] = when.strftime("%Y%m%dT%H%M%SZ")
    signer = S3SigV4Auth(Credentials(KEY.access, secret), "s3", KEY.region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    headers: Mapping[str, str] = request.headers
    return headers


def test_a_signature_is_checked_upon_the_path_as_s3_reads_it() -> None:
    now = datetime.now(UTC)

    def wrong(path: str, headers: Mapping[str, str]) -> str | None:
        return KEY.wrong(Asked("GET", path, headers))

    good = signed("/apt/g%2B%2B", now)
    assert wrong("/apt/g%2B%2B", good) is None
    assert wrong("/apt/other", good) == "SignatureDoesNotMatch"
    assert wrong("/apt/g++", signed("/apt/g++", now)) == "SignatureDoesNotMatch"
    assert wrong("/a", signed("/a", now, "other")) == "SignatureDoesNotMatch"
    assert wrong("/a", signed("/a", now - timedelta(minutes=20))) == "RequestTimeTooSkewed"
    assert wrong("/a", {}) == "AccessDenied"
    assert wrong("/a", {"Authorization": "Basic x"}) == "AuthorizationHeaderMalformed"


@pytest.mark.parametrize(
    ("path", "headers", "seconds"),
    [
        (INDEX, BY_HASH, 31_536_000),
        (INDEX, ObjectHeaders(), 31_536_000),
        ("dists/stable/InRelease", ObjectHeaders(cache_control=FRESH), 0),
        ("dists/stable/InRelease", ObjectHeaders(), 0),
        ("stable.sources", ObjectHeaders(cache_control="max-age=300"), 60),
        ("stable.sources", ObjectHeaders(cache_control="max-age=20"), 20),
    ],
)
def test_a_cache_is_stale_to_the_last_second_and_no_longer(
    path: str, headers: ObjectHeaders, seconds: int
) -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    front = Front(Bucket(Live(store)), Layout(), clock, caches=1)

    def body() -> bytes:
        return front.answer(Asked("GET", f"/{path}", {})).body

    store.put(f"apt/{path}", b"old", headers)
    assert body() == b"old"
    store.put(f"apt/{path}", b"new", headers)
    clock.advance(max(seconds - 1, 0))
    assert body() == (b"old" if seconds else b"new")
    clock.advance(1)
    assert body() == b"new"


def test_what_is_not_there_yet_is_asked_for_again() -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    front = Front(Bucket(Live(store), lists=True), Layout(), clock)
    asked = Asked("GET", f"/{INDEX}", {})
    assert front.answer(asked).status == 404
    store.put(f"apt/{INDEX}", b"x", BY_HASH)
    assert front.answer(asked).status == 200
