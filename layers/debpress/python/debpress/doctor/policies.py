"""The statements of a resource's policy, compared with those that the template wants.

A stack that is deployed anew without a change leaves its resources alone, so that a statement which
somebody took out by hand stays out. Nothing else than this comparison would tell.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from debpress.doctor.findings import Finding, Unseen, ok, unseen, warning, wrong

# A remedy and its command.
RESTORE = (
    "deploy it back (docs/runbook.md#guards-that-were-taken-out)",
    "npx cdk deploy --all --revert-drift",
)
_ANYBODY = {"AWS": "*"}
_NESTED = ("Principal", "NotPrincipal", "Condition")


def check(
    about: str, wanted: Sequence[Mapping[str, Any]], there: Sequence[Mapping[str, Any]] | Unseen
) -> Iterator[Finding]:
    """A finding for each statement that is missing, altered, or not the template's."""
    if isinstance(there, Unseen):
        yield unseen(about, "the policy", there)
        return
    mine, theirs = [canonical(each) for each in wanted], [canonical(each) for each in there]
    missing = [each for each in mine if each not in theirs]
    foreign = [each for each in theirs if each not in mine]
    for each in missing:
        altered = next((f for f in foreign if _sid(f) and _sid(f) == _sid(each)), None)
        if altered is None:
            yield wrong(about, f"missing: {described(each)}", *RESTORE)
        else:
            foreign.remove(altered)
            yield wrong(about, f"altered: {described(each)}; {_change(each, altered)}", *RESTORE)
    for each in foreign:
        yield warning(
            about,
            f"not the template's: {described(each)}",
            "take it out, if nobody remembers why it is there",
        )
    if not missing:
        guards = sum(each["Effect"] == ["Deny"] for each in mine)
        yield ok(about, f"all {len(mine)} statements are in force, {guards} of them Deny")


def canonical(statement: Mapping[str, Any]) -> dict[str, Any]:
    """A statement in the one spelling of all that mean the same: services store a policy in another
    order than it was put, and take one value for a list of one (IAM user guide, "Grammar")."""
    found: dict[str, Any] = {
        name: _sorted(value) for name, value in statement.items() if name not in _NESTED
    }
    for name in ("Principal", "NotPrincipal"):
        if name in statement:
            who = _ANYBODY if statement[name] == "*" else statement[name]
            found[name] = {kind: _sorted(value) for kind, value in who.items()}
    if statement.get("Condition"):
        found["Condition"] = {
            operator: {key.lower(): _sorted(value) for key, value in keys.items()}
            for operator, keys in statement["Condition"].items()
        }
    return found


def _sorted(value: Any) -> Any:
    if isinstance(value, bool):
        return [json.dumps(value)]
    return sorted(map(str, value)) if isinstance(value, list | tuple) else [str(value)]


def described(statement: Mapping[str, Any]) -> str:
    """`OnlyTheSignerSigns (Deny kms:Sign)`."""
    actions = statement.get("Action") or [f"all but {', '.join(statement.get('NotAction', ()))}"]
    what = f"{statement['Effect'][0]} {', '.join(actions)}"
    return f"{_sid(statement)} ({what})" if _sid(statement) else what


def _sid(statement: Mapping[str, Any]) -> str:
    return str(statement.get("Sid", [""])[0])


def _change(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    """Which parts differ; a part is as long as the list of ARNs in it, so only named."""
    parts = sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))
    return f"its {' and '.join(parts)} {'differs' if len(parts) == 1 else 'differ'}"
