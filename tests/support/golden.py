"""A bucket in which every kind of record stands, made by the real steps at a fixed time.

`python -m tests.support.golden` writes the golden files anew: only after a change of a record that
was meant (docs/contract.md tells which changes may be).
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from debpress import config
from debpress.deb import writing
from debpress.steps import reap

from tests.support.memory_store import MemoryStore
from tests.support.press import Press, quick_signers
from tests.support.rotation import Rotation

FOLDER = Path(__file__).parent.parent / "golden"

_DAY = 86400.0


def bucket() -> dict[str, bytes]:
    """Every record that a press leaves below `state/` and `results/`, all versions, by key."""
    press = Press(quick_signers())
    press.store = _Numbered(press.clock)
    press.set_up()
    press.clock.sleep(60)
    files = {f"a_{n}_all.deb": deb("a", str(n)) for n in range(3)}
    files["odd_1.0+é_all.deb"] = b"not a package"
    press.publish(press.upload("mixed", files))
    press.publish(press.upload("good", {n: b for n, b in files.items() if n.startswith("a_")}))
    press.publish(press.upload("again", {"a_1_all.deb": files["a_1_all.deb"]}))
    press.publish(press.upload("reused", {"a_1_all.deb": deb("a", "1", note="other")}))
    press.publish(press.upload("nothing", {}, manifest={"version": 1, "files": []}))
    _together(press)
    press.publish(press.operate("o1", {"op": "remove", "packages": ["b"]}))
    press.publish(press.operate("o2", {"op": "rollback", "to": 9999}))
    press.publish(press.operate("o3", {"op": "snapshot", "keep_days": 1}))
    copied = {"suite": "stable", "component": "main"}
    press.publish(
        press.operate("o4", {"op": "copy", "from": copied, "packages": ["a"]}, suite="testing")
    )
    press.configure(keep=1, prune_share=1, valid_for=7)
    press.publish(press.operate("o5", {"op": "prune"}))
    press.clock.sleep(4 * _DAY)
    press.beat()
    found = _records(press)
    reap.run(press.services)
    found |= _records(press)
    press.clock.sleep(4 * _DAY)
    reap.run(press.services)
    found |= _records(press)
    press.publish(press.operate("o6", {"op": "forget", "packages": ["b (= 1)"]}))
    press.set_up()
    return {**found, **_records(press), **_rotated(), **_joint()}


class _Numbered(MemoryStore):
    """Versions are numbered in the order of the writes, and runs are named after a manifest's. So
    what is staged has numbers of its own, whatever else the press comes to write."""

    _others = 10**6

    def _add(self, key: str, *rest: Any) -> Any:
        if key.startswith("staging/"):
            return super()._add(key, *rest)
        staged, self._ids = self._ids, self._others
        added = super()._add(key, *rest)
        self._others, self._ids = self._ids, staged
        return added


def _together(press: Press) -> None:
    """Three batches, of which one takes the others along and refuses one of them."""
    started = [
        press.upload("b1", {"b_1_all.deb": deb("b", "1")}),
        press.upload("b2", {"b_1_all.deb": deb("b", "1", note="other")}),
        press.upload("b3", {"c_1_amd64.deb": deb("c", "1", "amd64")}, component="extra"),
    ]
    runs = []
    for each in started:
        begun = press.start(each)
        runs.append(press.go_on(begun))
        next(runs[-1])
        run = begun.answer["run"]
        next(runs[-1])
        press.functions()["queue"]({"suite": "stable", "run": run})
        press.clock.sleep(6)
    list(runs[0])


def _joint() -> dict[str, bytes]:
    """Of a batch for two suites, and of one that the second refuses when the first has it."""
    suites = ("bookworm", "trixie")
    press = Press(
        quick_signers(),
        repository=config.parse(
            {
                "suites": [{"suite": each, "architectures": ["amd64"]} for each in suites],
                "uploaders": [
                    {"name": "web", "packages": ["*"], "publishes": [f"{s}/main" for s in suites]}
                ],
            }
        ),
    )
    press.store = _Numbered(press.clock)
    press.set_up()
    for batch, version in (("web.1", "1"), ("web.2", "2")):
        files = {f"a_{version}_all.deb": deb("a", version)}
        listed = [{"name": n, "sha256": sha256(body).hexdigest()} for n, body in files.items()]
        manifest = {"version": 1, "suites": suites, "files": listed}
        steps = press.steps(press.upload(batch, files, suite="bookworm", manifest=manifest))
        for _ in range(5):
            next(steps)
        if version == "2":
            other = {"a_2_all.deb": deb("a", "2", note="other")}
            press.publish(press.upload("web.3", other, suite="trixie"))
        list(steps)
    assert press.result("web.2", "bookworm")["status"] == "rejected"
    return {key: body for key, body in _records(press).items() if not key.startswith("state/_")}


def deb(package: str, version: str, architecture: str = "all", note: str = "a package") -> bytes:
    """Not compressed, so that its sum is the same whatever made it."""
    fields = {
        "Package": package,
        "Version": version,
        "Architecture": architecture,
        "Maintainer": "A <a@example.org>",
        "Description": note,
    }
    return writing.build(fields, {f"/usr/share/{package}": b"x"}, datetime(2026, 1, 1, tzinfo=UTC))


def _rotated() -> dict[str, bytes]:
    """The records of a rotation and of a set-up, and the certificates beside them."""
    made = Rotation()
    made.stand_at("switch")
    made.take("back")
    made.wait(5)
    made.take("switch")
    made.wait(3)
    made.take("retire")
    versions = made.store.snapshot().objects["state/_rotation.json"]
    begun = {f"state/_rotation.json.{n}": v.body for n, v in enumerate(versions[-2:]) if v.body}
    return begun | {
        key: body for key, body in _records(made.press).items() if key.startswith("state/_")
    }


def _records(press: Press) -> dict[str, bytes]:
    """The queue's entries too, which are deleted when their batch is decided."""
    return {
        key: bodies[-1]
        for key, versions in press.store.snapshot().objects.items()
        if key.startswith(("state/", "results/"))
        and (bodies := [version.body for version in versions if version.body is not None])
    }


