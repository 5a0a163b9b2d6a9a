"""Questions to AWS of which each may be refused, or fail, without an end of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from debpress.adapters import aws
from debpress.doctor.findings import Unseen
from debpress.errors import DebpressError

_T = TypeVar("_T")
_D = TypeVar("_D")


def asked(permission: str, what: str, call: Callable[[], _T]) -> _T | Unseen:
    """What `call` returns; where AWS refuses or fails, why. `permission` is the IAM action that it
    needs, `what` a phrase on what it tells."""
    try:
        with aws.translated(f"see {what}", f"that you have {permission}"):
            return call()
    except DebpressError as error:
        return Unseen(str(error), permission if aws.refused(error) else None)


def unless(codes: tuple[str, ...], default: _D, call: Callable[[], _T]) -> Callable[[], _T | _D]:
    """A call that returns `default` at these error codes, by which AWS says that there is none."""

    def checked() -> _T | _D:
        try:
            return call()
        except ClientError as error:
            if aws.code(error) in codes:
                return default
            raise

    return checked
