"""A repository as a CI author has it; `github_jobs.py` and `gitlab_jobs.py` run its jobs."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import paths, processes
from local.stack import Outputs
from tests.support.documents import fenced

CLIENTS = paths.ROOT / "clients"
GITHUB_ISSUER = "token.actions.githubusercontent.com"
GITLAB = "https://gitlab.example.org"
_BUILD = """#!/bin/sh
set -eu
mkdir -p "$1"
cp packages/*.deb "$1"
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """A job that has ended, and what it printed. `annotations` are GitHub's commands for them,
    `summary` is the Markdown of the run's page."""

    green: bool
    log: str
    annotations: tuple[str, ...] = ()
    summary: str = ""


def example(section: str, outputs: Outputs, role: str, more: Mapping[str, str]) -> str:
    """The YAML of a section of docs/ci.md, with what is real in place of what is written there."""
    (text,) = fenced("docs/ci.md", section, "yaml")
    real = {
        "bookworm": "testing",
        "my-packages": outputs.bucket,
        "eu-central-1": outputs.region,
        "arn:aws:iam::111122223333:role/ROLE": role,
        **more,
    }
    for placeholder, value in real.items():
        assert placeholder in text, placeholder
        text = text.replace(placeholder, value)
    return text


def project(folder: Path, files: Mapping[str, str]) -> Path:
    """Makes it, with `packages/`, which its `BUILD-YOUR-PACKAGES` (as the pages call it) copies to
    the folder that it is told."""
    for name, text in {**files, "BUILD-YOUR-PACKAGES": _BUILD}.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "BUILD-YOUR-PACKAGES").chmod(0o755)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "remote", "add", "origin", f"{GITLAB}/GROUP/web.git")
    release(folder, "v1.0")
    return folder


def release(folder: Path, tag: str) -> None:
    """Commits all, and tags it."""
    git(folder, "add", "--all")
    person = ("-c", "user.name=A Maintainer", "-c", "user.email=a@example.org")
    git(folder, *person, "commit", "--quiet", "--allow-empty", f"--message=Release {tag}")
    git(folder, "tag", "--force", tag)


def git(folder: Path, *arguments: str) -> None:
    processes.run(["git", "-C", folder, *arguments])


def token(subject: str, audience: str = "sts.amazonaws.com", issuer: str = GITHUB_ISSUER) -> str:
    """A token as CI's provider gives it. Nobody signed it: that is AWS's to check."""
    claims = {"iss": f"https://{issuer}", "aud": audience, "sub": subject}
    parts = [json.dumps(each).encode() for each in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(each).decode().rstrip("=") for each in parts) + "."


def run(
    command: Sequence[str | Path],
    folder: Path,
    home: Path,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """With a home of its own and none of our credentials, the commands of .venv at hand."""
    home.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
        check=False,
        env={
            "PATH": f"{paths.BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "LC_ALL": "C.UTF-8",
            **(environment or {}),
        },
    )  # fmt: skip
