"""Brings the stack up on this machine (emulator, synthesis, deployment) and writes its outputs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from local import deployment, emulator, paths, progress, synthesis
from local.errors import LocalError


@dataclass(frozen=True, slots=True)
class Outputs:
    """The contents of `.local/outputs.json` (docs/contract.md#outputsjson).

    `suites` has the default suite first. `apt_uri` is the URI that is written between `deb` and the
    suite in sources.list.
    """

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
    """A deployed stack, and the emulator that it is deployed into."""

    outputs: Outputs
    emulator: emulator.Emulator

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator, with permission for everything."""
        return deployment.client(self.outputs.endpoint_url, service)

    def troubles(self) -> str:
        """The errors of the workflow's executions that did not succeed, for whoever looks for the
        cause of a failure."""
        states, machine = self.client("stepfunctions"), self.outputs.state_machine_arn
        lines = ["The executions of the workflow:"]
        for each in states.list_executions(stateMachineArn=machine)["executions"]:
            lines.append(f"  {each['name']}: {each['status']}")
            if each["status"] == "SUCCEEDED":
                continue
            history = states.get_execution_history(
                executionArn=each["executionArn"], maxResults=20, reverseOrder=True
            )
            for event in history["events"]:
                details = [str(v)[:500] for k, v in event.items() if k.endswith("EventDetails")]
                lines.append(f"    {event['type']} {' '.join(details)}")
        return "\n".join(lines)


@contextmanager
def up(
    port: int | None = None,
    context: Mapping[str, Any] | None = None,
    prepare: Callable[[str], None] | None = None,
    *,
    enforce: bool = False,
) -> Iterator[Stack]:
    """The stack, deployed and set up; on leaving, it is removed with the emulator.

    `context` overrides that of cdk.json, for tests of other repositories than the shipped one.
    `prepare` is called with the emulator's endpoint before the deployment. With `enforce` the
    emulator checks permissions; the bucket then has to accept plain http, as the emulator has no
    https. Raises LocalError when something can't be started or deployed.
    """
    with ExitStack() as held:
        with progress.step("start the emulator"):
            running = held.enter_context(emulator.running(port, enforce=enforce))
        if prepare:
            prepare(running.endpoint)
        yield deployed(running, {**(context or {}), **({"tls_only": "false"} if enforce else {})})


def deployed(
    running: emulator.Emulator,
    context: Mapping[str, Any],
    *,
    adopting: bool = False,
    region: str = emulator.REGION,
) -> Stack:
    """The stack, deployed and set up in a running emulator. Raises LocalError.

    `adopting` takes over what is there already by a name that `context` gives.
    """
    merged = {**synthesis.context(), **synthesis.overrides(), **context}
    with progress.step("synthesise the stacks (python app.py)"):
        place = tempfile.mkdtemp(prefix="cdk.out-", dir=running.directory)
        assembly = synthesis.synthesise(Path(place), merged)
    with progress.step("deploy them through CloudFormation, which sets every suite up"):
        outputs = deployment.deploy(
            running.endpoint, assembly, running.check, adopting=adopting, region=region
        )
    return Stack(replace(_outputs(running, merged, outputs), region=region), running)


def _outputs(
    running: emulator.Emulator, context: Mapping[str, Any], outputs: Mapping[str, str]
) -> Outputs:
    repository = context["debpress"]
    root = repository.get("root", "apt")
    try:
        return Outputs(
            endpoint_url=running.endpoint,
            region=emulator.REGION,
            access_key_id=emulator.ACCESS_KEY_ID,
            secret_access_key=emulator.SECRET_ACCESS_KEY,
            bucket=outputs["Bucket"],
            root=root,
            suites=outputs["Suites"].split(","),
            state_machine_arn=outputs["StateMachine"],
            prune_function=outputs["PruneFunction"],
            signing_fingerprint=outputs["SigningFingerprint"],
            apt_uri=f"{running.endpoint}/{outputs['Bucket']}/{root}",
        )
    except KeyError as error:
        raise LocalError(
            f"The stacks have no output {error}; theirs are: {', '.join(sorted(outputs))}"
        ) from error


def write(outputs: Outputs) -> None:
    """Writes `.local/outputs.json` atomically."""
    paths.LOCAL.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=paths.LOCAL, delete=False) as new:
        json.dump(asdict(outputs), new, indent=2)
        new.write("\n")
    Path(new.name).replace(paths.OUTPUTS)
