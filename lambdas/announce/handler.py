"""announce: results, prunes and steps of a key's rotation become events on the account's bus."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment, prepare
from debpress.adapters.events import EventBus
from debpress.adapters.events import client as events_client
from debpress.adapters.logs import log, logged
from debpress.steps import announce


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    bus = EventBus(events_client())
    written = announce.Written.of_event(event)
    events = announce.run(environment().services, bus, written)
    sent = [each.detail.id for each in events]
    log("announce", key=written.key, version=written.version_id, sent=sent)
    return {"sent": sent}


prepare(lambda _: events_client())
