"""`python -m local up` keeps the stack up; `python -m local demo` shows it from end to end."""

from __future__ import annotations

import argparse
import os
import sys
import time

from debpress.layout import Batch, Layout

from local import demo, paths, signers, stack
from local.errors import LocalError
from local.processes import Terminated, ended_by_signals
from local.progress import complain, say

_LOOK_SECONDS = 1.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="keep the stack up until Ctrl-C")
    up.add_argument("--port", type=_port, default=_port(os.environ.get("PORT") or "0"))
    commands.add_parser("demo", help="from nothing to a published repository, with proof")
    for command in commands.choices.values():
        signer = os.environ.get("SIGNER") or signers.KINDS[0]
        command.add_argument("--signer", choices=signers.KINDS, default=signer)
    arguments = parser.parse_args()
    try:
        with ended_by_signals():
            if arguments.command == "demo":
                demo.run(arguments.signer)
            else:
                _up(arguments.port or None, arguments.signer)
    except (KeyboardInterrupt, Terminated):
        say("Stopped; everything it started is gone.")
        return 0 if arguments.command == "up" else 130
    except LocalError as error:
        complain(str(error))
        return 1
    return 0


def _up(port: int | None, signer: str) -> None:
    """Keeps the stack up until a signal comes. Raises LocalError when the emulator ends before."""
    try:
        with signers.up(signer, port) as running:
            stack.write(running.outputs)
            say(_usage(running.outputs))
            while True:
                running.emulator.check()
                time.sleep(_LOOK_SECONDS)
    finally:
        paths.OUTPUTS.unlink(missing_ok=True)


def _usage(outputs: stack.Outputs) -> str:
    suite = outputs.suites[0]
    batch = Batch(suite, "main", "BATCH").staging
    return f"""
The repository is up, every suite signed and empty. All of this is in .local/outputs.json too.

For CI and operators:
  export AWS_ENDPOINT_URL={outputs.endpoint_url} AWS_REGION={outputs.region}
  export AWS_ACCESS_KEY_ID={outputs.access_key_id} AWS_SECRET_ACCESS_KEY={outputs.secret_access_key}
  .venv/bin/debpress upload FILE.deb --suite {suite} --bucket {outputs.bucket}
  aws s3 cp FILE.deb s3://{outputs.bucket}/{batch}   (then manifest.json)
  aws s3 ls --recursive s3://{outputs.bucket}/

For people: {Layout(outputs.apt_uri).page()}

For hosts (the key is at {Layout(outputs.apt_uri).key_asc}):
  deb [signed-by=/path/of/key.asc] {outputs.apt_uri} {suite} main

Signing key: {outputs.signing_fingerprint}
Ctrl-C stops it and removes everything.
"""


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is no port")
    return port


if __name__ == "__main__":
    sys.exit(main())
