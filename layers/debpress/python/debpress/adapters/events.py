"""The port to the account's event bus, on botocore."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from debpress.adapters import aws
from debpress.codec import encode
from debpress.errors import TransientError
from debpress.records.events import SOURCE, Event

_MOST = 10  # Entries a request (EventBridge API reference, "PutEvents").


class EventBus:
    """A `debpress.steps.announce.Bus`: the default bus of the account and Region.

    IAM: events:PutEvents on it, with events:source `debpress`.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def send(self, events: Sequence[Event]) -> None:
        for start in range(0, len(events), _MOST):
            entries = [_entry(each) for each in events[start : start + _MOST]]
            with aws.translated("put events on the event bus", "events:PutEvents"):
                answer = self._client.put_events(Entries=entries)
            # The request as a whole succeeds where single entries are refused or throttled.
            if answer["FailedEntryCount"]:
                why = {
                    f"{entry['ErrorCode']}: {entry.get('ErrorMessage', 'no message')}"
                    for entry in answer["Entries"]
                    if entry.get("ErrorCode")
                }
                raise TransientError(
                    f"The event bus did not take {answer['FailedEntryCount']} of {len(entries)} "
                    f"events ({'; '.join(sorted(why))}). Try again."
                )


@cache
def client() -> Any:
    """The client of a function, made once."""
    return aws.client("events")


def _entry(event: Event) -> dict[str, str]:
    return {
        "Source": SOURCE,
        "DetailType": str(event.kind),
        "Detail": json.dumps(encode(event.detail)),
    }
