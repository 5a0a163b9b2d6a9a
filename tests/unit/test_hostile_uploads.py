"""Whoever may write to one staging prefix harms nothing but their own batch."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import string
from typing import Any

import pytest
from debpress.adapters.logs import log
from debpress.codec import decode
from debpress.commands.text import print_result
from debpress.records.result import Result
from debpress.steps import admit, queueing
from debpress.suite import batch

from tests.support.debs import control
from tests.support.debs import deb as made
from tests.support.memory_store import MemoryStore
from tests.support.press import Press, deb, event

NASTY = "x\n\x1b[2J\u202e\u2028\"'\\\r\x00\x85{}.deb"


def start(press: Press, key: str, body: bytes = b"{}") -> str | None:
    """Uploads to any key, and runs what its event starts."""
    head = press.store.put(key, body)
    return press.publish(event(key, head.etag, head.version_id))


def written(press: Press) -> set[str]:
    """What the press wrote, uploads aside."""
    return {w.key for w in press.store.log if not w.key.startswith("staging/")}


# Keys


PLAIN = f"{string.ascii_letters}{string.digits}._-/"
IDS = [
    "a b",
    "ä",
    "?x#y",
    "%2e%2e",
    "-x",
    "_x",
    "a" * 129,
    "a" * 512,
    "..a",
    "a&b=c",
    "*",
    "é" * 256,
]


@pytest.mark.parametrize("name", IDS, ids=lambda name: name[:20])
def test_a_batch_by_an_odd_name_is_told_so_under_that_name(press: Press, name: str) -> None:
    before = written(press)
    assert start(press, f"staging/stable/main/{name}/manifest.json") == "rejected"
    assert "key-malformed" in {e["code"] for e in press.result(name)["errors"]}
    new = written(press) - before
    result = f"results/stable/main/{name}.json"
    assert result in new
    for key in new - {result}:
        # Whatever the name, our own notes stay below the suite's, in plain characters.
        assert key.startswith(("state/stable/runs/main.", "state/stable/queue/main."))
        assert not set(key) - set(PLAIN) and len(key.split("/")) <= 5
    assert all(len(key.encode()) <= 1024 for key in new)


ELSEWHERE = [
    "staging/stable/main/../manifest.json",
    "staging/stable/main/./manifest.json",
    "staging/stable/main/.../manifest.json",
    "staging/stable/main/a\nb/manifest.json",
    "staging/stable/main/\x1b[2J/manifest.json",
    "staging/stable/main/\u202e/manifest.json",
    f"staging/stable/main/{'a' * 513}/manifest.json",
    f"staging/stable/main/{'é' * 257}/manifest.json",
    "staging/stable/../b/manifest.json",
    "staging/../main/b/manifest.json",
    "staging/_signers/main/b/manifest.json",
    "staging/Stable/main/b/manifest.json",
    "staging/ä/main/b/manifest.json",
    f"staging/{'a' * 200}/{'b' * 100}/b/manifest.json",
    "staging//main/b/manifest.json",
    "staging/stable/main//manifest.json",
    "staging/stable/main/b/c/manifest.json",
    "staging/stable/main/manifest.json",
    "staging/manifest.json",
    "results/stable/main/b/manifest.json",
    "state/stable/main/b/operations.json",
    "apt/dists/main/b/manifest.json",
    "staging/stable/main/b/foo.deb",
    "staging/stable/main/b/MANIFEST.JSON",
]


@pytest.mark.parametrize("key", ELSEWHERE, ids=lambda key: ascii(key)[:60])
def test_a_key_that_is_no_batch_starts_nothing(press: Press, key: str) -> None:
    before = written(press)
    assert start(press, key) is None
    assert written(press) - {key} == before


@pytest.mark.parametrize(
    ("suite", "component", "code"),
    [("nowhere", "main", "suite-unknown"), ("stable", "nothing", "component-unknown"),
     ("stable.", "main", "suite-unknown"), ("a..b", "main", "suite-unknown")],
)  # fmt: skip
def test_a_place_that_is_not_configured_is_told_so(
    press: Press, suite: str, component: str, code: str
) -> None:
    started = press.upload("b", {"a.deb": deb("a")}, suite=suite, component=component)
    assert press.publish(started) == "rejected"
    [error] = press.result("b", suite, component)["errors"]
    assert error["code"] == code


@pytest.mark.parametrize(
    "name", ["\x1b[2J.changes", "\n.changes", "a" * 255 + ".changes", ".changes"]
)
def test_a_manifest_by_an_odd_name_is_answered(press: Press, name: str) -> None:
    assert start(press, f"staging/stable/main/b/{name}", b"nonsense") == "rejected"
    assert all(e["file"].isprintable() for e in press.result("b")["errors"])


def test_an_event_can_point_and_nothing_more(press: Press) -> None:
    """Only EventBridge may start the workflow; and what it is told is looked up in the bucket."""
    good = press.upload("b", {"a.deb": deb("a")})
    before = press.store.snapshot()
    detail = good["detail"]["object"]
    forged: list[dict[str, Any]] = [
        {**detail, "etag": "0" * 32},
        {**detail, "etag": ""},
        {**detail, "version-id": "v999"},
        {**detail, "key": "staging/stable/main/other/manifest.json"},
        {**detail, "key": "apt/dists/stable/InRelease"},
        {**detail, "key": "../../x"},
    ]
    for each in forged:
        assert press.publish({**good, "detail": {"object": each}}) is None
    assert press.store.snapshot() == before


# Sizes and numbers


class Counting(MemoryStore):
    """Remembers what was read whole."""

    def get(self, key: str, version_id: str | None = None, **conditions: Any) -> Any:
        self.whole = [*getattr(self, "whole", []), key]
        return super().get(key, version_id, **conditions)


@pytest.mark.parametrize("told", [True, False], ids=["by the event", "by a look"])
@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS", "a.changes", "operations.json"])
def test_a_manifest_too_large_is_refused_unread(press: Press, name: str, told: bool) -> None:
    store = Counting(press.clock)
    store.restore(press.store.snapshot())
    press.store = store
    key = f"staging/stable/main/b/{name}"
    head = store.put(key, bytes(4 * 2**20 + 1))
    started = event(key, head.etag, head.version_id)
    if told:
        started["detail"]["object"]["size"] = head.size
    assert press.publish(started) == "rejected"
    [error] = press.result("b")["errors"]
    assert (error["file"], error["code"]) == (name, "too-large")
    assert key not in store.whole


@pytest.mark.parametrize("name", ["manifest.json", "operations.json"])
def test_a_manifest_too_large_and_misplaced_is_told_both(press: Press, name: str) -> None:
    assert start(press, f"staging/nowhere/main/b/{name}", bytes(4 * 2**20 + 1)) == "rejected"
    told = [(e["file"], e["code"]) for e in press.result("b", "nowhere")["errors"]]
    assert told == [(name, "suite-unknown"), (name, "too-large")]


def test_stray_files_are_named_up_to_a_thousand(press: Press) -> None:
    for number in range(1500):
        press.store.put(f"staging/stable/main/b/stray-{number:05}", b"")
    assert press.publish(press.upload("b", {"a.deb": deb("a")})) == "published"
    ignored = press.result("b")["ignored"]
    assert len(ignored) == 1001 and ignored[-1] == "... and 500 more"
    assert ignored[0] == "stray-00000" and "a.deb" not in ignored


def test_more_stray_files_than_can_be_looked_at_are_refused(
    press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_MOST_BESIDE", 50)
    for number in range(60):
        press.store.put(f"staging/stable/main/b/stray-{number:05}", b"")
    assert press.publish(press.upload("b", {"a.deb": deb("a")})) == "rejected"
    [error] = press.result("b")["errors"]
    assert (error["file"], error["code"]) == ("manifest.json", "too-large")
    assert press.publish(press.upload("c", {"a.deb": deb("a")})) == "published"


def test_packages_that_say_too_much_of_themselves_are_refused(press: Press) -> None:
    """Their stanzas would be in everybody's index, and in the memory of whoever merges it."""
    large = {
        f"p{n}.deb": made(control(Package=f"p{n}", X_Note="x" * 900_000), control_form=".zst")
        for n in range(10)
    }
    assert press.publish(press.upload("b", large)) == "rejected"
    assert {e["code"] for e in press.result("b")["errors"]} == {"too-large"}
    assert press.packages() == set()


