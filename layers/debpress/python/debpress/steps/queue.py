"""queue: a batch that does not lead leaves word how to wake its execution, and waits to be told."""

from __future__ import annotations

from debpress.records.messages.queue import Queued, QueueInput, QueueOutput
from debpress.records.messages.told import Told
from debpress.steps.queueing import join
from debpress.steps.services import Services
from debpress.suite.leading import leads


def run(services: Services, message: QueueInput) -> QueueOutput:
    """Notes the execution's token, by which whoever leads tells it how its batch fared.

    The queue is looked at after that (docs/protocol.md, interleaving 40): whoever led until just
    now looked for waiting batches either after this note, and found it, or before, and then the
    entry of its own batch is gone here, so that this one leads.
    """
    runs = services.archive.runs(message.suite)
    if message.token is None:  # Of a workflow from before there were tokens: it asks again itself.
        joined = join(runs, services.clock, message.run)
        return QueueOutput(Queued.REJECTED if joined.is_rejected else Queued.QUEUED)
    runs.keep_token(message.run, message.token)
    if leads(runs.line(), message.run):
        services.tell(message.token, Told.AGAIN)
    return QueueOutput(Queued.QUEUED)
