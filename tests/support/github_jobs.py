"""Workflows of GitHub Actions, run by `act`, which does as GitHub's runner does. It is told to take
this machine for the runner, so that no Docker is needed, and folders for the actions' repositories.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from local import paths
from tests.support.ci_projects import CLIENTS, Ran, run, token
from tests.support.web import Answer, Asked, served

WORKFLOW = ".github/workflows/publish.yml"
# Stands in for the only action of others that ours uses.
_CREDENTIALS = Path(__file__).parent / "configure-aws-credentials"
_SECRET = "of-the-job"


def push(folder: Path, environment: Mapping[str, str], subject: str) -> Ran:
    """Pushes the tag v1.0 of a project. `ORG/debpress@v1` is our `clients/`. Its workflow gets a
    token if it has `id-token: write`, with `subject` as its `sub`."""
    home = folder.parent / "github"
    shutil.copytree(CLIENTS, home / "debpress/clients", dirs_exist_ok=True)
    (home / "push.json").write_text(json.dumps({"ref": "refs/tags/v1.0"}))
    workflow = yaml.safe_load((folder / WORKFLOW).read_text("utf-8"))
    action = yaml.safe_load((CLIENTS / "github/action.yml").read_text("utf-8"))
    (credentials,) = (step["uses"] for step in action["runs"]["steps"] if "uses" in step)
    with _tokens(subject) as provider:
        granted = workflow["permissions"].get("id-token") == "write"
        variables = {**environment, **(provider if granted else {})}
        done = run(
            [
                *(paths.BIN / "act", "push", "--json", "--eventpath", home / "push.json"),
                *("--platform", "ubuntu-latest=-self-hosted"),
                *("--action-offline-mode", "--no-cache-server"),
                *("--local-repository", f"ORG/debpress@v1={home / 'debpress'}"),
                *("--local-repository", f"{credentials}={_CREDENTIALS}"),
                *(f"--env={name}={value}" for name, value in variables.items()),
            ],
            folder,
            home,
        )
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    summaries = [each["content"] for each in said if each.get("command") == "summary"]
    return Ran(
        done.returncode == 0,
        "".join(map(_printed, said)) or done.stdout + done.stderr,
        tuple(each["raw"].strip() for each in said if each.get("command") == "error"),
        summaries[-1] if summaries else "",
    )


def _printed(said: Mapping[str, Any]) -> str:
    """What a step printed, commands too; nothing of what act says itself."""
    return str(said["msg"] if said.get("raw_output") else said.get("raw", ""))


@contextmanager
def _tokens(subject: str) -> Iterator[Mapping[str, str]]:
    """GitHub's provider of tokens, and the variables by which a job asks it (GitHub's
    documentation, "OpenID Connect reference")."""

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("Authorization") != f"Bearer {_SECRET}":
            return Answer(401)
        (audience,) = parse_qs(urlsplit(asked.path).query)["audience"]
        return Answer(200, json.dumps({"value": token(subject, audience)}).encode())

    with served(answer) as address:
        yield {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{address}?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": _SECRET,
        }
