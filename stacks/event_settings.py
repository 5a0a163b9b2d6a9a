"""Reads the configuration `event_topics`: who is told of which events. Pure: uses no construct."""

from __future__ import annotations

import re
from dataclasses import dataclass

from debpress.records.events import Kind
from debpress.strict import ObjectReader

_TOPIC = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}")
_KINDS = tuple(str(kind) for kind in Kind)
_EVENT = re.compile("|".join(map(re.escape, _KINDS)))

# What somebody has to look at; of the rest there is one at every publish.
_TROUBLES = (str(Kind.REJECTED), str(Kind.FAILED))


@dataclass(frozen=True, slots=True)
class Listener:
    """A topic of SNS, and the kinds of events that it is told of."""

    topic: str
    events: tuple[str, ...]


def parse(top: ObjectReader) -> tuple[Listener, ...]:
    """Reads the list `event_topics`. Raises ConfigError naming the key."""
    return tuple(_listener(entry) for entry in top.objects("event_topics", least=0))


def _listener(entry: ObjectReader) -> Listener:
    listener = Listener(entry.text("topic", _TOPIC), entry.texts("events", _EVENT, _TROUBLES))
    entry.done()
    return listener
