"""`debpress token`, from arguments to what is printed, and others at its store meanwhile."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import botocore.session
import pytest
from debpress import tokens
from debpress.adapters import aws
from debpress.adapters.key_values import CloudFrontKeyValues
from debpress.commands import connection
from debpress.commands.main import main
from debpress.errors import DebpressError, TransientError

from tests.support.clock import FakeClock
from tests.support.key_values import ARN, KeyValueService

OUTPUTS = {"TokenStore": ARN, "Uri": "https://packages.example.org"}


class Operator:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.service, self.clock = KeyValueService(), FakeClock()
        self._capsys = capsys
        client = self.service.client()
        monkeypatch.setattr(aws, "client", lambda *_, **__: client)
        monkeypatch.setattr(connection, "output", self._output)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = main(["token", *arguments], self.clock)
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def record(self, name: str) -> dict[str, Any]:
        return dict(json.loads(self.service.items[name]))

    @staticmethod
    def _output(arguments: Any, name: str, _: str) -> str:
        assert arguments.stack == "debpress-delivery"
        return OUTPUTS[name]


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(monkeypatch, capsys)


def test_a_token_is_shown_once_and_its_hash_is_kept(operator: Operator) -> None:
    code, said, errors = operator.run("add", "web")
    assert (code, errors) == (0, "")
    (secret,) = re.findall(
        r"^machine packages.example.org login web password (\S{43})$", said, re.M
    )
    assert "/etc/apt/auth.conf.d/packages.example.org.conf" in said
    assert operator.record("web") == {
        "version": 1,
        "sha256": hashlib.sha256(secret.encode()).hexdigest(),
        "since": "2026-11-23T01:02:03Z",
        "end": None,
        "suites": None,
    }
    assert secret not in json.dumps(operator.service.items)
    assert secret not in "".join(operator.run("list")[1:])
    again = json.loads(operator.run("add", "db", "--json")[1])
    assert again["name"] == "db" and again["token"] not in (secret, "")


def test_an_address_by_http_or_with_a_path_is_written_as_apt_wants_it(operator: Operator) -> None:
    said = operator.run("add", "web", "--uri", "http://127.0.0.1:8080/apt")[1]
    assert "\nmachine http://127.0.0.1:8080/apt login web " in said
    said = operator.run("add", "db", "--uri", "https://example.org/apt")[1]
    assert "\nmachine example.org/apt login db " in said


def test_an_end_and_suites_are_kept_with_it_and_listed(operator: Operator) -> None:
    assert operator.run("list")[1] == "nobody has a token\n"
    said = operator.run("add", "guest", "--end", "2026-12-31", "--suites", "testing,stable")[1]
    assert "# Until 2027-01-01T00:00:00Z." in said
    record = operator.record("guest")
    assert (record["end"], record["suites"]) == ("2027-01-01T00:00:00Z", ["stable", "testing"])
    operator.run("add", "web")
    guest, web = operator.run("list")[1].splitlines()
    assert re.split(r" {2,}", guest.strip())[2:] == ["until 2027-01-01T00:00:00Z", "stable testing"]
    assert re.split(r" {2,}", web.strip())[2:] == ["without an end", "all suites"]
    operator.clock.sleep(60 * 24 * 3600)
    assert "ended 2027-01-01T00:00:00Z" in operator.run("list")[1]
    first, second = json.loads(operator.run("list", "--json")[1])
    assert (first["name"], first["ended"], first["suites"]) == (
        "guest",
        True,
        ["stable", "testing"],
    )
    assert (second["end"], second["ended"], second["suites"]) == (None, False, None)
    assert set(second) == {"name", "since", "end", "ended", "suites"}


@pytest.mark.parametrize(
    "wrong",
    [
        ["Web"],
        ["a:b"],
        ["w" * 65],
        ["web", "--end", "tomorrow"],
        ["web", "--end", "2026-02-30"],
        ["web", "--suites", "stable,"],
    ],
)
def test_what_can_t_be_is_a_usage_error(operator: Operator, wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        operator.run("add", *wrong)
    assert ended.value.code == 2 and not operator.service.items


def test_an_end_that_is_over_is_refused(operator: Operator) -> None:
    code, _, errors = operator.run("add", "web", "--end", "2026-11-22")
    assert code == 1 and "is over" in errors and not operator.service.items


def test_a_revoked_name_is_free_again_and_an_unknown_one_is_told(operator: Operator) -> None:
    operator.run("add", "web")
    code, _, errors = operator.run("add", "web")
    assert code == 1 and "revoke it first" in errors
    assert operator.run("revoke", "web")[0] == 0
    assert operator.service.items == {}
    code, _, errors = operator.run("revoke", "web")
    assert code == 1 and "web has no token" in errors
    assert operator.run("add", "web")[0] == 0


def test_more_than_a_page_is_listed(operator: Operator) -> None:
    for number in range(120):
        operator.service.items[f"host-{number:03}"] = (
            '{"sha256":"0","since":"2026-11-23T01:02:03Z"}'
        )
    assert len(json.loads(operator.run("list", "--json")[1])) == 120
    assert operator.service.calls.count("ListKeys") == 3


# Others at the same store


@pytest.fixture
def service() -> KeyValueService:
    return KeyValueService()


@pytest.fixture
def store(service: KeyValueService) -> CloudFrontKeyValues:
    return CloudFrontKeyValues(service.client(), ARN)


MADE = tokens.record("secret", FakeClock().now(), None, None)
OTHER = tokens.record("other", FakeClock().now(), None, None)


def test_a_change_of_somebody_else_s_is_not_undone(
    service: KeyValueService, store: CloudFrontKeyValues
) -> None:
    busy: list[dict[str, str | None]] = [{"db": "{}"}, {"db": None}]
    service.before = lambda _: service.change(**busy.pop()) if busy else None
    tokens.add(store, "web", MADE)
    assert set(service.items) == {"web", "db"}
    busy = [{"more": "{}"}]
    tokens.revoke(store, "web")
    assert set(service.items) == {"db", "more"}


def test_of_two_who_make_one_name_the_second_is_refused(
    service: KeyValueService, store: CloudFrontKeyValues
) -> None:
    """A write without the version would have put the second one's token over the first's."""
    race = [lambda: tokens.add(CloudFrontKeyValues(service.client(), ARN), "web", OTHER)]
    service.before = lambda _: race.pop()() if race else None
    with pytest.raises(DebpressError, match="web has a token"):
        tokens.add(store, "web", MADE)
    assert tokens.listed(store) == {"web": OTHER}


def test_an_answer_that_was_lost_is_no_second_token(
    service: KeyValueService, store: CloudFrontKeyValues
) -> None:
    """botocore calls again when a connection breaks, with a version that was good before."""
    lost = [lambda: tokens.add(CloudFrontKeyValues(service.client(), ARN), "web", MADE)]
    service.before = lambda _: lost.pop()() if lost else None
    tokens.add(store, "web", MADE)
    assert tokens.listed(store) == {"web": MADE}


def test_a_store_that_never_rests_is_told_and_not_asked_for_ever(
    service: KeyValueService, store: CloudFrontKeyValues
) -> None:
    service.items["web"] = '{"sha256":"0","since":"2026-11-23T01:02:03Z"}'
    service.before = lambda _: service.change(db="{}")
    with pytest.raises(TransientError, match="try again"):
        tokens.revoke(store, "web")
    assert service.calls.count("DeleteKey") == 10


def test_without_the_library_it_is_said_how_to_get_it() -> None:
    """The signature that AWS wants of this service, as its model says it."""
    client = botocore.session.Session().create_client(
        "cloudfront-keyvaluestore",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    with pytest.raises(DebpressError, match=r"pip install 'botocore\[crt\]'"):
        CloudFrontKeyValues(client, ARN).version()
