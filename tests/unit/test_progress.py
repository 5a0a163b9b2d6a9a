"""What an import says of the time that it takes: before it, and while it runs."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from debpress.adapters.places import FolderPlace
from debpress.commands import probing
from debpress.commands.progress import Progress
from debpress.commands.text import span
from debpress.index.entries import Identity
from debpress.source.plan import Wanted


class Timer:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def line(self) -> str:
        """What is to be seen."""
        return self.getvalue().rpartition("\r\033[K")[2]


class TestTheBar:
    def test_it_shows_how_far_it_is_and_what_time_is_left(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        timer, terminal = Timer(), Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        with Progress("stable", 1000, timer) as progress:
            progress(0)
            assert terminal.line == "stable [------------------------]   0%"
            timer.now += 60
            progress(250)
            assert terminal.line == "stable [######------------------]  25%"
            timer.now += 20
            progress(250)
            # As fast as in the last half minute: 250 bytes in twenty seconds.
            assert terminal.line == "stable [############------------]  50%, under a minute left"
            timer.now += 10
            progress(10)
            assert terminal.line == "stable [############------------]  51%, under a minute left"
            timer.now += 29
            progress(10)
            assert terminal.line.endswith("52%, 23 min left")
        assert terminal.line == ""

    def test_in_a_log_it_says_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        with Progress("stable", 10) as progress:
            progress(5)
        assert capsys.readouterr().err == ""

    @pytest.mark.parametrize(
        ("seconds", "said"),
        [(0, "under a minute"), (59, "under a minute"), (61, "1 min"), (7100, "118 min"),
         (7260, "2 h 1 min"), (90000, "25 h 0 min")],
    )  # fmt: skip
    def test_a_time_as_people_say_it(self, seconds: float, said: str) -> None:
        assert span(seconds) == said


class Slow(FolderPlace):
    """Each piece takes a second."""

    def __init__(self, folder: Path, timer: Timer) -> None:
        super().__init__(folder)
        self.timer = timer

    def stream(self, path: str, start: int = 0) -> Iterator[bytes] | None:
        pieces = super().stream(path, start)
        return None if pieces is None else self._slowly(pieces)

    def _slowly(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.timer.now += 1
            yield piece


class TestTheEstimate:
    def wanted(self, folder: Path, *sizes: int) -> list[Wanted]:
        made = []
        for number, size in enumerate(sizes):
            name = f"p{number}.deb"
            (folder / name).write_bytes(b"x" * size)
            made.append(Wanted("main", Identity(name, "1", "all"), "0" * 64, size, name))
        return made

    def test_it_is_by_a_part_of_a_few_packages(self, tmp_path: Path) -> None:
        timer = Timer()
        wanted = self.wanted(tmp_path, *[9_000_000] * 3, *[100] * 61)
        found = probing.rate(Slow(tmp_path, timer), wanted, timer)
        assert found is not None and found.tried == 16
        # Of a large one two MiB are read, of each small one all.
        assert found.a_second == pytest.approx((2 * 2**20 + 15 * 100) / (2 + 15))

    def test_what_can_not_be_had_says_nothing(self, tmp_path: Path) -> None:
        wanted = self.wanted(tmp_path, 1)
        (tmp_path / "p0.deb").unlink()
        assert probing.rate(FolderPlace(tmp_path), wanted) is None
