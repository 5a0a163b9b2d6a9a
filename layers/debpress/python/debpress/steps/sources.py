"""The source by which hosts are told of a suite of a pattern: written when there is an InRelease.

Of configured suites, set-up writes it. It is written where there is none, after whichever flip: so
if the first one's function dies before that, its repeat writes it, or the next publish. After the
first flip it is written in any case: what is there is of a life before, and the reaper may have
condemned it (docs/protocol.md, interleaving 65).
"""

from __future__ import annotations

from debpress.errors import ConfigError, TransientError
from debpress.records.generation import Generation
from debpress.records.messages.finish import FinishInput
from debpress.steps.services import Services

# Whoever writes it meanwhile has done what was to do, so only deletions have it tried again.
_TRIES = 5


def provide(services: Services, message: FinishInput, record: Generation, uri: str | None) -> None:
    """Of a suite of a pattern, when this generation of it, or of its snapshot, is published; `uri`
    is where hosts find the root. Raises ConfigError, SigningError, RotationError or TransientError.
    """
    archive, layout, name = services.archive, services.repository.layout, message.suite
    suite = services.repository.suite(name)
    if suite is None or suite.life is None:
        return
    is_first = message.target in (None, name) and record.parent is None
    for _ in range(_TRIES):
        seen = archive.head(layout.sources(name))
        if seen and not is_first:
            return
        if archive.head(layout.inrelease(name)) is None:
            return  # Its end has come meanwhile.
        if not uri:
            raise ConfigError("DEBPRESS_URI is not set")
        from debpress.keys.publication import publish_source  # noqa: PLC0415 (of few publishes)

        if publish_source(archive, services.repository, uri, suite, seen):
            return
        is_first = False
    raise TransientError(f"{layout.sources(name)} is written and deleted again and again")
