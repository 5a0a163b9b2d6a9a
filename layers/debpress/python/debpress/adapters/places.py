"""Where foreign repositories are: behind HTTP, in a folder, in a bucket."""

from __future__ import annotations

import errno
import netrc
import os
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

import urllib3
from botocore.exceptions import ClientError

from debpress.adapters import aws, scratch
from debpress.adapters.s3 import full_sum
from debpress.errors import SourceError, TransientError
from debpress.source.place import Place
from debpress.store import Copied, Pin

PIECE = 1 << 20
_CONNECTIONS = 16
_MISSING = (404, 410)
_WEB = ("http", "https")
_OF_NAMES = (errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
# The answer to a range that starts at a file's end.
_ALL_IS_HERE = 416


def split(address: str) -> SplitResult:
    """The parts of an address. Raises SourceError, which does not repeat it: what can't be read as
    a port may be the half of a password."""
    try:
        parts = urlsplit(address)
        if parts.scheme in _WEB:
            _ = parts.port  # It is judged only when it is asked for.
    except ValueError as error:
        raise SourceError(
            "the address has a host or a port that is none; write it as https://host:port/path, "
            "and other characters than letters and digits of a password as %40"
        ) from error
    return parts


class WebPlace:
    """A `debpress.source.place.Place` at an http or https address. A user and a password may be in
    it, or in ~/.netrc (`$NETRC`), as nginx with basic auth wants them."""

    def __init__(self, address: str, attempts: int = 4) -> None:
        parts = split(address)
        host = parts.hostname or ""
        # With the brackets of an IPv6 address, which `hostname` leaves out.
        where = parts.netloc.rpartition("@")[2].lower()
        self._root = urlunsplit((parts.scheme, where, parts.path.rstrip("/") + "/", "", ""))
        self._headers = {"User-Agent": "debpress", **_login(parts)}
        # By name and not by size: proxies may pack what has no need of it.
        self._headers["Accept-Encoding"] = "identity"
        options: dict[str, Any] = {
            "timeout": urllib3.Timeout(connect=10.0, read=60.0),
            "retries": urllib3.Retry(
                attempts, redirect=5, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504)
            ),
            "maxsize": _CONNECTIONS,
        }
        proxy = urllib.request.getproxies().get(parts.scheme)
        if proxy and not urllib.request.proxy_bypass(host):
            self._pool: urllib3.PoolManager = _proxied(parts.scheme, proxy, options)
        else:
            self._pool = urllib3.PoolManager(**options)

    def uri(self, path: str) -> str:
        return self._root + path

    def read(self, path: str, most: int) -> bytes | None:
        answer = self._asked(path)
        if answer is None:
            return None
        return b"".join(_within(self._pieces(path, answer), most))

    def stream(self, path: str, start: int = 0) -> Iterator[bytes] | None:
        answer = self._asked(path, start)
        if answer is None:
            return None
        # A server may ignore Range and send everything (RFC 9110, 14.2).
        skip = start if answer.status == 200 else 0
        if answer.status == _ALL_IS_HERE:
            answer.drain_conn()
            return iter(())
        return _after(self._pieces(path, answer), skip)

    def _asked(self, path: str, start: int = 0) -> urllib3.BaseHTTPResponse | None:
        headers = {**self._headers, **({"Range": f"bytes={start}-"} if start else {})}
        try:
            answer = self._pool.request(
                "GET", self._root + quote(path), headers=headers,
                preload_content=False,
            )  # fmt: skip
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", error)
            raise TransientError(
                f"{self.uri(path)} does not answer: {reason}; try again"
            ) from error
        if answer.status in (200, 206) or (start and answer.status == _ALL_IS_HERE):
            return answer
        answer.drain_conn()
        if answer.status in _MISSING:
            return None
        advice = "give a user and a password in ~/.netrc" if answer.status in (401, 403) else ""
        raise SourceError(
            f"{self.uri(path)}: the server answers {answer.status}; {advice or 'check the address'}"
        )

    def _pieces(self, path: str, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        try:
            yield from answer.stream(PIECE, decode_content=False)
        except urllib3.exceptions.HTTPError as error:
            raise TransientError(f"{self.uri(path)} broke off; run this again") from error
        finally:
            answer.release_conn()


class FolderPlace:
    """A `debpress.source.place.Place` in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def uri(self, path: str) -> str:
        return str(self._folder / path)

    def read(self, path: str, most: int) -> bytes | None:
        found = self.stream(path)
        return None if found is None else b"".join(_within(found, most))

    def stream(self, path: str, start: int = 0) -> Iterator[bytes] | None:
        file = self._folder / path
        try:
            there = file.is_file()
        except OSError as error:
            raise SourceError(f"{file} can't be read: {error.strerror}") from error
        return self._pieces(file, start) if there else None

    def _pieces(self, file: Path, start: int) -> Iterator[bytes]:
        try:
            with file.open("rb") as opened:
                opened.seek(start)
                while piece := opened.read(PIECE):
                    yield piece
        except OSError as error:
            raise SourceError(f"{file} can't be read: {error.strerror}") from error


class BucketPlace:
    """A `debpress.source.place.Place` in a bucket, below a prefix (empty, or ending with a slash).

    `client` is of the Region of the bucket that packages are copied to. IAM: s3:GetObject, and
    s3:ListBucket, without which S3 answers 403 for what is not there.
    """

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def uri(self, path: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{path}"

    def read(self, path: str, most: int) -> bytes | None:
        found = self.stream(path)
        return None if found is None else b"".join(_within(found, most))

    def stream(self, path: str, start: int = 0) -> Iterator[bytes] | None:
        answer = self._asked(path, {"Range": f"bytes={start}-"} if start else {})
        if answer is None:
            return None
        return _after(self._pieces(path, answer), 0 if "ContentRange" in answer else start)

    def part(self, path: str, start: int, length: int) -> bytes:
        """So many bytes of an object, fewer at its end, and none of one that is not there."""
        if length <= 0:
            return b""
        answer = self._asked(path, {"Range": f"bytes={start}-{start + length - 1}"})
        if answer is None:
            return b""
        skip = 0 if "ContentRange" in answer else start
        return b"".join(_after(self._pieces(path, answer), skip))[:length]

    def copy(self, path: str, bucket: str, key: str) -> Copied | None:
        """Copies an object to another bucket, inside S3 (5 GB at most); None where there is none.
        IAM: s3:PutObject there. Raises SourceError where the bucket refuses."""
        what = f"copy {self.uri(path)} to s3://{bucket}/{key}"
        with aws.translated(what, "that the role may read the one and write the other"):
            try:
                answer = self._client.copy_object(
                    Bucket=bucket,
                    Key=key,
                    CopySource={"Bucket": self._bucket, "Key": self._prefix + path},
                    MetadataDirective="REPLACE",
                    TaggingDirective="REPLACE",
                    ChecksumAlgorithm="SHA256",
                )
            except ClientError as error:
                if aws.code(error) in ("404", "NoSuchKey"):
                    return None
                raise
        made = answer["CopyObjectResult"]
        return Copied(Pin(key, str(made["ETag"]).strip('"')), full_sum(made))

    def _asked(self, path: str, window: dict[str, str]) -> Any:
        with aws.translated(f"read {self.uri(path)}", "that the role has s3:GetObject on it"):
            try:
                return self._client.get_object(
                    Bucket=self._bucket, Key=self._prefix + path, **window
                )
            except ClientError as error:
                if aws.code(error) in ("404", "NoSuchKey"):
                    return None
                if aws.status(error) == 416:
                    return {"Body": _Nothing(), "ContentRange": ""}
                raise

    def _pieces(self, path: str, answer: Any) -> Iterator[bytes]:
        with (
            aws.translated(f"read {self.uri(path)}", "the connection"),
            closing(answer["Body"]) as body,
        ):
            while piece := body.read(PIECE):
                yield piece


class KeptPlace:
    """Another place, of which each file that is read whole is kept below `folder`, at the path that
    it has there."""

    def __init__(self, place: Place, folder: Path) -> None:
        self._place = place
        self._folder = folder

    def uri(self, path: str) -> str:
        return self._place.uri(path)

    def read(self, path: str, most: int) -> bytes | None:
        body = self._place.read(path, most)
        if body is None:
            return None
        no_path = SourceError(f"{self.uri(path)} is no path of a repository; publish it anew")
        if ".." in PurePosixPath(path).parts:
            # As a Release could have it that names an architecture so.
            raise no_path
        file = self._folder / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
        except OSError as error:
            # A name may be too long, or of a file and of a folder.
            raise no_path if error.errno in _OF_NAMES else scratch.unwritable(error) from error
        return body

    def stream(self, path: str, start: int = 0) -> Iterator[bytes] | None:
        return self._place.stream(path, start)


class _Nothing:
    def read(self, _size: int) -> bytes:
        return b""

    def close(self) -> None: ...


def _proxied(scheme: str, proxy: str, options: dict[str, Any]) -> urllib3.PoolManager:
    try:
        return urllib3.ProxyManager(proxy, **options)
    except urllib3.exceptions.HTTPError as error:
        # Without its value, which may hold a password.
        raise SourceError(
            f"{scheme}_proxy names no proxy that can be used; write it as http://host:port, or "
            "unset it"
        ) from error


def _login(parts: SplitResult) -> dict[str, str]:
    host = parts.hostname or ""
    # Only an address is quoted; ~/.netrc has what it says.
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if parts.username is None:
        file = os.environ.get("NETRC") or Path.home() / ".netrc"
        try:
            found = netrc.netrc(file).authenticators(host)
        except FileNotFoundError:
            return {}
        except (OSError, netrc.NetrcParseError) as error:
            raise SourceError(f"{file} can't be read: {error}") from error
        if found is None:
            return {}
        user, password = found[0], found[2] or ""
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def _within(pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    """Pieces up to the first byte that is too many."""
    left = most + 1
    for piece in pieces:
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            return


def _after(pieces: Iterator[bytes], skip: int) -> Iterator[bytes]:
    for piece in pieces:
        if skip < len(piece):
            yield piece[skip:]
        skip = max(0, skip - len(piece))
