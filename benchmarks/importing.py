"""What it costs to bring a repository over: `debpress import`, and the press behind it.

`python -m benchmarks.importing [COUNT [BYTES [OPTION…]]]` makes a signed repository of so many
packages (10,000 as a rule) of so many bytes of content each (1,000), imports it from a folder upon
an S3 server on this machine, and prints a line of JSON. The network is not in it, nor Lambda: the
press runs in this process, while the command waits for it. OPTIONs are those of the command.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

from debpress.adapters import s3
from debpress.clock import SystemClock
from debpress.commands import connection, foreign
from debpress.commands.main import main as debpress
from debpress.layout import is_manifest, parse_staged

from benchmarks import report, s3_server
from benchmarks.engine import Measured
from local import paths
from local.progress import step
from tests.support import debs
from tests.support.press import event
from tests.support.published import NAMES, Certificates, Published

SUITE = "stable"


class Waiting:
    """A clock: whoever sleeps by it has the press do its work. `seconds` and `cpu` are what that
    took, on the clock and of the processor."""

    def __init__(self, press: Measured, bucket: str, client: Any) -> None:
        self.seconds = self.cpu = 0.0
        self.batches = 0
        self._press, self._bucket, self._client = press, bucket, client
        self._done: set[str] = set()
        self._clock = SystemClock()

    def now(self) -> datetime:
        return self._clock.now()

    def sleep(self, _seconds: float) -> None:
        begun = time.perf_counter(), time.process_time()
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix="staging/"
        )
        for each in [found for page in pages for found in page.get("Contents", ())]:
            place = parse_staged(each["Key"])
            if place and is_manifest(place[1]) and each["Key"] not in self._done:
                self._done.add(each["Key"])
                self.batches += 1
                head = self._press.store.head(each["Key"])
                assert head is not None
                assert self._press.publish(event(head.key, head.etag, head.version_id, head.size))
        self.seconds += time.perf_counter() - begun[0]
        self.cpu += time.process_time() - begun[1]


def repository(folder: Path, press: Measured, count: int, size: int) -> Published:
    """Of names as releases have them: some versions of each."""
    made = Published(folder, press.signers, SUITE)
    made.architectures = ["amd64"]
    chance = random.Random(count)
    for number in range(count):
        name, version = f"p{number // 4:05}", f"1.{number % 4}"
        control = debs.control(Package=name, Version=version, Architecture="amd64")
        content = debs.tar([(f"./usr/share/{name}", chance.randbytes(size))])
        body = debs.deb(control, control_form=".gz", data_form="", data=content)
        made.add(f"{name}_{version}_amd64.deb", body)
    made.publish()
    return made


@contextmanager
def upon(press: Measured) -> Iterator[None]:
    """The command finds that press's bucket, and verifies by its key."""
    verifier = Certificates(press.signers)
    with (
        mock.patch.object(connection, "connect", lambda _arguments, **_more: (None, press.store)),
        mock.patch.object(foreign, "_verifier", lambda _keyring: verifier),
    ):
        yield


def measured(count: int, size: int, options: list[str]) -> dict[str, Any]:
    begun = report.machine()
    with (
        tempfile.TemporaryDirectory(dir=paths.RUNS, prefix="import-") as folder,
        s3_server.running() as server,
        mock.patch.dict(os.environ, server.environment, clear=True),
    ):
        bucket = server.make_bucket("importing")
        client = s3.client()
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        press = Measured(bucket, client)
        names = {key.lower(): NAMES[key] for key in ("Origin", "Label")}
        press.configure(**names, components=["main"], architectures=["amd64"])
        press.set_up()
        press.archive.keep_configuration(press.repository)
        with step(f"a repository of {count} packages"):
            source = repository(Path(folder, "there"), press, count, size)
        clock = Waiting(press, bucket, client)
        place = [str(source.folder), "--suite", SUITE, "--keyring", "of-the-press"]
        cache = ["--cache", str(Path(folder, "cache"))]
        press.counting.requests.clear()
        seconds, cpu = time.perf_counter(), time.process_time()
        with upon(press):
            code = debpress(["import", *place, *cache, *options], clock)
        seconds, cpu = time.perf_counter() - seconds, time.process_time() - cpu
        assert code == 0
        bytes_ = sum(len(body) for body in source.packages["main"].values())
        return {
            "machine": {**begun, "load_at_the_end": report.machine()["load"]},
            "packages": count,
            "bytes": bytes_,
            "batches": clock.batches,
            "seconds": round(seconds, 1),
            "cpu": round(cpu, 1),
            "seconds_of_the_press": round(clock.seconds, 1),
            "cpu_of_the_press": round(clock.cpu, 1),
            "press": press.cost.seconds,
            "requests": dict(press.counting.requests),
        }


def main(arguments: list[str]) -> int:
    paths.RUNS.mkdir(parents=True, exist_ok=True)
    count, size, *options = [*arguments, *["10000", "1000"][len(arguments) :]]
    print(json.dumps(measured(int(count), int(size), options)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
