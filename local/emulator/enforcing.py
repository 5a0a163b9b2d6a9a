"""Starts ministack as launch.py does, with its checks of policies on (`AUTH=true`), two mended.

`aws:PrincipalArn`, by which our bucket's and key's policies tell the one role that may, is of a
role's session the role's ARN on AWS (IAM user guide, "AWS global condition context keys");
ministack takes the session's own. And it knows neither `s3:if-match` nor `s3:if-none-match`, by
which our bucket's policy asks for conditional writes (S3 user guide, "Enforce conditional writes").
Without either, nobody could publish.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

_SESSION = re.compile(r"arn:([^:]+):sts::([0-9]+):assumed-role/([^/]+)/.+")
_CONDITIONS = ("if-match", "if-none-match")


def role_of_session(resolve: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """What gives a condition's key its value, mended."""

    def resolved(key: str, context: Any) -> Any:
        value = resolve(key, context)
        session = _SESSION.fullmatch(str(value)) if key.lower() == "aws:principalarn" else None
        return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}" if session else value

    return resolved


def with_conditions(context: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """What gives S3's own keys their values, from the headers, mended."""

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
    import_module("launch").main()  # Beside this script, which makes it importable.


if __name__ == "__main__":
    main()
