"""Suppresses findings of cdk-nag's AwsSolutions that are intended, each by place and with a reason.

A wildcard over keys is suppressed by its exact pattern, so that every new wildcard is a finding
until it is listed here.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Aws, CfnElement, Stack, Validations
from constructs import IConstruct
from debpress.config import Repository

from .archive import Archive
from .delivery import DeliveryStack
from .delivery_settings import Delivery
from .functions import sizes
from .permissions import grants, mirrored, patterns
from .press import Press
from .roles import HostRoles, Roles
from .settings import NEWEST, Settings

_SUITES = "Suites, components, batches and runs are folders of the key and not known beforehand."
_NO_LOG = (
    "What changes is in the generations and the executions' logs; who reads is CloudTrail's to "
    "tell, for the account that wants it, and every download would be a line of log."
)
_LOG_OF_LOGS = "It is the log itself, which S3 alone writes; who reads it CloudTrail tells."
_HASHES = "Names are hashes of content, not known beforehand."

_ROLES = "A place of its own, or what hosts read: batches and files are not known beforehand."
_ACCOUNT = "arn:<AWS::Partition>:{}:<AWS::Region>:<AWS::AccountId>:"
_TRACING = "X-Ray's actions know no resources (service authorization reference)."


def of_archive(stack: Stack, archive: Archive) -> None:
    """Suppresses the listed findings, and no others, on the constructs of an archive."""
    bucket = f"<{_logical(stack, archive, 'Storage/Bucket/Resource')}.Arn>"
    _accept_keys(archive.hosts, bucket)
    if archive.replica:
        published = f"{_written(archive.replica)}/{archive.published}"
        for name in archive.hosts.policies:
            _accept(_find(archive.hosts, name), f"IAM5[Resource::{published}]", _ROLES)
    if archive.logs:
        _accept(archive.logs, "S1", _LOG_OF_LOGS)
    else:
        _accept(_find(archive, "Storage/Bucket"), "S1", _NO_LOG)


def of_replica(storage: IConstruct) -> None:
    """Of the bucket that follows."""
    _accept(_find(storage, "Bucket"), "S1", _NO_LOG)


def of_press(stack: Stack, press: Press, settings: Settings, bucket: str) -> None:
    """Suppresses the listed findings, and no others, on the constructs of a press. `bucket` is how
    cdk-nag writes the ARN of the bucket."""
    reasons = _reasons(settings.repository)
    every = grants(settings.repository)
    for name in sizes(settings):
        policy = _find(press, f"Functions/{name.capitalize()}Role")
        for pattern in patterns(every[name]):
            if pattern in reasons:
                _accept(policy, f"IAM5[Resource::{bucket}/{pattern}]", reasons[pattern])
        _accept(policy, "IAM5[Resource::*]", _TRACING)
    _accept_keys(press.roles, bucket)
    for name in press.roles.policies:
        if name.startswith("Operators"):
            _accept_looking(_find(press.roles, name), press, settings)
    if settings.replica_arn:
        _accept_replica(press, settings, _written(settings.replica_arn), reasons)
    machine = _logical(stack, press, "Workflow/Machine/Resource")
    executions = f"IAM5[Resource::{_ACCOUNT.format('states')}execution:<{machine}.Name>:*]"
    for role in (_find(press, "Functions/SetupRole"), *press.roles.operators):
        _accept(role, executions, "Executions of the one workflow, which are named as they start.")
    for role in press.roles.operators:
        _accept(role, "IAM5[Resource::*]", "Questions about the account (stacks/looking.py).")
    _accept(
        _find(press, "Workflow/Role"),
        "IAM5[Resource::*]",
        f"{_TRACING} Log delivery's know none either (Step Functions guide, Logging).",
    )
    _accept(
        _find(press, "Trigger/LostEvents"),
        "SQS3",
        "It is the dead-letter queue, of a rule and of schedules, which this check does not see.",
    )
    if settings.python != NEWEST:
        for name in sizes(settings):
            _accept(
                _find(press, f"Functions/{name.capitalize()}"),
                "L1",
                f"lambda_python asks for {settings.python}; without it, it is the newest.",
            )


def _accept_looking(role: IConstruct, press: Press, settings: Settings) -> None:
    """What operators' roles may look at beside the press and its bucket."""
    described = [settings.names.archive_stack, settings.names.press_stack]
    if settings.delivery:
        described.append(settings.names.delivery_stack)
    for each in described:
        own = f"{_ACCOUNT.format('cloudformation')}stack/{each}/*"
        reason = "This one stack, which the command asks for by its name alone."
        _accept(role, f"IAM5[Resource::{own}]", reason)
    for logs, prefix in press.roles.logs:
        own = f"{_written(logs)}/{prefix}*"
        reason = "All that there is below it is the log, by names that AWS makes."
        _accept(role, f"IAM5[Resource::{own}]", reason)


