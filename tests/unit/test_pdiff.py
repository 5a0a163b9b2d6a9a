"""Scripts between two states of an index, judged by apt's own program that applies them."""

from __future__ import annotations

import hashlib
import itertools
import random
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from debpress.errors import CorruptError
from debpress.index import entries as stanzas
from debpress.index import pdiff
from debpress.index.entries import Entry, Identity
from debpress.index.form import Checksum, checksum_of

RRED = Path("/usr/lib/apt/methods/rred")


def entry(name: str, version: str = "1.0", lines: int = 1) -> Entry:
    text = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nDescription: of {version}\n"
    return Entry(Identity(name, version, "amd64"), (text + " .\n" * lines).encode())


def script(old: Iterable[Entry], new: Iterable[Entry]) -> bytes:
    made = pdiff.Script()
    made.change(old, new)
    return made.render()


def applied(folder: Path, old: bytes, *scripts: bytes) -> bytes:
    """What apt makes of the old text by these scripts."""
    (folder / "old").write_bytes(old)
    files = []
    for number, each in enumerate(scripts):
        files.append(folder / f"{number}")
        files[-1].write_bytes(each)
    subprocess.run([RRED, "-t", folder / "old", folder / "new", *files], check=True)
    return (folder / "new").read_bytes()


@pytest.mark.parametrize("seed", range(8))
def test_apt_makes_the_new_index_of_the_old_one(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    states = [sorted(entry(f"p{n:02}", lines=n % 4) for n in chance.sample(range(60), 30))]
    for _ in range(3):
        kept = [each for each in states[-1] if chance.random() < 0.7]
        more = [entry(f"p{n:02}", chance.choice(("1.0", "2.0"))) for n in range(60)]
        states.append(sorted(dict((*kept, *chance.sample(more, 5))).items()))  # type: ignore[arg-type]
    states = [[Entry(*each) for each in state] for state in states]
    texts = [stanzas.join(state) for state in states]
    scripts = [script(old, new) for old, new in itertools.pairwise(states)]
    assert applied(tmp_path, texts[0], *scripts) == texts[-1]


@pytest.mark.parametrize(
    ("old", "new", "commands"),
    [
        ("ab", "ab", b""),
        ("", "a", b"0a"),
        ("a", "", b"1,6d"),
        ("ac", "abc", b"6a"),
        ("abc", "ac", b"7,12d"),
    ],
)
def test_a_script_has_whole_stanzas_and_nothing_else(old: str, new: str, commands: bytes) -> None:
    made = script(map(entry, old), map(entry, new))
    assert made.partition(b"\n")[0] == commands


def test_what_is_kept_moves_the_lines() -> None:
    made = pdiff.Script()
    made.keep(1000)
    made.change([entry("a")], [entry("a", "2.0")])
    made.keep(10)
    made.change([entry("z")], [])
    assert made.render().splitlines()[:2] == [b"1017,1022d", b"1001,1006c"]


def step(before: Checksum, after: Checksum, size: int = 100) -> pdiff.Step:
    return pdiff.Step(
        before, Checksum("1" * 64, 10), Checksum("2" * 64, size), f"T-{after.sha256[:4]}"
    )


def state(number: int) -> Checksum:
    return checksum_of(b"%d" % number)


def way(*states: int, most_bytes: int = 10**6) -> pdiff.Steps:
    made = pdiff.Steps(state(states[0]))
    for before, after in itertools.pairwise(states):
        made = made.then(step(state(before), state(after)), state(after), most_bytes)
    return made


def starts(made: pdiff.Steps) -> list[Checksum]:
    return [each.before for each in made.steps]


def test_the_last_twenty_states_have_a_way() -> None:
    assert starts(way(*range(31))) == [state(n) for n in range(10, 30)]


def test_no_way_is_longer_than_the_index() -> None:
    assert starts(way(*range(11), most_bytes=350)) == [state(n) for n in (7, 8, 9)]


def test_a_state_that_comes_back_is_up_to_date_and_no_detour() -> None:
    assert starts(way(1, 2, 3, 2, 4)) == [state(3), state(2)]


def test_an_index_of_another_state_leads_nowhere() -> None:
    made = way(1, 2).then(step(state(7), state(8)), state(8), 10**6)
    assert starts(made) == [state(7)]


def test_an_index_is_read_as_it_was_written() -> None:
    made = way(*range(4))
    assert pdiff.parse(made.render()) == made


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SHA256-Current: abc\n",
        way(1, 2).render().replace(b"SHA256-Patches", b"SHA256-Others"),
        way(1, 2).render().replace(b" T-", b" ../T-"),
    ],
)
def test_an_index_that_is_damaged_is_refused(text: bytes) -> None:
    with pytest.raises(CorruptError):
        pdiff.parse(text)


def test_a_patch_is_named_after_what_it_is_between() -> None:
    made = pdiff.difference(pdiff.Steps(state(1)), state(2), b"1d\n", 10**6)
    assert made.file == f"T-{state(2).sha256[:16]}-F-{state(1).sha256[:16]}.gz"
    (last,) = pdiff.parse(made.index).steps
    assert last.packed.sha256 == hashlib.sha256(made.content).hexdigest()
    assert made == pdiff.difference(pdiff.Steps(state(1)), state(2), b"1d\n", 10**6)
