"""`debpress status --hosts`: hosts that arrive, told by logs of requests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from debpress.commands import connection
from debpress.inspection.arrivals import Fetched, arrivals, fetched
from moto import mock_aws

from tests.support.press import Press
from tests.support.simulated_s3 import credentials
from tests.unit.test_commands_operators import Bench

# As AWS's and nginx's documents show a line, with our key.
S3 = (
    "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be awsexample "
    "[{time} +0000] {host} {requester} 3E57427F3EXAMPLE REST.GET.OBJECT {key} "
    '"GET /awsexample/{key} HTTP/1.1" {status} - 113 113 7 - "-" "Debian APT-HTTP/1.3 (2.6.1)" - '
    "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 "
    "ECDHE-RSA-AES128-GCM-SHA256 AuthHeader awsexample.s3.us-west-1.amazonaws.com TLSV1.2 - -"
)
CLOUDFRONT = (
    "#Version: 1.0\n"
    "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status "
    "cs(Referer) cs(User-Agent)\n"
    "2026-11-23\t01:05:30\tLAX1\t2390\t{host}\tGET\td1.cloudfront.net\t{path}\t{status}\t-\t"
    "Debian%20APT-HTTP\n"
)
NGINX = (
    '{host} - ci [23/Nov/2026:02:10:00 +0100] "GET {path} HTTP/1.1" {status} 4096 "-" '
    '"Debian APT-HTTP/1.3 (2.6.1)"'
)
KEY = "apt/dists/stable/InRelease"
AT = datetime(2026, 11, 23, 1, 5, tzinfo=UTC)


def s3(
    host: str,
    time: str = "23/Nov/2026:01:05:00",
    key: str = KEY,
    status: int = 200,
    requester: str = "-",
) -> str:
    return S3.format(host=host, time=time, key=key, status=status, requester=requester)


def nginx(host: str, path: str = "/debian/dists/stable/InRelease", status: int = 200) -> str:
    return NGINX.format(host=host, path=path, status=status)


class TestALine:
    def test_of_s3(self) -> None:
        assert list(fetched([s3("192.0.2.3")])) == [Fetched(AT, "192.0.2.3", "stable")]

    @pytest.mark.parametrize("suite", ["a+b", "stable-updates"])
    def test_a_key_is_quoted_once_or_twice(self, suite: str) -> None:
        for plus in ("+", "%2B", "%252B"):
            key = f"apt/dists/{suite.replace('+', plus)}/InRelease"
            assert [each.suite for each in fetched([s3("h", key=key)])] == [suite]

    def test_of_cloudfront(self) -> None:
        text = CLOUDFRONT.format(host="2001:db8::1", path="/dists/stable/InRelease", status=304)
        at = datetime(2026, 11, 23, 1, 5, 30, tzinfo=UTC)
        assert list(fetched(text.splitlines())) == [Fetched(at, "2001:db8::1", "stable")]

    def test_of_nginx_and_apache(self) -> None:
        at = datetime(2026, 11, 23, 1, 10, tzinfo=UTC)
        assert list(fetched([nginx("10.0.0.7")])) == [Fetched(at, "10.0.0.7", "stable")]

    @pytest.mark.parametrize(
        "line",
        [
            s3("h", status=403),
            s3("-", requester="svc:cloudfront.amazonaws.com"),
            s3("h", key="apt/dists/stable/Release"),
            s3("h", key="apt/dists/stable/main/InRelease"),
            s3("h", key="apt/pool/dists/stable/InRelease.deb"),
            s3("h").replace("REST.GET.OBJECT", "REST.HEAD.OBJECT"),
            s3("h", time="99/Nov/2026:01:05:00"),
            nginx("h", status=404),
            nginx("h").replace("GET", "POST"),
            '"', "[", "a\tb", "", '10.0.0.1 - - [x] "GET " 200', "\x00" * 9,
        ],
    )  # fmt: skip
    def test_what_is_no_host_that_got_a_release(self, line: str) -> None:
        assert list(fetched([line])) == []


def test_a_host_that_was_at_the_old_address_last_has_not_come_yet() -> None:
    def at(hour: int) -> datetime:
        return datetime(2026, 11, 23, hour, tzinfo=UTC)

    old = [Fetched(at(1), host, "stable") for host in "abc"] + [Fetched(at(5), "b", "stable")]
    here = [Fetched(at(3), host, "stable") for host in "ab"] + [Fetched(at(0), "z", "stable")]
    found = arrivals(here, old, since=at(1))["stable"]
    assert found.left == ["b", "c"] and set(found.here) == {"a", "b"}
    counted = {hour[-5:-3]: (len(h), len(o)) for hour, (h, o) in found.hours.items()}
    assert counted == {"01": (0, 3), "03": (2, 0), "05": (0, 1)}


class Formation:
    """CloudFormation, of which moto needs more than is installed: `stacks` have outputs, and
    `buckets` are in stacks."""

    def __init__(self) -> None:
        self.stacks: dict[str, dict[str, str]] = {}
        self.buckets: dict[str, str] = {}
        self.refuses = False

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        outputs = self._found(self.stacks, StackName, "DescribeStacks")
        stack = {"StackId": StackName, "StackStatus": "CREATE_COMPLETE", "CreationTime": AT}
        listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        return {"Stacks": [{**stack, "Outputs": listed}]}

    def describe_stack_resources(self, PhysicalResourceId: str) -> dict[str, Any]:  # noqa: N803
        stack = self._found(self.buckets, PhysicalResourceId, "DescribeStackResources")
        return {"StackResources": [{"StackName": stack}]}

    def _found(self, among: dict[str, Any], name: str, operation: str) -> Any:
        if self.refuses or name not in among:
            code, status = ("AccessDenied", 403) if self.refuses else ("ValidationError", 400)
            answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(answer, operation)
        return among[name]


class TestTheCommand:
    @pytest.fixture
    def bench(
        self, press: Press, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Bench]:
        credentials(monkeypatch)
        monkeypatch.delenv("DEBPRESS_BUCKET", raising=False)
        with mock_aws():
            self.client = boto3.client("s3", region_name="us-east-1")
            for name in ("press", "press-logs", "edge-logs"):
                self.client.create_bucket(Bucket=name)
            self.formation = Formation()
            made = {"cloudformation": self.formation}
            monkeypatch.setattr(connection, "clients", lambda _: lambda name, _region: made[name])
            store = SimpleNamespace(bucket="press")
            monkeypatch.setattr(connection, "connect", lambda _arguments: (self.client, store))
            bench = Bench(press, capsys)
            # moto's objects are of today.
            monkeypatch.setattr(bench, "now", lambda: datetime(2026, 11, 23, 6, tzinfo=UTC))
            yield bench

    def logged(self, name: str, *lines: str) -> None:
        body = "\n".join(lines).encode()
        self.client.put_object(Bucket="press-logs", Key=f"requests/{name}", Body=body)

    def switch_on(self) -> None:
        said: dict[str, Any] = {"TargetBucket": "press-logs", "TargetPrefix": "requests/"}
        grants = {
            "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}
        }
        acl = self.client.get_bucket_acl(Bucket="press-logs")
        acl["Grants"] += [{**grants, "Permission": each} for each in ("WRITE", "READ_ACP")]
        policy = {"Owner": acl["Owner"], "Grants": acl["Grants"]}
        self.client.put_bucket_acl(Bucket="press-logs", AccessControlPolicy=policy)
        self.client.put_bucket_logging(Bucket="press", BucketLoggingStatus={"LoggingEnabled": said})

    def deliver(self, place: str | None) -> None:
        """A distribution is in front of the bucket, and logs there."""
        self.formation.stacks["debpress-delivery"] = {"AccessLogs": place} if place else {}

    def test_hosts_that_come_by_cloudfront(self, bench: Bench) -> None:
        self.deliver("s3://edge-logs/packages/")
        text = CLOUDFRONT.format(host="192.0.2.7", path="/dists/stable/InRelease", status=200)
        self.client.put_object(Bucket="edge-logs", Key="packages/E1.1.gz", Body=text.encode())
        self.client.put_object(Bucket="edge-logs", Key="other/E1.1.gz", Body=text.encode())
        code, out, err = bench.run("status", "--hosts")
        assert (code, err) == (0, "") and "stable: 1 host here in the last 24 h" in out
        self.switch_on()
        self.logged("1", s3("10.0.0.1"), s3("-", requester="svc:cloudfront.amazonaws.com"))
        assert "stable: 2 hosts here in the last 24 h" in bench.run("status", "--hosts")[1]
        assert "1 host here" in bench.run("status", "--hosts", "--logs", "s3://edge-logs/other/")[1]

    def test_a_distribution_that_does_not_log_is_told(self, bench: Bench) -> None:
        self.deliver(None)
        self.switch_on()
        self.logged("1", s3("10.0.0.1"))
        code, out, err = bench.run("status", "--hosts")
        assert code == 0 and "1 host here" in out
        said = " ".join(err.split())
        assert said.startswith(
            "note: hosts that come by CloudFront are not in it: debpress-delivery"
        )

    def test_whose_a_bucket_is_that_is_named(self, bench: Bench) -> None:
        """It may be another press's than the one of the usual name."""
        self.deliver("s3://edge-logs/packages/")
        self.switch_on()
        self.logged("1", s3("10.0.0.1"))
        code, _, err = bench.run("status", "--hosts", "--bucket", "press")
        assert code == 0 and "note: no stack here has s3://press" in err
        self.formation.buckets["press"] = "mine-archive"
        assert bench.run("status", "--hosts", "--bucket", "press")[2] == ""
        self.formation.refuses = True
        code, _, err = bench.run("status", "--hosts", "--bucket", "press")
        assert code == 0 and "cloudformation:DescribeStackResources" in " ".join(err.split())

    def test_without_a_log_it_says_how_to_have_one(self, bench: Bench) -> None:
        code, _, err = bench.run("status", "--hosts")
        assert code == 1 and "are not logged: deploy with access_logs" in err

    def test_hosts_here_and_at_the_old_server(self, bench: Bench, tmp_path: Path) -> None:
        self.switch_on()
        self.logged("1", s3("10.0.0.1"), s3("10.0.0.2"), s3("10.0.0.1"))
        self.logged("2", s3("10.0.0.1", "23/Nov/2026:02:30:00"), s3("9.9.9.9", key="apt/x"))
        old = tmp_path / "access.log.gz"
        text = "\n".join([nginx("10.0.0.1"), nginx("10.0.0.3"), nginx("10.0.0.3")])
        old.write_bytes(gzip.compress(text.encode()))
        code, out, err = bench.run("status", "--hosts", "--old-logs", str(tmp_path))
        assert (code, err) == (0, "")
        assert out.splitlines() == [
            "stable: 2 hosts here in the last 24 h, 2 at the old address, 1 of them at both; "
            "1 was at the old address last",
            "  hour (UTC)        here  old",
            "  2026-11-23 01:00  2     2",
            "  2026-11-23 02:00  1     0",
            "  not here yet: 10.0.0.3, last there 2026-11-23T01:10:00Z",
        ]
        code, out, _ = bench.run("status", "--hosts", "--json", "--old-logs", str(old))
        [found] = json.loads(out)
        assert found["not_here_yet"] == ["10.0.0.3"] and len(found["here"]) == 2
        code, out, _ = bench.run("status", "--hosts", "--hours", "4", "--suite", "stable")
        assert code == 0 and "1 host here in the last 4 h" in out

    @pytest.mark.parametrize("place", ["/none/there", "ftp://x/y"])
    def test_a_place_that_can_not_be_read_is_named(self, bench: Bench, place: str) -> None:
        code, _, err = bench.run("status", "--hosts", "--logs", place)
        assert code == 1 and err.startswith("debpress: ")

    def test_a_damaged_one_is_named(self, bench: Bench, tmp_path: Path) -> None:
        file = tmp_path / "log.gz"
        file.write_bytes(gzip.compress(b"x" * 1000)[:-20])
        code, _, err = bench.run("status", "--hosts", "--logs", str(file))
        assert code == 1 and f"{file} can't be unpacked" in err
