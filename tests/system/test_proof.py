"""`debpress proof` against the deployed stack: everything that the emulator can do."""

from __future__ import annotations

import json

import pytest
from debpress.layout import Batch

from local.ci import Ci
from local.stack import Stack
from tests.support.operator import Debpress
from tests.support.press import debs
from tests.support.uploads import Uploads

# What only AWS can show (docs/emulator.md): its checksums of copies, its policies, a redrive.
AWS_ONLY = ("vouches for", "Nobody but", "when it is redriven")


@pytest.fixture(scope="module")
def uploads(stack: Stack, ci: Ci) -> Uploads:
    return Uploads(stack, ci)


def test_every_claim_that_can_be_tried_here_holds(uploads: Uploads) -> None:
    uploads.publish(Batch("testing", "main", "others"), debs(("others", "1", "all")))
    debpress = Debpress(uploads)
    assert "packages of others" in debpress.refused("proof", "--suite", "testing")
    done = debpress.run(
        "proof", "--suite", "testing", "--among-others", "--large", "70000000", "--json",
        "--uri", uploads.stack.outputs.apt_uri,
    )  # fmt: skip
    assert "70.0 MB to upload. It costs about" in done.stderr
    said = json.loads(done.stdout)
    assert done.returncode == 0 and said["good"]
    untried = [each["claim"] for each in said["claims"] if each["outcome"] != "held"]
    assert all(any(part in claim for part in AWS_ONLY) for claim in untried), untried
    held = [each["claim"] for each in said["claims"] if each["outcome"] == "held"]
    for part in ("gpgv accepts", "sqv accepts", "delivered twice", "If-None-Match", "If-Match",
                 "back", "forward again", "last good release", "made good", "gigabytes",
                 "nothing of it is left", "Date rises", "Last-Modified"):  # fmt: skip
        assert any(part in claim for claim in held), part
