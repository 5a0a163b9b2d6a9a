"""Scripts between the states of a published index (PDiffs), through the whole press."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from debpress.index import gz, pdiff
from debpress.index.form import Checksum, checksum_of
from debpress.inspection.verification import verify
from debpress.layout import DIFFS
from debpress.steps import reap

from tests.support.press import Press, debs, ed25519_signers
from tests.unit.test_pdiff import applied

INDEX = "main/binary-amd64/Packages"


@pytest.fixture
def press() -> Press:
    made = Press(ed25519_signers())
    made.configure(architectures=["amd64"], components=["main"], diff_stanzas=0)
    made.set_up()
    made.clock.sleep(60)
    return made


def publish(press: Press, *names: str) -> None:
    packages = debs(*((name, "1", "amd64") for name in names))
    assert press.publish(press.upload(names[0], packages)) == "published"
    press.clock.sleep(60)


def operate(press: Press, name: str, **operation: object) -> None:
    assert press.publish(press.operate(name, operation)) == "published"
    press.clock.sleep(60)


def text(press: Press) -> bytes:
    listed = press.release().files[f"{INDEX}.gz"]
    form = press.archive.suite("stable").form(f"{INDEX}.gz", listed)
    return b"".join(gz.inflate(form.pieces()))


def steps(press: Press) -> pdiff.Steps | None:
    listed = press.release().files.get(INDEX + DIFFS)
    if listed is None:
        return None
    form = press.archive.suite("stable").form(INDEX + DIFFS, listed)
    return pdiff.read(form)


def script(press: Press, step: pdiff.Step) -> bytes:
    key = press.repository.layout.script("stable", INDEX, step.file)
    packed = press.store.body(key)
    assert Checksum(step.packed.sha256, len(packed)) == step.packed
    return b"".join(gz.inflate([packed]))


def test_from_each_state_the_scripts_lead_to_the_published_index(
    press: Press, tmp_path: Path
) -> None:
    states = []
    changes: list[Callable[[], None]] = [
        # So many that the scripts are smaller than the index.
        lambda: publish(press, "b", "d", *(f"x{number}" for number in range(40))),
        lambda: publish(press, "a", "c", "e"),
        lambda: operate(press, "o1", op="remove", packages=["b", "e"]),
        lambda: publish(press, "f"),
        lambda: operate(press, "o2", op="rollback", to=3),
    ]
    for change in changes:
        change()
        states.append(text(press))
    found = steps(press)
    assert found is not None and found.current == press.release().files[INDEX]
    befores = [checksum_of(state) for state in states[:-1]]
    # The rollback leads back to the second state, so there is nothing to be done from there.
    assert [each.before for each in found.steps] == befores[2:]
    scripts = [script(press, each) for each in found.steps]
    for number, state in enumerate(states[2:-1]):
        assert applied(tmp_path, state, *scripts[number:]) == states[-1]


def test_a_small_index_has_none(press: Press) -> None:
    press.configure(architectures=["amd64"], components=["main"], diff_stanzas=3)
    publish(press, "a")
    publish(press, "b")
    assert steps(press) is None
    publish(press, "c")
    found = steps(press)
    assert found is not None and len(found.steps) == 1
    operate(press, "o", op="remove", packages=["a"])
    assert steps(press) is None


def test_what_is_named_no_more_is_reaped_and_what_a_host_may_need_is_not(press: Press) -> None:
    publish(press, "a", *(f"x{number}" for number in range(40)))
    publish(press, "b")
    publish(press, "c")
    found = steps(press)
    assert found is not None and len(found.steps) == 2
    keys = [press.repository.layout.script("stable", INDEX, each.file) for each in found.steps]
    press.clock.sleep(72 * 3600)
    reap.run(press.services)
    assert all(press.store.head(key) for key in keys)
    press.configure(architectures=["amd64"], components=["main"], diff_stanzas=100)
    publish(press, "d")
    reap.run(press.services)
    assert all(press.store.head(key) for key in keys)
    press.clock.sleep(72 * 3600)
    reap.run(press.services)
    assert not any(press.store.head(key) for key in keys)


def findings(press: Press) -> list[str]:
    """The keys of indices that `verify` complains of; the key is published by set-up alone."""
    looked = verify(press.archive, press.clock, ["stable"])
    return [each.key for each in looked.findings if "/binary-" in each.key]


def test_verify_sees_a_script_that_is_gone(press: Press) -> None:
    publish(press, "a")
    publish(press, "b")
    press.clock.sleep(600)
    assert findings(press) == []
    found = steps(press)
    assert found is not None
    key = press.repository.layout.script("stable", INDEX, found.steps[-1].file)
    press.store.delete(key)
    assert findings(press) == [key]


def test_a_snapshot_has_none(press: Press) -> None:
    publish(press, "a")
    publish(press, "b")
    operate(press, "s", op="snapshot")
    (path,) = {
        key.partition("/dists/")[2].removesuffix("/InRelease")
        for key in press.store.keys("apt/dists/snapshots/")
        if key.endswith("/InRelease")
    }
    assert not [name for name in press.release(path).files if name.endswith(DIFFS)]
