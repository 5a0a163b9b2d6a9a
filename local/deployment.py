"""Deploys a synthesised assembly through CloudFormation, as `cdk deploy` would."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local import emulator
from local.errors import LocalError
from local.synthesis import Assembly, Asset, StackTemplate

SECONDS = 180.0
_POLL_SECONDS = 0.2
_ACCOUNT = "000000000000"

# A parameter that a bootstrapped account has, and that every template checks (AWS CDK,
# "Bootstrapping").
_BOOTSTRAP = ("/cdk-bootstrap/hnb659fds/version", "21")


def client(endpoint: str, service: str, region: str | None = None) -> Any:
    """A boto3 client of the emulator. Settings of AWS in the environment are ignored."""
    make: Any = boto3.Session().client
    return make(
        service,
        endpoint_url=endpoint,
        region_name=region or emulator.REGION,
        aws_access_key_id=emulator.ACCESS_KEY_ID,
        aws_secret_access_key=emulator.SECRET_ACCESS_KEY,
        config=Config(
            retries={"total_max_attempts": 2},
            s3={"addressing_style": "path"},
            proxies={},
            read_timeout=120,
        ),
    )


def deploy(
    endpoint: str,
    assembly: Assembly,
    check: Callable[[], None],
    *,
    adopting: bool = False,
    region: str = emulator.REGION,
) -> dict[str, str]:
    """Uploads the assets, creates or updates the stacks in order, and returns all their outputs by
    name. `adopting` is `cdk deploy --import-existing-resources`; `region` is that of the stacks
    that name none.

    `check` is called while waiting; it raises when the emulator has ended. Raises LocalError with
    CloudFormation's reasons when a stack can't be created.
    """
    name, version = _BOOTSTRAP
    for place in {stack.region or region for stack in assembly.stacks}:
        ssm = client(endpoint, "ssm", place)
        ssm.put_parameter(Name=name, Value=version, Type="String", Overwrite=True)
    _upload(endpoint, assembly.assets, region)
    outputs: dict[str, str] = {}
    for stack in assembly.stacks:
        formation = client(endpoint, "cloudformation", stack.region or region)
        template = f"{endpoint}/{_filled(stack.bucket, region)}/{stack.key}"
        try:
            _ask(formation, stack, template, adopting)
            outputs |= _await(formation, stack.name, check)
        except ClientError as error:
            raise LocalError(f"Stack {stack.name} was refused: {str(error)[:2000]}") from error
    return outputs


def _upload(endpoint: str, assets: tuple[Asset, ...], region: str) -> None:
    for bucket in sorted({_filled(asset.bucket, region) for asset in assets}):
        # Its name ends in its Region (AWS CDK, "Bootstrapping"); S3's first is none to be named.
        place = bucket.rpartition(f"{_ACCOUNT}-")[2]
        told = {"CreateBucketConfiguration": {"LocationConstraint": place}}
        s3 = client(endpoint, "s3", place)
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket, **(told if place != "us-east-1" else {}))
    s3 = client(endpoint, "s3")
    for asset in assets:
        body = _zip(asset.source) if asset.zipped else asset.source.read_bytes()
        s3.put_object(Bucket=_filled(asset.bucket, region), Key=asset.key, Body=body)


def _filled(text: str, region: str) -> str:
    """`text` with the pseudo parameters of an environment-agnostic stack replaced by values."""
    return text.replace("${AWS::AccountId}", _ACCOUNT).replace("${AWS::Region}", region)


def _zip(folder: Path) -> bytes:
    """A zip of a folder, uncompressed, since it does not leave this machine."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for parent, _, files in os.walk(folder, followlinks=True):
            for file in sorted(files):
                path = Path(parent, file)
                archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


def _ask(formation: Any, stack: StackTemplate, template: str, adopting: bool) -> None:
    request = {
        "StackName": stack.name,
        "TemplateURL": template,
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    standing = {each["StackName"] for each in formation.describe_stacks()["Stacks"]}
    if stack.name in standing:
        try:
            formation.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
    elif adopting:
        change = {"StackName": stack.name, "ChangeSetName": "adopting"}
        # The emulator's validation before a deployment takes what is to be imported for a conflict
        # of names (docs/emulator.md).
        formation.create_change_set(
            **request | change,
            ChangeSetType="CREATE",
            ImportExistingResources=True,
            DisableValidation=True,
        )
        formation.get_waiter("change_set_create_complete").wait(**change)
        formation.execute_change_set(**change)
        formation.update_termination_protection(
            StackName=stack.name, EnableTerminationProtection=stack.protected
        )
    else:
        formation.create_stack(**request, EnableTerminationProtection=stack.protected)


def _await(formation: Any, name: str, check: Callable[[], None]) -> dict[str, str]:
    deadline = time.monotonic() + SECONDS
    while True:
        check()
        described = formation.describe_stacks(StackName=name)["Stacks"][0]
        status = described["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return {o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", [])}
        if not status.endswith("_IN_PROGRESS") or time.monotonic() > deadline:
            raise LocalError(
                f"Stack {name} is {status}, not complete:\n" + "\n".join(_reasons(formation, name))
            )
        time.sleep(_POLL_SECONDS)


def _reasons(formation: Any, name: str) -> list[str]:
    """CloudFormation's messages on the resources that failed, the earliest first."""
    try:
        events = formation.describe_stack_events(StackName=name)["StackEvents"]
    except ClientError as error:
        return [str(error)]
    return [
        f"  {e['LogicalResourceId']} ({e['ResourceType']}): {e.get('ResourceStatusReason', '?')}"
        for e in reversed(events)
        if e["ResourceStatus"].endswith("FAILED")
    ]
