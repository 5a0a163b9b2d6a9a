"""What the account allows Lambda, which in a new account is little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from debpress.doctor.findings import Finding, Level, Unseen, ok, unseen, warning

_ABOUT = "capacity"
# A new account's (Lambda developer guide, "Lambda quotas").
NEW_CONCURRENCY = 10
NEW_MEMORY = 3008


@dataclass(frozen=True, slots=True)
class Capacity:
    """`concurrent` is how many calls the account's functions may make at once, `unreserved` how
    many of these are for everybody. `memory` is what the largest function has, in MB: AWS tells no
    limit of it, but a function that has more than the limit could not have been made."""

    concurrent: int
    unreserved: int
    memory: int


def check(found: Capacity | Unseen) -> Iterator[Finding]:
    if isinstance(found, Unseen):
        yield unseen(_ABOUT, "the account's limits of Lambda", found, Level.WARNING)
        return
    if found.unreserved <= NEW_CONCURRENCY:
        yield warning(
            _ABOUT,
            f"the account makes {found.unreserved} calls of functions at once: a batch of many "
            "packages takes longer, and many batches at once are slow",
            "ask AWS for more",
            "aws service-quotas request-service-quota-increase --service-code lambda "
            "--quota-code L-B99A9384 --desired-value 1000",
        )
    else:
        yield ok(_ABOUT, f"{found.unreserved} of {found.concurrent} calls at once")
    more = "more than a new account may have" if found.memory > NEW_MEMORY else "any account may"
    yield ok(_ABOUT, f"the largest function has {found.memory} MB ({more})")
