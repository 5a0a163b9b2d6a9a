"""PDiffs: by which a host that has an index brings it up to date without fetching all of it.

For each state of an index that was published, oldest first, there is a script that leads to the
next; a host finds its own state by its sum, and applies every script from there on. The `Index`
that lists them is in Release, and fetched by its hash; the scripts are fetched by their names, so a
name is never used for two contents. (DebianRepository/Format, "Diffs"; what apt takes and what it
refuses of it is `pkgAcqDiffIndex::ParseDiffIndex` in apt's acquire-item.cc.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from debpress.errors import CorruptError
from debpress.index import gz
from debpress.index.entries import Entry
from debpress.index.form import Checksum, Form, checksum_of

# How many scripts an Index lists. A host that is further behind fetches the whole index.
MOST_STEPS = 20

_FILE = re.compile(r" ([0-9a-f]{64}) +([0-9]{1,18}) ([^ /]+)")


class Script:
    """The ed script from one state of an index to the next, whose text is gone through from its
    beginning to its end: `keep` what both have, `change` what differs."""

    def __init__(self) -> None:
        self._line = 0  # Lines of the old text that are behind.
        self._commands: list[bytes] = []

    def keep(self, lines: int) -> None:
        self._line += lines

    def change(self, old: Iterable[Entry], new: Iterable[Entry]) -> None:
        """A part of the old text and what takes its place, each in the index's order."""
        before, after = dict(old), dict(new)
        hunk = _Hunk()
        for identity in sorted(before.keys() | after.keys()):
            was, now = before.get(identity, b""), after.get(identity, b"")
            if was == now:
                self._write(hunk)
                hunk = _Hunk()
                self.keep(_lines(was))
            else:
                hunk.gone += _lines(was)
                hunk.come += now + b"\n" if now else b""
        self._write(hunk)

    def render(self) -> bytes:
        """From the last line to the first, so that a command does not move the lines of those that
        follow it. Empty where nothing differs."""
        return b"".join(reversed(self._commands))

    def _write(self, hunk: _Hunk) -> None:
        first, last = self._line + 1, self._line + hunk.gone
        # No line of a stanza is a single dot, which ends a text: it has a field's colon, or begins
        # with a blank.
        text = bytes(hunk.come) + b".\n"
        if hunk.gone and hunk.come:
            self._commands.append(b"%d,%dc\n%b" % (first, last, text))
        elif hunk.gone:
            self._commands.append(b"%d,%dd\n" % (first, last))
        elif hunk.come:
            self._commands.append(b"%da\n%b" % (self._line, text))
        self.keep(hunk.gone)


class _Hunk:
    """Lines that go, and the text that comes in their place."""

    def __init__(self) -> None:
        self.gone = 0
        self.come = bytearray()


def _lines(stanza: bytes) -> int:
    """With the empty line behind it."""
    return stanza.count(b"\n") + 1 if stanza else 0


@dataclass(frozen=True, slots=True)
class Step:
    """From the state `before` to the next: the script's sum, and that of its file, `<name>.gz`."""

    before: Checksum
    script: Checksum
    packed: Checksum
    name: str

    @property
    def file(self) -> str:
        return f"{self.name}.gz"


@dataclass(frozen=True, slots=True)
class Steps:
    """An `Index`: the way from some states, oldest first, to the `current` one."""

    current: Checksum
    steps: tuple[Step, ...] = ()

    def then(self, step: Step, after: Checksum, most_bytes: int) -> Steps:
        """With one step more. Of the steps that lead to it, the oldest are left out that a host has
        no use for: beyond MOST_STEPS, or where all that it would fetch is more than `most_bytes`,
        the size of the index itself."""
        behind = self.steps if self.current == step.before else ()
        # A state that comes back: who has it is up to date, and needs no way around to it.
        again = [n for n, each in enumerate(behind) if each.before == after]
        behind = behind[again[-1] + 1 :] if again else behind
        kept = [step]
        for each in reversed(behind):
            fetched = sum(one.packed.size for one in kept) + each.packed.size
            if len(kept) == MOST_STEPS or fetched > most_bytes:
                break
            kept.append(each)
        return Steps(after, tuple(reversed(kept)))

    def render(self) -> bytes:
        """The Index's text."""
        lines = [f"SHA256-Current: {self.current.sha256} {self.current.size}"]
        for field, told in self._told().items():
            lines.append(f"SHA256-{field}:")
            lines += [f" {sums.sha256} {sums.size} {name}" for sums, name in told]
        return "".join(f"{line}\n" for line in lines).encode()

    def _told(self) -> Mapping[str, Sequence[tuple[Checksum, str]]]:
        return {
            "History": [(each.before, each.name) for each in self.steps],
            "Patches": [(each.script, each.name) for each in self.steps],
            "Download": [(each.packed, each.file) for each in self.steps],
        }


def parse(text: bytes) -> Steps:
    """Reads what `render` wrote. Raises CorruptError."""
    current: Checksum | None = None
    lists: dict[str, dict[str, Checksum]] = {}
    field = ""
    for line in text.decode("utf-8", "surrogateescape").splitlines():
        if line.startswith(" "):
            listed = _FILE.fullmatch(line)
            if listed is None:
                raise CorruptError(f"a published Packages.diff/Index lists no file in {line!r}")
            name = listed[3].removesuffix(".gz")
            lists.setdefault(field, {})[name] = Checksum(listed[1], int(listed[2]))
        else:
            field, _, value = line.partition(":")
            if field == "SHA256-Current":
                sha256, _, size = value.strip().partition(" ")
                current = Checksum(sha256, int(size)) if size.isdigit() else None
    history, scripts, packed = (
        lists.get(f"SHA256-{each}", {}) for each in ("History", "Patches", "Download")
    )
    if current is None or not history.keys() == scripts.keys() == packed.keys():
        raise CorruptError("a published Packages.diff/Index does not list what belongs together")
    return Steps(
        current,
        tuple(Step(before, scripts[n], packed[n], n) for n, before in history.items()),
    )


def read(form: Form) -> Steps:
    """As `parse`, of a stored form."""
    return parse(b"".join(form.pieces()))


@dataclass(frozen=True, slots=True)
class Difference:
    """What is published of a change: the Index's text, and the file of its last step."""

    index: bytes
    file: str
    content: bytes

    @property
    def checksum(self) -> Checksum:
        return checksum_of(self.index)


def difference(steps: Steps, after: Checksum, script: bytes, most_bytes: int) -> Difference:
    """What leads to the state `after`; `script` does, from the current one of `steps`.

    The file's name says which states it is between, hence what it contains: a retry, or a suite
    that is rolled back and changed again, writes the same bytes under the same name. `most_bytes`
    as for `Steps.then`.
    """
    packed = gz.compress(script)
    name = f"T-{after.sha256[:16]}-F-{steps.current.sha256[:16]}"
    step = Step(steps.current, checksum_of(script), checksum_of(packed), name)
    return Difference(steps.then(step, after, most_bytes).render(), step.file, packed)
