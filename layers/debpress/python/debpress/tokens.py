"""Read credentials: a name and a secret, by which a host is let in at the front door.

They are in a key-value store of CloudFront's, each record under its name, and the function at the
edge looks there (decision 0023). Who changes the store must say which version of all of it he has
seen. So each change is made upon what was read before: of two that make one name at once, the
second sees the first one's record, and is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from debpress import codec
from debpress.clock import iso
from debpress.errors import DebpressError, TransientError
from debpress.records.token import Token

# What a user name of Basic authentication can be: no colon; and no capitals, so that no two look
# alike. The function at the edge asks the store for nothing else.
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

# Bytes of a value (CloudFront developer guide, "Quotas on key value stores").
MOST_BYTES = 1024

# Others may change the store meanwhile: each of them at most once a second or so, by hand.
_ROUNDS = 10


class KeyValues(Protocol):
    """A store of texts, all of which have one version together."""

    def version(self) -> str:
        """What to say to change what was read since."""

    def get(self, key: str) -> str | None: ...

    def put(self, key: str, value: str, version: str) -> bool:
        """False if the store has another version: nothing was changed."""

    def delete(self, key: str, version: str) -> bool:
        """As `put`; of a key that is there."""

    def items(self) -> Iterator[tuple[str, str]]: ...


def record(
    secret: str, now: datetime, end: datetime | None, suites: tuple[str, ...] | None
) -> Token:
    """What is kept of a secret. Raises DebpressError if it has ended already, or is too large."""
    if end is not None and end <= now:
        raise DebpressError(f"the end, {iso(end)}, is over; name a later day")
    made = Token(
        hashlib.sha256(secret.encode()).hexdigest(),
        iso(now),
        None if end is None else iso(end),
        None if suites is None else tuple(sorted(set(suites))),
    )
    if len(codec.dump(made)) > MOST_BYTES:
        raise DebpressError(
            f"so many suites take more than the {MOST_BYTES} bytes that CloudFront keeps of a "
            "token; name fewer, and make a second token for the others"
        )
    return made


def add(store: KeyValues, name: str, made: Token) -> None:
    """Lets a name in. Raises DebpressError if it is in use; TransientError."""
    for _ in range(_ROUNDS):
        version = store.version()
        found = store.get(name)
        if found is not None:
            # An answer may have been lost on its way, and the call made again.
            if codec.load(Token, found.encode(), name).sha256 == made.sha256:
                return
            raise DebpressError(f"{name} has a token; revoke it first, or take another name")
        if store.put(name, codec.dump(made).decode(), version):
            return
    raise _busy()


def revoke(store: KeyValues, name: str) -> None:
    """Lets a name in no longer. Raises DebpressError if there is none; TransientError."""
    for _ in range(_ROUNDS):
        version = store.version()
        if store.get(name) is None:
            raise DebpressError(f"{name} has no token (debpress token list shows who has)")
        if store.delete(name, version):
            return
    raise _busy()


def listed(store: KeyValues) -> dict[str, Token]:
    """All there are, in the order of their names. Raises CorruptError."""
    return {name: codec.load(Token, value.encode(), name) for name, value in sorted(store.items())}


def _busy() -> TransientError:
    return TransientError("the store of tokens is being changed by others all the time; try again")
