"""Who the function at the edge lets in, in the engine that CloudFront's is made of, and in node."""

from __future__ import annotations

import json
import re
import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from debpress import codec, tokens
from debpress.errors import DebpressError
from debpress.layout import Layout

from stacks import door
from tests.support.edge import ENGINES, Edge, basic, event, statuses

LAYOUT = Layout()
CODE = door.code(LAYOUT)
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SECRET = "k" * 43
INRELEASE = "/dists/stable/InRelease"
DEB = "/pool/main/f/foo/0123456789abcdef/foo_1_all.deb"


@pytest.fixture(params=ENGINES)
def edge(request: pytest.FixtureRequest, tmp_path: Path) -> Edge:
    return Edge(CODE, request.param, tmp_path, NOW)


def let_in(edge: Edge, name: str, **limits: Any) -> None:
    end, suites = limits.get("end"), limits.get("suites")
    made = tokens.record(SECRET, NOW - timedelta(days=30), end, suites)
    edge.tokens[name] = codec.dump(made).decode()


def test_who_has_the_token_gets_everything_and_nobody_else_anything(edge: Edge) -> None:
    let_in(edge, "web")
    paths = [
        INRELEASE,
        DEB,
        "/stable.sources",
        "/keyring.deb",
        "/index.html",
        "/",
        "/dists/g%2B%2B",
    ]
    good = [event(path, basic("web", SECRET)) for path in paths]
    assert set(statuses(edge.ask(*good))) == {200}
    headers = [
        *(None, basic("web", SECRET[1:]), basic("web", ""), basic("web", f"{SECRET}k")),
        *(basic("other", SECRET), basic("", SECRET), basic("WEB", SECRET)),
        *("", "Basic", "Basic !", "Basic d2Vi", f"Bearer {SECRET}", f"Digest {SECRET}"),
        *(basic("__proto__", SECRET), basic("constructor", SECRET), basic("w" * 600, SECRET)),
    ]
    bad = [event(path, header) for path in paths for header in headers]
    assert set(statuses(edge.ask(*bad))) == {401}


def test_the_answer_asks_for_basic_authentication_and_is_kept_nowhere(edge: Edge) -> None:
    (found,) = edge.ask(event(INRELEASE))
    assert found["looked"] == []
    answer = found["answer"]
    assert answer["headers"]["www-authenticate"]["value"].startswith("Basic realm=")
    assert answer["headers"]["cache-control"]["value"] == "no-store"
    assert isinstance(answer["body"], str)
    # What a function may give as an answer (developer guide, "Response object").
    assert set(answer) == {"statusCode", "statusDescription", "headers", "body"}
    assert all(
        name == name.lower() and set(v) == {"value"} for name, v in answer["headers"].items()
    )


def test_a_secret_goes_no_further_than_the_function(edge: Edge) -> None:
    let_in(edge, "web")
    asked = event(INRELEASE, basic("web", SECRET), "HEAD")
    (found,) = edge.ask(asked)
    del asked["request"]["headers"]["authorization"]
    assert found["answer"] == asked["request"]
    refused = edge.ask(event(INRELEASE, basic("web", "secret")), event("/x", basic("no", SECRET)))
    assert "secret" not in json.dumps(refused) and SECRET not in json.dumps(refused)
    assert "console" not in CODE


def test_what_sets_a_host_up_is_for_everybody(edge: Edge) -> None:
    paths = ["/setup.sh", "/key.asc", "/key.gpg"]
    assert {f"{LAYOUT.root}{path}" for path in paths} == {
        *(LAYOUT.setup_script, LAYOUT.key_asc, LAYOUT.key_gpg),
    }
    answers = edge.ask(*(event(path, header) for path in paths for header in (None, "Basic x")))
    assert set(statuses(answers)) == {200}
    nearly = ["/setup.sh/", "/x/setup.sh", "//setup.sh", "/setup.sh%00", "/stable.sources"]
    assert set(statuses(edge.ask(*map(event, nearly)))) == {401}


def test_a_token_of_a_pattern_reads_the_suites_that_fit_it(edge: Edge) -> None:
    let_in(edge, "pulls", suites=("pr-*", "tools"))
    mine = ["/dists/pr-17/InRelease", "/pr-17.sources", "/dists/pr-1/main/binary-amd64/Packages"]
    mine += ["/dists/snapshots/20261123T010203Z-5f0c9a1e/pr-1/InRelease", "/dists/tools/Release"]
    others = ["/dists/pr-/InRelease", "/dists/pr/InRelease", "/dists/xpr-1/InRelease", "/dists"]
    others += ["/pr-.sources", "/pr-17", INRELEASE, "/dists/pr-17/../stable/InRelease"]
    header = basic("pulls", SECRET)
    assert set(statuses(edge.ask(*(event(path, header) for path in mine)))) == {200}
    assert set(statuses(edge.ask(*(event(path, header) for path in others)))) == {403}


def test_a_token_ends_at_its_end(edge: Edge) -> None:
    let_in(edge, "soon", end=NOW + timedelta(seconds=1))
    let_in(edge, "now", end=NOW)
    broken = json.loads(edge.tokens["now"])
    edge.tokens["broken"] = json.dumps({**broken, "end": "tomorrow"})
    names = ("soon", "now", "broken")
    found = edge.ask(*(event(INRELEASE, basic(name, SECRET)) for name in names))
    assert statuses(found) == [200, 403, 403]
    assert found[1]["answer"]["statusDescription"] == "Token has ended"
    # Only who has the secret is told.
    assert statuses(edge.ask(event(INRELEASE, basic("now", "x")))) == [401]


