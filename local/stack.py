"""The stack up on this machine: emulator, synthesis, deployment, and what is known of it then."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local import deployment, emulator, paths, progress, synthesis
from local.errors import LocalError


@dataclass(frozen=True, slots=True)
class Outputs:
    """What `.local/outputs.json` holds (DESIGN section 9); `suites` has the default first."""

    endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str
    bucket: str
    root: str
    suites: list[str]
    state_machine_arn: str
    prune_function: str
    signing_fingerprint: str
    apt_uri: str


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack, and the emulator it is in."""

    outputs: Outputs
    emulator: emulator.Emulator

    def client(self, service: str) -> Any:
        return deployment.client(self.outputs.endpoint_url, service)


@contextmanager
def up(port: int | None = None, context: Mapping[str, Any] | None = None) -> Iterator[Stack]:
    """The stack, deployed and set up; all of it is gone again afterwards.

    `context` is laid over cdk.json's, for tests that want another repository than the shipped one.
    """
    with progress.step("start the emulator"):
        running = emulator.running(port)
        emulated = running.__enter__()
    try:
        yield _deployed(emulated, {**synthesis.local_context(), **(context or {})})
    finally:
        running.__exit__(None, None, None)


def write(outputs: Outputs) -> Path:
    """Writes `.local/outputs.json`: whole, or not at all."""
    paths.LOCAL.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=paths.LOCAL, delete=False) as new:
        json.dump(asdict(outputs), new, indent=2)
        new.write("\n")
    return Path(new.name).replace(paths.OUTPUTS)
