"""What each step asks for and waits for, and the processor's seconds it takes: what a month's cost
is reckoned from.

    {"suites": 2, "alarms": 12, "transitions": 16,
     "steps":    {step: {"calls": of a publish, "rounds": round trips, "cpu": seconds}},
     "others":   {function: {"rounds": of a call, "cpu": seconds}},
     "requests": {"publish" or function: {"get": 20, ...}},
     "cold":     {function: seconds of a whole processor until its first call}}
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from debpress import config
from debpress.steps import reap, watch

from benchmarks import cold_starts
from benchmarks.bill import PACKAGES
from tests.support import large, templates
from tests.support.latency import MeasuredPress, Trace

# Whatever is larger than what admission reads whole goes the same way.
_BYTES = 60 * 10**6


def measured(cpu: Mapping[str, float]) -> dict[str, Any]:
    """`cpu` are the processor's seconds of each step of a publish."""
    context = templates.context()
    press = MeasuredPress(repository=config.parse(context["debpress"]))
    press.set_up()
    press.clock.sleep(60)
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        bodies = {
            name: held.enter_context(large.package(folder, _BYTES, name))
            for name in (f"p{number}" for number in range(PACKAGES))
        }
        started = large.upload(press, bodies)
        execution = press.start(started)
        press.trace = Trace()
        with press.trace.counting():
            assert [*press.go_on(execution)][-1] == "published"
        publish = press.trace
        press.store.restore(type(press.store)(press.clock).snapshot())
    press = MeasuredPress(repository=config.parse(context["debpress"]))
    press.set_up()
    reaped, watched = (_other(press, run) for run in (reap.run, watch.run))
    announced = {"get": 2, "head": 2}
    return {
        "suites": len(press.repository.suites),
        "alarms": len(templates.synthesise().resources("AWS::CloudWatch::Alarm")),
        "transitions": len(execution.entered) + publish.calls["admit"] - 1,
        "steps": _steps(publish, cpu),
        "others": {
            "reap": {"rounds": reaped[0].rounds, "cpu": reaped[1]},
            "watch": {"rounds": watched[0].rounds, "cpu": watched[1]},
            "announce": {"rounds": 4, "cpu": 0.01},
            "prune": {"rounds": 4, "cpu": 0.01},
        },
        "requests": {
            "publish": dict(publish.of_s3()),
            "reap": dict(reaped[0].of_s3()),
            "watch": dict(watched[0].of_s3()),
            "announce": announced,
        },
        "cold": cold_starts.seconds(),
    }


def _other(press: MeasuredPress, run: Callable[[Any], object]) -> tuple[Trace, float]:
    """What a call of another function asks for, and the processor's seconds it takes."""
    press.trace = Trace()
    begun = time.process_time()
    with press.trace.counting():
        run(press.services)
    return press.trace, round(time.process_time() - begun, 3)


def _steps(trace: Trace, cpu: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """The round trips of each step are those from the last of the step before it."""
    ends: dict[str, int] = {}
    for each in trace.requests:
        ends[each.step] = max(ends.get(each.step, 0), each.round)
    found, before = {}, 0
    calls = Counter(trace.calls)
    for step, end in ends.items():
        found[step] = {"calls": calls[step], "rounds": end - before, "cpu": cpu[step]}
        before = end
    return found
