"""The S3 adapter against a server that answers as scripted: what moto can't be made to say."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from debpress.adapters import aws, s3
from debpress.errors import StoreError, TransientError
from debpress.store import ObjectChanged, ObjectHeaders, Pin, PreconditionFailed

DATE = "Mon, 23 Nov 2026 01:02:05 GMT"
MODIFIED = "Mon, 23 Nov 2026 01:02:03 GMT"


@dataclass
class Answer:
    """One scripted answer.

    With `cut`, the connection dies after that many bytes of the body; `size` is a claim, for HEAD;
    `ranged` gives the body from where the request's Range starts.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    size: int | None = None
    ranged: bool = False


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def failure(status: int, code: str) -> Answer:
    text = f"<Error><Code>{code}</Code><Message>said the server</Message></Error>"
    return Answer(status, text.encode(), {"Content-Type": "application/xml"})


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[Asked] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"  # answers `Expect: 100-continue`, which botocore sends

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append(Asked(self.command, self.path, headers, body))
        answer = self.server.answers.pop(0)
        if answer.ranged:
            start = int(headers.get("range", "bytes=0-")[6:].partition("-")[0])
            size = len(answer.body)
            span = {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
            answer = replace(answer, body=answer.body[start:], headers=span)
        self.send_response_only(answer.status)
        size = len(answer.body) if answer.size is None else answer.size
        given = {
            "Connection": "close",
            "Date": DATE,
            "Last-Modified": MODIFIED,
            "ETag": '"e1"',
            "Content-Length": str(size),
            **answer.headers,
        }
        for name, value in given.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body if answer.cut is None else answer.body[: answer.cut])
        self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_DELETE = answer  # noqa: N815 (the base class names them)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keeps the tests' output quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
    assert server.answers == [], "the adapter asked less than the test expected"


@pytest.fixture
def store(server: Server, monkeypatch: pytest.MonkeyPatch) -> s3.S3Store:
    """The adapter; botocore makes one attempt, so that no test waits for its backoff."""
    monkeypatch.setattr(aws, "ATTEMPTS", 1)
    return make(server, monkeypatch)


def make(server: Server, monkeypatch: pytest.MonkeyPatch) -> s3.S3Store:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    url = f"http://127.0.0.1:{server.server_port}"
    return s3.S3Store(s3.client(region="eu-central-1", endpoint_url=url), "press")


def checksum_of(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


# What S3 vouches for


def test_a_full_objects_sum_is_told(server: Server, store: s3.S3Store) -> None:
    headers = {"x-amz-checksum-sha256": checksum_of(b"x"), "x-amz-checksum-type": "FULL_OBJECT"}
    server.answers = [Answer(headers=headers, size=1)]
    head = store.head("a")
    assert head is not None
    assert head.sha256 == hashlib.sha256(b"x").hexdigest()
    assert server.asked[0].headers["x-amz-checksum-mode"] == "ENABLED"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-amz-checksum-sha256": checksum_of(b"x")},
        {"x-amz-checksum-sha256": checksum_of(b"x") + "-3", "x-amz-checksum-type": "COMPOSITE"},
        {"x-amz-checksum-sha256": checksum_of(b"x") + "-3", "x-amz-checksum-type": "FULL_OBJECT"},
        {"x-amz-checksum-crc64nvme": "AAAAAAAAAAA=", "x-amz-checksum-type": "FULL_OBJECT"},
    ],
)
def test_no_other_sum_is_taken_for_one(
    server: Server, store: s3.S3Store, headers: dict[str, str]
) -> None:
    server.answers = [Answer(headers=headers, size=1)]
    head = store.head("a")
    assert head is not None
    assert head.sha256 is None


def test_the_stores_clock_and_etag_are_told(server: Server, store: s3.S3Store) -> None:
    server.answers = [Answer(size=0)]
    head = store.head("a")
    assert head is not None
    assert head.etag == "e1"
    assert head.last_modified == datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
    assert head.served_at == datetime(2026, 11, 23, 1, 2, 5, tzinfo=UTC)


@pytest.mark.parametrize("status", [200, 404])
def test_its_time_is_told_by_an_answer_about_what_is_absent_too(
    server: Server, store: s3.S3Store, status: int
) -> None:
    server.answers = [Answer(status=status, size=0)]
    assert store.now("a") == datetime(2026, 11, 23, 1, 2, 5, tzinfo=UTC)


def test_its_time_is_not_guessed_where_it_may_not_be_asked(
    server: Server, store: s3.S3Store
) -> None:
    server.answers = [Answer(status=403, size=0)]
    with pytest.raises(StoreError):
        store.now("a")


