"""The distribution in front of a bucket: caches that are as stale as the template lets them be.

CloudFront has caches in many places, and a host may be sent to another one at each request. So what
is kept here is kept to the last second, in several caches that know nothing of each other, and each
request goes to one of them by chance.
"""

from __future__ import annotations

import random
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from debpress.layout import Layout

from stacks import caching
from tests.support import web
from tests.support.clock import FakeClock
from tests.support.edge import Edge, event
from tests.support.replay import Bucket
from tests.support.web import Answer, Asked, Stored

_MAX_AGE = re.compile(r"\bmax-age=(\d+)")


@dataclass(frozen=True, slots=True)
class _Copy:
    stored: Stored
    until: datetime


@dataclass
class Front:
    """`before` is called with each path before it is answered, and may publish. `hits` counts the
    answers for which the bucket was not asked. `edge` is the function at the door, if there is
    one."""

    bucket: Bucket
    layout: Layout
    clock: FakeClock
    edge: Edge | None = None
    before: Callable[[str], None] = lambda _: None
    caches: int = 2
    hits: int = 0

    def __post_init__(self) -> None:
        self._caches: list[dict[str, _Copy]] = [{} for _ in range(self.caches)]
        self._chance = random.Random(1)
        self._alone = threading.Lock()

    @contextmanager
    def served(self, tls: ssl.SSLContext | None = None) -> Iterator[str]:
        """The address below which the root's paths are, without a slash at its end."""
        with web.served(self.answer, tls) as address:
            yield address.rstrip("/")

    def answer(self, asked: Asked) -> Answer:
        path = asked.path.partition("?")[0].removeprefix("/")
        with self._alone:
            self.before(path)
            if self.edge and (refused := self._at_the_door(asked)):
                return refused
            return self._cached(path, asked)

    def _at_the_door(self, asked: Asked) -> Answer | None:
        assert self.edge is not None
        header = asked.headers.get("Authorization")
        (found,) = self.edge.ask(event(asked.path, header, asked.method))
        answer: dict[str, Any] = found["answer"]
        if "statusCode" not in answer:
            assert "authorization" not in answer["headers"]
            return None
        headers = {name: each["value"] for name, each in answer["headers"].items()}
        words = answer["statusDescription"]
        return Answer(answer["statusCode"], answer["body"].encode(), headers, words)

    def _cached(self, path: str, asked: Asked) -> Answer:
        cache = self._chance.choice(self._caches)
        now = self.clock.now()
        copy = cache.get(path)
        if copy is not None and now < copy.until:
            self.hits += 1
        else:
            # The parameters of a query are not handed on, nor is what the host wanted of it.
            known = {"If-None-Match": copy.stored.etag} if copy else {}
            answer = self.bucket.answer(Asked("GET", f"/{self.layout.root}/{path}", known))
            if answer.status == 304 and copy is not None:
                stored = copy.stored
            elif answer.status == 200:
                stored = _stored(answer)
            else:
                assert caching.ABSENT == 0
                cache.pop(path, None)
                return answer
            copy = _Copy(stored, now + self._kept(path, stored))
            cache[path] = copy
        return web.answer(copy.stored, asked.headers)

    def _kept(self, path: str, stored: Stored) -> timedelta:
        """For how long an object is not asked for again (CloudFront developer guide, "Manage how
        long content stays in the cache", with a least time of 0)."""
        rule = caching.rule(self.layout, path)
        said = stored.cache_control or ""
        age = _MAX_AGE.search(said)
        if re.search(r"\b(no-cache|no-store|private)\b", said):
            return timedelta(0)
        return timedelta(seconds=min(rule.most, int(age[1])) if age else rule.default)


def _stored(answer: Answer) -> Stored:
    modified = parsedate_to_datetime(answer.headers["Last-Modified"])
    return Stored(
        answer.body, modified, answer.headers["ETag"], answer.headers.get("Cache-Control")
    )
