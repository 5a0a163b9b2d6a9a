"""`debpress key rotate` and `key package`, from arguments to what is printed; the function answers
as it would, by its own handler."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from debpress import codec, config
from debpress.adapters import functions
from debpress.adapters.environment import Environment
from debpress.commands import connection, sending
from debpress.commands.key import publishing
from debpress.commands.main import main
from debpress.commands.packages import LocalPackage
from debpress.errors import StoreError

from tests.support.attesting import REF, REPOSITORY, WORKFLOW
from tests.support.press import event
from tests.support.rotation import DAYS, Rotation
from tests.support.templates import handler


class Bench:
    """A rotating press, and an operator at its bucket."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.rotation = Rotation()
        self.asked: list[dict[str, Any]] = []
        self._capsys = capsys
        self._setup, work = handler("setup"), handler("setup", "work")
        press = self.rotation.press
        press.store.bucket = "press-in-memory"  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "work", work)
        monkeypatch.setattr(work, "environment", self._environment)
        monkeypatch.setattr(work, "StepFunctions", lambda _: self.rotation)
        monkeypatch.setattr(work, "log", lambda *_, **__: None)
        monkeypatch.setattr(connection, "connect", lambda _: (None, press.store))
        monkeypatch.setattr(functions, "invoke", self._invoke)
        monkeypatch.setattr(publishing, "send", self._send)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = main(["key", *arguments], self)
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def step(self, *arguments: str) -> tuple[int, str, str]:
        return self.run("rotate", *arguments, "--function", "setup")

    def now(self) -> Any:
        return self.rotation.clock.now()

    def sleep(self, seconds: float) -> None:
        self.rotation.clock.sleep(seconds)

    def _environment(self) -> Environment:
        press = self.rotation.press
        return Environment(
            "bucket", press.store, press.repository, press.clock, None, "arn", self.rotation.uri
        )

    def _invoke(self, name: str, asked: dict[str, Any], **_: Any) -> dict[str, Any]:
        assert name == "setup"
        self.asked.append(asked)
        return dict(json.loads(json.dumps(self._setup.handle(asked, None))))

    def _send(self, _client: Any, _store: Any, batch: Any, built: Any, *, vouched: bool) -> Any:
        """Without S3's own client, which sends files side by side."""
        press = self.rotation.press
        press.store.put(batch.staging + built.name, built.body)
        sha256 = hashlib.sha256(built.body).hexdigest()
        package = LocalPackage(Path(built.name), sha256, len(built.body), ("", "", ""), "all")
        head = sending.put_manifest(press.store, batch, [package], as_published=vouched)  # type: ignore[arg-type]
        assert press.publish(event(head.key, head.etag, head.version_id)) == "published"
        return head


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(monkeypatch, capsys)


def test_a_rotation_from_the_first_step_to_the_last(bench: Bench) -> None:
    rotation, new = bench.rotation, bench.rotation.uris["new"]
    assert "every configured signer signs" in bench.run("rotate", "status")[1]
    code, out, _ = bench.step("announce", "--to", new)
    assert code == 1
    assert f"add {new} to debpress.signers, deploy, and take announce again" in out
    rotation.deploy("old", "new")
    code, out, err = bench.step("announce")
    assert code == 0
    assert "bring hosts the new certificate" in out
    assert f"to     {new} ({rotation.fingerprint('new')})" in out
    assert "debpress-archive-keyring" in out, "the package is published with the step"
    code, out, err = bench.step("dual")
    assert (code, out) == (1, "")
    assert err.startswith("debpress: dual is due 2025-06-03T")
    for step, days in (("dual", DAYS.announce), ("switch", DAYS.dual), ("retire", DAYS.switch)):
        rotation.wait(days)
        assert bench.step(step, "--suite", "stable")[0] == 0
    out = bench.run("rotate", "status")[1]
    assert f"take {rotation.uris['old']} out of debpress.signers" in out
    assert bench.asked[0] == {"rotate": "announce", "to": new, "from": None}


def test_status_says_what_is_next_and_when(bench: Bench) -> None:
    bench.rotation.stand_at("dual")
    code, out, _ = bench.run("rotate", "status")
    assert code == 0
    assert "stage  dual since 2025-06-03T" in out
    assert "next   switch, from 2025-06-08T" in out
    record = json.loads(bench.run("rotate", "status", "--json")[1])
    assert record == json.loads(codec.dump(bench.rotation.record))


def test_show_export_and_check_go_by_the_stage(bench: Bench) -> None:
    rotation = bench.rotation.stand_at("switch")
    found = json.loads(bench.run("show", "--json")[1])
    assert [each["role"] for each in found] == ["published", "signs"]
    rotation.wait(DAYS.switch)
    rotation.take("retire")
    found = json.loads(bench.run("show", "--json")[1])
    assert [each["role"] for each in found] == ["retired", "signs"]


def test_the_package_is_written_where_it_is_wanted(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "keyring.deb"
    assert bench.run("package", "--output", str(file))[:2] == (0, f"{file}\n")
    assert file.read_bytes().startswith(b"!<arch>\n")
    code, _, err = bench.run("package", "-o", str(tmp_path / "no/where.deb"))
    assert code == 1
    assert "can't be written" in err


def test_the_package_comes_by_an_operators_word_where_provenance_is_required(bench: Bench) -> None:
    """No workflow of anybody's has built it. In the other suite it goes as CI's packages do."""
    press = bench.rotation.press
    policy = {"require": True, "repository": REPOSITORY, "workflow": WORKFLOW, "ref": REF}
    strict, *others = config.as_json(press.repository)["suites"]
    press.repository = config.parse(
        {
            **config.as_json(press.repository),
            "suites": [{**strict, "provenance": policy}, *others],
        }
    )
    press.archive.keep_configuration(press.repository)
    assert bench.run("package", "--publish")[0] == 0
    told = {}
    for suite in press.repository.suites:
        [key] = press.store.keys(f"results/{suite.suite}/")
        result = json.loads(press.store.body(key))
        told[suite.suite] = (
            result["manifest"]["key"].rpartition("/")[2],
            result["packages"][0].get("vouched_by"),
        )
    assert told.pop(strict["suite"]) == ("operations.json", "operator")
    assert set(told.values()) == {("manifest.json", None)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--suite", "nowhere"], "there is no suite"),
        (["--component", "nowhere"], "has no component"),
    ],
)
def test_a_place_that_is_none_is_refused(bench: Bench, arguments: list[str], said: str) -> None:
    code, _, err = bench.run("package", "--publish", *arguments)
    assert code == 1
    assert said in err


class Lambda:
    def __init__(self, **answer: Any) -> None:
        self.answer = answer

    def invoke(self, **_: Any) -> dict[str, Any]:
        return {**self.answer, "Payload": io.BytesIO(self.answer["Payload"])}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"Payload": b'{"errorMessage": "boom"}', "FunctionError": "Unhandled"}, "failed: boom"),
        ({"Payload": b"null"}, "failed: None"),
    ],
)
def test_a_function_that_breaks_is_an_error(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr("debpress.adapters.aws.client", lambda *_, **__: Lambda(**answer))
    with pytest.raises(StoreError, match=said):
        functions.invoke("setup", {})


def test_a_function_s_answer_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "debpress.adapters.aws.client", lambda *_, **__: Lambda(Payload=b'{"a": 1}')
    )
    assert functions.invoke("setup", {}) == {"a": 1}
