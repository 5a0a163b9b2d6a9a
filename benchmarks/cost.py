"""The page of a month's cost: `benchmarks/bill.py` in words and tables.

`python -m benchmarks.cost` writes docs/cost.md from `benchmarks/latest.json`; `make bench`
does so too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from benchmarks import prices
from benchmarks.bill import (
    AWS_PART,
    CI_PART,
    COPY_MB_A_SECOND,
    DOWNLOADED_GB,
    KEEP,
    LOG_BYTES_A_CALL,
    PACKAGE_BYTES,
    PACKAGES,
    RELEASES_A_DAY,
    REQUESTS_A_GB,
    ROUND_TRIP,
    of,
    uploaded,
)
from benchmarks.report import LATEST, PLACE

PAGE = PLACE / "docs" / "cost.md"


def page(latest: Mapping[str, Any]) -> str:
    """docs/cost.md."""
    found = of(latest["cost"])
    egress = (DOWNLOADED_GB - prices.OUT_FREE_GB) * prices.OUT.dollars
    front = max(0.0, DOWNLOADED_GB - prices.CLOUDFRONT_FREE_GB) * prices.CLOUDFRONT.dollars
    front += DOWNLOADED_GB * REQUESTS_A_GB / 1e4 * prices.CLOUDFRONT_REQUESTS.dollars
    server = prices.SERVER.dollars * prices.HOURS + 60 * prices.DISK.dollars
    key, own = prices.KEY.dollars, found.dollars
    ways = (
        ("straight from S3", own, egress),
        ("through CloudFront", own, front),
        ("hosts in the Region, by a gateway endpoint", own, 0.0),
        ("aptly on a server, hosts on the internet", server, egress),
    )
    table = "\n".join(
        f"| {line.what} | {line.how_much} | {line.dollars:.2f} |" for line in found.lines
    )
    by_way = "\n".join(
        f"| {name} | {press:.2f} | {0.0 if 'aptly' in name else key:.2f} | {out:.2f} | "
        f"{press + out + (0.0 if 'aptly' in name else key):.2f} |"
        for name, press, out in ways
    )
    pages = "\n".join(
        f"| {each.what} | {each.dollars:g} | {each.unit} | <{each.page}> |" for each in prices.ALL
    )
    more = uploaded(AWS_PART) - uploaded(CI_PART)
    smaller = RELEASES_A_DAY * prices.DAYS * more / 1000 * prices.PUTS.dollars
    gb = PACKAGES * PACKAGE_BYTES / 1e9
    return f"""\
# Cost: what a month is

This page is made by `python -m benchmarks.cost`, from what `make bench` measured and counted (`benchmarks/latest.json`) and from AWS's list prices in {prices.REGION}, as of {prices.AS_OF} (`benchmarks/prices.py`). They are without taxes.

The workload is {RELEASES_A_DAY} releases a day, each of {PACKAGES} packages of {PACKAGE_BYTES // 10**6} MB ({gb:.2f} GB a release); {KEEP} versions of each package are kept; the configuration is the one in `cdk.json`, with {latest["cost"]["suites"]} suites. Hosts download {DOWNLOADED_GB:,.0f} GB a month.

## Who pays what, in dollars a month

| | the press or the server | key | what hosts download | together |
|---|---|---|---|---|
{by_way}

A key in KMS costs {key:.2f}; one that is bundled in a layer costs nothing. The server is a t4g.small with 60 GB of disk, and nobody's time to keep it up to date. The first {prices.OUT_FREE_GB:.0f} GB of egress and {prices.CLOUDFRONT_FREE_GB:,.0f} GB of CloudFront's are free in each account.

## The press, by what it is for

| | how much | dollars |
|---|---|---|
{table}
| **together, at list prices** | | **{found.dollars:.2f}** |
| in an account with nothing else in it, less what AWS gives each account for nothing | | {found.dollars - found.free:.2f} |

For nothing in each account and month are, among others, ten metrics, ten alarms, three dashboards and 5 GB of logs of CloudWatch, 400,000 GB-seconds and a million calls of Lambda, 4,000 transitions of Step Functions, 100,000 traces of X-Ray. An account with other things in it has used them up, so the first sum is what to reckon with.

## What was assumed

- A round trip to S3 or KMS takes {ROUND_TRIP * 1000:.0f} ms, and S3 copies {COPY_MB_A_SECOND:.0f} MB a second, each of four copies at once. Neither was measured in AWS.
- Each call of a publish, and the reaper's, is a cold start, whose length was measured on the machine of the benchmark; so were the processor's seconds of each step, with an index of 10,000 packages.
- CI uploads by `debpress upload`, in parts of {CI_PART // 2**20} MiB, and pays for the requests in the same account. `aws s3 cp` takes parts of {AWS_PART // 2**20} MiB, which is {smaller:.2f} dollars more, unless it is told otherwise ([ci.md](ci.md#large-packages)).
- Nothing goes wrong: an alarm that rings is a metric more for the hours in which it does. Each suite with `valid_for` is 0.25 dollars more, and 0.20 of these its two alarms.
- The pool holds what is kept, what the daily prune has not seen yet, and what is within the grace. The reaper deletes versions, so nothing lies there as an old version of itself.
- A call logs {LOG_BYTES_A_CALL:,} bytes.

## Unit prices

| | dollars | for | page |
|---|---|---|---|
{pages}
"""


def main() -> None:
    PAGE.write_text(page(json.loads(LATEST.read_text("utf-8"))), "utf-8")


if __name__ == "__main__":
    main()