# What a compressor made may differ between its versions; and so do the names that follow from it.
_LISTED = re.compile(rb" [0-9a-f]{64} \d+ (\S+\.(?:gz|xz))")
_SIGNED = re.compile(rb"-----BEGIN PGP.*?-----END PGP [A-Z ]+-----(?:\\n)*", re.DOTALL)
_ID = re.compile(rb"(\d{8})-[0-9a-f]{16}")
_ETAG = re.compile(rb'("etag":")[0-9a-f]{32}"')
# The test's own, which the press in memory numbers.
_EXECUTION = re.compile(rb'"execution":"[^"]*"')
_REAPED = re.compile(rb'\{"key":"[^"]*/(?:by-hash|InRelease|Release)[^}]*\}')
_DELETED = re.compile(rb'("size":\d+,"version_id":")v\d+"')
_TOTAL = re.compile(rb'\{"bytes":\d+')


def masked(body: bytes) -> bytes:
    body = _LISTED.sub(rb" SUM SIZE \1", body)
    body = _SIGNED.sub(b"SIGNED", _EXECUTION.sub(b'"execution":"E"', body))
    body = _REAPED.sub(b"INDEX", _TOTAL.sub(b'{"bytes":TOTAL', body))
    # Several threads put the indices, so the memory store's versions are numbered by chance.
    body = _DELETED.sub(rb'\1V"', body)
    return _ETAG.sub(rb'\1ETAG"', _ID.sub(rb"\1-DIGEST", body))


def file_name(key: str) -> str:
    """A golden file's name: the masked key, in one folder."""
    return masked(key.encode()).decode().replace("/", "__")


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for file in FOLDER.iterdir():
        file.unlink()
    for key, body in bucket().items():
        json.loads(body)
        (FOLDER / file_name(key)).write_bytes(body)
    return 0


if __name__ == "__main__":
    sys.exit(main())
