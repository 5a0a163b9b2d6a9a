"""Dispatches `debpress <subcommand>`.

Exit codes: 0 done, 1 refused, rejected or failed, 2 usage, 130 interrupted, 143 and 129 ended
by SIGTERM and SIGHUP. An error is one sentence on stderr, never a traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import debpress
from debpress.clock import Clock, SystemClock
from debpress.commands import ending, subcommands
from debpress.errors import DebpressError, LeftOutError

# For each, the module of the same name beside this one is imported.
SUBCOMMANDS = {
    "upload": "publish .deb files as one batch",
    "push": "upload, by the name that others have for it",
    "import": "bring the packages of any repository that apt can read",
    "compare": "say whether a host could tell a repository from a suite",
    "check": "check .deb files as an upload would, and send nothing",
    "build-manifest": "write the manifest for an upload by other means",
    "remove": "take packages out of a suite",
    "yank": "take exact versions out of a suite",
    "copy": "publish packages of one suite in another",
    "promote": "copy, from one suite to the next",
    "rollback": "go back to the content of an earlier generation",
    "prune": "take old versions out, as the schedule does",
    "forget": "let versions that are gone come again with other bytes",
    "snapshot": "keep a generation as a suite of its own",
    "list": "list the packages of a suite",
    "show": "show a package, and where it is published",
    "history": "show what came and went, when, and by whom",
    "status": "show what waits, and how each suite is",
    "suites": "list every suite, with the end of those that have one",
    "doctor": "look at the deployed press from all sides, and say what is wrong",
    "proof": "try on a deployed press, once, what is claimed of it",
    "verify": "check the repository, from the key down to the packages",
    "restore": "bring back what somebody deleted",
    "mirror": "have another bucket follow the repository",
    "key": "the keys that sign",
    "token": "who may read through the front door",
}

# What keys and signatures need; the small client for CI leaves it out (local/release/client.py).
_OPERATORS_NEED = ("cryptography", "gnupg")


def main(argv: Sequence[str] | None = None, clock: Clock | None = None) -> int:
    """Runs the command and gives its exit code. Raises SystemExit(2) on a usage error."""
    parser = argparse.ArgumentParser(
        prog="debpress", description="Publishes Debian packages through an S3 bucket."
    )
    parser.add_argument("--version", action="version", version=f"debpress {debpress.__version__}")
    subcommands.add(parser, "debpress.commands", SUBCOMMANDS, "SUBCOMMAND")
    try:
        arguments = parser.parse_args(argv)
    except (ModuleNotFoundError, KeyboardInterrupt) as error:  # While modules are loaded.
        return 130 if isinstance(error, KeyboardInterrupt) else _not_installed(error)
    try:
        with ending.orderly():
            code: int = arguments.run(arguments, clock or SystemClock())
        sys.stdout.flush()
        return code
    except argparse.ArgumentError as error:
        subparser: argparse.ArgumentParser = arguments.parser
        subparser.error(str(error))
    except DebpressError as error:
        print(f"debpress: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        return _not_installed(error)
    except KeyboardInterrupt as interrupt:
        return interrupt.code if isinstance(interrupt, ending.Ended) else 130
    except BrokenPipeError:
        # The reader of our output (`| head`) has ended. With standard output elsewhere, Python does
        # not print a second error when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _not_installed(error: ModuleNotFoundError) -> int:
    if (error.name or "").partition(".")[0] not in _OPERATORS_NEED:
        raise error
    print(f"debpress: {LeftOutError(error.name or '')}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