def test_a_batch_that_says_too_much_of_itself_is_refused(
    press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_CHUNK", 10**7)
    monkeypatch.setattr(queueing, "_MOST_SAID", 10_000)
    many = {f"p{n}.deb": deb(f"p{n}") for n in range(40)}
    assert press.publish(press.upload("b", many)) == "rejected"
    [error] = press.result("b")["errors"]
    assert (error["file"], error["code"]) == ("manifest.json", "too-large")


def test_errors_without_number_are_told_as_some_and_a_number(
    press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_CHUNK", 10**7)
    monkeypatch.setattr(admit, "_MOST_ERRORS", 20)
    monkeypatch.setattr(queueing, "_MOST_ERRORS", 50)
    bad = control(**{f"{n}": "x" for n in range(10)})
    wrong = {f"p{n}.deb": made(bad) for n in range(40)}
    assert press.publish(press.upload("b", wrong)) == "rejected"
    errors = press.result("b")["errors"]
    assert len(errors) == 51 and "more errors" in errors[-1]["message"]


# What is told


def _shown(press: Press, caplog: pytest.LogCaptureFixture) -> str:
    """All that people see of the batch: the command's output, and the function's log."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        print_result(decode(Result, press.result("b")))
    lines = out.getvalue().splitlines()
    with caplog.at_level(logging.INFO):
        log("finish", result=press.result("b"))
    # As Lambda writes it, which leaves what is not ASCII as it is.
    lines.append(json.dumps(vars(caplog.records[-1])["result"], ensure_ascii=False))
    return "\n".join(lines)


def _is_plain(text: str) -> bool:
    return all(each.isprintable() for each in text.split("\n"))


def test_a_stray_file_by_a_nasty_name_breaks_nothing(
    press: Press, caplog: pytest.LogCaptureFixture
) -> None:
    press.store.put(f"staging/stable/main/b/{NASTY}", b"")
    assert press.publish(press.upload("b", {"a.deb": deb("a")})) == "published"
    [ignored] = press.result("b")["ignored"]
    assert ignored.isprintable() and "\\x1b[2J" in ignored
    assert _is_plain(_shown(press, caplog))


def test_nasty_names_in_manifest_and_control_break_nothing(
    press: Press, caplog: pytest.LogCaptureFixture
) -> None:
    text = control().replace(b"foo", b"f\x1b[2Jo\x0c") + b'X"\x00\xff: \xe2\x80\xae\n'
    started = press.upload("b", {"a.deb": made(text)})
    assert press.publish(started) == "rejected"
    assert len(press.result("b")["errors"]) >= 3
    assert _is_plain(_shown(press, caplog))
    listed = [{"name": NASTY, "sha256": NASTY}, {NASTY: NASTY}, {"name": "a", "size": NASTY}]
    started = press.upload("b", {}, manifest={"version": 1, "files": listed})
    assert press.publish(started) == "rejected"
    assert len(press.result("b")["errors"]) >= 5
    assert _is_plain(_shown(press, caplog))


def test_a_batch_by_a_nasty_field_of_a_changes_file_breaks_nothing(
    press: Press, caplog: pytest.LogCaptureFixture
) -> None:
    body = f"Format: 1.8\nChecksums-Sha256:\n {'0' * 64} 1 {NASTY}\n".encode()
    assert start(press, "staging/stable/main/b/x.changes", body) == "rejected"
    assert _is_plain(_shown(press, caplog))
