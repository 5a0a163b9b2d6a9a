"""The pages that people look at: what they say, whoever makes them when, and what that costs."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from debpress import config
from debpress.config import Page
from debpress.errors import TransientError
from debpress.inspection.verification import verify
from debpress.keys.publication import publish
from debpress.layout import Layout, page_name, shelf
from debpress.page import render
from debpress.provenance.claims import Claims
from debpress.provenance.policy import GITHUB
from debpress.records.batch import Provenance
from debpress.records.generation import number
from debpress.records.page import PackagePage, PublishedPackage
from debpress.steps import mirror, page, reap, tidy
from debpress.steps.replication import Mirror
from debpress.steps.services import Services

from tests.support.attesting import COMMIT, REF, REPOSITORY, RUN, WORKFLOW, Believing
from tests.support.memory_store import MemoryStore
from tests.support.press import SUITES, Press, deb, debs, ed25519_signers, event
from tests.unit.test_mirror import Copier

URI = "https://packages.example.org"
HOUR = 3600.0


@pytest.fixture
def shown(press: Press) -> Press:
    """A press with keys, whose pages are wanted."""
    press.repository = config.parse({**SUITES, "page": {"title": "Packages of Example"}})
    publish(press.archive, press.repository, URI, b"".join(press.signers.certificates()))
    return press


def release(
    press: Press, batch: str, *packages: tuple[str, str, str], suite: str = "stable"
) -> None:
    press.clock.sleep(60)
    started = press.upload(batch, debs(*packages), suite=suite)
    assert press.publish(started) == "published"


def operate(press: Press, batch: str, *operations: dict[str, Any], suite: str = "stable") -> None:
    press.clock.sleep(60)
    assert press.publish(press.operate(batch, *operations, suite=suite)) == "published"


def make(press: Press) -> dict[str, str]:
    return page.run(press.services, URI)


def pages(store: MemoryStore) -> dict[str, bytes]:
    """Every page and twin."""
    keys = [*store.keys("apt/packages/"), "apt/index.html", "apt/index.json"]
    return {key: store.body(key) for key in keys}


def twin(press: Press, path: str) -> Any:
    return json.loads(press.store.body(f"apt/{path}.json"))


def anew(press: Press) -> dict[str, bytes]:
    """The pages as they are made at once, in a bucket that has none."""
    kept = press.store.snapshot()
    for key in [*pages(press.store), Layout.page_state()]:
        press.store.delete(key)
    make(press)
    found = pages(press.store)
    press.store.restore(kept)
    return found


# What they say


def test_a_package_s_page_says_what_there_is_and_how_it_came(shown: Press) -> None:
    release(shown, "b1", ("foo", "1.0", "amd64"), ("foo", "1.0", "arm64"), ("bar", "1", "all"))
    release(shown, "b2", ("foo", "1.10", "amd64"))
    release(shown, "b3", ("foo", "1.9", "amd64"), suite="testing")
    make(shown)
    foo = twin(shown, "packages/foo")
    assert [(p["version"], p["architecture"]) for p in foo["suites"]["stable"]] == [
        ("1.10", "amd64"),
        ("1.0", "amd64"),
        ("1.0", "arm64"),
    ]
    assert [p["version"] for p in foo["suites"]["testing"]] == ["1.9"]
    assert [(e["suite"], e["action"], e["version"]) for e in foo["history"]] == [
        ("testing", "added", "1.9"),
        ("stable", "added", "1.10"),
        ("stable", "added", "1.0"),
        ("stable", "added", "1.0"),
    ]
    newest = foo["suites"]["stable"][0]
    assert newest["since"] == foo["history"][1]["date"] > foo["history"][2]["date"]
    assert shown.store.head(f"apt/{newest['filename']}") is not None
    assert twin(shown, "packages/bar")["suites"]["stable"][0]["indices"] == ["amd64", "arm64"]
    listed = twin(shown, "packages/list/f")["packages"]
    assert [(each["package"], each["suites"]["stable"]) for each in listed] == [
        ("foo", {"newest": "1.10", "versions": 2, "size": sum_of(foo, "stable")})
    ]


def sum_of(found: Any, suite: str) -> int:
    return sum(each["size"] for each in found["suites"][suite])


def test_the_repository_s_page_has_the_set_up_and_the_last_releases(shown: Press) -> None:
    release(shown, "b1", ("foo", "1", "all"))
    release(shown, "b2", ("foo", "2", "all"))
    operate(shown, "o1", {"op": "remove", "packages": ["foo (= 1)"]})
    make(shown)
    top, html = twin(shown, "index"), shown.store.body("apt/index.html").decode()
    (fingerprint,) = top["fingerprints"]
    line = f"download-file {URI}/setup.sh /root/setup.sh &amp;&amp; sh /root/setup.sh --fingerprint"
    assert f"{line} {fingerprint}<" in html
    assert "<title>Packages of Example</title>" in html
    told = [(n["cause"], n["came"], n["went"], n["added"], n["removed"]) for n in top["releases"]]
    one, two = (
        {"package": "foo", "version": version, "architectures": ["all"]} for version in "12"
    )
    assert told == [
        ("remove", 0, 1, [], [one]),
        ("batch", 1, 0, [two], []),
        ("batch", 1, 0, [one], []),
    ]
    assert [(s["suite"], s["generation"]) for s in top["suites"]] == [("stable", 4), ("testing", 1)]


def test_where_hosts_need_a_token_the_set_up_begins_with_it(shown: Press) -> None:
    make(shown)
    assert "auth.conf.d" not in shown.store.body("apt/index.html").decode()
    assert shown.repository.page is not None
    asking = replace(shown.repository.page, token=True)
    shown.repository = config.parse(config.as_json(replace(shown.repository, page=asking)))
    release(shown, "b1", ("foo", "1", "all"))
    make(shown)
    html = shown.store.body("apt/index.html").decode()
    assert 0 < html.index("/etc/apt/auth.conf.d/") < html.index("download-file")


def test_the_set_up_names_every_key_that_signs_or_will(shown: Press) -> None:
    """As while one takes the place of another; no suite is flipped for it."""
    make(shown)
    both = [*shown.signers.certificates(), *ed25519_signers().certificates()]
    publish(shown.archive, shown.repository, URI, b"".join(both))
    make(shown)
    named = "".join(f" --fingerprint {each}" for each in twin(shown, "index")["fingerprints"])
    assert named.count("--fingerprint") == 2
    assert f"sh /root/setup.sh{named}<" in shown.store.body("apt/index.html").decode()


def test_pages_follow_what_is_removed_pruned_and_rolled_back(shown: Press) -> None:
    release(shown, "b1", ("foo", "1", "all"), ("bar", "1", "all"))
    make(shown)
    operate(shown, "o1", {"op": "remove", "packages": ["foo"]})
    make(shown)
    assert twin(shown, "packages/foo")["suites"] == {}
    assert b"No suite has it any more." in shown.store.body("apt/packages/foo.html")
    assert twin(shown, "packages/list/f")["packages"] == []
    assert list(twin(shown, "index")["shelves"]) == ["b"]
    operate(shown, "o2", {"op": "rollback", "to": 2})
    make(shown)
    assert [p["version"] for p in twin(shown, "packages/foo")["suites"]["stable"]] == ["1"]
    assert [e["cause"] for e in twin(shown, "packages/foo")["history"]] == [
        "rollback",
        "remove",
        "batch",
    ]
    assert list(twin(shown, "index")["shelves"]) == ["b", "f"]


# Where they say packages are from


FROM = Claims(GITHUB, REPOSITORY, WORKFLOW, REF, COMMIT, RUN)


@pytest.fixture
def proven(shown: Press) -> Press:
    """Suites that ask where packages are from, and believe what a bundle says."""
    told = {"repository": REPOSITORY, "workflow": WORKFLOW, "ref": REF}
    suites = [{**suite, "provenance": told} for suite in SUITES["suites"]]
    shown.repository = config.parse({"suites": suites, "page": {"title": "T"}})
    shown.verifier = lambda: Believing(FROM)
    return shown


def prove(press: Press, batch: str, name: str, version: str, suite: str = "stable") -> None:
    place = f"staging/{suite}/main/{batch}/"
    press.store.put(f"{place}{name}_{version}_all.deb.sigstore.json", b"{}")
    release(press, batch, (name, version, "all"), suite=suite)


def test_a_package_s_page_says_where_each_version_was_built(proven: Press) -> None:
    release(proven, "b1", ("foo", "1", "all"))
    prove(proven, "b2", "foo", "2")
    make(proven)
    foo, html = twin(proven, "packages/foo"), proven.store.body("apt/packages/foo.html").decode()
    built = {
        "bundle": foo["suites"]["stable"][0]["provenance"]["bundle"],
        **{"repository": REPOSITORY, "workflow": WORKFLOW, "ref": REF, "commit": COMMIT},
        "run": RUN,
    }
    assert [each.get("provenance") for each in foo["suites"]["stable"]] == [built, None]
    assert [each.get("provenance") for each in foo["history"]] == [built, None]
    assert proven.store.head(Layout.provenance(foo["history"][0]["sha256"], built["bundle"]))
    text = " ".join(re.sub(r"<[^>]*>", "", html).split())
    said = f"Built from {REPOSITORY} by {WORKFLOW} at {REF}, commit {COMMIT}, in this run. Verified"
    assert text.count(f"{said} when it was admitted.") == 1
    for address in (REPOSITORY, f"{REPOSITORY}/commit/{COMMIT}", RUN):
        assert f'<a href="{address}" rel="noopener noreferrer nofollow">' in html


def test_what_is_copied_or_comes_back_is_still_from_there(proven: Press) -> None:
    """Made at whichever of the flips, or at once: also where the suite that it came to first has it
    no more."""
    for looking in (False, True):
        name = f"foo{looking}".lower()
        here = {"suite": "testing", "component": "main"}
        prove(proven, f"{name}1", name, "1", suite="testing")
        if looking:
            make(proven)
        operate(proven, f"{name}2", {"op": "copy", "from": here, "packages": [name]})
        operate(proven, f"{name}3", {"op": "remove", "packages": [name]}, suite="testing")
        if looking:
            make(proven)
        before = twin_generation(proven, "stable")
        operate(proven, f"{name}4", {"op": "remove", "packages": [name]})
        if looking:
            make(proven)
        operate(proven, f"{name}5", {"op": "rollback", "to": before})
        make(proven)
        (found,) = twin(proven, f"packages/{name}")["suites"]["stable"]
        assert found["provenance"]["run"] == RUN
    assert pages(proven.store) == anew(proven)


def test_a_package_s_page_says_who_answers_for_it(proven: Press) -> None:
    """Until its bytes come with a proof, to whichever suite."""
    body = deb("foo", "1")
    listed = [{"name": "foo_1_all.deb", "sha256": hashlib.sha256(body).hexdigest()}]
    said = {"version": 1, "as_published": True, "files": listed}
    place = "staging/stable/main/o1/"
    proven.store.put(f"{place}foo_1_all.deb", body)
    head = proven.store.put(f"{place}operations.json", json.dumps(said).encode())
    assert proven.publish(event(head.key, head.etag, head.version_id)) == "published"
    make(proven)
    (found,) = twin(proven, "packages/foo")["suites"]["stable"]
    assert found["vouched_by"] == "operator" and "provenance" not in found
    html = proven.store.body("apt/packages/foo.html")
    assert b"not proven: an operator of this repository answers for it." in html
    prove(proven, "b1", "foo", "1", suite="testing")
    make(proven)
    (found,) = twin(proven, "packages/foo")["suites"]["stable"]
    assert "vouched_by" not in found and found["provenance"]["run"] == RUN
    assert pages(proven.store) == anew(proven)


def test_other_bytes_of_a_version_are_not_from_there(proven: Press) -> None:
    prove(proven, "b1", "foo", "1", suite="testing")
    other = {"foo_1_all.deb": deb("foo", "1", note="other")}
    assert proven.publish(proven.upload("b2", other)) == "published"
    make(proven)
    foo = twin(proven, "packages/foo")["suites"]
    assert "provenance" in foo["testing"][0] and "provenance" not in foo["stable"][0]


def test_flip_by_flip_or_at_once_is_the_same(shown: Press) -> None:
    """Whatever happened, and at whichever of the flips somebody looked."""
    chance = random.Random(13)
    architectures = {"ax": "all", "bx": "amd64", "cx": "arm64", "dx": "all"}
    for n in range(25):
        suite = chance.choice(["stable", "testing"])
        name = chance.choice(list(architectures))
        match n % 5:
            case 3:
                shown.clock.sleep(60)  # It may be rejected, where there is none.
                gone = {"op": "remove", "packages": [name]}
                shown.publish(shown.operate(f"o{n}", gone, suite=suite))
            case 4:
                back = twin_generation(shown, suite) - 1
                operate(shown, f"o{n}", {"op": "rollback", "to": max(1, back)}, suite=suite)
                shown.beat(suite)
            case _:
                version = f"{chance.randrange(1, 99)}.{n}"
                release(shown, f"b{n}", (name, version, architectures[name]), suite=suite)
        if chance.random() < 0.6:
            make(shown)
    make(shown)
    assert pages(shown.store) == anew(shown)


def twin_generation(press: Press, suite: str) -> int:
    published = press.archive.published(suite)
    assert published is not None
    return number(published.generation)


def test_another_title_or_a_lost_record_makes_all_anew(shown: Press) -> None:
    release(shown, "b1", ("foo", "1", "all"))
    make(shown)
    release(shown, "b2", ("foo", "2", "all"))
    release(shown, "b3", ("bar", "1", "all"))
    (lost,) = shown.store.keys("state/stable/generations/00000003-")
    shown.store.delete(lost)
    make(shown)
    assert [p["version"] for p in twin(shown, "packages/foo")["suites"]["stable"]] == ["2", "1"]
    shown.repository = config.parse({**SUITES, "page": {"title": "Another"}})
    make(shown)
    assert all(b"Another" in body for key, body in pages(shown.store).items() if "html" in key)


# Races, deaths


@pytest.mark.parametrize("dead", [False, True])
def test_a_call_that_loses_a_race_overwrites_nothing_newer(shown: Press, dead: bool) -> None:
    """The calls of two flips at once: at each of the requests of the first, the second comes whole,
    of a later release. Whichever request that is, the newest pages stay. The same where the first
    takes up what a call left that died between a twin and its page."""
    release(shown, "b1", ("foo", "1", "all"), ("bar", "1", "amd64"))
    make(shown)
    release(shown, "b2", ("foo", "2", "all"))
    if dead:
        shown.store.fail_at(2)
        with pytest.raises(TransientError):
            make(shown)
    kept = shown.store.snapshot()

    def another() -> None:
        release(shown, "b3", ("foo", "3", "all"))
        make(shown)

    for at in range(1, sum(counted(shown)) + 1):
        shown.store.restore(kept)
        interrupt(shown, at, another)
        make(shown)
        versions = [p["version"] for p in twin(shown, "packages/foo")["suites"]["stable"]]
        assert versions == ["3", "2", "1"], at
        assert pages(shown.store) == anew(shown), at


def test_a_call_that_is_overtaken_by_all_being_made_anew_overwrites_nothing(shown: Press) -> None:
    release(shown, "b1", ("foo", "1", "all"))
    make(shown)
    release(shown, "b2", ("foo", "2", "all"))
    kept = shown.store.snapshot()
    old, new = shown.repository, config.parse({**SUITES, "page": {"title": "Another"}})

    def deploy() -> None:
        shown.repository = new
        make(shown)
        shown.repository = old

    for at in range(1, sum(counted(shown)) + 1):
        shown.store.restore(kept)
        interrupt(shown, at, deploy)
        make(shown)
        shown.repository = new
        make(shown)
        assert pages(shown.store) == anew(shown)
        shown.repository = old


def test_a_call_that_dies_is_made_good_by_the_next(shown: Press) -> None:
    """After each of its writes, and where nobody knows whether a write took effect."""
    release(shown, "b1", ("foo", "1", "all"), ("bar", "1", "amd64"))
    make(shown)
    release(shown, "b2", ("foo", "2", "all"))
    release(shown, "b3", ("baz", "1", "all"))
    kept = shown.store.snapshot()
    for at in range(1, counted(shown)[1] + 1):
        for when in ("before", "after"):
            shown.store.restore(kept)
            shown.store.fail_at(at, when)
            with pytest.raises(TransientError):
                make(shown)
            make(shown)
            assert pages(shown.store) == anew(shown)


def test_making_all_anew_goes_on_where_it_stopped(shown: Press) -> None:
    names = [f"{letter}{n}" for letter in "abcd" for n in range(3)]
    release(shown, "b1", *((name, "1", "all") for name in names))

    def tick(_operation: str, _key: str) -> None:
        shown.clock.sleep(1)

    shown.store.on_write = tick
    calls = 0
    while True:
        calls += 1
        before = len(shown.store.log)
        until = shown.clock.now() + timedelta(seconds=10)
        try:
            page.run(shown.services, URI, until)
            break
        except TransientError:
            assert len(shown.store.log) > before  # Each call gets on.
    assert calls > 2
    shown.store.on_write = None
    pairs = [w.key for w in shown.store.log if w.key.startswith("apt/packages/")]
    assert len(pairs) == len(set(pairs))  # Nothing is written twice.
    assert pages(shown.store) == anew(shown)


def counted(press: Press) -> tuple[int, int]:
    """The reads and the writes of a call, which is taken back."""
    kept = press.store.snapshot()
    press.store.requests.clear()
    make(press)
    press.store.restore(kept)
    found = press.store.requests
    return found["get"] + found["head"], found["put"]


def interrupt(press: Press, at: int, other: Callable[[], object]) -> None:
    """Has another come at the request of this number, once."""
    store, left = press.store, at
    count = store._count

    def come(*_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            store.on_write, store._count = None, count  # type: ignore[method-assign]
            other()

    def read(method: str) -> None:
        come()
        count(method)

    store.on_write, store._count = come, read  # type: ignore[method-assign]


# What it costs


def test_a_package_more_costs_a_few_requests_whatever_there_is(shown: Press) -> None:
    costs = []
    for size in (3, 60):
        release(shown, f"s{size}", *((f"p{n}-{size}", "1", "all") for n in range(size)))
        make(shown)
        release(shown, f"m{size}", (f"p1-{size}", "2", "amd64"))
        shown.store.requests.clear()
        make(shown)
        costs.append(dict(shown.store.requests))
    assert costs[0] == costs[1] == {"get": 10, "head": 3, "put": 7}


def test_where_a_package_is_from_costs_no_request(proven: Press) -> None:
    release(proven, "b1", ("foo", "1", "all"))
    make(proven)
    costs = []
    ways: tuple[Callable[[], None], ...] = (
        lambda: release(proven, "b2", ("foo", "2", "all")),
        lambda: prove(proven, "b3", "foo", "3"),
    )
    for publishing in ways:
        publishing()
        proven.store.requests.clear()
        make(proven)
        costs.append(dict(proven.store.requests))
    assert "provenance" in twin(proven, "packages/foo")["suites"]["stable"][0]
    assert costs[0] == costs[1] == {"get": 12, "head": 3, "put": 7}


def test_a_call_with_no_news_writes_nothing(shown: Press) -> None:
    release(shown, "b1", ("foo", "1", "all"))
    make(shown)
    shown.store.requests.clear()
    before = len(shown.store.log)
    make(shown)
    assert shown.store.log[before:] == []
    assert shown.store.requests == {"get": 5, "head": 1}


# Hostile packages

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_what_a_package_says_is_never_markup(shown: Press) -> None:
    extra = (
        f"Homepage: javascript:alert(3)//{HOSTILE}\nSection: {HOSTILE}\n"
        f"Depends: libc6 (>= 2)\nInstalled-Size: 12\n"
    )
    body = deb("evil", "1", "all", f"{HOSTILE}\n {HOSTILE}\n .\n  {{{{ 7*7 }}}} <b>", extra)
    started = shown.upload("e1", {"evil_1_all.deb": body})
    assert shown.publish(started) == "published", shown.result("e1")
    make(shown)
    for key, html in pages(shown.store).items():
        if not key.endswith(".html"):
            continue
        elements = Elements()
        elements.feed(html.decode())
        tags = [tag for tag, _ in elements.found]
        assert tags.count("script") == 1 and "img" not in tags and "b" not in tags, key
        for tag, attributes in elements.found:
            assert not any(name.startswith("on") or name == "style" for name in attributes), key
            for name in ("href", "src"):
                address = attributes.get(name) or ""
                assert ":" not in address, (key, tag, address)
    assert b"{{ 7*7 }} &lt;b&gt;" in shown.store.body("apt/packages/evil.html")


def test_what_is_no_text_is_shown_as_such() -> None:
    found = PublishedPackage(
        version="1", architecture="all", component="main", filename="pool/a+b~c.deb", sha256="",
        size=1, since="", indices=("amd64",), source="g++", description="\udcff", text=(),
        section="", maintainer="", homepage="https://example.org/", installed_size=None,
        relations={},
    )  # fmt: skip
    made = render.package(PackagePage("g++", {"stable": (found,)}), "T")
    assert b'href="../pool/a%2Bb~c.deb"' in made.html
    assert b'href="https://example.org/" rel="noopener noreferrer nofollow"' in made.html
    assert b'href="list/g.html"' in made.html and b"not known" in made.html


def test_where_a_package_is_from_is_never_markup() -> None:
    """Certificates say what their authority lets builds say: no more than text, whatever that is.
    Links lead to https alone, and to commits only where it is known how a host has them."""
    hostile = Provenance(
        "0", f"javascript:{HOSTILE}", HOSTILE, HOSTILE, HOSTILE, "http://h.example"
    )
    html = render.package(page_of(hostile), "T").html.decode()
    elements = Elements()
    elements.feed(html)
    assert [tag for tag, _ in elements.found].count("script") == 1
    assert not [tag for tag, _ in elements.found if tag == "img"]
    assert not [a for _, a in elements.found if ":" in (a.get("href") or "")]
    assert "http://h.example." in html
    quoted = Provenance("0", f"https://github.com/o/r{HOSTILE}", "w", "r", "c", RUN)
    assert "<img" not in render.package(page_of(quoted), "T").html.decode()
    for host, path in (("gitlab.com", "/-/commit/c0"), ("git.example.org", None)):
        repository = f"https://{host}/group/web"
        made = render.package(page_of(Provenance("0", repository, "w", "r", "c0", "")), "T")
        assert (f'href="{repository}{path}"'.encode() in made.html) == (path is not None)
        assert b"run" not in made.html.partition(b"Built from")[2].partition(b"Verified")[0]


def page_of(built: Provenance) -> PackagePage:
    found = PublishedPackage(
        version="1", architecture="all", component="main", filename="pool/a.deb", sha256="",
        size=1, since="", indices=("amd64",), source="a", description="", text=(), section="",
        maintainer="", homepage="", installed_size=None, relations={}, provenance=built,
    )  # fmt: skip
    return PackagePage("a", {"stable": (found,)})


def test_no_two_packages_share_an_address() -> None:
    names = ["g++", "g--", "gXX", "g2b2b", "libstdc++6", "g__", "GCC", "gcc", "X2b", "+"]
    made = [page_name(name) for name in names]
    assert len(set(made)) == len(names)
    assert all(c.isascii() and (c.isalnum() or c in "._-") for name in made for c in name)
    assert page_name("libstdc++6") == "libstdc__6"
    assert [shelf(name) for name in ("libstdc++6", "zsh", "lib")] == ["libs", "z", "l"]


# Beside everything else


def test_reaper_verify_mirror_and_tidy_leave_pages_alone(shown: Press) -> None:
    """The replica has none: it is there for hosts."""
    release(shown, "b1", ("foo", "1", "all"))
    make(shown)
    before = pages(shown.store)
    there = MemoryStore(shown.clock)
    replica = Services(there, shown.repository, shown.clock)
    pair = Mirror(shown.services, replica, Copier(shown.store, there))
    for _ in range(3):
        mirror.run(pair)
        tidy.run(pair)
        shown.clock.sleep(100 * HOUR)
        reap.run(shown.services)
    assert pages(shown.store) == before
    assert verify(shown.archive, shown.clock, ["stable", "testing"]).good
    kept = {*before, Layout.page_state()}
    assert not kept & set(there.keys()) and kept < set(shown.store.keys())


def test_configuration() -> None:
    assert config.parse(SUITES).page is None
    found = config.parse({**SUITES, "page": {}})
    assert found.page == Page("debpress")
    told = config.parse({**SUITES, "page": {"title": "T", "about": "A."}})
    assert config.parse(config.as_json(told)) == told
    assert config.parse(config.as_json(found)) == found
