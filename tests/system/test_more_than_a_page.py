"""S3 lists a thousand keys at a time: the whole press with more than that under each prefix."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import urllib3
from debpress.layout import Batch

from local.apt_root import AptRoot
from local.ci import Ci, sha256
from local.stack import Stack
from tests.support.operator import Debpress, functions, invoke
from tests.support.press import debs
from tests.support.uploads import Uploads

MORE = 1_050
KEEP = 20  # the default


@contextmanager
def untold(stack: Stack) -> Iterator[None]:
    """Nobody is told of results meanwhile: a thousand at once, which no press writes, would keep
    the machine busy with as many calls of `announce`."""
    events = stack.client("events")
    [rule] = [
        each["Name"]
        for each in events.list_rules()["Rules"]
        if "a result" in each.get("Description", "") and each["Name"].startswith("debpress-press")
    ]
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)


@contextmanager
def crowded(uploads: Uploads, result: bytes) -> Iterator[None]:
    """Before all that is listed, and after it, stands what nobody names or asks for any more."""
    root = uploads.stack.outputs.root
    names = [f"{letter}{n:05}" for n in range(MORE // 2) for letter in "0z"]
    junk = {
        **{f"{root}/pool/main/{n[0]}/{n}/{n:>016}/{n}.deb": b"x" for n in names},
        **{f"{root}/dists/testing/main/binary-amd64/by-hash/SHA256/{n:>064}": b"x" for n in names},
        **{f"staging/testing/main/{n}/{n}.deb": b"x" for n in names},
        **{f"results/testing/main/{n}.json": result for n in names},
    }

    at = f"{uploads.stack.outputs.endpoint_url}/{uploads.bucket}"
    # The emulator asks for no signature, whose making is most of what a put takes.
    http = urllib3.PoolManager(maxsize=8)

    def put(key: str) -> dict[str, str]:
        done = http.request("PUT", f"{at}/{key}", body=junk[key])
        assert done.status == 200, done.data
        return {"Key": key, "VersionId": done.headers["x-amz-version-id"]}

    with untold(uploads.stack), ThreadPoolExecutor(8) as pool:
        made = list(pool.map(put, junk))
    try:
        yield
    finally:
        for first in range(0, len(made), 1000):
            some = made[first : first + 1000]
            uploads.s3.delete_objects(Bucket=uploads.bucket, Delete={"Objects": some})


def test_nothing_is_overlooked_behind_the_first_thousand(
    stack: Stack, ci: Ci, host: Callable[..., AptRoot]
) -> None:
    uploads = Uploads(stack, ci)
    debpress = Debpress(uploads)
    versions = [f"1.{n}" for n in range(KEEP + 1)]
    files = debs(*(("paged", version, "all") for version in versions))
    oldest = debs(("paged", versions[0], "all"))
    [first] = uploads.publish(Batch("stable", "main", "paged"), oldest)["packages"]
    answered = uploads.publish(Batch("testing", "main", "paged"), files)
    # The very same object: its bytes are, so its key is.
    assert first["filename"] in {p["filename"] for p in answered["packages"]}

    with crowded(uploads, json.dumps(answered).encode()):
        more = uploads.publish(Batch("testing", "main", "paged-more"), debs(("more", "1", "all")))
        debpress("prune", "--suite", "testing")
        [reap] = [name for name in functions(stack) if "Reap" in name]
        assert invoke(stack, reap) == {"objects": 0, "bytes": 0, "left": 0}
        [status] = debpress.json("status", "--suite", "testing")
        said = debpress("verify")

    assert "nothing wrong" in said
    assert status["generation"] == more["generation"] + 1
    reader = host("testing")
    reader.update().clean()
    assert reader.versions("paged") == versions[:0:-1]
    assert reader.versions("more") == ["1"]
    # What was pruned in one suite is the other's still.
    reader = host("stable")
    reader.update().clean()
    [fetched] = reader.download(f"paged={versions[0]}")
    assert sha256(fetched) == first["sha256"]
