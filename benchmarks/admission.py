"""What the admission of small packages costs, in one batch.

`python -m benchmarks.admission BUCKET COUNT [SECONDS [THREADS]]` uploads so many to the bucket,
upon the S3 that AWS's environment variables lead to, opens the batch, admits it, and prints a line
of JSON. SECONDS are added to each request, since a server on the same machine answers at once and
S3 takes some 25 ms. With one thread, requests follow each other.
"""

from __future__ import annotations

import json
import sys
import time

from debpress import concurrency
from debpress.adapters import s3
from debpress.codec import decode, encode
from debpress.records.messages.open import OpenOutput

from benchmarks.engine import Measured
from tests.support.press import debs


def main(arguments: list[str]) -> int:
    bucket, count, *rest = arguments
    client = s3.client()
    press = Measured(bucket, client)
    delay = float(rest[0]) if rest else 0.0
    if rest[1:]:
        concurrency.THREADS = int(rest[1])
    started = press.upload("many", debs(*((f"p{n}", "1", "amd64") for n in range(int(count)))))
    functions = press.functions()
    given = {"event": started, "execution": "e", "started_at": "2026-11-23T01:02:03Z"}
    chunks = decode(OpenOutput, functions["open"](given)).chunks or ()
    press.counting.requests.clear()
    client.meta.events.register("before-send.s3", lambda **_: time.sleep(delay))
    for chunk in chunks:
        functions["admit"](encode(chunk))
    cost = press.cost
    print(
        json.dumps(
            {
                "packages": int(count),
                "calls": len(chunks),
                "requests": dict(press.counting.requests),
                "seconds": cost.seconds["admit"],
                "cpu": cost.cpu["admit"],
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
