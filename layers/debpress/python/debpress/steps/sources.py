"""The source by which hosts are told of a suite of a pattern: written when there is an InRelease.

Of configured suites, set-up writes it. It is written where there is none, after whichever flip: so
if the first one's function dies before that, its repeat writes it, or the next publish.
"""

from __future__ import annotations

from debpress.errors import ConfigError
from debpress.steps.services import Services


def provide(services: Services, name: str, uri: str | None) -> None:
    """Of a suite of a pattern; `uri` is where hosts find the root. Raises ConfigError, SigningError
    or RotationError."""
    archive, layout = services.archive, services.repository.layout
    suite = services.repository.suite(name)
    if suite is None or suite.life is None or archive.head(layout.sources(name)):
        return
    if archive.head(layout.inrelease(name)) is None:
        return  # Its end has come meanwhile.
    if not uri:
        raise ConfigError("DEBPRESS_URI is not set")
    from debpress.keys.publication import publish_source  # noqa: PLC0415 (of few publishes)

    publish_source(archive, services.repository, uri, suite)