ALLOWED = [
    *(INRELEASE, "/dists/stable/main/binary-amd64/by-hash/SHA256/0", "/stable.sources"),
    *("/dists/snapshots/20261123T010203Z-5f0c9a1e/stable/InRelease", "/keyring.deb", DEB),
    *("/%64ists/stable/InRelease", "/dists/g%2B%2B/InRelease", "/g%2B%2B.sources", "/key.gpg"),
]
DENIED = [
    *("/dists/testing/InRelease", "/testing.sources", "/", "/index.html", "/stable", "/dists"),
    *("/dists/stable/../testing/InRelease", "/dists/stable/%2e%2e/testing/InRelease", "/%"),
    *("/dists/stable//InRelease", "//dists/stable/InRelease", "/dists/stable%2F..%2Ftesting/x"),
    *("/dists/snapshots/20261123T010203Z-5f0c9a1e/testing/InRelease", "/pool/../dists/testing/x"),
    *("/dists/snapshots/stable/InRelease", "/x/stable.sources", "/pool", "/dists/g++/InRelease"),
    *("/.sources", "/dists//InRelease", "/DISTS/stable/InRelease", "/packages/foo.html"),
]


def test_a_token_of_some_suites_reads_these_and_the_pool(edge: Edge) -> None:
    let_in(edge, "some", suites=("stable", "g++"))
    let_in(edge, "all")
    header = basic("some", SECRET)
    assert set(statuses(edge.ask(*(event(path, header) for path in ALLOWED)))) == {200}
    denied = [path for path in DENIED if path != "/pool" and "g++" not in path]
    answers = edge.ask(*(event(path, header) for path in denied))
    assert dict(zip(denied, statuses(answers), strict=True)) == dict.fromkeys(denied, 403)
    assert answers[0]["answer"]["statusDescription"] == "Not a suite of this token"


def test_what_is_not_a_record_lets_nobody_in(edge: Edge) -> None:
    let_in(edge, "web")
    good = json.loads(edge.tokens["web"])
    for name, changed in {
        "newer": {**good, "version": 2},
        "sumless": {k: v for k, v in good.items() if k != "sha256"},
        "number": {**good, "sha256": 0},
        "short": {**good, "sha256": good["sha256"][:63]},
    }.items():
        edge.tokens[name] = json.dumps(changed)
    edge.tokens.update({"text": "text", "null": "null", "empty": ""})
    names = sorted(edge.tokens.keys() - {"web"})
    answers = edge.ask(*(event(INRELEASE, basic(name, SECRET)) for name in names))
    assert dict(zip(names, statuses(answers), strict=True)) == dict.fromkeys(names, 401)


def test_a_wrong_secret_is_compared_to_its_end(edge: Edge) -> None:
    """By the number of characters that are looked at, which no clock on this machine can blur."""
    counted = """
    const at = String.prototype.charCodeAt;
    let count = 0;
    String.prototype.charCodeAt = function (i) { count++; return at.call(this, i); };
    function looks(a, b) { count = 0; const is = same(a, b); return [is, count]; }
    const right = 'a'.repeat(64);
    console.log(JSON.stringify([right, 'b' + right.slice(1), right.slice(1) + 'b', NOBODY.sha256]
        .map((each) => looks(right, each))));
    """
    code = CODE.replace("import cf from 'cloudfront';\n", "")
    found = json.loads(edge.run(code + counted))
    assert found == [[True, 128], [False, 128], [False, 128], [False, 128]]


def test_it_stays_within_cloudfront_s_limits(edge: Edge) -> None:
    assert len(CODE.encode()) < door.MOST_BYTES / 2
    assert set(re.findall(r"from '(\w+)'", CODE)) == {"cloudfront", "crypto"}
    assert "@" not in CODE
    let_in(edge, "web", suites=("stable",))
    asked = [event(path, basic("web", SECRET)) for path in ALLOWED + DENIED] * 50
    before = _processor()
    answers = edge.ask(*asked)
    # A request has about a millisecond; this includes the engine's start and all that is printed.
    assert (_processor() - before) / len(asked) < 0.001
    # One read of the store each, at most.
    assert max(len(each["looked"]) for each in answers) == 1


def _processor() -> float:
    """Seconds that the engines have had of it, however many others wanted it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_store_of_tokens_takes_the_largest_record() -> None:
    """A value has 1 KB at most. A key has 512 bytes, of which a name takes 64."""
    suites = tuple(f"suite-{number:03}" for number in range(70))
    end = NOW + timedelta(days=1)
    assert len(codec.dump(tokens.record(SECRET, NOW, end, suites))) <= tokens.MOST_BYTES
    with pytest.raises(DebpressError, match="so many suites"):
        tokens.record(SECRET, NOW, end, (*suites, *(f"more-{n}" for n in range(30))))


def test_names_are_told_alike_by_the_command_and_at_the_edge() -> None:
    (pattern,) = re.findall(r"const NAME = /\^(.*)\$/;", CODE)
    assert pattern == tokens.NAME.pattern
