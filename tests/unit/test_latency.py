"""What a publish asks for and waits for, counted: the figures of docs/performance.md are held here.

Nothing is measured by the clock, so the counts are the same on every machine.
"""

from __future__ import annotations

import pytest
from debpress import config

from tests.support.latency import MeasuredPress, Trace, one_package, until_the_flip
from tests.support.scenes import SMALL

# Of one package into a suite of one component and one architecture.
MOST_UNTIL_THE_FLIP = 35
MOST_IN_ALL = 45
MOST_ROUNDS = 20
# The list of the package's files is put and read, and Contents are read, put and looked at; then
# their plain name is looked at and copied.
MOST_FOR_CONTENTS = 5
MOST_FOR_CONTENTS_IN_ALL = 7
MOST_ROUNDS_FOR_CONTENTS = 2


@pytest.fixture(scope="module")
def traces() -> dict[int, Trace]:
    """By how many packages the suite has already."""
    repository = config.parse(SMALL)
    return {n: one_package(MeasuredPress(repository=repository), n) for n in (1, 40)}


def test_a_publish_asks_for_few_things(traces: dict[int, Trace]) -> None:
    trace = traces[1]
    assert until_the_flip(trace).of_s3().total() <= MOST_UNTIL_THE_FLIP, trace.table()
    assert trace.of_s3().total() <= MOST_IN_ALL, trace.table()


def test_and_waits_for_few_of_them_one_after_another(traces: dict[int, Trace]) -> None:
    assert until_the_flip(traces[1]).rounds <= MOST_ROUNDS, traces[1].table()


def test_contents_ask_for_few_more() -> None:
    suites = [{**suite, "contents": True} for suite in SMALL["suites"]]
    trace = one_package(MeasuredPress(repository=config.parse({"suites": suites})))
    flip = until_the_flip(trace)
    assert flip.of_s3().total() <= MOST_UNTIL_THE_FLIP + MOST_FOR_CONTENTS, trace.table()
    assert trace.of_s3().total() <= MOST_IN_ALL + MOST_FOR_CONTENTS_IN_ALL, trace.table()
    assert flip.rounds <= MOST_ROUNDS + MOST_ROUNDS_FOR_CONTENTS, trace.table()


def test_for_as_many_whatever_is_published_already(traces: dict[int, Trace]) -> None:
    small, large = traces.values()
    assert small.of_s3() == large.of_s3()
    assert until_the_flip(small).rounds == until_the_flip(large).rounds


def test_and_lists_neither_the_pool_nor_the_indices(traces: dict[int, Trace]) -> None:
    listed = {r.key for r in traces[1].requests if r.kind == "list"}
    assert listed == {"staging/stable/main/one/", "state/stable/queue/"}


def test_by_six_functions(traces: dict[int, Trace]) -> None:
    assert traces[1].calls == dict.fromkeys(
        ("open", "admit", "merge", "sign", "commit", "finish"), 1
    )
