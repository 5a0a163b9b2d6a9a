"""The keys in KMS that sign: able to sign, and nobody's but the signing function's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from debpress import guards
from debpress.doctor import policies
from debpress.doctor.findings import Finding, Unseen, ok, unseen, warning, wrong
from debpress.doctor.policies import canonical

_SID = "OnlyTheSignerSigns"


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """`uri` is the signer's, `arn` its key's; `state` is KMS's (`Enabled`), `policy` the statements
    of the key's policy. `fingerprint` is that of the certificate that hosts trust."""

    uri: str
    arn: str
    fingerprint: str
    state: str | Unseen
    policy: Sequence[Mapping[str, Any]] | Unseen


def about(arn: str) -> str:
    """What findings call a key."""
    return f"key {arn.rpartition('/')[2][:8]}"


def check(
    facts: KeyFacts, signer: str, wanted: Sequence[Mapping[str, Any]] | None
) -> Iterator[Finding]:
    """`signer` is the ARN of the signing function's role, whether it is deployed just now or not.
    `wanted` are the statements of the template that has the key; of a key that none has, the one
    that every signing key must have."""
    name = about(facts.arn)
    yield _state(name, facts)
    if wanted is None:
        yield _guard(name, facts, signer)
    else:
        yield from policies.check(name, wanted, facts.policy)
    if "#" not in facts.uri:
        yield warning(
            name,
            "the configuration does not pin its certificate, so were state/_signers/ lost, "
            "another one would be minted that no host trusts",
            "pin it in cdk.json, and deploy",
            f'"signers": ["{facts.uri}#{facts.fingerprint}"]',
        )


def _state(about: str, facts: KeyFacts) -> Finding:
    if isinstance(facts.state, Unseen):
        return unseen(about, "its state", facts.state)
    if facts.state == "Enabled":
        return ok(about, f"able to sign ({facts.uri.partition('#')[0]})")
    undo = "cancel its deletion, and " if facts.state == "PendingDeletion" else ""
    return wrong(
        about,
        f"its state is {facts.state}, so nothing can be signed",
        f"{undo}enable it (docs/keys.md#loss)",
        f"aws kms enable-key --key-id {facts.arn}",
    )


def _guard(about: str, facts: KeyFacts, signer: str) -> Finding:
    if isinstance(facts.policy, Unseen):
        return unseen(about, "its policy", facts.policy)
    there = [canonical(each) for each in facts.policy]
    wanted = guards.signing(signer)
    if canonical(wanted) in there:
        return ok(about, "nobody but the signing function signs")
    state = "is altered" if any(each.get("Sid") == [_SID] for each in there) else "is missing"
    return wrong(
        about,
        f"{_SID} {state}: others than {signer} may sign what hosts trust",
        "add this statement to its policy (docs/runbook.md#guards-that-were-taken-out)",
        json.dumps(wanted),
    )