def of_delivery(stack: DeliveryStack, delivery: Delivery) -> None:
    """Suppresses the listed findings, and no others, on the distribution."""
    for finding, reason in (
        ("CFR1", "Hosts are anywhere; who serves some countries alone restricts it there."),
        ("CFR2", "Files are read, and nothing is interpreted: a firewall has nothing to look for."),
    ):
        _accept(stack.distribution, finding, reason)
    if delivery.logs is None:
        _accept(
            stack.distribution, "CFR3", "Logs cost by the request; delivery.logs asks for them."
        )
    if delivery.domain is None:
        reason = "CloudFront's own address has CloudFront's own rule; delivery.domain has TLS 1.2."
        _accept(stack.distribution, "CFR4", reason)


def _accept_replica(
    press: Press, settings: Settings, bucket: str, reasons: Mapping[str, str]
) -> None:
    keys = settings.repository.layout
    mirror = _find(press, "Functions/MirrorRole")
    for pattern in patterns(mirrored(keys)):
        if pattern in reasons:
            _accept(mirror, f"IAM5[Resource::{bucket}/{pattern}]", reasons[pattern])
    assert settings.replica is not None
    place = f"arn:<AWS::Partition>:cloudformation:{settings.replica.region}:<AWS::AccountId>:"
    own = f"{place}stack/{settings.names.replica_stack}/*"
    for role in press.roles.operators:
        _accept(role, f"IAM5[Resource::{bucket}/{keys.patterns.published}]", _ROLES)
        _accept(role, f"IAM5[Resource::{own}]", "This one stack, by its name alone.")


def _written(arn: str) -> str:
    """An ARN as cdk-nag writes it."""
    tokens = (Aws.PARTITION, "Partition"), (Aws.ACCOUNT_ID, "AccountId"), (Aws.REGION, "Region")
    for token, name in tokens:
        arn = arn.replace(token, f"<AWS::{name}>")
    return arn


def _accept_keys(roles: HostRoles | Roles, bucket: str) -> None:
    for name, keys in roles.policies.items():
        for key in keys:
            # cdk-nag writes a policy's variable as it does a token.
            shown = key.replace("${", "<").replace("}", ">")
            _accept(_find(roles, name), f"IAM5[Resource::{bucket}/{shown}]", _ROLES)


def _reasons(repository: Repository) -> dict[str, str]:
    """The reasons for which policies may have a wildcard, by the pattern of keys."""
    keys = repository.layout.patterns
    patterns = [each.suite for each in repository.patterns]
    passing = (key for each in patterns for key in repository.layout.passing(each))
    notes = map(repository.layout.ended, patterns)
    suites = (
        *(keys.staged(), keys.operations(), keys.results(), *keys.manifests),
        *(
            keys.runs,
            keys.queue,
            keys.generations,
            keys.ended,
            keys.gone,
            keys.signed,
            keys.prune_reports,
            keys.incoming,
            keys.state,
        ),
    )
    ended = "Snapshots are named by their time; all that one has is deleted."
    return {
        **dict.fromkeys(suites, _SUITES),
        **dict.fromkeys((keys.pool, keys.by_hash, keys.provenance), _HASHES),
        **dict.fromkeys(
            (keys.inrelease, *keys.release), "One object a suite; a suite is a folder."
        ),
        **dict.fromkeys(
            (*keys.indices, keys.texts, keys.scripts),
            "A suite's, component's and architecture's.",
        ),
        **dict.fromkeys((keys.snapshots, keys.snapshots_state), ended),
        keys.pages[-1]: "A page for each package.",
        keys.sources: "One object a suite, named by it.",
        **dict.fromkeys((*passing, *notes), "Suites of a pattern come by being published to."),
        keys.living: "One object for each configured pattern of suites.",
        keys.snapshots_ended: "One object a snapshot that has ended.",
        keys.reap_reports: "Named by the time of the reaping that they report.",
        keys.certificates: "Certificates are named by key and by signer; there are few, all "
        "public.",
    }


def _accept(construct: IConstruct, finding: str, reason: str) -> None:
    acknowledgment = Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason)
    Validations.of(construct).acknowledge(acknowledgment)


def _find(scope: IConstruct, path: str) -> IConstruct:
    found = scope
    for part in path.split("/"):
        found = found.node.find_child(part)
    return found


def _logical(stack: Stack, scope: IConstruct, path: str) -> str:
    element = _find(scope, path)
    assert isinstance(element, CfnElement)
    return str(stack.resolve(element.logical_id))
