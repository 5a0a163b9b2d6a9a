"""The construct in an application of somebody's own, which has nothing but the two wheels."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from local import paths, processes, synthesis
from local.release import wheels
from stacks import layers, settings
from tests.support.templates import Template

# A bucket and a key that are there already, and not this application's.
ARN = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
OTHERS = f"""
import aws_cdk as cdk
from aws_cdk import aws_kms as kms, aws_s3 as s3
from debpress_cdk import AptRepository

app = cdk.App()
stack = cdk.Stack(app, "packages")
AptRepository(
    stack,
    "Apt",
    suites=[{{"suite": "bookworm", "components": ["main"], "architectures": ["amd64"]}}],
    bucket=s3.Bucket.from_bucket_name(stack, "Bucket", "theirs"),
    signing_key=kms.Key.from_key_arn(stack, "Key", "{ARN}"),
    uri="https://packages.example.org/apt",
)
app.synth()
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheels are installed, with a layer of dependencies that is empty: to
    fetch them would need the network."""
    place = tmp_path_factory.mktemp("wheels")
    with (
        mock.patch.object(layers, "_BUILD", place / "build"),
        mock.patch.object(layers, "_pip", lambda target, *_: target.mkdir(parents=True)),
    ):
        dependencies = layers.dependencies("arm64", settings.NEWEST)
    (dependencies / "python/empty").touch()
    wheels.build(place, dependencies)
    found = sorted(place.glob("*.whl"))
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--no-index")
    processes.run([sys.executable, *install, "--target", place / "site", *found])
    return place / "site"


def synthesised(app: str, installed: Path, folder: Path) -> tuple[Template, str]:
    """The stack of an application that has nothing but the wheels, and what its assembly says."""
    processes.run(
        [sys.executable, "-c", app],
        cwd=folder,
        environment={
            **os.environ,
            **synthesis.quiet(),
            "PYTHONPATH": str(installed),
            "CDK_OUTDIR": str(folder / "out"),
        },
    )
    (template,) = (folder / "out").glob("*.template.json")
    said = "".join(each.read_text("utf-8") for each in sorted((folder / "out").glob("*.json")))
    return Template(json.loads(template.read_text("utf-8"))), said


def sids(policy: dict[str, Any]) -> set[str]:
    return {each.get("Sid", "") for each in policy["Statement"]}


def test_the_example_is_a_whole_press(installed: Path, tmp_path: Path) -> None:
    example = (paths.ROOT / "clients/cdk/app.py").read_text("utf-8")
    template, said = synthesised(example, installed, tmp_path)
    policy = template.one("AWS::S3::BucketPolicy")["PolicyDocument"]
    assert {"OnlyTheCommitterFlips", "AFlipIsConditional", "HostsByVpcEndpoint"} <= sids(policy)
    # The key is the application's own, and no other is made.
    assert "OnlyTheSignerSigns" in sids(template.one("AWS::KMS::Key")["KeyPolicy"])
    assert template.one("AWS::StepFunctions::StateMachine")
    assert "is not made by this application" not in said
    # What `debpress doctor --stack packages` and other commands ask for.
    named = {"Name", "Bucket", "Uri", "StateMachine", "SetUpFunction", "LostEvents"}
    assert named <= template.data["Outputs"].keys()


def test_what_is_somebody_elses_is_used_and_its_lack_of_guards_told(
    installed: Path, tmp_path: Path
) -> None:
    template, said = synthesised(OTHERS, installed, tmp_path)
    assert not template.resources("AWS::S3::Bucket") and not template.resources("AWS::KMS::Key")
    for what in ("the bucket", "the signing key"):
        assert f"{what} is not made by this application" in said
    told = template.one("Custom::DebpressRepository")
    assert told["Uri"] == "https://packages.example.org/apt"
