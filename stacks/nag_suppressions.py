"""Suppresses findings of cdk-nag's AwsSolutions that are intended, each by place and with a reason.

A wildcard over keys is suppressed by its exact pattern, so that every new wildcard is a finding
until it is listed here.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from constructs import IConstruct
from debpress.layout import Patterns

from stacks.functions import SIZES
from stacks.permissions import grants, patterns
from stacks.settings import NEWEST, Settings

_SUITES = "Suites, components, batches and runs are folders of the key and not known beforehand."
_HASHES = "Names are hashes of content, not known beforehand."

_ROLES = "A place of its own, or what hosts read: batches and files are not known beforehand."
_ACCOUNT = "arn:<AWS::Partition>:{}:<AWS::Region>:<AWS::AccountId>:"
_TRACING = "X-Ray's actions know no resources (service authorization reference)."


def suppress(stack: Stack, settings: Settings, roles: Mapping[str, tuple[str, ...]]) -> None:
    """Suppresses the listed findings, and no others, on the constructs of a `Press`. `roles` are
    `Roles.policies`."""
    bucket = _logical(stack, "Storage/Bucket/Resource")
    reasons = _reasons(settings.repository.layout.patterns)
    for name, allowed in grants(settings.repository.layout).items():
        policy = _find(stack, f"Functions/{name.capitalize()}Role")
        for pattern in patterns(allowed):
            if pattern in reasons:
                _accept(policy, f"IAM5[Resource::<{bucket}.Arn>/{pattern}]", reasons[pattern])
        _accept(policy, "IAM5[Resource::*]", _TRACING)
    for name, keys in roles.items():
        for key in keys:
            finding = f"IAM5[Resource::<{bucket}.Arn>/{key}]"
            _accept(_find(stack, f"Roles/{name}"), finding, _ROLES)
        if name.startswith("Operators"):
            own = f"{_ACCOUNT.format('cloudformation')}stack/{stack.stack_name}/*"
            reason = "This one stack, which the command asks for by its name alone."
            _accept(_find(stack, f"Roles/{name}"), f"IAM5[Resource::{own}]", reason)
    machine = _logical(stack, "Workflow/Machine/Resource")
    executions = f"{_ACCOUNT.format('states')}execution:"
    _accept(
        _find(stack, "Functions/SetupRole"),
        f"IAM5[Resource::{executions}<{machine}.Name>:*]",
        "Executions of the one workflow, which are named as they start.",
    )
    _accept(
        _find(stack, "Workflow/Role"),
        "IAM5[Resource::*]",
        f"{_TRACING} Log delivery's know none either (Step Functions guide, Logging).",
    )
    _accept(
        _find(stack, "Storage/Bucket"),
        "S1",
        "What changes is in the generations and the executions' logs; who reads is CloudTrail's to "
        "tell, for the account that wants it, and every download would be a line of log.",
    )
    _accept(
        _find(stack, "Trigger/LostEvents"),
        "SQS3",
        "It is the dead-letter queue, of a rule and of schedules, which this check does not see.",
    )
    if settings.python != NEWEST:
        for name in SIZES:
            _accept(
                _find(stack, f"Functions/{name.capitalize()}"),
                "L1",
                f"lambda_python asks for {settings.python}; without it, it is the newest.",
            )


def _reasons(keys: Patterns) -> dict[str, str]:
    """The reasons for which policies may have a wildcard, by the pattern of keys."""
    suites = (
        *(keys.staged(), keys.operations(), keys.results()),
        *(keys.runs, keys.queue, keys.generations, keys.gone, keys.signed, keys.prune_reports),
    )
    ended = "Snapshots are named by their time; all that one has is deleted."
    return {
        **dict.fromkeys(suites, _SUITES),
        **dict.fromkeys((keys.pool, keys.by_hash), _HASHES),
        **dict.fromkeys(
            (keys.inrelease, *keys.release), "One object a suite; a suite is a folder."
        ),
        **dict.fromkeys(keys.indices, "One object a suite, component and architecture."),
        **dict.fromkeys((keys.snapshots, keys.snapshots_state), ended),
        keys.snapshots_ended: "One object a snapshot, named by its time.",
        keys.sources: "One object a suite, named by it.",
        keys.reap_reports: "Named by the time of the reaping that they report.",
        keys.certificates: "Certificates are named by key and by signer; there are few, all "
        "public.",
    }


def _accept(construct: IConstruct, finding: str, reason: str) -> None:
    acknowledgment = Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason)
    Validations.of(construct).acknowledge(acknowledgment)


def _find(stack: Stack, path: str) -> IConstruct:
    found: IConstruct = stack
    for part in path.split("/"):
        found = found.node.find_child(part)
    return found


def _logical(stack: Stack, path: str) -> str:
    element = _find(stack, path)
    assert isinstance(element, CfnElement)
    return str(stack.resolve(element.logical_id))
