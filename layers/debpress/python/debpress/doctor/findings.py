"""What a check says: a sentence on what was found, how bad it is, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

RIGHTS = "docs/operators.md#what-the-operators-role-may-do"


class Level(StrEnum):
    """`warning` is for what harms nobody yet."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """`about` is what was looked at, in a word or two. `remedy` says what to do, and where that is
    explained; `command` is what to type, if one command does it. Both are empty where all is well,
    and where the message says it already."""

    about: str
    level: Level
    message: str
    remedy: str = ""
    command: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Unseen:
    """A question without an answer. `why` is a sentence; `permission` is the IAM action that AWS
    refused, None where the reason is another one."""

    why: str
    permission: str | None = None


def ok(about: str, message: str) -> Finding:
    return Finding(about, Level.OK, message)


def warning(about: str, message: str, remedy: str, command: str = "") -> Finding:
    return Finding(about, Level.WARNING, message, remedy, command)


def wrong(about: str, message: str, remedy: str, command: str = "") -> Finding:
    return Finding(about, Level.WRONG, message, remedy, command)


def unseen(about: str, what: str, question: Unseen, level: Level = Level.WRONG) -> Finding:
    """The finding of a question without an answer. `level` is that of the worst answer there could
    have been: what was not looked at is not well."""
    if question.permission is None:
        return Finding(about, level, f"{what} could not be seen: {question.why}")
    return Finding(
        about,
        level,
        f"{what} may not be seen: you lack {question.permission}",
        f"allow it, or use the operators' role ({RIGHTS})",
    )
