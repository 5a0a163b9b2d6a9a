"""What the policies of the bucket and of a signing key deny to all roles but one. Pure.

The stacks put these statements into the policies, and commands compare policies with them; nobody
else spells them. A role is named by its ARN, which follows from the press's name, the Region and
the step. So a policy can name the role of a function that is not deployed yet, or not any more, and
is the same once the function is deployed anew. A condition on `aws:PrincipalArn` compares text,
where a `Principal` would become the id of a role that exists (IAM user guide, "Principal").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from debpress.layout import Layout

# IAM takes 64 characters for a role's name; the longest Region has 15, a step's name up to 12.
NAME = re.compile(r"[a-z](-?[a-z0-9]){0,31}")

Statement = dict[str, Any]
_DELETIONS = ["s3:DeleteObject", "s3:DeleteObjectVersion"]


def role_name(name: str, step: str, region: str) -> str:
    """The name of a step's role; IAM's names are the account's, so the Region is in it."""
    return f"{name}-{step}-{region}"


def role_arn(role: str, account: str, partition: str = "aws") -> str:
    return f"arn:{partition}:iam::{account}:role/{role}"


def signing(signer: str) -> Statement:
    """For the policy of a signing key: nobody signs but the signing function's role, whatever other
    roles of the account are allowed. `signer` is that role's ARN.

    Whoever may change the key's policy can undo this.
    """
    return _deny("OnlyTheSignerSigns", ["kms:Sign"], ["*"], _others(signer))


def bucket(arn: str, layout: Layout, role: Callable[[str], str]) -> list[Statement]:
    """For the policy of the bucket `arn`: what no role may do but one, whatever its own policy
    says; and a flip, or the end of a suite, is conditional.

    `role` gives the ARN of a step's role. Whoever may change the bucket's policy can undo this.
    """
    keys = layout.patterns
    inrelease, rotation = f"{arn}/{keys.inrelease}", f"{arn}/{keys.rotation}"
    pool = f"{arn}/{keys.pool}"
    indices = [f"{arn}/{keys.every_hash}", f"{arn}/{keys.scripts}"]
    # What S3 sums for admission is in nobody else's reach either, before it is in the pool.
    filled = [pool, f"{arn}/{keys.incoming}"]
    put = ["s3:PutObject"]
    reaper = _others(role("reap"))
    return [
        _deny("OnlyTheCommitterFlips", put, [inrelease], _others(role("commit"))),
        # A snapshot's, or of a suite of a pattern: its own policy lets the reaper touch no other.
        _deny("OnlyTheReaperEndsSnapshots", _DELETIONS, [inrelease], reaper),
        _conditional(inrelease),
        # The state that was looked at, and none that was published since (S3 user guide, "Enforce
        # conditional deletes"). A snapshot's is deleted by its version's id.
        _deny("AnEndIsConditional", _DELETIONS[:1], [inrelease], {"Null": {"s3:if-match": "true"}}),
        _deny("OnlyAdmissionFillsThePool", put, filled, _others(role("admit"))),
        _deny("OnlyStepsRotate", put, [rotation], _others(role("setup"))),
        _deny("OnlyTheReaperDeletes", _DELETIONS, [pool, *indices], reaper),
    ]


def replica(arn: str, layout: Layout, mirror: str) -> list[Statement]:
    """For the policy of the bucket `arn` that follows another one: nobody but the mirroring
    function's role writes or deletes there, and a flip is conditional. `mirror` is that role's ARN.

    Whoever may change the bucket's policy can undo this.
    """
    everything, others = [f"{arn}/*"], _others(mirror)
    return [
        _deny("OnlyTheMirrorWrites", ["s3:PutObject"], everything, others),
        _deny("OnlyTheMirrorDeletes", _DELETIONS, everything, others),
        _conditional(f"{arn}/{layout.patterns.inrelease}"),
    ]


def _conditional(inrelease: str) -> Statement:
    """S3 user guide, "Enforce conditional writes"."""
    unconditional = {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}}
    return _deny("AFlipIsConditional", ["s3:PutObject"], [inrelease], unconditional)


def _others(role: str) -> dict[str, Any]:
    """Everybody else: of a function's session this key is its role's ARN (IAM user guide,
    "aws:PrincipalArn"), and a request without any such key matches, too."""
    return {"ArnNotEquals": {"aws:PrincipalArn": role}}


def _deny(
    sid: str, actions: list[str], resources: list[str], conditions: dict[str, Any]
) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": actions,
        "Resource": resources,
        "Condition": conditions,
    }
