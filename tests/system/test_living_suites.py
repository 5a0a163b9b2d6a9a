"""A suite that nobody deployed: from the first publish to its end, as CI, hosts and operators see
it. What only the clock can show (the end by `ttl_days`, the half hour before an end, the grace) is
in the press in memory."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from debpress.layout import Batch, Layout

from local import debs as real
from local.apt_root import AptRoot
from local.ci import Ci
from local.stack import Stack
from tests.support.later import reap_later
from tests.support.operator import Debpress
from tests.support.press import debs
from tests.support.uploads import Uploads


@pytest.fixture(scope="module")
def uploads(stack: Stack, ci: Ci) -> Uploads:
    return Uploads(stack, ci)


def there(uploads: Uploads, key: str) -> bool:
    try:
        uploads.s3.head_object(Bucket=uploads.bucket, Key=key)
    except ClientError:
        return False
    return True


def test_a_pull_request_has_a_suite_from_its_first_publish_to_its_end(
    stack: Stack, uploads: Uploads, tmp_path: Path
) -> None:
    debpress, layout = Debpress(uploads), Layout(stack.outputs.root)
    assert "no suite 'pr-7' yet" in debpress.refused("list", "--suite", "pr-7")
    package = real.build(tmp_path, "pulled", "1.0")
    files = {package.name: package.read_bytes()}

    uploads.publish(Batch("pr-7", "main", "one"), files)

    source = uploads.s3.get_object(Bucket=uploads.bucket, Key=layout.sources("pr-7"))["Body"].read()
    text = re.sub(r"(?m)^URIs: .*", f"URIs: {stack.outputs.apt_uri}", source.decode())
    reader = AptRoot(tmp_path / "host", text)
    reader.update().clean()
    reader.install("pulled").clean()
    assert reader.installed("pulled") == "1.0"

    other = uploads.put(Batch("pr-8", "main", "one"), debs(("other", "1", "all")))
    uploads.send(other)
    refused = uploads.result(other)
    assert [error["code"] for error in refused["errors"]] == ["suites-too-many"], refused
    found = debpress.json("suites")
    [seven] = [each for each in found["suites"] if each["pattern"]]
    assert seven["suite"] == "pr-7" and seven["expires"]
    assert found["patterns"][0]["suites"] == found["patterns"][0]["at_most"] == 1
    assert "nothing wrong" in debpress("verify")
    assert debpress.json("promote", "pr-7", "testing", "pulled")["status"] == "published"

    assert debpress.json("suites", "--end", "pr-7")["status"] == "published"
    reap_later(stack, uploads.s3)

    assert not there(uploads, layout.inrelease("pr-7"))
    assert not there(uploads, layout.sources("pr-7"))
    assert "it has ended" in debpress.refused("status", "--suite", "pr-7")
    said = reader.update()
    assert said.code == 100 and any("pr-7" in each for each in said.complaints), said
    assert reader.versions("pulled") == ["1.0"], "apt goes on with what it knew"

    again = uploads.publish(Batch("pr-7", "main", "two"), debs(("pulled", "2.0", "all")))
    assert again["generation"] == 3, "a new life goes on from the last one"
    reader.update().clean()
    assert reader.versions("pulled") == ["2.0"]
    debpress("suites", "--end", "pr-7")
    reap_later(stack, uploads.s3)
