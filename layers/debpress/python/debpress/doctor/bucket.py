"""The bucket's settings: without some of them nothing starts, is safe, or can be brought back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from debpress.doctor.findings import Finding, Level, Unseen, ok, unseen, warning, wrong
from debpress.doctor.policies import RESTORE
from debpress.layout import STATE, Layout, Patterns

_ABOUT = "bucket"
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")

# What is kept for a while below state/; everything else there is kept for ever.
_NOTES = (
    *(Patterns.runs, Patterns.signed, Patterns.incoming),
    *(Patterns.prune_reports, Patterns.reap_reports),
)

Rules = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """What S3 answers. `versioning` is `Enabled`, `Suspended` or None; `public_access` the blocks,
    `encryption` what encrypts new objects (`SSEAlgorithm`, `KMSMasterKeyID`), `lifecycle` the
    rules: each is empty where nothing is configured."""

    name: str
    versioning: str | Unseen | None
    public_access: Mapping[str, bool] | Unseen
    events: bool | Unseen
    encryption: Mapping[str, str] | Unseen
    lifecycle: Sequence[Mapping[str, Any]] | Unseen


def check(
    facts: BucketFacts, wanted: Mapping[str, Any] | None, layout: Layout, *, uploads: bool = True
) -> list[Finding]:
    """`wanted` are the template's properties of the bucket, None where no template has it.
    `uploads` is whether anything is uploaded there, of which EventBridge has to be told."""
    return [
        _versioning(facts),
        _public_access(facts),
        *([_events(facts)] if uploads else []),
        _encryption(facts, wanted),
        *_lifecycle(facts, wanted, layout),
    ]


def _versioning(facts: BucketFacts) -> Finding:
    if isinstance(facts.versioning, Unseen):
        return unseen(_ABOUT, "its versioning", facts.versioning)
    if facts.versioning == "Enabled":
        return ok(_ABOUT, "versions are kept")
    return wrong(
        _ABOUT,
        "versions are not kept: what is replaced or deleted is lost, and the reaper could delete "
        "what was written a moment ago",
        "have them kept",
        f"aws s3api put-bucket-versioning --bucket {facts.name} "
        "--versioning-configuration Status=Enabled",
    )


def _public_access(facts: BucketFacts) -> Finding:
    if isinstance(facts.public_access, Unseen):
        return unseen(_ABOUT, "its public access block", facts.public_access)
    off = [name for name in _BLOCKS if not facts.public_access.get(name)]
    if not off:
        return ok(_ABOUT, "public access is blocked")
    every = ",".join(f"{name}=true" for name in _BLOCKS)
    return wrong(
        _ABOUT,
        f"public access is not blocked: {', '.join(off)} {'is' if len(off) == 1 else 'are'} off",
        "block it",
        f"aws s3api put-public-access-block --bucket {facts.name} "
        f"--public-access-block-configuration {every}",
    )


def _events(facts: BucketFacts) -> Finding:
    if isinstance(facts.events, Unseen):
        return unseen(_ABOUT, "whether it tells EventBridge of uploads", facts.events)
    if facts.events:
        return ok(_ABOUT, "EventBridge is told of uploads")
    return wrong(
        _ABOUT,
        "EventBridge is not told of uploads, so none starts the workflow",
        "have it told, then upload the manifests that wait again (debpress status)",
        f"aws s3api put-bucket-notification-configuration --bucket {facts.name} "
        "--notification-configuration '{\"EventBridgeConfiguration\": {}}'",
    )


def _encryption(facts: BucketFacts, wanted: Mapping[str, Any] | None) -> Finding:
    there = facts.encryption
    if isinstance(there, Unseen):
        return unseen(_ABOUT, "its encryption", there)
    if wanted is None:
        return ok(_ABOUT, f"encrypted by {_by(there)}")
    [rule] = wanted["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    meant = rule["ServerSideEncryptionByDefault"]
    same = _key(meant) == _key(there) and meant["SSEAlgorithm"] == there.get("SSEAlgorithm")
    if same:
        return ok(_ABOUT, f"encrypted by {_by(there)}")
    return wrong(_ABOUT, f"encrypted by {_by(there)}, and should be by {_by(meant)}", *RESTORE)


def _by(encryption: Mapping[str, str]) -> str:
    key = encryption.get("KMSMasterKeyID")
    return key or {"AES256": "S3's own keys"}.get(encryption.get("SSEAlgorithm", ""), "nothing")


def _key(encryption: Mapping[str, str]) -> str | None:
    """The id alone: S3 tells a key as it was put, by id or by ARN."""
    key = encryption.get("KMSMasterKeyID")
    return key.rpartition("/")[2] if key else None


def _lifecycle(
    facts: BucketFacts, wanted: Mapping[str, Any] | None, layout: Layout
) -> Iterator[Finding]:
    if isinstance(facts.lifecycle, Unseen):
        yield unseen(_ABOUT, "its lifecycle rules", facts.lifecycle)
        return
    there = {str(rule.get("ID")): _there(rule) for rule in facts.lifecycle}
    meant = _wanted(wanted) if wanted is not None else {}
    lacking = sorted(name for name in meant if name not in there)
    altered = sorted(name for name in meant if name in there and there[name] != meant[name])
    if lacking:
        yield warning(_ABOUT, f"lifecycle rules are missing: {', '.join(lacking)}", *RESTORE)
    if altered:
        yield warning(_ABOUT, f"lifecycle rules were altered: {', '.join(altered)}", *RESTORE)
    for name in sorted({*there} - {*meant}) if wanted is not None else sorted(there):
        yield from _foreign(name, there[name], layout, known=wanted is None)
    if not lacking and not altered:
        yield ok(_ABOUT, f"{len(there)} lifecycle rules" + " as deployed" * (wanted is not None))


def _foreign(
    name: str, rule: Mapping[str, Any], layout: Layout, *, known: bool
) -> Iterator[Finding]:
    """A rule that no template has. One by which what hosts read would go is against law 3."""
    prefix = rule["prefix"]
    ends = rule["days"] or rule["date"]
    if ends and rule["status"] == "Enabled" and _keeps(prefix, layout):
        yield Finding(
            _ABOUT,
            Level.WRONG,
            f"the lifecycle rule {name} deletes what hosts or the press still read, by age "
            f"({prefix or 'the whole bucket'})",
            "delete that rule now (aws s3api put-bucket-lifecycle-configuration), then "
            "debpress verify; docs/runbook.md#restoring-what-was-deleted-or-replaced",
        )
    elif not known:
        yield warning(
            _ABOUT,
            f"the lifecycle rule {name} ({prefix or 'the whole bucket'}) is not the template's",
            "delete it, if nobody remembers why it is there",
        )


def _keeps(prefix: str, layout: Layout) -> bool:
    """Whether there is something below a prefix that no age may delete."""
    if any(fnmatchcase(prefix, notes) for notes in _NOTES):
        return False
    kept = (f"{layout.root}/", STATE)
    return prefix.startswith(kept) or any(each.startswith(prefix) for each in kept)


def _there(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as S3 tells it."""
    where = rule.get("Filter", {})
    where = {**where, **where.get("And", {})}
    expiration = rule.get("Expiration", {})
    return {
        "status": rule.get("Status"),
        "prefix": rule.get("Prefix")
        or where.get("Prefix")
        or where.get("And", {}).get("Prefix", ""),
        "days": expiration.get("Days"),
        "date": expiration.get("Date"),
        "marker": bool(expiration.get("ExpiredObjectDeleteMarker")),
        "noncurrent": rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"),
        "uploads": rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation"),
    }


def _wanted(properties: Mapping[str, Any]) -> Rules:
    """The template's rules, in the same form (CloudFormation, `AWS::S3::Bucket Rule`)."""
    return {
        rule["Id"]: {
            "status": rule["Status"],
            "prefix": rule.get("Prefix", ""),
            "days": rule.get("ExpirationInDays"),
            "date": rule.get("ExpirationDate"),
            "marker": bool(rule.get("ExpiredObjectDeleteMarker")),
            "noncurrent": rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"),
            "uploads": rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation"),
        }
        for rule in properties.get("LifecycleConfiguration", {}).get("Rules", ())
    }
