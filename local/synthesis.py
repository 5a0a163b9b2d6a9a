"""Synthesises the real app by `python app.py`, without the CDK's command line."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import paths, processes
from local.errors import LocalError

SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Asset:
    """A file or folder that a template refers to, and the place in S3 where it is expected."""

    source: Path
    zipped: bool
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class StackTemplate:
    """A synthesised stack: its artifact's id, its name, where its template is uploaded to, whether
    it is protected from termination, and its Region (None: whichever it is deployed to).

    The template is one of the assets, since CloudFormation takes a template of more than 51,200
    bytes only from S3.
    """

    id: str
    name: str
    bucket: str
    key: str
    needs: tuple[str, ...]
    protected: bool
    region: str | None


@dataclass(frozen=True, slots=True)
class Assembly:
    """A cloud assembly (AWS CDK, "cloud-assembly-schema"). Stacks are in order of deployment."""

    stacks: tuple[StackTemplate, ...]
    assets: tuple[Asset, ...]


def context() -> dict[str, Any]:
    """The context of cdk.json, which the CDK's command would pass to the app."""
    settings = json.loads((paths.ROOT / "cdk.json").read_text("utf-8"))
    found: dict[str, Any] = settings.get("context", {})
    return found


def overrides() -> dict[str, Any]:
    """The settings that differ from cdk.json: only those of the machine that runs the functions."""
    architecture = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
    machine = platform.machine().lower()
    if machine not in architecture:
        raise LocalError(f"Lambda knows no architecture {machine}: use an x86-64 or arm64 machine")
    return {
        "lambda_architecture": architecture[machine],
        # The emulator runs functions by its own interpreter, which has the version of this one.
        "lambda_python": f"{sys.version_info.major}.{sys.version_info.minor}",
    }


def quiet() -> dict[str, str]:
    """Environment variables that keep jsii from warning of a version of node that it was not tested
    with, which is harmless for synthesis.

    The warning of a version of node that is too old is silenced for that version only.
    """
    version = processes.run(["node", "--version"], timeout=SECONDS).stdout
    major = version.strip().removeprefix("v").partition(".")[0]
    kinds = ("END_OF_LIFE", "UNTESTED", "DEPRECATED")
    return {f"JSII_SILENCE_WARNING_{kind}_NODE_VERSION": major for kind in kinds}


def synthesise(directory: Path, settings: Mapping[str, Any]) -> Assembly:
    """Runs the app as the CDK's command does, with `settings` as its context. Raises LocalError."""
    processes.run(
        [sys.executable, "app.py"],
        cwd=paths.ROOT,
        environment={
            **os.environ,
            "CDK_OUTDIR": str(directory),
            "CDK_CONTEXT_JSON": json.dumps(settings),
            **quiet(),
        },
        timeout=SECONDS,
    )
    return read(directory)


def read(directory: Path) -> Assembly:
    """Reads a cloud assembly. Raises LocalError when there is no stack in it."""
    artifacts = json.loads((directory / "manifest.json").read_text("utf-8"))["artifacts"]
    stacks: list[StackTemplate] = []
    assets: list[Asset] = []
    for name, artifact in artifacts.items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "aws:cloudformation:stack":
            url = properties["stackTemplateAssetObjectUrl"].removeprefix("s3://")
            bucket, _, key = url.partition("/")
            needs = tuple(artifact.get("dependencies", ()))
            title = properties.get("stackName", name)
            protected = bool(properties.get("terminationProtection"))
            # The cloud assembly writes `unknown-region` for whichever.
            region = artifact["environment"].rpartition("/")[2]
            there = None if region == "unknown-region" else region
            stacks.append(StackTemplate(name, title, bucket, key, needs, protected, there))
        elif artifact["type"] == "cdk:asset-manifest":
            assets += _assets(directory, directory / properties["file"])
    if not stacks:
        raise LocalError("The app synthesised no stack")
    return Assembly(_ordered(stacks), tuple(assets))


def _assets(directory: Path, manifest: Path) -> list[Asset]:
    files = json.loads(manifest.read_text("utf-8"))["files"]
    return [
        Asset(
            directory / file["source"]["path"],
            file["source"]["packaging"] == "zip",
            destination["bucketName"],
            destination["objectKey"],
        )
        for file in files.values()
        for destination in file["destinations"].values()
    ]


def _ordered(stacks: list[StackTemplate]) -> tuple[StackTemplate, ...]:
    """The stacks in an order in which each comes after those that it depends on."""
    ordered: list[StackTemplate] = []
    waiting = list(stacks)
    names = {stack.id for stack in stacks}
    while waiting:
        done = {stack.id for stack in ordered}
        ready = [s for s in waiting if not (set(s.needs) & names) - done]
        if not ready:
            raise LocalError(f"Stacks need each other: {', '.join(s.name for s in waiting)}")
        ordered += ready
        waiting = [s for s in waiting if s not in ready]
    return tuple(ordered)
