"""Starts ministack as launch.py does, with checks of policies (`AUTH=true`), of which it mends two.

The policies of our bucket and key allow a single role by the condition key `aws:PrincipalArn`. For
a role's session AWS gives it the role's ARN (IAM user guide, "AWS global condition context keys"),
but ministack the session's. And the bucket's policy demands conditional writes by `s3:if-match` and
`s3:if-none-match` (S3 user guide, "Enforce conditional writes"), which ministack does not know.
Unless both are mended, every publish is denied.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

_SESSION = re.compile(r"arn:([^:]+):sts::([0-9]+):assumed-role/([^/]+)/.+")
_CONDITIONS = ("if-match", "if-none-match")


def role_of_session(resolve: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Wraps ministack's resolver of condition keys: `aws:PrincipalArn` becomes the role's ARN."""

    def resolved(key: str, context: Any) -> Any:
        value = resolve(key, context)
        session = _SESSION.fullmatch(str(value)) if key.lower() == "aws:principalarn" else None
        return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}" if session else value

    return resolved


def with_conditions(context: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Wraps ministack's function that gives S3's condition keys: adds those of conditional writes,
    from the request's headers."""

    def mended(action: str, query: Any, path: str = "", headers: Any = None) -> dict[str, Any]:
        found = {name.lower(): value for name, value in (headers or {}).items()}
        ours = {f"s3:{name}": found[name] for name in _CONDITIONS if name in found}
        return {**context(action, query, path, headers), **ours}

    return mended


def main() -> None:
    evaluator: Any = import_module("ministack.core.iam_evaluator")
    evaluator._resolve_condition_key = role_of_session(evaluator._resolve_condition_key)
    actions: Any = import_module("ministack.core.iam_actions")
    actions.s3_service_context = with_conditions(actions.s3_service_context)
    import_module("launch").main()  # Importable, since it is in this script's folder.


if __name__ == "__main__":
    main()