def test_a_put_sends_its_sum_and_how_it_is_served(server: Server, store: s3.S3Store) -> None:
    server.answers = [Answer(headers={"x-amz-version-id": "v7"})]
    headers = ObjectHeaders("text/plain", "no-cache", {"generation": "42"})
    head = store.put("a", b"bytes", headers, if_match="e0")
    asked = server.asked[0]
    assert asked.path == "/press/a"
    assert asked.body == b"bytes"
    expected = {
        "x-amz-checksum-sha256": checksum_of(b"bytes"),
        "if-match": '"e0"',
        "content-type": "text/plain",
        "cache-control": "no-cache",
        "x-amz-meta-generation": "42",
    }
    assert {name: asked.headers.get(name) for name in expected} == expected
    assert (head.etag, head.version_id) == ("e1", "v7")


def test_a_copy_pins_its_source_and_asks_for_a_whole_sum(server: Server, store: s3.S3Store) -> None:
    server.answers = [Answer(body=b"<CopyObjectResult><ETag>e</ETag></CopyObjectResult>")]
    store.copy(
        Pin("staging/a+b.deb", "e0", "v1"), "pool/a.deb", ObjectHeaders(cache_control="max-age=1")
    )
    headers = server.asked[0].headers
    assert headers["x-amz-copy-source"] == "press/staging/a%2Bb.deb?versionId=v1"
    assert headers["x-amz-copy-source-if-match"] == '"e0"'
    assert headers["x-amz-metadata-directive"] == "REPLACE"
    assert headers["x-amz-checksum-algorithm"] == "SHA256"
    assert headers["cache-control"] == "max-age=1"


@pytest.mark.parametrize(
    ("said", "whole"),
    [
        ("<ChecksumType>FULL_OBJECT</ChecksumType>", True),
        ("<ChecksumType>COMPOSITE</ChecksumType>", False),
        ("", False),
    ],
)
def test_the_sum_of_a_copy_is_believed_if_it_is_of_the_whole(
    server: Server, store: s3.S3Store, said: str, whole: bool
) -> None:
    sha256 = f"<ChecksumSHA256>{checksum_of(b'bytes')}</ChecksumSHA256>"
    body = f"<CopyObjectResult><ETag>&quot;e9&quot;</ETag>{sha256}{said}</CopyObjectResult>"
    server.answers = [Answer(body=body.encode(), headers={"x-amz-version-id": "v9"})]
    copied = store.copy(Pin("a", "e0", "v1"), "b")
    assert copied.pin == Pin("b", "e9", "v9")
    assert copied.sha256 == (hashlib.sha256(b"bytes").hexdigest() if whole else None)


