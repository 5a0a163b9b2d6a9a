"""What AWS charges for a unit, in US dollars, in us-east-1.

They are list prices without taxes and without what is free: an account that has other things in it
has used that up. Whoever changes one changes `AS_OF`, having looked at all the pages.
"""

from __future__ import annotations

from dataclasses import dataclass

AS_OF = "2026-11-30"
REGION = "us-east-1"

GIB = 2**30
HOURS = 730.0  # of a month, as AWS counts
DAYS = HOURS / 24


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for one `unit`; `page` is where AWS tells it."""

    what: str
    unit: str
    dollars: float
    page: str


def _aws(path: str) -> str:
    return f"https://aws.amazon.com/{path}/pricing/"


GB_SECOND = Price("Lambda, arm64", "GB-second", 0.0000133334, _aws("lambda"))
CALL = Price("Lambda, calls", "million", 0.20, _aws("lambda"))
TRANSITION = Price(
    "Step Functions, Standard", "thousand transitions", 0.025, _aws("step-functions")
)
STORED = Price("S3 Standard, stored", "GB and month", 0.023, _aws("s3"))
PUTS = Price("S3: PUT, COPY, POST, LIST", "thousand", 0.005, _aws("s3"))
GETS = Price("S3: GET, HEAD", "thousand", 0.0004, _aws("s3"))
SIGNATURE = Price("KMS, signatures (not RSA 2048)", "ten thousand", 0.15, _aws("kms"))
KEY = Price("KMS, a key", "month", 1.00, _aws("kms"))
METRIC = Price("CloudWatch, a metric of one's own", "month, by the hour", 0.30, _aws("cloudwatch"))
ALARM = Price("CloudWatch, an alarm", "month", 0.10, _aws("cloudwatch"))
DASHBOARD = Price("CloudWatch, a dashboard after the third", "month", 3.00, _aws("cloudwatch"))
LOGGED = Price("CloudWatch Logs, taken in", "GB", 0.50, _aws("cloudwatch"))
TRACE = Price("X-Ray, a trace", "million", 5.00, _aws("xray"))
SCHEDULED = Price("EventBridge Scheduler, calls", "million", 1.00, _aws("eventbridge"))
EVENT = Price("EventBridge, events of one's own", "million", 1.00, _aws("eventbridge"))
OUT = Price("data out to the internet", "GB, the first 10 TB", 0.09, _aws("ec2/on-demand"))
OUT_FREE_GB = 100.0
CLOUDFRONT = Price(
    "CloudFront, data out (United States, Europe)", "GB, the first 10 TB", 0.085, _aws("cloudfront")
)
CLOUDFRONT_FREE_GB = 1024.0
CLOUDFRONT_REQUESTS = Price(
    "CloudFront, requests by https", "ten thousand", 0.01, _aws("cloudfront")
)
SERVER = Price("EC2, t4g.small, Linux", "hour", 0.0168, _aws("ec2/on-demand"))
DISK = Price("EBS, gp3", "GB and month", 0.08, _aws("ebs"))

ALL = (
    GB_SECOND, CALL, TRANSITION, STORED, PUTS, GETS, SIGNATURE, KEY, METRIC, ALARM, DASHBOARD,
    LOGGED, TRACE, SCHEDULED, EVENT, OUT, CLOUDFRONT, CLOUDFRONT_REQUESTS, SERVER, DISK,
)  # fmt: skip
