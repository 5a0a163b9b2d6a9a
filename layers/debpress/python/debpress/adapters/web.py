"""Plain requests without credentials, as a host makes them."""

from __future__ import annotations

import urllib3

from debpress.doctor.findings import Unseen
from debpress.doctor.hosts import Answer

_SECONDS = 10.0


def fetch(url: str) -> Answer | Unseen:
    """The answer to a GET; no answer is a reason, too, as from outside of a private network."""
    pool = urllib3.PoolManager(timeout=_SECONDS, retries=urllib3.Retry(1, redirect=3))
    try:
        answer = pool.request("GET", url)
    except urllib3.exceptions.HTTPError as error:
        # Its own text repeats the address, and names objects in memory.
        reason = type(getattr(error, "reason", error)).__name__
        return Unseen(f"it does not answer from here ({reason})")
    return Answer(answer.status, answer.data)