@pytest.mark.parametrize(
    ("status", "code"), [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict")]
)
def test_a_copy_that_finds_something_there_is_a_lost_race(
    server: Server, store: s3.S3Store, status: int, code: str
) -> None:
    server.answers = [failure(status, code), failure(404, "NoSuchVersion")]
    with pytest.raises(PreconditionFailed):
        store.copy(Pin("a", "e0", "v1"), "b", if_absent=True)
    assert server.asked[0].headers["if-none-match"] == "*"
    with pytest.raises(ObjectChanged):
        store.copy(Pin("a", "e0", "v1"), "b", if_absent=True)


def test_a_read_of_another_state_is_refused_unread(server: Server, store: s3.S3Store) -> None:
    server.answers = [failure(412, "PreconditionFailed")]
    with pytest.raises(ObjectChanged):
        store.get("a", if_match="e0")
    assert server.asked[0].headers["if-match"] == '"e0"'


# Races


@pytest.mark.parametrize(
    ("status", "code"),
    [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict"), (404, "NoSuchKey")],
)
def test_a_failed_condition_is_a_lost_race(
    server: Server, store: s3.S3Store, status: int, code: str
) -> None:
    server.answers = [failure(status, code)]
    with pytest.raises(PreconditionFailed):
        store.put("a", b"x", if_match="e0")


def test_a_missing_bucket_is_no_lost_race(server: Server, store: s3.S3Store) -> None:
    server.answers = [failure(404, "NoSuchBucket")]
    with pytest.raises(StoreError, match="no such bucket"):
        store.put("a", b"x", if_match="e0")


def test_a_race_lost_on_a_second_attempt_is_left_open(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt may have been the winner, so nobody knows, and the step is repeated."""
    monkeypatch.setattr(aws, "ATTEMPTS", 2)
    server.answers = [failure(500, "InternalError"), failure(412, "PreconditionFailed")]
    with pytest.raises(TransientError, match="Nobody can say"):
        make(server, monkeypatch).put("a", b"x", if_match="e0")


@pytest.mark.parametrize(
    ("status", "code"), [(412, "PreconditionFailed"), (404, "NoSuchVersion"), (404, "NoSuchKey")]
)
def test_a_pin_that_does_not_hold_is_changed(
    server: Server, store: s3.S3Store, status: int, code: str
) -> None:
    server.answers = [failure(status, code), failure(status, code)]
    pin = Pin("a", "e0", "v1")
    with pytest.raises(ObjectChanged):
        store.copy(pin, "b")
    with pytest.raises(ObjectChanged):
        list(store.stream(pin))
    assert server.asked[1].headers["if-match"] == '"e0"'


# Errors


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (503, "SlowDown"),
        (500, "InternalError"),
        (429, "TooManyRequests"),
        (400, "RequestTimeout"),
        (409, "OperationAborted"),
    ],
)
def test_what_may_work_again_is_transient(
    server: Server, store: s3.S3Store, status: int, code: str
) -> None:
    server.answers = [failure(status, code), failure(status, code), failure(status, code)]
    with pytest.raises(TransientError, match=code):
        store.get("a")
    with pytest.raises(TransientError, match=code):
        store.put("a", b"x", if_match="e0")
    with pytest.raises(TransientError, match=code):
        list(store.stream(Pin("a", "e1")))


def test_a_refusal_names_the_permission(server: Server, store: s3.S3Store) -> None:
    server.answers = [failure(403, "AccessDenied"), failure(403, "AccessDenied"), Answer(403)]
    with pytest.raises(StoreError, match=r"write s3://press/a.*s3:PutObject"):
        store.put("a", b"x")
    with pytest.raises(StoreError, match=r"s3:GetObject.*s3:ListBucket"):
        store.get("a")
    with pytest.raises(StoreError, match=r"s3:ListBucket"):
        store.head("a")


def test_anything_else_is_a_store_error(server: Server, store: s3.S3Store) -> None:
    server.answers = [failure(400, "EntityTooLarge")]
    with pytest.raises(StoreError, match="EntityTooLarge"):
        store.put("a", b"x")


def test_a_version_that_is_a_delete_marker_is_none(server: Server, store: s3.S3Store) -> None:
    server.answers = [failure(405, "MethodNotAllowed")]
    assert store.get("a", "v1") is None


def test_a_server_that_is_not_there_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "ATTEMPTS", 1)
    with Server() as gone:
        pass
    with pytest.raises(TransientError):
        make(gone, monkeypatch).head("a")


# Connections that die


def test_a_read_that_drops_is_read_again(server: Server, store: s3.S3Store) -> None:
    server.answers = [Answer(body=b"whole", cut=2), Answer(body=b"whole")]
    found = store.get("a")
    assert found is not None
    assert found.body == b"whole"


def test_a_read_that_keeps_dropping_is_transient(server: Server, store: s3.S3Store) -> None:
    server.answers = [Answer(body=b"whole", cut=2)] * s3.RESUMES
    with pytest.raises(TransientError):
        store.get("a")


def test_a_stream_that_drops_goes_on_where_it_stopped(server: Server, store: s3.S3Store) -> None:
    body = bytes(range(256)) * 9000
    server.answers = [
        Answer(body=body, cut=1_500_000),
        Answer(206, body, ranged=True),
    ]
    pieces = list(store.stream(Pin("a", "e1", "v1")))
    assert b"".join(pieces) == body
    start, _, end = server.asked[1].headers["range"].removeprefix("bytes=").partition("-")
    assert 1 << 20 <= int(start) <= 1_500_000
    assert int(end) == len(body) - 1
    assert "versionId=v1" in server.asked[1].path
    assert server.asked[1].headers["if-match"] == '"e1"'


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 5), (7, None), (1 << 20, 9), ((1 << 20) - 3, 9), ((2 << 20) + 5, 99), (9 << 20, None)],
)
def test_a_server_that_ignores_ranges_makes_no_difference(
    server: Server, store: s3.S3Store, start: int, length: int | None
) -> None:
    body = bytes(range(251)) * 9000
    server.answers = [Answer(body=body)]
    end = None if length is None else start + length
    assert b"".join(store.stream(Pin("a", "e1"), start, length)) == body[start:end]


def test_a_read_that_drops_goes_on_with_the_same_state(server: Server, store: s3.S3Store) -> None:
    body = bytes(range(256)) * 9000
    server.answers = [
        Answer(headers={"ETag": '"e1"'}, body=body, cut=1_500_000),
        Answer(206, body, ranged=True),
    ]
    found = store.read("a")
    assert found is not None and b"".join(found[1]) == body
    assert server.asked[1].headers["if-match"] == '"e1"'


def test_a_stream_that_gets_nowhere_is_transient(server: Server, store: s3.S3Store) -> None:
    server.answers = [Answer(206, b"x" * 100, cut=0)] * (s3.RESUMES + 1)
    with pytest.raises(TransientError, match="stopped at byte 5"):
        list(store.stream(Pin("a", "e1"), 5, 100))


def test_a_stream_notices_a_swap_while_it_resumes(server: Server, store: s3.S3Store) -> None:
    server.answers = [Answer(body=b"x" * 100, cut=10), failure(412, "PreconditionFailed")]
    with pytest.raises(ObjectChanged):
        list(store.stream(Pin("a", "e1")))
