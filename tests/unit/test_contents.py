"""Contents: which package has a file, from the packages' own bytes to the published index."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

import pytest
from debpress.index import contents, gz, sorting
from debpress.index.form import Form
from debpress.inspection.verification import verify
from debpress.steps import mirror, reap, tidy
from debpress.steps.replication import named

from tests.support.press import Press, deb, ed25519_signers
from tests.unit.test_mirror import Copier, Second, Watched

INDEX = "main/Contents-amd64.gz"
CONFIGURED = {"architectures": ["amd64"], "components": ["main"]}


@pytest.fixture
def press() -> Press:
    made = Press(ed25519_signers())
    made.configure(**CONFIGURED, contents=True)
    made.set_up()
    made.clock.sleep(60)
    return made


def package(name: str, version: str, *files: str, section: str = "utils") -> dict[str, bytes]:
    body = deb(
        name,
        version,
        "amd64",
        extra=f"Section: {section}\n" if section else "",
        files=tuple(f"./{file}" for file in files),
    )
    return {f"{name}_{version}_amd64.deb": body}


def publish(press: Press, batch: str, *packages: Mapping[str, bytes]) -> None:
    files = {name: body for each in packages for name, body in each.items()}
    assert press.publish(press.upload(batch, files)) == "published"
    press.clock.sleep(60)


def operate(press: Press, name: str, **operation: object) -> None:
    assert press.publish(press.operate(name, operation)) == "published"
    press.clock.sleep(60)


def listed(press: Press, path: str = "stable") -> dict[str, str]:
    """The published index, read by its hash, as hosts read it."""
    form = press.archive.suite(path).form(INDEX, press.release(path).files[INDEX])
    return parsed(form)


def parsed(form: Form) -> dict[str, str]:
    text = b"".join(gz.inflate(form.pieces())).decode()
    return {path: owners for path, _, owners in (x.rpartition(" ") for x in text.split("\n")[:-1])}


def lists(press: Press) -> list[str]:
    return [key for key in press.store.keys("apt/pool/") if key.endswith(".files.gz")]


def test_a_file_is_listed_with_every_package_that_has_it_in_whichever_version(
    press: Press,
) -> None:
    publish(press, "b1", package("foo", "1", "usr/bin/foo", "usr/lib/libfoo.so.1"))
    publish(press, "b2", package("foo", "2", "usr/bin/foo", "usr/lib/libfoo.so.2"))
    publish(press, "b3", package("bar", "1", "usr/bin/foo", "usr/share/a b", section=""))
    assert listed(press) == {
        "usr/bin/foo": "bar,utils/foo",
        "usr/lib/libfoo.so.1": "utils/foo",
        "usr/lib/libfoo.so.2": "utils/foo",
        "usr/share/a b": "bar",
    }
    operate(press, "o1", op="remove", packages=["foo (= 1)"])
    assert "usr/lib/libfoo.so.1" not in listed(press)
    assert listed(press)["usr/bin/foo"] == "bar,utils/foo"
    operate(press, "o2", op="remove", packages=["foo"])
    assert listed(press) == {"usr/bin/foo": "bar", "usr/share/a b": "bar"}
    operate(press, "o3", op="rollback", to=3)
    assert listed(press)["usr/lib/libfoo.so.2"] == "utils/foo"
    operate(press, "s", op="snapshot", generation=2)
    (path,) = {k.split("/dists/")[1].rpartition("/")[0] for k in snapshots(press)}
    assert listed(press, path) == {"usr/bin/foo": "utils/foo", "usr/lib/libfoo.so.1": "utils/foo"}
    plain = press.store.body(f"apt/dists/stable/{INDEX}")
    assert parsed(Form([plain])) == listed(press)


def snapshots(press: Press) -> list[str]:
    keys = press.store.keys("apt/dists/snapshots/")
    return [key for key in keys if key.endswith("/InRelease")]


def test_a_prune_takes_the_files_of_what_it_takes(press: Press) -> None:
    for version in "123":
        publish(press, f"b{version}", package("foo", version, "usr/bin/foo", f"usr/{version}"))
    press.configure(**CONFIGURED, contents=True, keep=1, prune_share=1.0)
    operate(press, "o", op="prune")
    assert listed(press) == {"usr/3": "utils/foo", "usr/bin/foo": "utils/foo"}


def test_where_it_is_not_configured_nothing_is_written_and_nothing_read(press: Press) -> None:
    publish(press, "b1", package("foo", "1", "usr/bin/foo"))
    press.configure(**CONFIGURED)
    press.set_up()
    press.clock.sleep(60)
    assert not [name for name in press.release().files if "Contents" in name]
    kept = lists(press)
    publish(press, "b2", package("foo", "2", "usr/bin/foo"))
    assert lists(press) == kept

    press.configure(**CONFIGURED, contents=True)
    press.set_up()
    press.clock.sleep(60)
    assert listed(press) == {"usr/bin/foo": "utils/foo"}
    publish(press, "b3", package("bar", "1", "usr/bin/bar"))
    for key in lists(press):
        press.store.delete(key)
    # Of these two none has a list now; what is uploaded again gets one, and is listed.
    press.configure(**CONFIGURED)
    press.set_up()
    press.clock.sleep(60)
    press.configure(**CONFIGURED, contents=True)
    press.set_up()
    press.clock.sleep(60)
    assert listed(press) == {}
    publish(press, "b4", package("bar", "1", "usr/bin/bar"))
    assert listed(press) == {"usr/bin/bar": "utils/bar"}
    assert press.result("b4")["packages"][0]["action"] == "unchanged"


def test_what_somebody_deletes_is_made_again(press: Press) -> None:
    publish(press, "b1", package("foo", "1", "usr/bin/foo"))
    found = press.release().files[INDEX]
    press.store.delete(press.repository.layout.by_hash("stable", INDEX, found.sha256))
    publish(press, "b2", package("bar", "1", "usr/bin/bar"))
    assert listed(press) == {"usr/bin/bar": "utils/bar", "usr/bin/foo": "utils/foo"}


def test_a_list_that_is_damaged_keeps_nobody_from_publishing(press: Press) -> None:
    publish(press, "b1", package("foo", "1", "usr/bin/foo"))
    [key] = lists(press)
    press.store.put(key, b"damaged")
    found = press.release().files[INDEX]
    press.store.delete(press.repository.layout.by_hash("stable", INDEX, found.sha256))
    publish(press, "b2", package("bar", "1", "usr/bin/bar"))
    assert listed(press) == {"usr/bin/bar": "utils/bar"}


def test_a_list_goes_with_its_package_and_a_replica_has_both(press: Press) -> None:
    store = Watched(press.clock)
    replica = Second(press, store, Copier(press.store, store))
    publish(press, "b1", package("foo", "1", "usr/bin/foo"))
    publish(press, "b2", package("bar", "1", "usr/bin/bar"))
    foo, bar = sorted(lists(press), key=lambda key: "bar" in key)
    mirror.run(replica.mirror)
    assert f"apt/dists/stable/{INDEX}" in set(replica.store.keys("apt/"))
    tidy.run(replica.mirror)
    assert {foo, bar} <= set(replica.store.keys("apt/pool/"))
    operate(press, "o", op="remove", packages=["foo"])
    press.clock.sleep(72 * 3600)
    reap.run(press.services)
    assert lists(press) == [bar]
    mirror.run(replica.mirror)
    for _ in range(2):
        tidy.run(replica.mirror)
        press.clock.sleep(72 * 3600)
    assert not [key for key in replica.store.keys("apt/pool/") if "foo" in key]
    assert bar in set(replica.store.keys("apt/pool/"))


def test_verify_sees_one_that_is_gone_and_one_that_speaks_of_what_is_not_there(
    press: Press,
) -> None:
    publish(press, "b1", package("foo", "1", "usr/bin/foo"))
    press.clock.sleep(600)
    looked = verify(press.archive, press.clock, ["stable", "testing"])
    assert not [each for each in looked.findings if "Contents" in each.key]
    assert not [note for note in looked.notes if "in the pool" in str(note)]

    stray = contents.edit(None, [contents.come(b"usr/bin/bar", "utils/bar")])
    found = press.release().files[INDEX]
    key = press.repository.layout.by_hash("stable", INDEX, found.sha256)
    press.store.put(key, b"".join(stray.gz.pieces()))
    looked = verify(press.archive, press.clock, ["stable"])
    assert key in [each.key for each in looked.findings]
    assert key in named(press.services, "stable", press.release())


def test_a_package_of_which_a_part_is_damaged_far_behind_its_beginning_is_refused(
    press: Press,
) -> None:
    """With Contents each package is read to its end, however large."""
    press.repository = press.repository.__class__(press.repository.suites, inspect_bytes=0)
    (body,) = package("foo", "1", *(f"usr/{number:05}" for number in range(3000))).values()
    damaged = body[:-40] + bytes(8) + body[-32:]
    assert press.publish(press.upload("b1", {"foo_1_amd64.deb": damaged})) == "rejected"


@pytest.mark.parametrize("seed", range(6))
def test_any_series_of_edits_makes_the_bytes_that_a_making_anew_makes(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "LINES_PER_MEMBER", 8)
    monkeypatch.setattr(sorting, "_MOST", 20)
    chance = random.Random(seed)
    state: set[tuple[bytes, str]] = set()
    form: Form | None = None
    for _ in range(12):
        come = {(path(chance), chance.choice("abc")) for _ in range(chance.randrange(40))}
        gone = set(chance.sample(sorted(state), chance.randrange(len(state) + 1)))
        built = contents.edit(form, changes(come, gone))
        state = (state - gone) | come
        anew = contents.edit(None, changes(state, ()))
        assert (built.gz, built.plain) == (anew.gz, anew.plain)
        form = built.gz
    assert form is not None
    assert parsed(form) == {
        p.decode(): ",".join(sorted(o for q, o in state if q == p)) for p, _ in state
    }


def path(chance: random.Random) -> bytes:
    return (
        b"usr/" + bytes(chance.choice(b"ab \r\x01") for _ in range(chance.randrange(1, 4))) + b"x"
    )


def changes(come: Iterable[tuple[bytes, str]], gone: Iterable[tuple[bytes, str]]) -> sorting.Sorter:
    found = sorting.Sorter()
    found.update(contents.come(*each) for each in come)
    found.update(contents.gone(*each) for each in gone)
    return found
