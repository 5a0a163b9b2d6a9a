"""dpkg is asked: of packages a little wrong, those that it unpacks are taken, the others refused.

Where we refuse what dpkg takes, docs/compatibility.md says so and why; there is nothing that we
take and dpkg refuses.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from debpress.deb import inspect
from debpress.errors import RejectedError

from tests.support import dpkg
from tests.support.debs import Bytes
from tests.support.mutations import Mutation, mutations

pytestmark = pytest.mark.skipif(
    shutil.which("dpkg") is None or os.geteuid() != 0, reason="needs dpkg, and to be root"
)

ROUNDS = int(os.environ.get("DEBPRESS_SOAK", "0"))
COUNT = 2640 * ROUNDS if ROUNDS else 528
# In one root; of fewer dpkg's start would weigh, of more its database.
TOGETHER = 132

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
_ROW = re.compile(r"^\| `(?P<name>[a-z-]+)` \| .* \| (?P<said>`[^|]+`) \|$", re.MULTILINE)


def exceptions() -> dict[str, tuple[str, ...]]:
    """What docs/compatibility.md lists: by name, words that our refusals have."""
    rows = _ROW.finditer(PAGE.read_text())
    return {row["name"]: tuple(re.findall(r"`([^`]+)`", row["said"])) for row in rows}


def refusals(data: bytes, whole: int | None = None) -> list[str]:
    try:
        inspect("x.deb", Bytes(data), len(data), whole=len(data) if whole is None else whole)
    except RejectedError as error:
        return [refusal.message for refusal in error.refusals]
    return []


def excused(said: list[str]) -> set[str]:
    """The exceptions by which all of these refusals are excused; empty if one is not."""
    names = [
        next((name for name, words in exceptions().items() if any(w in each for w in words)), "")
        for each in said
    ]
    return set(names) if all(names) else set()


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Mutation, str]]:
    """Each mutation, and what dpkg says of it."""

    def judge() -> Iterator[tuple[Mutation, str]]:
        for first in range(0, COUNT, TOGETHER):
            made = list(mutations(first, TOGETHER))
            root = tmp_path_factory.mktemp("root")
            verdicts = dpkg.refuses([each.data for each in made], root)
            shutil.rmtree(root)
            yield from zip(made, verdicts, strict=True)

    return list(judge())


def test_what_dpkg_refuses_is_refused(judged: list[tuple[Mutation, str]]) -> None:
    taken = [(m.what, why) for m, why in judged if why and not refusals(m.data)]
    assert taken == []


def test_what_dpkg_takes_is_taken_but_for_the_exceptions(
    judged: list[tuple[Mutation, str]],
) -> None:
    refused = [(m.what, refusals(m.data)) for m, why in judged if not why]
    assert [(what, said) for what, said in refused if said and not excused(said)] == []


def test_both_verdicts_are_common(judged: list[tuple[Mutation, str]]) -> None:
    refused = sum(bool(why) for _, why in judged)
    assert 0.25 < refused / len(judged) < 0.75


def test_every_exception_is_met(judged: list[tuple[Mutation, str]]) -> None:
    met = {name for m, why in judged if not why for name in excused(refusals(m.data))}
    assert set(exceptions()) == met


def test_what_the_start_of_data_tells_is_told_of_the_whole_too(
    judged: list[tuple[Mutation, str]],
) -> None:
    for mutation, _ in judged:
        assert not refusals(mutation.data, whole=0) or refusals(mutation.data), mutation.what
