"""Whatever moment a publish stops at, or a host comes by: real apt sees the old set or the new.

The writes of a publish, a prune, a rollback and the reaping are recorded in memory and done again
one at a time into a copy that is served as strictly as S3 does. After each, a fresh host and one
with the lists of before update and download everything that is listed.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from debpress import openpgp, signing
from debpress.steps import reap

from local.apt_root import AptRoot
from local.errors import LocalError
from tests.support import replay
from tests.support.clock import FakeClock
from tests.support.fake_kms import FakeKms
from tests.support.optional import some
from tests.support.press import Press, debs, keys
from tests.support.replay import Bucket, Write
from tests.support.web import Stored

ROOT = "apt/"
INRELEASE = f"{ROOT}dists/stable/InRelease"
BY_HASH = "/by-hash/"
POOL = f"{ROOT}pool/"

_KEY = "key.asc"
_LISTS = "var/lib/apt/lists"
_STANZA = re.compile(r"^(Package|Version|Architecture): (\S+)$", re.MULTILINE)

Seen = frozenset[tuple[str, str, str, str]]  # index, package, version, architecture


@dataclass(frozen=True)
class Act:
    """What was done: all that was there before, and each write."""

    before: Mapping[str, Stored]
    writes: list[Write]

    @property
    def flip(self) -> int:
        [at] = [n for n, write in enumerate(self.writes) if write.key == INRELEASE]
        return at


@pytest.fixture(scope="module")
def acts() -> dict[str, Act]:
    """A publish of two batches in one flip, a prune, the way back, and the reaping after all."""
    clock = FakeClock(datetime.now(UTC) - timedelta(days=9))
    kms = FakeKms()
    key = kms.create_key("ECC_NIST_EDWARDS25519")
    signers = signing.load(["awskms:"], keys(kms.service, key, clock))
    press = Press(signers, clock)
    press.set_up()
    raw = b"".join(signers.certificates())
    press.store.put(_KEY, openpgp.armor(raw, "PUBLIC KEY BLOCK"))
    clock.advance(3600)
    assert press.publish(press.upload("one", debs(("lib", "0.9~rc1", "all")))) == "published"
    clock.advance(3600)

    def publish() -> None:
        main = debs(("app", "1.0+dfsg", "amd64"), ("app", "1.0+dfsg", "arm64"), ("lib", "1", "all"))
        extra = debs(("c++", "1:2~1", "all"), ("more", "1", "arm64"))
        runs = [
            press.steps(press.upload("two", main)),
            press.steps(press.upload("three", extra, component="extra")),
        ]
        for steps in runs:
            for _ in ("open", "admit"):
                next(steps)
        # Both wait before either leads.
        plans = [key.split("/")[3] for key in press.store.keys("state/stable/runs/")]
        for run in {each for each in plans if each.startswith(("main.two.", "extra.three."))}:
            press.functions()["queue"]({"suite": "stable", "run": run, "execution": "arn"})
        assert [[*steps][-1] for steps in runs] == ["published"] * 2

    def operate(name: str, **operation: object) -> None:
        clock.advance(3600)
        assert press.publish(press.operate(name, operation)) == "published"

    def prune() -> None:
        press.configure(keep=1)
        operate("prune", op="prune")

    def go_back() -> None:
        operate("back", op="rollback", to=3)

    def reap_all() -> None:
        # What was published before all this goes: nobody names what was pruned once more.
        clock.advance(30 * 3600)
        assert reap.run(press.services).keys

    return {
        "publish": _act(press, publish),
        "prune": _act(press, prune),
        "rollback": _act(press, go_back),
        "reap": _act(press, reap_all),
    }


def _seen(*packages: tuple[str, str, str, str]) -> Seen:
    """Where hosts of both architectures find them, by component."""
    return frozenset(
        (f"stable_{component}_binary-{each}_Packages", package, version, architecture)
        for component, package, version, architecture in packages
        for each in (("amd64", "arm64") if architecture == "all" else (architecture,))
    )


_FIRST = [("main", "lib", "0.9~rc1", "all")]
_NEXT = [
    ("main", "app", "1.0+dfsg", "amd64"),
    ("main", "app", "1.0+dfsg", "arm64"),
    ("main", "lib", "1", "all"),
    ("extra", "c++", "1:2~1", "all"),
    ("extra", "more", "1", "arm64"),
]

# The old set, and the new.
EXPECTED = {
    "publish": (_seen(*_FIRST), _seen(*_FIRST, *_NEXT)),
    "prune": (_seen(*_FIRST, *_NEXT), _seen(*_NEXT)),
    "rollback": (_seen(*_NEXT), _seen(*_FIRST, *_NEXT)),
}


def _act(press: Press, action: Callable[[], None]) -> Act:
    before = replay.objects(press.store.snapshot())
    return Act(before, replay.record(press.store, action))


class Host:
    """A host of both architectures, with both components."""

    def __init__(self, path: Path, uri: str, bucket: Bucket) -> None:
        key = path.with_suffix(".asc")
        key.write_bytes(some(bucket.objects.get(_KEY)).body)
        source = f"deb [signed-by={key}] {uri}apt stable main extra"
        self.apt = AptRoot(path, source, foreign=("arm64",))
        self._lists = self.apt.path / _LISTS
        self._kept = path.with_suffix(".lists")
        self.keep()

    def keep(self) -> None:
        """From now on, `forget` comes back to the lists as they are now."""
        shutil.copytree(self._lists, self._kept, dirs_exist_ok=True)

    def forget(self) -> None:
        shutil.rmtree(self._lists)
        shutil.copytree(self._kept, self._lists)

    def update(self) -> Seen:
        """What apt lists after an update without a warning. Raises LocalError."""
        self.apt.update().clean()
        return self.listed()

    def listed(self) -> Seen:
        return frozenset(
            (file.name.partition("_dists_")[2], *identity)
            for file in self._lists.glob("*_Packages")
            for identity in _identities(file.read_text())
        )

    def download(self) -> None:
        """Everything apt lists. Raises LocalError."""
        wanted = {f"{package}:{a}={v}" for _, package, v, a in self.listed()}
        files = self.apt.download(*(name.replace(":all=", "=") for name in sorted(wanted)))
        assert len(files) == len(wanted)


def _identities(text: str) -> Iterator[tuple[str, str, str]]:
    for stanza in text.split("\n\n"):
        found = dict(_STANZA.findall(stanza))
        if found:
            yield found["Package"], found["Version"], found["Architecture"]


class Watch:
    """A copy of the bucket as it was before an act, and two hosts: a fresh one, and one that has
    the lists of then."""

    def __init__(self, path: Path, uri: str, bucket: Bucket) -> None:
        self.bucket = bucket
        self.fresh = Host(path / "fresh", uri, bucket)
        self.before = Host(path / "before", uri, bucket)
        self.old = self.before.update()
        self.before.keep()

    def look(self) -> Seen:
        """Both hosts update from where they were, fetch everything, and see the same."""

        def each(host: Host) -> Seen:
            host.forget()
            seen = host.update()
            host.download()
            return seen

        with ThreadPoolExecutor(2) as pool:
            fresh, before = pool.map(each, (self.fresh, self.before))
        assert fresh == before
        assert self.bucket.refused == [], "apt asked for what is not there"
        return fresh


@contextmanager
def watching(path: Path, act: Act) -> Iterator[Watch]:
    bucket = Bucket(dict(act.before))
    with bucket.served() as uri:
        yield Watch(path, uri, bucket)


@pytest.mark.parametrize("name", ["publish", "prune", "rollback"])
def test_after_each_write_hosts_see_the_old_or_the_new(
    name: str, acts: dict[str, Act], tmp_path: Path
) -> None:
    act = acts[name]
    with watching(tmp_path, act) as watch:
        seen = []
        for write in act.writes:
            watch.bucket.apply(write)
            # What hosts can't read changes nothing that they see.
            seen.append(watch.look() if write.key.startswith(ROOT) else None)

        new = seen[-1] or watch.look()
        assert new == EXPECTED[name][1] and watch.old == EXPECTED[name][0]
        for at, each in enumerate(seen):
            assert each in (None, new if at >= act.flip else watch.old), act.writes[at]
        # One that was between update and install all the while gets what it knows of.
        watch.before.forget()
        assert watch.before.listed() == watch.old
        watch.before.download()


def test_after_each_deletion_hosts_see_what_they_saw(acts: dict[str, Act], tmp_path: Path) -> None:
    act = acts["reap"]
    assert any(BY_HASH in write.key for write in act.writes)
    *deletions, report = act.writes
    assert {write.operation for write in deletions} == {"delete"}
    assert report.key.startswith("state/_reports/"), "what hosts read is not put by a reaping"
    with watching(tmp_path, act) as watch:
        for write in act.writes:
            watch.bucket.apply(write)
            assert watch.look() == watch.old


@pytest.mark.parametrize("what", [BY_HASH, POOL])
def test_it_is_seen_when_the_flip_comes_before_what_it_names(
    what: str, acts: dict[str, Act], tmp_path: Path
) -> None:
    act = acts["publish"]
    late = [write for write in act.writes[: act.flip] if what in write.key]
    early = [write for write in act.writes[: act.flip] if what not in write.key]
    assert late
    with watching(tmp_path, act) as watch:
        for write in [*early, act.writes[act.flip]]:
            watch.bucket.apply(write)
        with pytest.raises(LocalError, match="Failed to fetch"):
            watch.look()
        for write in late:
            watch.bucket.apply(write)
        watch.bucket.refused.clear()
        assert watch.look() == EXPECTED["publish"][1]


def test_it_is_seen_when_what_is_pruned_is_deleted_before_the_flip(
    acts: dict[str, Act], tmp_path: Path
) -> None:
    pruned = next(key for key in acts["prune"].before if key.endswith("lib_0.9-rc1_all.deb"))
    with watching(tmp_path, acts["prune"]) as watch:
        watch.bucket.apply(Write("delete", pruned, None))
        with pytest.raises(LocalError, match="Failed to fetch"):
            watch.look()
