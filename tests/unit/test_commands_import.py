"""What `debpress key import` says of a key that no stack guards."""

from __future__ import annotations

import json

from debpress import guards
from debpress.commands.key.import_ import unguarded


def test_a_key_that_was_brought_is_told_to_be_unguarded_with_what_guards_it() -> None:
    role = "arn:aws-us-gov:iam::111122223333:role/debpress-sign-us-gov-west-1"
    said = unguarded(role)
    assert "NOT GUARDED" in said
    statement = json.loads(said[said.index("{") :])
    assert statement == guards.signing(role)
    assert statement["Effect"] == "Deny" and statement["Action"] == ["kms:Sign"]
    assert statement["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": role}}
