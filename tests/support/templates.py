"""The synthesised templates, as tests read them; no network, no account, no pip.

`python -m tests.support.templates` prints the table of permissions that test_permissions compares
with the reviewed one, tests/unit/permissions.txt.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "layers/debpress/python"))

from local import synthesis  # noqa: E402 (after the path)

os.environ |= synthesis.quiet()

import aws_cdk as cdk  # noqa: E402 (after the environment)
from cdk_nag import AwsSolutionsChecks  # noqa: E402
from constructs import Construct  # noqa: E402

from stacks import layers, settings  # noqa: E402
from stacks.deployment import deployment  # noqa: E402

# Gone with the interpreter.
_PLACE = tempfile.TemporaryDirectory(prefix="debpress-templates-")


def context(**overrides: Any) -> dict[str, Any]:
    """The context of cdk.json, with some of it replaced."""
    found = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    return {**found, **overrides}


@dataclass(frozen=True, slots=True)
class Template:
    """A synthesised stack, or several as if they were one."""

    data: Mapping[str, Any]

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Of one CloudFormation type, their properties by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.data["Resources"].items()
            if resource["Type"] == kind
        }

    def one(self, kind: str, prefix: str = "") -> dict[str, Any]:
        """The only resource of its type, or the only one whose logical id begins like this."""
        (found,) = (r for name, r in self.resources(kind).items() if name.startswith(prefix))
        return found


@dataclass(frozen=True, slots=True)
class Deployment(Template):
    """Both stacks as if they were one: what the press takes from the archive is resolved. `files`
    are theirs. `replica` is that of another Region, where one is configured. `findings` are
    cdk-nag's by rule and construct path, `acknowledged` those that were, with the reason."""

    archive: Template
    press: Template
    files: tuple[Path, ...]
    replica: Template | None = None
    findings: frozenset[tuple[str, str]] = frozenset()
    acknowledged: Mapping[tuple[str, str], str] | None = None
    delivery: Template | None = None


