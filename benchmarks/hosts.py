"""What a host downloads when its index has changed by some packages, as real apt does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from debpress.keys.publication import sources

from benchmarks.additions import Engine
from local.apt_root import AptRoot
from local.progress import step
from tests.support.press import Press, quick_signers
from tests.support.replay import Bucket
from tests.support.web import Stored

CHANGED = 22


@dataclass(frozen=True, slots=True)
class Download:
    """Bytes that a host fetched at `apt-get update`: all of it at first, then after the change."""

    at_first: int
    after: int
    files: Mapping[str, int]


class _Objects(Mapping[str, Stored]):
    """The objects of a bucket on the server, each read when it is asked for."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def __getitem__(self, key: str) -> Stored:
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            raise KeyError(key) from error
        return Stored(found["Body"].read(), found["LastModified"], found["ETag"])

    def __iter__(self) -> Iterator[str]:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError


def download(engine: Engine, folder: Path) -> Download:
    """Of a host that has the suite, when packages come that are each in another part of it.

    The files are counted as they are sent, without the headers of HTTP. Raises LocalError.
    """
    with step(f"a host follows {CHANGED} changed packages in {engine.count:,}"):
        bucket = Bucket({})
        bucket.objects = _Objects(engine.server.client(), engine.bucket)
        press = Press(quick_signers())
        with bucket.served() as address:
            key_asc = press.signers.key_asc()
            settings = next(each for each in press.repository.suites if each.suite == "stable")
            host = AptRoot(folder / "host", sources(settings, f"{address}apt", key_asc).decode())
            host.update().clean()
            at_first = sum(bucket.sent.values())
            engine.add(CHANGED, "apart", "host")
            bucket.sent.clear()
            host.update().clean()
        files = {key.removeprefix("apt/dists/stable/"): n for key, n in bucket.sent.items()}
        return Download(at_first, sum(files.values()), files)
