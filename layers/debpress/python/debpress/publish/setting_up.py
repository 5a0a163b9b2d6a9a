"""set-up: after a deployment every suite is signed, empty if need be, and hosts find the key.

S3 answers 403 for an absent InRelease, at which apt stops dead (law 8); so a suite has one before
anybody can know of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol

from debpress import openpgp
from debpress.clock import Clock
from debpress.config import Repository, Suite, as_json
from debpress.errors import DebpressError
from debpress.publish import notes
from debpress.signing import rotation
from debpress.signing.rotation import Standing
from debpress.store import ObjectHeaders, Store

_POLL_SECONDS = 0.5
# For all suites together: less than a function may run, so that it is we who say what went wrong.
_PATIENCE = timedelta(seconds=800)

_KEY = ObjectHeaders("application/pgp-keys", "max-age=300")
_TEXT = ObjectHeaders("text/plain; charset=utf-8", "max-age=300")


class Workflow(Protocol):
    """The state machine, seen from outside."""

    def start(self, data: dict[str, Any]) -> str:
        """Starts an execution; returns its name."""

    def state(self, execution: str) -> str:
        """`RUNNING`, `SUCCEEDED`, or how it ended otherwise."""


def set_up(store: Store, repository: Repository, clock: Clock, workflow: Workflow, uri: str) -> str:
    """Brings every suite in line with its configuration; returns the signing fingerprint.

    `uri` is where hosts find the root. Raises DebpressError when a suite's execution fails, and so
    the deployment does: a repository that can't sign is not one.
    """
    sign_all(repository, clock, workflow)
    store.put(repository.layout.repository(), notes.dump(as_json(repository)), notes.JSON)
    standing = publish_keys(store, repository, uri)
    return standing.signing[0].certificate.fingerprint


def sign_all(repository: Repository, clock: Clock, workflow: Workflow) -> None:
    """Makes a new release of every suite, by whichever keys sign now. Raises DebpressError."""
    deadline = clock.now() + _PATIENCE
    running = {s.suite: workflow.start({"suite": s.suite}) for s in repository.suites}
    for suite, execution in running.items():
        _wait(clock, workflow, suite, execution, deadline)


def publish_keys(store: Store, repository: Repository, uri: str) -> Standing:
    """Writes the certificates that hosts are to trust, alone and in each suite's source.

    What is as it should be stays untouched: when it last changed is a version of its content.
    """
    layout = repository.layout
    standing = rotation.standing(store, layout, repository.signers)
    binary = b"".join(each.certificate.raw for each in standing.published)
    armored = openpgp.armor(binary, "PUBLIC KEY BLOCK")
    _keep(store, layout.key_asc, armored, _KEY)
    _keep(store, layout.key_gpg, binary, _KEY)
    for settings in repository.suites:
        _keep(store, layout.sources(settings.suite), sources(settings, uri, armored), _TEXT)
    return standing


def _keep(store: Store, key: str, body: bytes, headers: ObjectHeaders) -> None:
    found = store.get(key)
    if found is None or found.body != body:
        store.put(key, body, headers)


def _wait(clock: Clock, workflow: Workflow, suite: str, execution: str, deadline: datetime) -> None:
    while (state := workflow.state(execution)) == "RUNNING":
        if clock.now() > deadline:
            raise DebpressError(f"suite {suite}: execution {execution} runs longer than it may")
        clock.sleep(_POLL_SECONDS)
    if state != "SUCCEEDED":
        raise DebpressError(
            f"suite {suite} could not be set up: execution {execution} {state.lower()}; "
            "its history says at which step, and why"
        )


def sources(suite: Suite, uri: str, armored: bytes) -> bytes:
    """A deb822 source for /etc/apt/sources.list.d, the key inside (sources.list(5), Signed-By).

    Architectures are named so that a host with a foreign one gets no notice at each update.
    """
    key = "\n".join(f" {line or '.'}" for line in armored.decode("ascii").strip().split("\n"))
    return (
        f"Types: deb\nURIs: {uri}\nSuites: {suite.suite}\n"
        f"Components: {' '.join(suite.components)}\n"
        f"Architectures: {' '.join(suite.architectures)}\nSigned-By:\n{key}\n"
    ).encode()