class _Wrong(Construct):
    """What nobody may slip in: a role that may do everything, and an open bucket."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "Wrong")
        role = cdk.aws_iam.Role(
            self, "Role", assumed_by=cdk.aws_iam.ServicePrincipal("lambda.amazonaws.com")
        )
        everything = cdk.aws_iam.PolicyStatement(actions=["s3:*"], resources=["*"])
        role.add_to_policy(everything)
        cdk.aws_s3.Bucket(self, "Bucket")


@cache
def _synthesise(text: str, nag: bool, spoilt: bool) -> Deployment:
    directory = Path(tempfile.mkdtemp(dir=_PLACE.name))
    (directory / "layer/python").mkdir(parents=True)
    app = cdk.App(context=json.loads(text), outdir=str(directory / "out"))
    # pip's work is no business of the template; test_layer_imports looks at it.
    with (
        mock.patch.object(layers, "dependencies", lambda *_: directory / "layer"),
        mock.patch.object(layers, "provenance", lambda *_: directory / "layer"),
    ):
        stacks = deployment(app, settings.read(app.node))
    if spoilt:
        _Wrong(stacks[0])
    findings, acknowledged = frozenset[tuple[str, str]](), None
    if nag:
        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as error:
        if not nag or "ValidationFailed" not in str(error):
            raise
    if nag:
        report = json.loads((directory / "out/validation-report.json").read_text("utf-8"))
        (pack,) = report["pluginReports"]
        findings = frozenset((rule, path) for rule, path, _ in _found(pack.get("violations", [])))
        acknowledged = {
            (rule, path): reason
            for rule, path, reason in _found(pack.get("suppressedViolations", []))
        }
    files = [directory / f"out/{stack.stack_name}.template.json" for stack in stacks]
    templates = {file.name: json.loads(file.read_text("utf-8")) for file in files}
    archive, press, *_ = templates.values()

    def other(kind: str) -> dict[str, Any] | None:
        found = [
            each for name, each in templates.items() if name.endswith(f"-{kind}.template.json")
        ]
        return found[0] if found else None

    replica, delivers = other("replica"), other("delivery")
    return Deployment(
        _joined(archive, press, *([delivers] if delivers else [])),
        Template(archive),
        Template(press),
        tuple(files),
        Template(replica) if replica else None,
        findings,
        acknowledged,
        Template(delivers) if delivers else None,
    )


def synthesise(*, nag: bool = False, spoilt: bool = False, **overrides: Any) -> Deployment:
    """The stacks of cdk.json's context, some of it replaced; with `nag`, what cdk-nag says of them.

    `spoilt` adds what it must complain of.
    """
    return _synthesise(json.dumps(context(**overrides), sort_keys=True), nag, spoilt)


def _joined(
    archive: dict[str, Any], press: dict[str, Any], *others: dict[str, Any]
) -> dict[str, Any]:
    """Both templates in one, with the archive's own values where the press imports them; what it
    imports from others as they name it."""
    exported = {
        each["Export"]["Name"]: each["Value"]
        for template in (archive, *others)
        for each in template["Outputs"].values()
        if "Export" in each
    }
    told = {
        each["Properties"]["Name"]: each["Properties"]["Value"]
        for each in archive["Resources"].values()
        if each["Type"] == "AWS::SSM::Parameter"
    }
    parameters = {
        name: told[each["Default"]]
        for name, each in press.get("Parameters", {}).items()
        if each["Default"] in told
    }

    def resolved(value: Any) -> Any:
        match value:
            case {"Fn::ImportValue": name}:
                return exported[name]
            case {"Ref": name} if name in parameters:
                return parameters[name]
            case dict():
                return {key: resolved(each) for key, each in value.items()}
            case list():
                return [resolved(each) for each in value]
        return value

    both = {key: {**archive[key], **resolved(press[key])} for key in ("Resources", "Outputs")}
    assert len(both["Resources"]) == len(archive["Resources"]) + len(press["Resources"])
    return both


def _found(violations: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    for violation in violations:
        for construct in violation["violatingConstructs"]:
            yield violation["ruleName"], construct["constructPath"], violation.get("reason", "")


def handler(name: str, module: str = "handler") -> ModuleType:
    """A module of a function, its handler or one beside it, as Lambda loads it."""
    spec = importlib.util.spec_from_file_location(
        f"{module}_of_{name}", ROOT / f"lambdas/{name}/{module}.py"
    )
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


# Permissions

_POLICIES = {
    "AWS::S3::BucketPolicy": ("PolicyDocument", "Bucket"),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", "Queues"),
    "AWS::KMS::Key": ("KeyPolicy", None),
}


def readable(value: Any) -> str:
    """A value with CloudFormation's functions written short: `<StorageBucket>/apt/*`."""
    match value:
        case str():
            return value
        case {"Ref": name} | {"Fn::GetAtt": [name, "Arn"]}:
            return f"<{_short(name)}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{_short(name)}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(readable(part) for part in parts)
        case {"Fn::Sub": text}:
            return readable(text)
        case list():
            return ", ".join(sorted(readable(each) for each in value))
        case dict():
            inner = "; ".join(f"{key}: {readable(each)}" for key, each in sorted(value.items()))
            return f"{{{inner}}}"
        case _:
            return json.dumps(value)


def permissions(template: Template) -> list[str]:
    """Every line of the table: who, what, on what, and under which condition; sorted."""
    lines: set[str] = set()
    for name, properties in template.resources("AWS::IAM::Role").items():
        for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
            lines |= set(_lines(_short(name), {**statement, "Resource": "(itself)"}))
        assert not properties.get("Policies") and not properties.get("ManagedPolicyArns"), name
    for properties in template.resources("AWS::IAM::Policy").values():
        for role in properties["Roles"]:
            for statement in properties["PolicyDocument"]["Statement"]:
                lines |= set(_lines(readable(role).strip("<>"), statement))
    for kind, (document, of) in _POLICIES.items():
        for name, properties in template.resources(kind).items():
            owner = readable(properties[of]).strip("<>") if of else _short(name)
            for statement in properties[document]["Statement"]:
                lines |= set(_lines(f"policy of {owner}", statement))
    return sorted(lines)


def _lines(who: str, statement: Mapping[str, Any]) -> Iterator[str]:
    effect = "" if statement["Effect"] == "Allow" else f"{statement['Effect'].upper()} "
    principal = f" by {readable(statement['Principal'])}" if "Principal" in statement else ""
    condition = f" if {readable(statement['Condition'])}" if "Condition" in statement else ""
    for action in _several(statement["Action"]):
        for resource in _several(statement["Resource"]):
            yield f"{who} | {effect}{action} | {readable(resource)}{principal}{condition}"


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _short(name: str) -> str:
    """A logical id without the CDK's hash."""
    return re.sub(r"[0-9A-F]{8}$", "", name)


if __name__ == "__main__":
    print("\n".join(permissions(synthesise())))
